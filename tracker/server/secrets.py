"""Authenticating requests: secrets compared in constant time, on bytes."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from tracker.settings.loading import secret
from tracker.settings.schema import Settings

Headers = Mapping[str, bytes]
"""Header names in lower case, values as they came over the wire."""
_MOST_QUERY_FIELDS = 50


@dataclass(frozen=True)
class Secrets:
    """The secrets of every route; a route without one rejects every request."""

    alertmanager: str | None = None
    sentry_client: str | None = None
    dsn_key: str | None = None
    sentry_api: str | None = None
    github: str | None = None
    gitlab: str | None = None
    events: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Secrets":
        """Read them from the environment, or from files that it names.

        Raises:
            SettingsError: If one is named and not set.
        """
        file = settings.file
        return cls(
            alertmanager=secret(file.alertmanager.token_env),
            sentry_client=secret(file.sentry.client_secret_env),
            dsn_key=secret(file.sentry.dsn_key_env),
            sentry_api=secret(file.sentry.token_env),
            github=secret(file.github.hook_secret_env),
            gitlab=secret(file.gitlab.hook_token_env),
            events=secret(file.hooks.token_env),
        )

    def of_route(self, route: str) -> str | None:
        """Return the secret that a route asks for; None if there is none, so that it rejects every request."""
        return {
            "alertmanager": self.alertmanager,
            "sentry": self.sentry_client,
            "envelope": self.dsn_key,
            "github": self.github,
            "gitlab": self.gitlab,
            "events": self.events,
            "sentry-cli": self.events or self.sentry_api,
        }[route]


def same(wanted: str | None, got: bytes | str | None) -> bool:
    """Compare a secret in constant time."""
    if not wanted or got is None:
        return False
    # JSON can hold lone surrogates, which must not raise an error here.
    given = got.encode("utf-8", "replace") if isinstance(got, str) else got
    return hmac.compare_digest(wanted.encode(), given)


def bearer(headers: Headers, *wanted: str | None) -> bool:
    """Whether the request presents one of these tokens: `Authorization: Bearer …`."""
    kind, _, token = headers.get("authorization", b"").partition(b" ")
    if kind.lower() != b"bearer":
        return False
    # All are compared, so that the time does not show which one matches.
    matches = [same(value, token.strip()) for value in wanted]
    return any(matches)


def signed(wanted: str | None, signature: bytes, body: bytes, *, prefix: bytes = b"") -> bool:
    """Whether a signature is the HMAC-SHA256 of the raw body in hexadecimal digits."""
    if not wanted:
        return False
    right = prefix + hmac.new(wanted.encode(), body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(right, signature)


def sentry_key(headers: Headers, query: bytes, envelope_header: Mapping[str, object]) -> str | None:
    """Return the public key of a DSN: from X-Sentry-Auth, else from the query, else from the envelope's own DSN."""
    for name in ("x-sentry-auth", "authorization"):
        kind, _, fields = headers.get(name, b"").decode("latin-1").partition(" ")
        if kind.lower() == "sentry":
            for field in fields.split(","):
                key, _, value = field.strip().partition("=")
                if key == "sentry_key":
                    return value.strip()
    if from_query := query_field(query, "sentry_key"):
        return from_query
    dsn = envelope_header.get("dsn")
    if isinstance(dsn, str):
        before, at, _ = dsn.partition("://")[2].partition("@")
        return before.partition(":")[0] if at else None
    return None


def query_field(query: bytes, name: str) -> str | None:
    """Return one field of a query; None if there are more fields than any sender writes."""
    try:
        values = parse_qs(query.decode("latin-1"), max_num_fields=_MOST_QUERY_FIELDS).get(name)
    except ValueError:
        return None
    return values[0] if values else None
