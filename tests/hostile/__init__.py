"""Requests and payloads from somebody who means harm, in bounded numbers: python -m tests.hostile."""
