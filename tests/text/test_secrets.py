"""What looks like a secret, and what does not."""

import base64
import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.text.secrets import find_secrets, find_secrets_in_bytes, without_secrets

MIXED = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2"

SECRETS = [
    (
        "a private key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
    ),
    ("a private key", "key: -----BEGIN PRIVATE KEY-----"),
    ("an AWS access key id", "AKIA" + "QYLPMN5HFIQR7XYA"),
    ("a secret", f"AWS_SECRET_ACCESS_KEY={MIXED}wxyz"),
    ("a Google API key", "AIza" + MIXED[:35]),
    ("an Azure storage key", "AccountKey=" + "aB3d" * 21 + "ab=="),
    ("a GitHub token", "ghp_" + MIXED),
    ("a GitHub token", "use github_pat_" + "11ABCDEFG0" * 3),
    ("a GitLab token", "glpat-" + MIXED[:20]),
    ("a Slack token", "xoxb-123456789012-" + MIXED[:20]),
    ("a Slack webhook", "https://hooks.slack.com/services/T00000000/B00000000/" + MIXED[:24]),
    ("a Stripe key", "sk_live_" + MIXED[:24]),
    ("an npm token", "npm_" + MIXED),
    ("a PyPI token", "pypi-AgEIcHlwaS5vcmc" + MIXED * 2),
    ("a JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
    ("a password in an address", "postgresql://checkout:s3cret@db.internal/orders"),
    ("a password in an address", "redis://:hunter2@cache:6379/0"),
    ("an Authorization header", "curl -H 'Authorization: Bearer abcdef12345'"),
    ("an Authorization header", '"authorization": "Basic dXNlcjpwYXNzd29yZA=="'),
    ("a bearer token", f"called it with bearer {MIXED}"),
    ("a Sentry DSN with its secret", f"https://{'ab12' * 8}:{'cd34' * 8}@sentry.io/42"),
    ("a password", "password=hunter2"),
    ("a password", "DB_PASSWORD=correcthorse"),
    ("a password", '{"password": "hunter2x"}'),
    ("a password", "password: S3cret!!"),
    ("a password", "the password is hunter22, use it"),
    ("a password", "mysql --password hunter2 -h db"),
    ("a password", "export PGPASSWORD=tr0ub4dor"),
    ("a password", "curl -s -u admin:correcthorse https://api.internal/pay"),
    ("a password", "curl --user='admin:correcthorse' https://api.internal/pay"),
    ("a password", "mysqldump -h db -u root -ptr0ub4dor orders"),
    ("a secret", f"API_KEY='{MIXED}'"),
    ("a secret", f"client_secret: {MIXED}"),
    ("a secret", f"deploy --token {MIXED}"),
    ("a card number", "paid with 4111 1111 1111 1111"),
    ("a card number", "card 5555555555554444 was charged twice"),
]

HARMLESS = [
    "4f2d8c1e9b7a6f5d4c3b2a1908f7e6d5c4b3a291",
    "commit 4f2d8c1 (tag: v1.2.0, origin/main)",
    "fingerprint a1b2c3d4e5f60718",
    str(uuid.UUID(int=12345678901234567890)),
    "sha256:" + hashlib.sha256(b"x").hexdigest(),
    "integrity sha512-" + base64.b64encode(hashlib.sha512(b"x").digest()).decode(),
    base64.b64encode(hashlib.sha256(b"x").digest()).decode(),
    "head 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    "password reset page answers 500",
    "password: wrong for user bob",
    "the password was rotated by Alice",
    "passwords leaked in v1.2.0",
    "passed 41 of 42 tests",
    "token expired, users are logged out",
    "token: expired",
    "the token bucket is empty since 14:05",
    "max_tokens=40960",
    "PASSWORD=$PASSWORD",
    "PASSWORD=${DB_PASSWORD}",
    'token_env = "PROM_TOKEN"',
    "password=***",
    "curl -u $USER:$PASSWORD https://api.internal/pay",
    "curl -u admin https://api.internal/pay:8443",
    "curl -H 'Accept: application/json' https://api.internal:8443/pay",
    "mysql -h db -P3306 -u root -p orders",
    "mysql --port=3306 -preview orders",
    "password=<redacted>",
    "password=[redacted]",
    "secret: checkout-tls-2024-cert",
    "secretName: checkout-db-credentials",
    "https://u:***@db/orders",
    "https://" + "ab12" * 8 + "@o1.ingest.sentry.io/42",
    "http://127.0.0.1:9090/graph?g0.expr=up@1764194956",
    "git@github.com:acme/checkout.git",
    "https://ci.example:8443/job/42?from=a@b",
    "1764194956123456",
    "order 4111111111111112",
    "4000 0000 0000 0001 rows were copied",
    "idempotency key: 550e8400-e29b-41d4-a716-446655440000",
    "Authorization: failed for 40 % of requests",
    "bearer authentication is broken",
    "keep-alive: timeout=5",
    "06h1juc6fm9se3q99qr8t5if r3nb7q4",
    "skill-based routing sends sk-SK locale to the wrong queue",
    'rate(http_requests_total{service="checkout",code=~"5.."}[1m])',
    "kubectl rollout undo deployment/checkout --to-revision=2",
    "api_key header is missing",
    "every pod holds 10 of 10 connections",
]


@pytest.mark.parametrize(("kind", "text"), SECRETS)
def test_a_secret_is_seen_and_named(kind, text):
    """
    Alone, within a sentence, and within JSON; what is shown of it is not the secret.
    """
    for written in (text, f"Ada said: {text} and went home", f"first\n{text}\nlast"):
        found = find_secrets(written)
        assert [each.kind for each in found] == [kind]
        value = written[found[0].start : found[0].end]
        assert value not in found[0].shown
        assert not any(
            value[at : at + 6] in found[0].shown for at in range(len(value) - 5)
        ) or value.startswith("---")
    assert find_secrets_in_bytes(text.encode())


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none_is_not_called_one(text):
    """
    A warning that cries wolf is switched off.
    """
    assert find_secrets(text) == []
    assert find_secrets(f"14:52 {text}, says Ada") == []


def test_each_secret_of_a_text_is_found_once_with_its_line():
    """
    In order.
    """
    found = find_secrets(f"a\npassword=hunter2 and ghp_{MIXED}\n\nredis://:hunter3@cache")

    assert [(each.kind, each.line) for each in found] == [
        ("a password", 2),
        ("a GitHub token", 2),
        ("a password in an address", 4),
    ]


def test_what_is_no_text_has_none():
    """
    A picture's bytes are not searched.
    """
    assert find_secrets_in_bytes(b"\x89PNG\0\0password=hunter2") == []


@given(st.text())
def test_any_text_can_be_searched_and_cleaned(text):
    """
    After its secrets were replaced none of them is left where it was.
    """
    found = find_secrets(text)
    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert len(without_secrets(text, "")) == len(text) - sum(each.end - each.start for each in found)


def test_a_long_text_is_searched_in_a_time_that_grows_with_it():
    """
    No pattern goes back and forth. One that did would look a trillion times, and no test may last so long.
    """
    for almost in ("password ", "a" * 50, "://", "eyJ", "4111 ", "token=", "-----BEGIN ", "x@", "secret_"):
        find_secrets(almost * (300_000 // len(almost)))
