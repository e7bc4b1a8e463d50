"""What GitHub and GitLab have in common: how a version is called, and what a push tells.

Of branches and light tags a push says all that a clone says, so those are the same events,
with the source `git`. Of a commit it leaves out the parents and what was changed: that is
a second statement about the same commit, and the clone's is the one that is shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from tracker.events.base import Observation
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.ingest.documents import Moment, Record, clean

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_NOWHERE = re.compile(r"0{40}(?:0{24})?", re.ASCII)
# v1.2.1, 1.2.1-rc.1, checkout-v1.2.1, checkout@2, checkout/v1.2.1
_VERSION = re.compile(
    r"(?:[A-Za-z][A-Za-z_.]*(?:-[A-Za-z_.]+)*[-@_])?[vV]?\d+(?:\.\d+)*(?:[-+._].*)?", re.ASCII
)
_BRANCHES = re.compile(
    r"(?:feature|feat|fix|bugfix|hotfix|chore|dependabot|renovate|issue)[-_/]|(?:releases?|v)/", re.ASCII
)


@dataclass(frozen=True)
class Pushed:
    """A push of one branch or tag: where it points now, and what its body tells of commits.

    `at` is when the commit that the ref stands for was committed; `pushed_at` the push
    itself. Either may be unknown.
    """

    ref: str
    after: str
    sha: str
    repository: str
    service: str | None
    source: str
    at: Moment | None = None
    pushed_at: Moment | None = None


def is_sha(text: str | None) -> bool:
    """Whether a text is a whole commit hash."""
    return bool(text) and _SHA.fullmatch(str(text)) is not None


def is_nothing(sha: str) -> bool:
    """Whether a hash is the one of zeros, which stands for a ref that is not there."""
    return _NOWHERE.fullmatch(sha) is not None


def version_of(ref: str | None, sha: str | None) -> str | None:
    """Say which version was deployed: the ref where that looks like one, else seven digits of the commit.

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
    if sha:
        return sha[:7]
    return name or None


def subject_line(message: str) -> str:
    """Return a message's first paragraph on one line, as git's %s does."""
    lines: list[str] = []
    for line in clean(message).replace("\r\n", "\n").lstrip("\n").split("\n"):
        if not line.strip():
            if lines:
                break
            continue
        lines.append(line.strip())
    return " ".join(lines)


def pieces(raw: bytes, name: str) -> list[bytes]:
    """Return the exact bytes of each element of a list in an object."""
    listed = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[name]
    return [bytes(piece) for piece in msgspec.json.decode(listed, type=list[msgspec.Raw])]


def records(body: Record, name: str) -> list[Record]:
    """Read a list of objects; a missing one is empty.

    Raises:
        BadInputError: If it is no list, or if something else than objects is in it.
    """
    given = body.fields.get(name)
    if given is None:
        return []
    if not isinstance(given, list):
        raise body.wrong(name, "a list")
    return [
        Record.of(
            each,
            place=f"{body.place.removesuffix(': it')}: {name.removesuffix('s')} {number}",
            hint=body.hint,
        )
        for number, each in enumerate(given, 1)
    ]


def sha_in(record: Record, name: str) -> str:
    """Read a whole commit hash that must be there.

    Raises:
        BadInputError: If it is missing or something else.
    """
    found = record.text(name).lower()
    if not _SHA.fullmatch(found):
        raise record.wrong(name, "a commit's hash")
    return found


def commit(record: Record, *, service: str | None, repository: str, source: str) -> CommitMade:
    """Read one commit of a push."""
    moment = record.moment("timestamp")
    author = record.maybe_record("author")
    return CommitMade(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=service,
        repository=repository,
        sha=sha_in(record, "id"),
        subject_line=subject_line(record.maybe_text("message") or record.maybe_text("title") or ""),
        author=(author.maybe_text("name") if author else None) or "",
        tree_sha=tree
        if (tree := (record.maybe_text("tree_id") or "").lower()) and _SHA.fullmatch(tree)
        else None,
    )


def pointed(push: Pushed) -> Iterator[Observation]:
    """Say where a branch or a tag points after a push; nothing where no instant is known."""
    kind, _, name = push.ref.removeprefix("refs/").partition("/")
    if kind == "heads" and push.at:
        yield BranchSeen(
            occurred_at=push.at.at,
            precision_seconds=push.at.precision_seconds,
            utc_offset_minutes=push.at.utc_offset_minutes,
            source="git",
            service=push.service,
            repository=push.repository,
            name=name,
            sha=push.sha,
        )
    if kind == "tags":
        # A light tag is the commit itself; another has an instant and an author that a push does not tell.
        light = push.after == push.sha
        moment = push.at if light and push.at else push.pushed_at or push.at
        if moment is not None:
            yield VersionTagged(
                occurred_at=moment.at,
                precision_seconds=moment.precision_seconds,
                utc_offset_minutes=moment.utc_offset_minutes,
                source="git" if light and push.at else push.source,
                service=push.service,
                repository=push.repository,
                name=name,
                sha=push.sha,
            )
