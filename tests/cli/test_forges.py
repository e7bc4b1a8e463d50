"""`tracker ingest github|gitlab` and `tracker collect` with a forge: what was pushed and is polled stands once.

The server is a fake (`tests/servers/forge.py`), shaped like the forges' documentation and webhooks.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import DAY, refused
from tests.ingest.feeds import changed, payload
from tests.ingest.forges.test_apis import DEPLOYMENT, GITHUB_LIST, GITLAB_DEPLOYMENT, GITLAB_LIST, STATUSES
from tests.servers.forge import Forge, forge

SPAN = ("--from", f"{DAY}T14:00:00Z", "--to", f"{DAY}T15:00:00Z")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Forge]:
    """A fake forge that knows the deployment of v1.2.1, and a tracker.toml that names it."""
    with forge() as fake:
        fake.lists = {
            GITHUB_LIST: [DEPLOYMENT],
            f"{GITHUB_LIST}/4001/statuses": STATUSES,
            GITLAB_LIST: [GITLAB_DEPLOYMENT],
        }
        (tmp_path / "tracker.toml").write_text(f"""
[github]
url = "{fake.url}"
[gitlab]
url = "{fake.url}"
token_env = "GITLAB_TOKEN"
[services.checkout]
github_repository = "acme/checkout"
gitlab_project = "acme/checkout"
[services.payments]
""")
        yield fake


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that tracker.toml names."""
    monkeypatch.setenv("GITLAB_TOKEN", "s3cret")


def deploys(tracker: Any, *words: str) -> list[Any]:
    rows = tracker("changes", "--json", *(words or SPAN)).json["changes"]
    return [row for row in rows if row["kind"] != "merge"]


@pytest.mark.parametrize(("name", "steps"), [("github", 3), ("gitlab", 2)])
@pytest.mark.parametrize("order", ["push first", "poll first"])
def test_a_deploy_that_was_pushed_and_is_polled_stands_once(
    tracker: Any, tmp_path: Path, server: Forge, name: str, steps: int, order: str
) -> None:
    """
    Whichever comes first: the second adds no step, and `changes` has one deploy.
    """
    feed = f"{name}_webhooks.jsonl"
    (tmp_path / feed).write_bytes(payload(feed))
    push, poll = ("ingest", name, feed, "--json"), ("ingest", name, *SPAN, "--json")

    first, second = (push, poll) if order == "push first" else (poll, push)
    before = tracker(*first).json
    after = tracker(*second).json

    polled = before if order == "poll first" else after
    assert polled["recorded"] + polled["known"] == steps
    assert len({*before["events"], *after["events"]}) == max(before["recorded"], len(after["events"]))
    [row] = deploys(tracker)
    assert (row["version"], row["status"], row["service"], row["sources"]) == (
        *("v1.2.1", "finished", "checkout"),
        [name],
    )
    assert row["finished_at"][:19] == f"{DAY}T14:44:20"
    assert tracker(*poll).json["recorded"] == 0


def test_instants_that_differ_by_a_moment_are_still_one_deploy(
    tracker: Any, tmp_path: Path, server: Forge
) -> None:
    """
    GitLab's job may end in the second before its deployment: two statements about one run.
    """
    feed = "gitlab_webhooks.jsonl"
    (tmp_path / feed).write_bytes(payload(feed))
    server.lists[GITLAB_LIST] = [
        changed(GITLAB_DEPLOYMENT, deployable__finished_at="2026-03-01T14:44:19.990Z")
    ]

    assert tracker("ingest", "gitlab", feed).code == 0
    assert tracker("ingest", "gitlab", *SPAN, "--json").json["recorded"] == 1

    assert len(deploys(tracker)) == 1
    entries = tracker("timeline", "--service", "checkout", *SPAN, "--json").json["entries"]
    assert len([entry for entry in entries if entry["kind"] == "deploy-finished"]) == 1


@pytest.mark.parametrize("named", ["v1.2.1", "1.2.1"])
def test_a_deploy_of_github_is_one_with_the_witness_of_tracker_run(
    tracker: Any, server: Forge, named: str
) -> None:
    """
    `tracker run deploy` saw it begin and end, GitHub says the same of the same version: one change, two sources.
    """
    now = datetime.now(UTC)
    stamp = (now - timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    server.lists[GITHUB_LIST] = [changed(DEPLOYMENT, created_at=stamp, updated_at=stamp)]
    server.lists[f"{GITHUB_LIST}/4001/statuses"] = [
        changed(each, created_at=stamp, updated_at=stamp) for each in STATUSES
    ]

    assert tracker("run", "deploy", "checkout", named, "--", "true").code == 0
    assert tracker("ingest", "github", "--from", "1h-ago").code == 0

    [row] = deploys(tracker, "--from", "1h-ago")
    assert (row["status"], row["sources"]) == ("finished", ["github", "run"])


def test_a_deploy_of_a_branch_is_one_with_the_witness_that_names_the_commit(
    tracker: Any, server: Forge
) -> None:
    """
    GitHub knows the branch and the commit; a pipeline that runs `tracker run deploy checkout $GITHUB_SHA` the hash.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    server.lists[GITHUB_LIST] = [changed(DEPLOYMENT, ref="main", created_at=stamp, updated_at=stamp)]
    server.lists[f"{GITHUB_LIST}/4001/statuses"] = []

    assert tracker("run", "deploy", "checkout", DEPLOYMENT["sha"], "--", "true").code == 0
    assert tracker("ingest", "github", "--from", "1h-ago").code == 0

    [row] = deploys(tracker, "--from", "1h-ago")
    assert row["sources"] == ["github", "run"]


def test_collect_pulls_the_forges_of_the_incidents_services(tracker: Any, server: Forge) -> None:
    """
    Each that names a repository; what was missed appears at its true time, recorded by poll.
    """
    declared = tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", f"{DAY}T14:05:00Z"),
    )
    assert declared.code == 0, declared.err
    assert tracker("resolve", 1, "--at", f"{DAY}T15:00:00Z").code == 0

    answer = tracker("collect", 1)

    assert answer.code == 0, answer.err
    assert "github: checkout: deployments: 3 found, 3 new" in answer.out
    assert "gitlab: checkout: deployments: 2 found, 2 new" in answer.out
    entries = tracker("timeline", 1, "--json").json["entries"]
    finished = [entry for entry in entries if entry["kind"] == "deploy-finished"]
    assert [entry["occurred_at"] for entry in finished] == [f"{DAY}T14:44:20.000Z"]
    assert "0 new, 3 already known" in tracker("collect", 1, "--source", "github").out


def test_collect_says_which_forge_failed_and_keeps_the_other(tracker: Any, server: Forge) -> None:
    """
    The exit code is the failure's; what the other gave is recorded.
    """
    server.instead[GITHUB_LIST] = (403, {"Retry-After": "60"}, b"{}")
    declared = tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", f"{DAY}T14:05:00Z"),
    )
    assert declared.code == 0, declared.err

    answer = tracker("collect", 1)

    assert answer.code == 10
    assert "github: checkout: deployments: FAILED: rate-limited by GitHub at " in answer.out
    assert "gitlab: checkout: deployments: 2 found, 2 new" in answer.out


def test_collect_from_a_forge_that_no_service_names_is_refused(tracker: Any, server: Forge) -> None:
    """
    Asked for by name, it says which key is missing; not asked for, it is passed over.
    """
    declared = tracker(
        *("declare", "Cards are refused", "--service", "payments", "--severity", "major"),
        *("--at", f"{DAY}T14:05:00Z"),
    )
    assert declared.code == 0, declared.err

    answer = tracker("collect", 1, "--source", "gitlab")

    assert answer.code == 3
    assert "names no gitlab_project of payments" in answer.out
    assert server.asked == []


def test_a_forge_that_rejects_the_token_is_reported(
    tracker: Any, server: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With the variable that holds the token; one that is not exported is asked for before anything is sent.
    """
    server.instead[GITLAB_LIST] = (401, {}, b'{"message":"401 Unauthorized"}')
    refused(
        tracker("ingest", "gitlab", *SPAN),
        10,
        "rejected the token in GITLAB_TOKEN",
        "Give the token read access",
    )

    monkeypatch.delenv("GITLAB_TOKEN")
    refused(tracker("ingest", "gitlab", *SPAN), 3, "the environment has no GITLAB_TOKEN")
    refused(
        tracker("ingest", "gitlab", "--from", f"{DAY}T15:00:00Z", "--to", f"{DAY}T14:00:00Z"),
        2,
        "Swap the two",
    )
    assert len(server.asked) == 1


def test_a_repository_that_two_services_share_is_asked_for_once(
    tracker: Any, tmp_path: Path, server: Forge
) -> None:
    """
    Its deploys are those of the service that the deployment names, else of the first.
    """
    toml = (tmp_path / "tracker.toml").read_text()
    (tmp_path / "tracker.toml").write_text(f'{toml}github_repository = "Acme/Checkout"\n')
    server.lists[GITHUB_LIST] = [changed(DEPLOYMENT, payload='{"service": "payments"}')]

    answer = tracker("ingest", "github", *SPAN)

    assert answer.code == 0, answer.err
    assert server.paths.count(GITHUB_LIST) == 1
    assert [row["service"] for row in deploys(tracker)] == ["payments"]


def test_the_name_of_a_body_can_be_given(tracker: Any, tmp_path: Path, server: Forge) -> None:
    """
    As the header says it: a body that is told to be something else is read as that.
    """
    (tmp_path / "one.json").write_text(
        json.dumps(json.loads(payload("github_webhooks.jsonl").splitlines()[11]))
    )

    assert (
        tracker("ingest", "github", "one.json", "--event", "deployment_status", "--json").json["recorded"]
        == 1
    )
    other = tracker("ingest", "github", "one.json", "--event", "issues")
    assert other.code == 0
    assert "nothing in it is of a kind that is recorded" in other.err


def test_a_clone_and_the_webhooks_tell_of_one_merge(tracker: Any, tmp_path: Path, server: Forge) -> None:
    """
    `changes` has it once, as git words it.
    """

    def git(*words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/",
            "GIT_COMMITTER_DATE": f"{DAY}T14:38:10Z",
            "GIT_AUTHOR_DATE": f"{DAY}T14:38:10Z",
        }
        done = subprocess.run(
            ["git", *who, *words], cwd=clone, check=True, capture_output=True, text=True, env=environment
        )
        return done.stdout.strip()

    clone = tmp_path / "checkout"
    clone.mkdir()
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    git("checkout", "-q", "-b", "hotfix/connections")
    git("commit", "-q", "--allow-empty", "-m", "Give connections back")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "Merge pull request #42", "hotfix/connections")
    body = changed(
        json.loads(payload("github_webhooks.jsonl").splitlines()[5]),
        pull_request__merge_commit_sha=git("rev-parse", "HEAD"),
    )
    (tmp_path / "merged.json").write_text(json.dumps(body))

    assert tracker("ingest", "github", "merged.json").code == 0
    assert tracker("changes", "--json", *SPAN).json["changes"][0]["title"] == "Give connections back (#42)"
    assert tracker("ingest", "git", "checkout", "--service", "checkout").code == 0

    [row] = tracker("changes", "--json", *SPAN).json["changes"]
    assert (row["kind"], row["title"], row["sources"]) == (
        "merge",
        "Merge pull request #42",
        ["git", "github"],
    )
