"""Sentry and Bugsink are polled: what a webhook missed is found, and what it told is not told again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from tests.cli.conftest import Typed, refused
from tests.ingest.sentry.test_api import COMMIT, DEPLOY, RATE_LIMITED, issue, release
from tests.servers.bugsink import Bugsink, bugsink
from tests.servers.sentry import Failure, FakeSentry, fake_sentry
from tests.servers.webhooks import Receiver, webhook_receiver

SPAN = ("--from", "2026-03-01T14:00Z", "--to", "2026-03-01T15:00Z")
SETTINGS = """
[sentry]
url = "{url}"
token_env = "SENTRY_TOKEN"
{organization}
[services.checkout]
sentry_projects = ["shop"]
"""


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Write a tracker.toml that names a server."""

    def write(server: Any) -> None:
        named = getattr(server, "organization", None)
        organization = f'organization = "{named}"' if named else ""
        (tmp_path / "tracker.toml").write_text(SETTINGS.format(url=server.url, organization=organization))
        monkeypatch.setenv("SENTRY_TOKEN", server.token)

    return write


@pytest.fixture
def fake(set_up: Callable[[Any], None]) -> Iterator[FakeSentry]:
    """A fake Sentry that the settings name."""
    with fake_sentry(
        issues=[issue()],
        releases=[release()],
        deploys={"shop@1.5.0": [DEPLOY]},
        commits={"shop@1.5.0": [COMMIT]},
    ) as server:
        set_up(server)
        yield server


def titles(tracker: Typed, *span: str) -> list[str]:
    words = span or SPAN
    rows = tracker("timeline", "--service", "checkout", *words, "--json").json["entries"]
    return [row["title"] for row in rows]


# ── Sentry (a fake) ──────────────────────────────────────────────────────────


def test_a_span_is_asked_for_and_told_once(tracker: Typed, fake: FakeSentry) -> None:
    """
    Issue, commit, release and deploy at their own instants; asking again adds nothing.
    """
    first = tracker("ingest", "sentry", *SPAN)
    again = tracker("ingest", "sentry", *SPAN, "--json")

    assert first.code == 0
    assert "sentry: issues and releases: 6 found, 6 new" in first.err
    assert again.json["recorded"] == 0
    assert titles(tracker) == [
        "Issue SHOP-4242 created: KeyError: 'card'",
        "0123456 Do not divide by an empty basket",
        "Release shop@1.5.0 was created",
        "Release shop@1.5.0 was finalized",
        "Deploy of shop@1.5.0 started",
        "Deployed shop@1.5.0",
    ]


def test_collect_asks_sentry_too(declared: Typed, fake: FakeSentry) -> None:
    """
    An incident that nobody tracked gets its deploy from there, recorded by poll.
    """
    answer = declared("collect", 1, "--source", "sentry")

    assert answer.code == 0, answer.err
    assert "sentry: issues and releases: 6 found, 6 new" in answer.out
    assert "Deployed shop@1.5.0" in [
        row["title"] for row in declared("timeline", 1, "--json").json["entries"]
    ]


def test_collect_says_what_sentry_does_not_offer(declared: Typed, fake: FakeSentry) -> None:
    """
    A gap that is known is no gap that is hidden.
    """
    fake.fails("/deploys/", Failure())

    text = declared("collect", 1, "--source", "sentry")
    told = declared("collect", 1, "--source", "sentry", "--json").json

    assert "; deploys are not offered: it answered 500" in text.out
    assert told["sources"][0]["notes"] == ["deploys are not offered: it answered 500"]


def test_a_limit_is_told_with_its_end(tracker: Typed, fake: FakeSentry) -> None:
    """
    Exit code 10, the instant, and nothing half recorded.
    """
    fake.fails("/releases/", Failure(429, RATE_LIMITED, {"Retry-After": "3600"}))

    refused(tracker("ingest", "sentry", *SPAN), 10, "rate-limited by Sentry at ", "Try again after")
    assert titles(tracker) == []


def test_collect_without_sentry_says_how_to_have_it(declared: Typed) -> None:
    """
    Told beside the others, and refused when it is asked for by name.
    """
    answer = declared("collect", 1, "--json").json

    assert "sentry: not configured ([sentry] organization)" in answer["skipped"]
    named = declared("collect", 1, "--source", "sentry")
    assert named.code == 3
    assert "names no Sentry" in named.out


# ── Bugsink (real) ───────────────────────────────────────────────────────────


@dataclass
class Shop:
    """A project in a real Bugsink, whose errors come from the real SDK and whose alerts go to a receiver."""

    server: Bugsink
    receiver: Receiver
    project: dict[str, Any]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seen: int = 0

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def token(self) -> str:
        return self.server.token

    def fail(self, release: str, error: type[Exception] = KeyError) -> None:
        """Let an application of this release fail once."""
        client = sentry_sdk.Client(self.project["dsn"], release=release, default_integrations=False)
        with sentry_sdk.new_scope() as scope:
            scope.set_client(client)
            try:
                raise error("card")
            except error as failed:
                scope.capture_exception(failed)
        client.close(timeout=120)

    def hooks(self, count: int) -> bytes:
        """Wait for the next alerts, and give their bodies as lines."""
        found = self.receiver.wait_for(self.seen + count)[self.seen :]
        self.seen += count
        return b"\n".join(each.body for each in found)

    def issues(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.api(f"issues/?project={self.project['id']}")["results"]
        return found

    def span(self) -> tuple[str, ...]:
        return ("--from", self.started_at.isoformat(), "--to", "now")


@pytest.fixture(scope="module")
def bugsink_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """One Bugsink for this file: it takes seconds to start."""
    with bugsink(tmp_path_factory.mktemp("bugsink")) as server:
        yield server


@pytest.fixture
def shop(
    bugsink_server: Bugsink, set_up: Callable[[Any], None], request: pytest.FixtureRequest
) -> Iterator[Shop]:
    """A new project, and settings that name its server."""
    with webhook_receiver() as receiver:
        made = Shop(
            bugsink_server, receiver, bugsink_server.project(f"shop {request.node.name[:40]}", receiver.url)
        )
        set_up(made)
        path = Path("tracker.toml")
        path.write_text(path.read_text().replace('"shop"', json.dumps(made.project["name"])))
        yield made


def test_bugsinks_webhook_and_api_tell_of_the_same_issue(tracker: Typed, shop: Shop) -> None:
    """
    Real SDK, real server, real webhook: whichever way is read first, and again, each fact has one row.
    """
    shop.fail("shop@1.4.2")
    Path("hooks.jsonl").write_bytes(shop.hooks(1))

    assert tracker("ingest", "sentry", "hooks.jsonl").code == 0
    for _ in range(2):
        polled = tracker("ingest", "sentry", *shop.span())
        assert polled.code == 0, polled.err
    assert tracker("ingest", "sentry", "hooks.jsonl").code == 0

    (name,) = (each["friendly_id"] for each in shop.issues())
    assert sorted(titles(tracker, *shop.span())) == [
        f"Issue {name} created: KeyError: 'card'",
        "Release shop@1.4.2 was finalized",
    ]


def test_an_issue_that_comes_back_with_a_release_is_a_regression_on_both_ways(
    tracker: Typed, shop: Shop, tmp_path: Path
) -> None:
    """
    Resolved, then seen again: the webhook says REGRESSED, and polling alone finds the same instant.
    """
    shop.fail("shop@1.4.2")
    created = shop.hooks(1)
    shop.server.api(f"issues/{shop.issues()[0]['id']}/resolve/", method="POST")
    assert tracker("ingest", "sentry", *shop.span()).code == 0
    shop.fail("shop@1.4.3")
    shop.fail("shop@1.4.3")
    regressed = shop.hooks(1)
    assert tracker("ingest", "sentry", *shop.span()).code == 0
    by_poll = titles(tracker, *shop.span())

    (tmp_path / "hooks.jsonl").write_bytes(created + b"\n" + regressed)
    assert tracker("ingest", "sentry", "hooks.jsonl").code == 0

    (name,) = (each["friendly_id"] for each in shop.issues())
    assert json.loads(regressed)["alert_reason"] == "REGRESSED"
    assert by_poll == titles(tracker, *shop.span())
    assert [title for title in by_poll if title.startswith("Issue")] == [
        *(f"Issue {name} {action}: KeyError: 'card'" for action in ("created", "resolved", "regressed")),
    ]
    assert "Release shop@1.4.3 was finalized" in by_poll


def test_an_issue_that_was_muted_until_more_came_is_told_as_unmuted(tracker: Typed, shop: Shop) -> None:
    """
    UNMUTED, as the webhook sends it.
    """
    shop.fail("shop@1.4.2")
    shop.hooks(1)
    body = {"period_name": "day", "nr_of_periods": 1, "gte_threshold": 2}
    shop.server.api(f"issues/{shop.issues()[0]['id']}/mute-until/", body)
    for _ in range(3):
        shop.fail("shop@1.4.2")
    Path("hooks.jsonl").write_bytes(shop.hooks(1))

    assert tracker("ingest", "sentry", "hooks.jsonl").code == 0

    (name,) = (each["friendly_id"] for each in shop.issues())
    assert titles(tracker, *shop.span()) == [f"Issue {name} unmuted: KeyError: 'card'"]


def test_a_token_that_bugsink_does_not_know_is_told(
    tracker: Typed, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whose it must be, and where it is named.
    """
    monkeypatch.setenv("SENTRY_TOKEN", "0" * 40)

    refused(tracker("ingest", "sentry", *shop.span()), 10, "rejected the token in ", "token_env")


def test_an_organization_for_a_bugsink_is_told_to_be_left_out(tracker: Typed, shop: Shop) -> None:
    """
    It answers as no Sentry does.
    """
    path = Path("tracker.toml")
    path.write_text(path.read_text().replace("[sentry]", '[sentry]\norganization = "acme"'))

    refused(tracker("ingest", "sentry", *shop.span()), 10, "offers nothing that Sentry does", "Bugsink")


def test_a_sentry_without_an_organization_is_told_what_is_missing(tracker: Typed, fake: FakeSentry) -> None:
    """
    Only Bugsink can be asked without one.
    """
    path = Path("tracker.toml")
    path.write_text(path.read_text().replace('organization = "acme"', ""))

    refused(tracker("ingest", "sentry", *SPAN), 3, "names no organization", 'organization = "acme"')
