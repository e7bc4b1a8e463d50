"""The events that GitHub and GitLab both give, whatever their bodies look like.

Of branches and light tags a push says all that a clone says, so those are the same events,
with the source `git`. Of a commit it leaves out the parents and what was changed: that is
a second statement about the same commit, and the clone's is the one that is shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tracker.events.base import Observation
from tracker.events.changes import BranchSeen, Change, CommitMade, TestsFinished, VersionTagged
from tracker.ingest.documents import Moment, Record, clean

E = TypeVar("E", bound=Observation)

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_NOWHERE = re.compile(r"0{40}(?:0{24})?", re.ASCII)
# v1.2.1, 1.2.1-rc.1, checkout-v1.2.1, checkout@2, checkout/v1.2.1
_VERSION = re.compile(
    r"(?:[A-Za-z][A-Za-z_.]*(?:-[A-Za-z_.]+)*[-@_])?[vV]?\d+(?:\.\d+)*(?:[-+._].*)?", re.ASCII
)
_BRANCHES = re.compile(
    r"(?:feature|feat|fix|bugfix|hotfix|chore|dependabot|renovate|issue)[-_/]|(?:releases?|v)/", re.ASCII
)


def full_sha(text: str | None) -> str | None:
    """Return a text that is a whole commit hash, else None."""
    return text if text and _SHA.fullmatch(text) else None


def sha_in(record: Record, name: str) -> str:
    """Read a whole commit hash that must be there."""
    sha = full_sha(record.text(name).lower())
    if sha is None:
        raise record.wrong(name, "a commit's hash")
    return sha


def is_deletion(push: Record) -> bool:
    """Whether a push took its ref away: then it points at a hash of zeros."""
    return _NOWHERE.fullmatch(sha_in(push, "after")) is not None


def version_of(ref: str | None, sha: str | None) -> str | None:
    """Return the version that was deployed: the ref where that looks like one, else seven digits of the commit.

    A forge does not say whether a ref is a tag or a branch. `main`, `hotfix/2-login` and
    `release/1.2` are no versions: what is deployed from them is another commit each time.
    """
    name = (ref or "").removeprefix("refs/tags/")
    if (
        name
        and not name.startswith("refs/")
        and not _SHA.fullmatch(name)
        and not _BRANCHES.match(name)
        and _VERSION.fullmatch(name.rpartition("/")[2])
        and not (sha and len(name) >= 7 and sha.startswith(name))
    ):
        return name
    return sha[:7] if sha else name or None


def subject_line(message: str) -> str:
    """Return a message's first paragraph on one line, as git's %s does."""
    paragraph = re.split(r"\n\s*\n", clean(message).replace("\r\n", "\n").strip(), maxsplit=1)[0]
    return " ".join(line.strip() for line in paragraph.split("\n") if line.strip())


@dataclass(frozen=True)
class Repository:
    """Whose events they are: the source that reports them, the name that clones have, and the service."""

    source: str
    name: str
    service: str | None

    def _event(self, kind: type[E], moment: Moment, **fields: Any) -> E:
        return kind(**moment.fields, source=self.source, service=self.service, **fields)

    def deploy(
        self,
        step: type[Change],
        moment: Moment,
        *,
        version: str,
        environment: str | None,
        sha: str | None,
        run_id: str,
        url: str | None,
    ) -> Change:
        return self._event(
            step,
            moment,
            version=version,
            environment=environment or "production",
            sha=full_sha(sha),
            run_id=run_id,
            url=url,
        )

    def merge(
        self, moment: Moment, *, sha: str, subject_line: str, author: str | None, merged_from: str
    ) -> CommitMade:
        return self._event(
            CommitMade,
            moment,
            repository=self.name,
            sha=sha,
            subject_line=subject_line,
            author=author or "",
            merged_from=merged_from,
        )

    def tag(self, moment: Moment, *, name: str, sha: str | None, tagger: str | None = None) -> VersionTagged:
        return self._event(VersionTagged, moment, repository=self.name, name=name, sha=sha, tagger=tagger)

    def tests(
        self, ended: Moment, *, sha: str, exit_code: int, command: str, duration_seconds: float | None = None
    ) -> TestsFinished:
        return self._event(
            TestsFinished,
            ended,
            sha=sha,
            exit_code=exit_code,
            command=command,
            duration_seconds=duration_seconds,
        )

    def commits(self, push: Record) -> Iterator[tuple[CommitMade, bytes]]:
        """Read the commits of a push, each with its own bytes."""
        for record in push.records("commits"):
            event = self._event(
                CommitMade,
                record.moment("timestamp"),
                repository=self.name,
                sha=sha_in(record, "id"),
                subject_line=subject_line(record.maybe_text("message") or record.maybe_text("title") or ""),
                author=record.maybe_text("author.name") or "",
                tree_sha=full_sha((record.maybe_text("tree_id") or "").lower()),
            )
            yield event, record.raw

    def pointer(
        self, push: Record, *, sha: str, at: Moment | None, pushed_at: Moment | None
    ) -> BranchSeen | VersionTagged | None:
        """Return where a branch or a tag points after a push; None where no instant is known.

        `sha` is the commit that the ref stands for, `at` when that was committed. A light tag
        is the commit itself; another has an instant and an author that a push does not have.
        """
        kind, _, name = push.text("ref").removeprefix("refs/").partition("/")
        as_git = replace(self, source="git")
        if kind == "heads" and at:
            return as_git._event(BranchSeen, at, repository=self.name, name=name, sha=sha)
        if kind == "tags" and at and sha == sha_in(push, "after"):
            return as_git.tag(at, name=name, sha=sha)
        if kind == "tags" and (moment := pushed_at or at):
            return self.tag(moment, name=name, sha=sha)
        return None
