"""What a push tells is what a clone of the same repository tells; told by both, it is shown once."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from projections.changes import changes
from projections.deduplication import deduplicate
from tests.builders import recorded
from tests.ingest.feeds import changed, payload
from tracker.events.base import Incoming, event_id
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.events.corrections import effective
from tracker.ingest import git
from tracker.ingest.forges import github, gitlab
from tracker.ingest.services import ServiceRule, ServiceRules

RULES = ServiceRules(
    (ServiceRule("checkout", github_repository="acme/checkout", gitlab_project="acme/checkout"),)
)
ZEROS = "0" * 40


class Clone:
    """A repository named checkout, with a hotfix that was merged and tagged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.now = int(datetime(2026, 3, 1, 14, 0, tzinfo=UTC).timestamp())
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", "https://forge.example/acme/checkout.git")
        self.commit("Begin")
        self.base = self.sha("HEAD")
        self.git("checkout", "-q", "-b", "hotfix/connections")
        self.commit("Give connections back\nto the pool\n\nThey were kept for ever.")
        self.commit("Version 1.2.1")
        self.fix = self.sha("HEAD")
        self.git("checkout", "-q", "main")
        self.tick()
        self.git(
            "merge", "-q", "--no-ff", "-m", "Merge pull request #42 from acme/hotfix/connections", self.fix
        )
        self.merge = self.sha("HEAD")
        self.git("tag", "v1.2.1")
        self.tick()
        self.git("tag", "-a", "v1.2.1-signed", "-m", "Give connections back")

    def tick(self) -> None:
        self.now += 60

    def git(self, *words: str) -> str:
        stamp = f"{self.now} +0100"
        done = subprocess.run(
            ["git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com", *words],
            cwd=self.path,
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": stamp, "GIT_AUTHOR_DATE": stamp, "HOME": "/"},
        )
        return done.stdout.strip()

    def sha(self, ref: str) -> str:
        return self.git("rev-parse", ref)

    def commit(self, message: str) -> None:
        self.tick()
        (self.path / "pool.py").write_text(message)
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)

    def told(self, shas: list[str]) -> list[dict[str, Any]]:
        """Tell of commits as both forges do."""
        return [
            {
                "id": sha,
                "message": self.git("log", "-1", "--format=%B", sha),
                "timestamp": self.git("log", "-1", "--format=%cI", sha),
                "author": {"name": self.git("log", "-1", "--format=%an", sha)},
            }
            for sha in shas
        ]

    def pushed(self, ref: str, before: str, commits: list[str]) -> dict[str, Any]:
        """Make the part of a push's body that both forges have."""
        after = self.sha(ref)
        return {"ref": ref, "before": before, "after": after, "commits": self.told(commits)}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A real repository."""
    return Clone(tmp_path / "checkout")


def by_github(clone: Clone, push: dict[str, Any]) -> list[Incoming]:
    model = json.loads(payload("github_webhooks.jsonl").splitlines()[1])
    (head,) = clone.told([clone.sha(f"{push['ref']}^{{commit}}")])
    body = json.dumps(changed(model, **push, head_commit=head)).encode()
    return github.read(body, where="push", rules=RULES, event_name="push")


def by_gitlab(clone: Clone, push: dict[str, Any]) -> list[Incoming]:
    model = json.loads(payload("gitlab_webhooks.jsonl").splitlines()[0])
    kind = "tag_push" if push["ref"].startswith("refs/tags/") else "push"
    checkout = clone.sha(f"{push['ref']}^{{commit}}")
    commits = push["commits"] or clone.told([checkout])
    body = changed(model, **{**push, "commits": commits}, object_kind=kind, checkout_sha=checkout)
    return gitlab.read(json.dumps(body).encode(), where="push", rules=RULES)


Reads = Callable[[Clone, dict[str, Any]], list[Incoming]]
FORGES = pytest.mark.parametrize("reads", [by_github, by_gitlab])


def of_clone(clone: Clone) -> list[Incoming]:
    return git.read(clone.path, service="checkout")


def ids(found: list[Incoming], kind: type) -> set[str]:
    return {event_id(each.event) for each in found if isinstance(each.event, kind)}


@FORGES
def test_a_pushed_main_branch_and_a_light_tag_are_the_clones_own_events(clone: Clone, reads: Reads) -> None:
    """
    The same ids: pushed first and read later, or the other way round, they are recorded once.
    """
    main = reads(clone, clone.pushed("refs/heads/main", clone.base, [clone.fix, clone.merge]))
    tag = reads(clone, clone.pushed("refs/tags/v1.2.1", ZEROS, []))
    local = of_clone(clone)

    assert ids(main, BranchSeen)
    assert ids(main, BranchSeen) <= ids(local, BranchSeen)
    assert ids(tag, VersionTagged)
    assert ids(tag, VersionTagged) <= ids(local, VersionTagged)


@FORGES
def test_what_a_push_knows_less_of_is_shown_as_the_clone_has_it(clone: Clone, reads: Reads) -> None:
    """
    Commits without their parents, a branch without its fork, a tag without its tagger: one thing each, told twice.
    """
    pushes = [
        clone.pushed("refs/heads/main", clone.base, [clone.fix, clone.merge]),
        clone.pushed("refs/heads/hotfix/connections", ZEROS, [f"{clone.fix}~1", clone.fix]),
        clone.pushed("refs/tags/v1.2.1-signed", ZEROS, []),
    ]
    pushes[1]["commits"] = clone.told([clone.sha(f"{clone.fix}~1"), clone.fix])
    local = of_clone(clone)
    forge = [each for push in pushes for each in reads(clone, push)]

    shown = {
        first.id: others
        for first, others in deduplicate(effective(recorded(*_once([*forge, *local]))).values())
    }

    assert set(shown) == {event_id(each.event) for each in local}
    subjects = {each.event.subject_line for each in forge if isinstance(each.event, CommitMade)}
    assert "Give connections back to the pool" in subjects
    assert sum(len(others) == 2 for others in shown.values()) == 5


@pytest.mark.parametrize("squashed", [False, True])
def test_a_merged_pull_request_and_the_clones_commit_are_one_change(clone: Clone, squashed: bool) -> None:
    """
    A squashed branch leaves a plain commit in the clone: that a branch was merged with it, GitHub tells.
    """
    sha = clone.merge
    if squashed:
        clone.git("reset", "-q", "--hard", clone.base)
        clone.commit("Give connections back (#42)")
        sha = clone.sha("HEAD")
    model = json.loads(payload("github_webhooks.jsonl").splitlines()[5])
    body = changed(model, pull_request__merge_commit_sha=sha, pull_request__merged_at="2026-03-01T14:06:00Z")
    merged = github.read(json.dumps(body).encode(), where="merge", rules=RULES)

    rows = [row for row in changes(recorded(*_once([*merged, *of_clone(clone)]))) if row.sha == sha]

    assert [(row.kind, row.sources) for row in rows] == [("merge", ("git", "github"))]
    assert rows[0].event in ids(of_clone(clone), CommitMade)


def _once(found: list[Incoming]) -> list[Incoming]:
    return list({event_id(each.event): each for each in found}.values())
