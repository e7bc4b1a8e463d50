"""Sentry and what speaks its protocols: API, envelopes, webhooks, sentry-cli, Bugsink."""
