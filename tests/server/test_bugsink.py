"""A real Bugsink sends its webhook to `tracker serve`, which polls it besides: each issue stands once."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sentry_sdk

from tests.servers.bugsink import Bugsink, bugsink
from tests.servers.process import free_port
from tests.servers.serving import SECRETS, TrackerServer, until
from tests.servers.webhooks import Receiver

SECRET = SECRETS["SENTRY_HOOK_SECRET"]
POLLED = 'tracker_source_last_success_timestamp_seconds{source="sentry"}'


@pytest.fixture(scope="module")
def bugsink_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    """One Bugsink for this file: it takes seconds to start."""
    with bugsink(tmp_path_factory.mktemp("bugsink")) as server:
        yield server


@pytest.fixture
def start(
    bugsink_server: Bugsink, make_server: Callable[..., TrackerServer], request: pytest.FixtureRequest
) -> Callable[..., tuple[TrackerServer, dict[str, Any]]]:
    """Start a server and make a project whose webhook goes to it: start(token=..., hook=..., reconcile_every=...)."""

    def make(
        *, token: str = SECRET, hook: str | None = None, reconcile_every: str = "1s"
    ) -> tuple[TrackerServer, dict[str, Any]]:
        port = free_port()
        hook = hook or f"http://127.0.0.1:{port}/hooks/sentry/bugsink?token={token}"
        project = bugsink_server.project(f"shop {request.node.name[:40]}", hook)
        server = make_server(
            f"[services.checkout]\nsentry_projects = [{json.dumps(project['name'])}]\n",
            port=port,
            sentry=f'url = "{bugsink_server.url}"\ntoken_env = "BUGSINK_TOKEN"',
            environment={"BUGSINK_TOKEN": bugsink_server.token},
            serve=f'reconcile_every = "{reconcile_every}"',
        )
        return server, project

    return make


def fail(project: dict[str, Any]) -> None:
    """Let an application fail once, and wait until its SDK has sent that."""
    client = sentry_sdk.Client(project["dsn"], release="shop@1.4.2", default_integrations=False)
    with sentry_sdk.new_scope() as scope:
        scope.set_client(client)
        try:
            raise KeyError("card")
        except KeyError as failed:
            scope.capture_exception(failed)
    client.close(timeout=120)


def told(server: TrackerServer) -> list[tuple[str, str, str]]:
    """Return what the timeline says of this project's issues: title, how it came, when it was."""
    return [
        (row["title"].partition(" created: ")[2], row["recorded_by"], row["occurred_at"])
        for row in server.timeline()
        if row["kind"] == "issue-changed" and row["service"] == "checkout"
    ]


def first_seen(bugsink_server: Bugsink, project: dict[str, Any]) -> str:
    """Return the instant that Bugsink names, cut to the milliseconds that are shown."""
    (issue,) = bugsink_server.api(f"issues/?project={project['id']}")["results"]
    at = datetime.fromisoformat(issue["first_seen"]).astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def polled_again(server: TrackerServer) -> None:
    """Wait until Bugsink was asked, and had answered, twice from now on: the second poll began after now."""
    until(lambda: POLLED in server.request("/metrics").body.decode())
    for _ in range(2):
        before = server.metric(POLLED)
        until(lambda before=before: server.metric(POLLED) > before)  # type: ignore[misc]


def test_an_issue_that_the_webhook_told_is_not_told_again_by_the_poll(start, bugsink_server):
    """
    Bugsink cannot sign, and comes in by the token in its address; the poll of the next start knows the issue.
    """
    server, project = start(reconcile_every="1h")
    fail(project)
    until(lambda: told(server))
    fail(project)
    server.stop()
    toml = server.folder / "tracker.toml"
    toml.write_text(toml.read_text().replace('"1h"', '"1s"'))

    server.start()
    polled_again(server)

    assert told(server) == [("KeyError: 'card'", "webhook", first_seen(bugsink_server, project))]
    # Only the API knows releases: that the poll read this project is seen by it.
    assert "version-released" in {each["kind"] for each in server.timeline()}


def test_an_issue_that_the_poll_found_is_not_told_again_by_a_late_webhook(
    start, bugsink_server, receiver: Receiver
):
    """
    Bugsink's own body, held up on its way until the poll had found the issue.
    """
    server, project = start(hook=receiver.url)
    fail(project)
    until(lambda: told(server))

    [body] = [each.body for each in receiver.wait_for(1)]
    answer = server.request(f"/hooks/sentry/bugsink?token={SECRET}", body)
    server.digested()

    assert answer.status == 202
    assert server.metric("tracker_events_known_total") >= 1
    assert told(server) == [("KeyError: 'card'", "poll", first_seen(bugsink_server, project))]


def test_both_at_once_tell_of_an_issue_once(start):
    """
    Polled every second while the webhook comes: whichever is first.
    """
    server, project = start()

    fail(project)
    until(lambda: server.metric("tracker_inbox_kept_total") >= 1)
    server.digested()
    polled_again(server)

    assert [title for title, _, _ in told(server)] == ["KeyError: 'card'"]


def test_what_a_lost_webhook_would_have_told_is_found_by_the_poll(start, bugsink_server):
    """
    Bugsink was given a wrong token: refused, nothing of it kept; the issue stands at its own time, recorded by poll.
    """
    server, project = start(token="nobody")

    fail(project)
    fail(project)
    until(lambda: 'route="sentry",status="401"' in server.request("/metrics").body.decode())
    until(lambda: told(server))

    assert told(server) == [("KeyError: 'card'", "poll", first_seen(bugsink_server, project))]
    assert server.metric("tracker_inbox_kept_total") == 0
    printed = server.cli("timeline", "--service", "checkout", "--from", "1h-ago", "--to", "now").out
    [line] = [each for each in printed.splitlines() if "KeyError: 'card'" in each]
    assert "recorded by poll" in line
