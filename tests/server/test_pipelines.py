"""What a pipeline and a forge tell of a release: the real sentry-cli, and GitHub's and GitLab's webhooks."""

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.feeds import payload
from tests.ingest.forges.test_apis import GITHUB_LIST, GITLAB_DEPLOYMENT, GITLAB_LIST
from tests.server.senders import ago, shown
from tests.server.test_events import nothing_is_left
from tests.servers.forge import Forge, forge
from tests.servers.serving import SECRETS, TrackerServer, until
from tracker.events.changes import CommitMade
from tracker.log import Log

SHOP = """
[services.checkout]
sentry_projects = ["shop"]
github_repository = "acme/checkout"
gitlab_project = "acme/checkout"
"""
VERSION = "shop@1.5.0"

# ── sentry-cli ───────────────────────────────────────────────────────────────


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two commits, of half an hour and of twenty minutes ago."""
    folder = tmp_path / "shop"
    folder.mkdir()

    def git(*words: str, at: datetime | None = None) -> None:
        when = {} if at is None else {"GIT_AUTHOR_DATE": shown(at), "GIT_COMMITTER_DATE": shown(at)}
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **when})

    git("init", "-q")
    git("remote", "add", "origin", "https://git.example/acme/shop.git")
    for name, minutes in (("basket.py", 30), ("card.py", 20)):
        (folder / name).write_text(f"{name}\n")
        git("add", ".")
        git("commit", "-qm", f"Mend {name}", at=ago(minutes=minutes).replace(microsecond=0))
    return folder


def sentry_cli(
    server: TrackerServer, folder: Path, *words: str, token: str = SECRETS["TRACKER_EVENTS_TOKEN"]
) -> subprocess.CompletedProcess[str]:
    """Run the real program as a pipeline does; only the address and the token are the tracker's."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "sentry-cli"), *words],
        cwd=folder,
        env={
            **os.environ,
            "SENTRY_URL": f"{server.url}/",
            "SENTRY_AUTH_TOKEN": token,
            "SENTRY_ORG": "acme",
            "SENTRY_PROJECT": "shop",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def pipeline(finished: datetime) -> list[tuple[str, ...]]:
    """Return the steps of a pipeline whose deploy took a minute."""
    end = int(finished.timestamp())
    return [
        ("releases", "new", VERSION),
        ("releases", "set-commits", VERSION, "--local"),
        ("releases", "finalize", VERSION),
        (
            *("deploys", "new", "--release", VERSION, "-e", "production", "-n", "deploy 42"),
            *("--started", str(end - 60), "--finished", str(end)),
        ),
    ]


def test_a_pipeline_stands_in_the_timeline_once(make_server, clone):
    """
    Release, commits with the paths that they changed, and deploy, each at its own instant;
    the whole pipeline runs twice, and says nothing twice.
    """
    # No polls: nothing answers them, and where this takes long the silence would be in the timeline.
    server = make_server(SHOP, serve='reconcile_every = "1h"')
    finished = ago(minutes=4).replace(microsecond=0)
    began = shown(ago())

    for _ in range(2):
        for words in pipeline(finished):
            done = sentry_cli(server, clone, *words)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
        server.digested()

    rows = server.timeline()
    commits, deploy = rows[:2], rows[2:4]
    assert [row["kind"] for row in rows] == [
        *("commit-made", "commit-made", "deploy-started", "deploy-finished"),
        *("release-created", "version-released"),
    ]
    assert {(row["service"], row["source"]) for row in rows} == {("checkout", "sentry:acme")}
    assert [(row["title"][8:], row["occurred_at"]) for row in commits] == committed(clone)
    assert [row["occurred_at"] for row in deploy] == [shown(finished - timedelta(minutes=1)), shown(finished)]
    # A second `releases new` names a second instant: a second statement about the one release.
    assert all(began <= row["occurred_at"] for row in rows[4:])
    [change] = server.changes()
    assert (change["kind"], change["version"], change["status"]) == ("deploy", VERSION, "finished")
    assert (change["finished_at"], change["duration_seconds"]) == (shown(finished), 60.0)
    assert paths(server) == [("basket.py",), ("card.py",)]


def test_a_deploy_that_names_no_project_is_of_its_release_s(make_server, clone):
    """
    `deploys new` sends none, and this version has no package in front: the release that was created before has it.
    """
    server = make_server(SHOP, serve='reconcile_every = "1h"')
    end = int(ago(minutes=4).timestamp())
    deploy = ("-e", "production", "--started", str(end - 60), "--finished", str(end))

    for words in (
        ("releases", "new", "-p", "shop", "1.5.0"),
        ("deploys", "new", "--release", "1.5.0", *deploy),
        ("deploys", "new", "--release", "9.9.9", *deploy),
    ):
        done = sentry_cli(server, clone, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    server.digested()

    changes = [(row["service"], row["version"]) for row in server.changes()]
    assert ("checkout", "1.5.0") in changes
    assert ("checkout", "9.9.9") not in changes
    kinds = [row["kind"] for row in server.timeline() if row["service"] == "checkout"]
    assert sorted(kinds) == ["deploy-finished", "deploy-started", "release-created"]


def test_a_pipeline_with_a_wrong_token_fails_and_leaves_nothing(server, clone):
    """
    Each of its steps ends with an error that names the token, and neither inbox nor log has heard of it.
    """
    for words in pipeline(ago(minutes=4)):
        done = sentry_cli(server, clone, *words, token="nobody")

        assert done.returncode != 0, words
        assert "401" in done.stderr
    nothing_is_left(server)


def committed(clone: Path) -> list[tuple[str, str]]:
    """Return subject and instant of each commit of a clone, oldest first."""
    lines = subprocess.run(
        ["git", "log", "--reverse", "--format=%s|%cI"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    found = [line.partition("|") for line in lines]
    return [(subject, shown(datetime.fromisoformat(at).astimezone(UTC))) for subject, _, at in found]


def paths(server: TrackerServer) -> list[tuple[str, ...]]:
    """Return the paths that each recorded commit changed, oldest commit first."""
    with Log(str(server.folder / "tracker.db")) as log:
        commits = [each.event for each in log.read_all() if isinstance(each.event, CommitMade)]
    return [each.changed_paths for each in sorted(commits, key=lambda each: each.occurred_at)]


# ── GitHub and GitLab ────────────────────────────────────────────────────────

MOVED_BY = (datetime.now(UTC) - timedelta(minutes=20)).replace(microsecond=0) - datetime(
    2026, 3, 1, 14, 50, tzinfo=UTC
)
"""The recorded bodies are of the 1st of March; a poll asks for the last day."""


def moved(text: str) -> str:
    """Move every instant in a text, whatever its zone."""

    def later(found: re.Match[str]) -> str:
        at = datetime.fromisoformat(f"{found[1]}T{found[3]}") + MOVED_BY
        return f"{at:%Y-%m-%d}{found[2]}{at:%H:%M:%S}"

    return re.sub(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)", later, text)


def moment(clock: str) -> str:
    """Return where an instant of the recorded afternoon lies now."""
    return shown(datetime.fromisoformat(f"2026-03-01T{clock}Z") + MOVED_BY)


def bodies(name: str) -> list[Any]:
    return [json.loads(moved(line)) for line in payload(f"{name}_webhooks.jsonl").decode().splitlines()]


def github_kind(body: dict[str, Any]) -> str:
    """Return what GitHub's header says of a body."""
    for kind in ("deployment_status", "pull_request", "release"):
        if kind in body:
            return kind
    return "push" if "pusher" in body else ""


def github_hook(server: TrackerServer, body: dict[str, Any], number: int, secret: str) -> int:
    raw = json.dumps(body).encode()
    signed = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": github_kind(body),
        "X-GitHub-Delivery": f"72d3162e-cc78-11e3-81ab-4c9367dc{number:04d}",
        "X-Hub-Signature-256": f"sha256={signed}",
    }
    return server.request("/hooks/github", raw, headers).status


GITLAB_HOOKS = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "merge_request": "Merge Request Hook",
    "deployment": "Deployment Hook",
    "release": "Release Hook",
}


def gitlab_hook(server: TrackerServer, body: dict[str, Any], number: int, secret: str) -> int:
    headers = {
        "Content-Type": "application/json",
        "X-Gitlab-Event": GITLAB_HOOKS[body["object_kind"]],
        "X-Gitlab-Event-UUID": f"13792a34-cac6-4fda-95a8-c58e00a3{number:04d}",
        "X-Gitlab-Token": secret,
    }
    return server.request("/hooks/gitlab", json.dumps(body).encode(), headers).status


def deliver(server: TrackerServer, name: str, *, secret: str | None = None, again: bool = False) -> set[int]:
    """Send the bodies of a release as the forge does; return the statuses.

    Again: under the same numbers, as a person's "Redeliver" does.
    """
    wanted = [
        each
        for each in bodies(name)
        if (github_kind(each) if name == "github" else each["object_kind"] in GITLAB_HOOKS)
    ]
    assert len(wanted) >= 8
    if again:
        wanted.reverse()
    hook = {"github": github_hook, "gitlab": gitlab_hook}[name]
    right = {"github": SECRETS["GITHUB_HOOK_SECRET"], "gitlab": SECRETS["GITLAB_HOOK_TOKEN"]}[name]
    numbers = {json.dumps(each): number for number, each in enumerate(bodies(name))}
    return {hook(server, each, numbers[json.dumps(each)], secret or right) for each in wanted}


@pytest.fixture
def api() -> Iterator[Forge]:
    """A forge's API that knows no deployment yet."""
    with forge() as fake:
        fake.lists = {GITHUB_LIST: [], GITLAB_LIST: []}
        yield fake


def knows_the_deployment(api: Forge) -> None:
    """Let the API tell of the deployment of which the webhooks told."""
    hooks = bodies("github")
    api.lists = {
        GITHUB_LIST: [hooks[9]["deployment"]],
        f"{GITHUB_LIST}/4001/statuses": [hooks[11]["deployment_status"], hooks[10]["deployment_status"]],
        GITLAB_LIST: [json.loads(moved(json.dumps(GITLAB_DEPLOYMENT)))],
    }


@pytest.fixture
def make_forge_server(
    make_server: Callable[..., TrackerServer], api: Forge
) -> Callable[[str], TrackerServer]:
    """Start a server that polls one of the forges every second: make_forge_server("github")."""

    def make(name: str) -> TrackerServer:
        key = {"github": "gitlab_project", "gitlab": "github_repository"}[name]
        toml = "\n".join(line for line in SHOP.splitlines() if not line.startswith(key))
        token = 'token_env = "FORGE_TOKEN"'
        return make_server(
            toml,
            environment={"FORGE_TOKEN": "s3cret"},
            **{name: f'url = "{api.url}"\n{token}'},
        )

    return make


def asked_again(server: TrackerServer, api: Forge, name: str) -> None:
    """Wait until the whole deployment was asked for twice from now on, and so recorded once."""
    path = {"github": f"{GITHUB_LIST}/4001/statuses", "gitlab": GITLAB_LIST}[name]
    before = api.paths.count(path)
    until(lambda: api.paths.count(path) >= before + (1 if name == "github" else 2))
    asked_at = server.metric(f'tracker_source_last_success_timestamp_seconds{{source="{name}"}}')
    until(
        lambda: server.metric(f'tracker_source_last_success_timestamp_seconds{{source="{name}"}}') > asked_at
    )


def is_told_once(server: TrackerServer, name: str, by: str) -> None:
    """Check that the deploy and the merge stand in `tracker changes`, once, at their own instants."""
    merge, deploy = sorted(server.changes(), key=lambda row: row["kind"], reverse=True)
    assert (deploy["version"], deploy["status"], deploy["service"]) == ("v1.2.1", "finished", "checkout")
    assert deploy["finished_at"] == moment("14:44:20")
    assert deploy["sources"] == [name]
    assert (merge["kind"], merge["service"]) == ("merge", "checkout")
    rows = server.timeline(minutes=20 * 60)
    finished = [row for row in rows if row["kind"] == "deploy-finished"]
    assert [(row["occurred_at"], row["recorded_by"]) for row in finished] == [(moment("14:44:20"), by)]
    assert {"commit-made", "version-tagged"} <= {row["kind"] for row in rows}
    titles = [(row["kind"], row["title"]) for row in rows]
    assert len(titles) == len(set(titles))


FORGES = pytest.mark.parametrize("name", ["github", "gitlab"])


@FORGES
def test_what_was_pushed_redelivered_and_polled_stands_once(make_forge_server, api, name):
    """
    Push, merge, tag, release and deployment by webhook; all again, in another order; then by the API.
    """
    server = make_forge_server(name)

    assert deliver(server, name) == {202}
    server.digested()
    recorded = server.metric("tracker_events_recorded_total")
    assert deliver(server, name, again=True) == {202}
    server.digested()
    assert server.metric("tracker_events_recorded_total") == recorded
    server.stop()
    knows_the_deployment(api)
    server.start()  # at start it asks for the last day
    asked_again(server, api, name)

    assert server.metric("tracker_events_known_total") >= 2
    assert "could not be parsed" not in server.log()
    is_told_once(server, name, "webhook")


@FORGES
def test_what_was_polled_first_and_pushed_later_stands_once(make_forge_server, api, name):
    """
    The webhook was late: the deploy is the poll's, and the webhook adds what only it can tell.
    """
    knows_the_deployment(api)
    server = make_forge_server(name)
    until(lambda: len(server.changes()) == 1)

    assert deliver(server, name) == {202}
    server.digested()

    is_told_once(server, name, "poll")


@FORGES
def test_a_body_with_a_wrong_secret_leaves_nothing(server, name):
    """
    Signed with another secret, or with another token: 401, and nobody has heard of it.
    """
    assert deliver(server, name, secret="nobody") == {401}

    nothing_is_left(server)
