"""The APIs of GitHub and GitLab give the deploys that their webhooks would have told.

The servers here are a fake (`tests/servers/forge.py`) whose answers are shaped like the
forges' documentation and webhooks; the real ones cannot be reached from the tests.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ingest.feeds import changed, events, ids, payload
from tests.servers.forge import Forge, forge
from tracker.errors import BadInputError, SettingsError, SourceUnreachableError, TrackerError
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import DeployFailed, DeployFinished, DeployStarted
from tracker.ingest.forges import client, github, gitlab
from tracker.ingest.forges.github_api import GithubApi
from tracker.ingest.forges.gitlab_api import GitlabApi
from tracker.ingest.http import LIMITS, Limits
from tracker.ingest.services import ServiceRule, ServiceRules

RULES = ServiceRules(
    (ServiceRule("checkout", github_repository="acme/checkout", gitlab_project="acme/checkout"),)
)
NOW = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
POLLED = Arrival(via="poll", received_at=NOW)
GITHUB_BODIES = [json.loads(line) for line in payload("github_webhooks.jsonl").splitlines()]
DEPLOYMENT = GITHUB_BODIES[9]["deployment"]
STATUSES = [GITHUB_BODIES[11]["deployment_status"], GITHUB_BODIES[10]["deployment_status"]]
GITLAB_BODIES = [json.loads(line) for line in payload("gitlab_webhooks.jsonl").splitlines()]
GITLAB_DEPLOYMENT = {
    "id": 15,
    "iid": 2,
    "ref": "v1.2.1",
    "sha": "4c3d2e1f0a9b8c7d6e5f40312233445566778899",
    "created_at": "2026-03-01T14:39:12.222Z",
    "updated_at": "2026-03-01T14:44:20.914Z",
    "status": "success",
    "user": {"id": 1, "name": "Ada Lovelace", "username": "ada"},
    "environment": {"id": 9, "name": "production", "external_url": "https://shop.example"},
    "deployable": {
        "id": 796,
        "name": "deploy",
        "ref": "v1.2.1",
        "tag": True,
        "status": "success",
        "created_at": "2026-03-01T14:39:12.100Z",
        "started_at": "2026-03-01T14:39:30.120Z",
        "finished_at": "2026-03-01T14:44:20.871Z",
        "web_url": "https://gitlab.example/acme/checkout/-/jobs/796",
    },
}
GITHUB_LIST = "/repos/acme/checkout/deployments"
GITLAB_LIST = "/api/v4/projects/acme%2Fcheckout/deployments"


@pytest.fixture
def server() -> Iterator[Forge]:
    """A fake forge that knows the deployment of v1.2.1."""
    with forge() as fake:
        fake.lists = {
            GITHUB_LIST: [DEPLOYMENT],
            f"{GITHUB_LIST}/4001/statuses": STATUSES,
            GITLAB_LIST: [GITLAB_DEPLOYMENT],
        }
        yield fake


def ask(
    name: str,
    server: Forge,
    *,
    token: str | None = "s3cret",
    start: int = -120,
    end: int = 0,
    limits: Limits = LIMITS,
) -> list[Incoming]:
    """Ask for the deploys between so many minutes before now."""
    kind = GithubApi if name == "github" else GitlabApi
    with kind(server.url, token=token, token_name="FORGE_TOKEN", limits=limits) as api:
        return api.deploys(
            "acme/checkout",
            start=NOW + timedelta(minutes=start),
            end=NOW + timedelta(minutes=end),
            rules=RULES,
            arrival=POLLED,
        )


BOTH = pytest.mark.parametrize(("name", "path"), [("github", GITHUB_LIST), ("gitlab", GITLAB_LIST)])


def test_github_polled_is_github_pushed(server: Forge) -> None:
    """
    Made, in progress, success: the webhooks' three events, each with a payload that reads as the same again.
    """
    pushed = github.read(payload("github_webhooks.jsonl"), where="feed", rules=RULES)
    deploys = {each for each, told in zip(ids(pushed), pushed, strict=True) if "deploy-" in told.event.TOPIC}

    found = ask("github", server)

    assert set(ids(found)) == deploys
    assert len(found) == 3
    for each in found:
        assert ids(github.read(each.payload, where="again", rules=RULES)) == ids([each])
        assert each.arrival == POLLED


def test_gitlab_polled_is_gitlab_pushed(server: Forge) -> None:
    """
    Thousandths of the API are cut to the seconds of the webhook.
    """
    pushed = gitlab.read(payload("gitlab_webhooks.jsonl"), where="feed", rules=RULES)
    deploys = {each for each, told in zip(ids(pushed), pushed, strict=True) if "deploy-" in told.event.TOPIC}

    found = ask("gitlab", server)

    assert set(ids(found)) == deploys
    assert len(found) == 2
    assert [json.loads(each.payload) for each in found] == [GITLAB_DEPLOYMENT] * 2


def test_a_gitlab_deployment_without_a_job_has_its_own_instants(server: Forge) -> None:
    """
    One that was made by the API began when it was made and ended when it was last changed; one that waits, not at all.
    """
    server.lists[GITLAB_LIST] = [
        changed(GITLAB_DEPLOYMENT, deployable=None, status="failed"),
        changed(GITLAB_DEPLOYMENT, id=16, status="blocked"),
        changed(GITLAB_DEPLOYMENT, id=17, status="canceled", deployable__started_at=None),
    ]

    found = events(ask("gitlab", server))

    assert [(type(each), each.occurred_at.second) for each in found] == [
        (DeployStarted, 12),
        (DeployFailed, 20),
        (DeployFailed, 20),
    ]


def many(count: int) -> list[Any]:
    """Make deployments with numbers, newest first, a minute apart from 15:59 backwards."""
    found = []
    for number in range(count):
        when = (NOW - timedelta(minutes=number + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found.append(changed(DEPLOYMENT, id=5000 + number, created_at=when, updated_at=when))
    return found


def test_lists_are_read_page_after_page_and_no_further_than_needed(server: Forge) -> None:
    """
    GitHub lists the newest first: what lies a week before the span is not asked for.
    """
    server.page_size = 3
    old = changed(DEPLOYMENT, id=1, created_at="2025-01-01T00:00:00Z", updated_at="2025-01-01T00:00:00Z")
    server.lists[GITHUB_LIST] = [*many(7), *[changed(old, id=number) for number in range(20)]]
    server.lists |= {f"{GITHUB_LIST}/{5000 + number}/statuses": [] for number in range(7)}

    found = ask("github", server)

    assert [each.run_id for each in events(found)] == [str(5000 + number) for number in range(7)]  # type: ignore[attr-defined]
    assert server.paths.count(GITHUB_LIST) == 3
    assert not any("/0/" in path for path in server.paths)


def test_gitlab_is_asked_only_for_what_changed_since(server: Forge) -> None:
    """
    And each page of it is read.
    """
    server.page_size = 1
    server.lists[GITLAB_LIST] = [changed(GITLAB_DEPLOYMENT, id=number) for number in (15, 16, 17)]

    found = ask("gitlab", server)

    assert {each.run_id for each in events(found)} == {"15", "16", "17"}  # type: ignore[attr-defined]
    assert "updated_after=2026-03-01T13%3A59%3A59" in server.asked[0][0]
    assert "order_by=updated_at" in server.asked[0][0]


@BOTH
def test_only_steps_in_the_span_are_told(server: Forge, name: str, path: str) -> None:
    """
    Both ends belong to it.
    """
    finished = NOW - timedelta(minutes=75, seconds=40)

    assert [type(each) for each in events(ask(name, server, start=-76, end=-75))] == [DeployFinished]
    assert [each.occurred_at for each in events(ask(name, server, start=-76))] == [finished]
    assert ask(name, server, start=-10) == []


@BOTH
def test_a_list_without_end_is_given_up(
    server: Forge, name: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After so many pages; what to do is to ask for less.
    """
    monkeypatch.setattr(client, "MAX_PAGES", 4)
    server.page_size = 1
    record = many(1)[0] if name == "github" else GITLAB_DEPLOYMENT
    server.lists[path] = [changed(record, id=number) for number in range(10)]
    server.lists |= {f"{GITHUB_LIST}/{number}/statuses": [] for number in range(10)}

    with pytest.raises(SourceUnreachableError, match="goes on after 4 pages"):
        ask(name, server)

    assert server.paths.count(path) == 4


@BOTH
@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (
            403,
            {"Retry-After": "90"},
            b"{}",
            r"rate-limited by .* until 20.* \(HTTP 403\)",
        ),
        (
            429,
            {"Retry-After": "60"},
            b"",
            r"rate-limited by .* until 20.* \(HTTP 429\)",
        ),
        (
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772382600"},
            b"{}",
            "until 2026-03-01T16:30:00",
        ),
        (429, {"RateLimit-Reset": "1772382600"}, b"{}", "until 2026-03-01T16:30:00"),
        (
            429,
            {"Retry-After": "soon", "X-RateLimit-Reset": "9" * 12},
            b"{}",
            r"rate-limited by [^ ]* at [^ ]* \(HTTP 429\)$",
        ),
        (401, {}, b'{"message":"Bad credentials"}', r"rejected the token in FORGE_TOKEN \(HTTP 401\)"),
        (403, {}, b"{}", r"was not found, or the token may not see it \(HTTP 403\)"),
        (404, {}, b"{}", r"was not found, or the token may not see it \(HTTP 404\)"),
        (
            301,
            {"Location": "https://elsewhere.example/x"},
            b"",
            r"redirected to https://elsewhere.example/x \(HTTP 301\)",
        ),
        (500, {}, b"oops", r"cannot answer now \(HTTP 500\)"),
        (
            200,
            {"Content-Type": "text/html"},
            b"<html>Sign in</html>",
            r"answered \(HTTP 200, text/html\), but not as Git",
        ),
        (200, {}, b"{}", r"answered \(HTTP 200.*\), but not as Git"),
        (200, {"Content-Encoding": "gzip"}, b"[]", "sent an answer that cannot be unpacked"),
        (200, {"Content-Length": "100"}, b"[", "broke the connection off"),
    ],
)
def test_whatever_is_no_answer_is_said_in_a_line(
    server: Forge, name: str, path: str, status: int, headers: dict[str, str], body: bytes, said: str
) -> None:
    """
    What happened, and what to do; a redirect is not followed, because the token would go along.
    """
    server.instead[path] = (status, headers, body)

    with pytest.raises(SourceUnreachableError, match=said) as refused:
        ask(name, server)

    assert "\n" not in refused.value.message
    assert refused.value.hint
    assert "s3cret" not in refused.value.message + str(refused.value.hint)
    assert len(server.asked) == 1


@BOTH
@pytest.mark.parametrize(
    "body", [b"[1]", b"[{}]", b"[{", b'[{"id":1,"created_at":"soon","status":"success"}]']
)
def test_an_answer_that_is_not_as_promised_is_bad_input(
    server: Forge, name: str, path: str, body: bytes
) -> None:
    """
    With the address, the record and the field.
    """
    server.instead[path] = (200, {}, body)

    with pytest.raises(BadInputError, match=server.url):
        ask(name, server)


@BOTH
def test_an_answer_that_is_too_large_is_not_read(server: Forge, name: str, path: str) -> None:
    """
    Whatever stands on the other side.
    """
    server.instead[path] = (200, {}, b"[" + b" " * (2 << 20) + b"]")

    with pytest.raises(SourceUnreachableError, match="answered with more than 1 MiB"):
        ask(name, server, limits=Limits(most_bytes=1 << 20))


@BOTH
def test_a_next_page_elsewhere_is_not_asked_for(server: Forge, name: str, path: str) -> None:
    """
    The token stays with the configured server.
    """
    with forge() as other:
        server.page_size = 1
        server.next_host = other.url
        record = many(1)[0] if name == "github" else GITLAB_DEPLOYMENT
        server.lists[path] = [changed(record, id=number) for number in range(3)]
        server.lists |= {f"{GITHUB_LIST}/{number}/statuses": [] for number in range(3)}

        with pytest.raises(SourceUnreachableError, match="which is not followed"):
            ask(name, server)

        assert other.asked == []


def test_the_token_goes_into_the_header_that_each_forge_wants(
    server: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without one we ask as anybody; a proxy or a password of this machine is not used.
    """
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    ask("github", server)
    ask("gitlab", server)
    ask("github", server, token=None)

    by_path = [(path, headers) for path, (_, headers) in zip(server.paths, server.asked, strict=True)]
    tokens = [(headers.get("Authorization"), headers.get("PRIVATE-TOKEN")) for _, headers in by_path]
    assert tokens == [
        *[("Bearer s3cret", None)] * 2,
        (None, "s3cret"),
        *[(None, None)] * 2,
    ]
    assert by_path[0][1]["Accept"] == "application/vnd.github+json"


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("api.github.com", "x", "is not an HTTP address"),
        ("ftp://github.com", "x", "is not an HTTP address"),
        ("https://ada:secret@github.com", "x", "is not an HTTP address"),
        ("http://[::1", "x", "is not an HTTP address"),
        ("https://github.com", "a\nb", "a line break"),
        ("https://github.com", "ключ", "a line break or a character"),
    ],
)
@pytest.mark.parametrize("kind", [GithubApi, GitlabApi])
def test_settings_that_cannot_be_meant_are_refused(kind: Any, url: str, token: str, said: str) -> None:
    """
    Before anything is sent.
    """
    with pytest.raises(SettingsError, match=said):
        kind(url, token=token, token_name="FORGE_TOKEN")


@pytest.mark.parametrize("repository", ["checkout", "a/b/c", "/", "..", "../x"])
def test_a_repository_that_is_not_written_owner_and_name_is_refused(server: Forge, repository: str) -> None:
    """
    Nothing is asked for under another path.
    """
    with GithubApi(server.url, token=None, token_name=None) as api, pytest.raises(TrackerError):
        api.deploys(repository, start=NOW, end=NOW, rules=RULES, arrival=POLLED)

    assert server.asked == []


def test_a_server_that_is_away_is_said(server: Forge) -> None:
    """
    With what to type to see for oneself.
    """
    with (
        GithubApi("http://127.0.0.1:9", token=None, token_name=None) as api,
        pytest.raises(SourceUnreachableError, match=r"http://127.0.0.1:9 refused the connection"),
    ):
        api.deploys("acme/checkout", start=NOW, end=NOW, rules=RULES, arrival=POLLED)
