"""Was the commit that was deployed tested, green, before its deploy began?

What counts is what runs: a run of the deployed commit, or of another commit that holds the very same
files. Git names all that a commit holds by the hash of its tree; a merge, a squash or a rebase of a
branch from which nothing had moved on has the tree of that branch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from projections.changes import ChangeRow, same_version
from projections.procedure.answers import how_to_know
from projections.procedure.communication import is_open, told_live
from projections.procedure.fix_attempts import fix_or_not
from projections.procedure.hotfix import hotfixes
from projections.procedure.rule import Evidence, Ruled, Status
from projections.the_fix import Fix
from tracker.events.base import handle_of
from tracker.events.changes import (
    BranchSeen,
    Change,
    CommitMade,
    ReleaseCreated,
    TestsFinished,
    VersionReleased,
    VersionTagged,
)
from tracker.events.corrections import Effective
from tracker.times import spoken

_SHORTEST_SHA = 7
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
TYPED = "run"
"""The source of what `tracker run` saw: there the last run counts, whatever its command was."""


def same_commit(one: str, other: str) -> bool:
    """Whether two hashes, either of them perhaps shortened, name one commit."""
    short = min(len(one), len(other))
    return short >= _SHORTEST_SHA and one[:short].lower() == other[:short].lower()


def deployed_sha(evidence: Evidence, row: ChangeRow) -> tuple[str, tuple[str, ...]] | None:
    """Return the commit that a deploy put out, and the events that say so.

    The deploy's own word, else its version's tag, else what a release tool said, else the last
    that was seen of the branch of that version before the deploy, else a version that is a hash.
    """
    if row.sha:
        return row.sha, row.evidence
    before = row.started_at or row.at
    mine = [each for each in evidence.facts if getattr(each.event, "service", None) == row.service]
    for kinds in ((VersionTagged,), (VersionReleased, ReleaseCreated), (BranchSeen,)):
        named = [each for each in mine if isinstance(each.event, kinds) and _of_version(each, row.version)]
        named = [
            each
            for each in named
            if isinstance(each.event, VersionTagged) or each.event.occurred_at <= before
        ]
        found = max(named, key=lambda each: each.order, default=None)
        sha = getattr(found.event, "sha", None) if found else None
        if found is not None and sha:
            return sha, (found.id,)
    hashed = row.version.rsplit("@", 1)[-1]
    for each in mine:
        if isinstance(each.event, CommitMade) and same_commit(each.event.sha, hashed):
            return each.event.sha, (each.id,)
    return (hashed, row.evidence) if _SHA.fullmatch(hashed) else None


def _of_version(fact: Effective, version: str) -> bool:
    event = fact.event
    name = (
        event.version if isinstance(event, VersionReleased | ReleaseCreated) else getattr(event, "name", "")
    )
    return same_version(name.rsplit("/", 1)[-1], version)


def tested_before_deploy(evidence: Evidence) -> Ruled:
    """Ask for a green run of the deployed commit that ended before the deploy began."""
    name, expected = "tested_before_deploy", "a green run of the commit before its deploy"
    fix, early = fix_or_not(evidence, name, expected)
    if fix is None:
        return _not_deployed(evidence, early)
    row = fix.row
    if row.kind == "rollback":
        says = f"{row.version} was put back, and had run before: nothing new went out."
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, says, row.evidence)
    if isinstance(row.fact, Change) and row.fact.dirty:
        says = f"{row.version} went out of a clone with uncommitted changes: no run tested that."
        return Ruled(name, Status.UNKNOWN, expected, None, says, row.evidence)
    sha = deployed_sha(evidence, row)
    if sha is None:
        says = (
            f"Nothing says which commit {row.version} is: no deploy, tag or branch of it names one; "
            f"tracker amend {handle_of(row.event)} --set sha=SHA --why …"
        )
        return Ruled(name, Status.UNKNOWN, expected, None, says, row.evidence)
    return _tested(evidence, fix, *sha, name, expected)


def _not_deployed(evidence: Evidence, answer: Ruled) -> Ruled:
    """Say what is to be tested before it goes out: the hotfix that is known, where no green run of it is."""
    waiting = [each for each in hotfixes(evidence) if each.deploy is None]
    if answer.status is not Status.UNKNOWN or not waiting or not (is_open(evidence) and told_live(evidence)):
        return answer
    service, head = evidence.incident.services[0], waiting[-1].head
    tree = _known_trees(evidence, service).get(head, {}).keys()
    runs = [each.event for each in _runs(evidence, service) if not each.event.dirty]
    mine = [one for one in runs if one.sha and (same_commit(one.sha, head) or one.tree_sha in tree)]
    if mine and mine[-1].exit_code == 0:
        return answer
    return replace(
        answer,
        says=f"No deploy of a fix is recorded, and no green run of {waiting[-1].name} at {head[:7]}.",
        due_at=evidence.detected_at + evidence.procedure.fix_deployed_within,
        todo=f"tracker run test {service} --sha {head[:10]} -- COMMAND",
    )


@dataclass(frozen=True)
class _Run:
    """A test run, with the events that show that what it tested is what was deployed."""

    fact: Effective
    event: TestsFinished
    same_as: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What a later run stands in for."""
        return self.event.source, "" if self.event.source == TYPED else self.event.command

    @property
    def evidence(self) -> tuple[str, ...]:
        """The events that it stands on."""
        return tuple(dict.fromkeys((self.fact.id, *self.same_as)))


def _tested(
    evidence: Evidence, fix: Fix, sha: str, named_by: tuple[str, ...], name: str, expected: str
) -> Ruled:
    row, short = fix.row, sha[:7]
    begins = row.started_at or row.at
    runs = _runs(evidence, row.service)
    mine = [each for each in _of_content(evidence, row, sha, runs) if not each.event.dirty]
    before = [each for each in mine if each.event.occurred_at <= begins]
    last = list({each.key: each for each in before}.values())
    red = [each for each in last if each.event.exit_code != 0]
    base = tuple(dict.fromkeys((*named_by, *row.evidence)))
    if red:
        what = _commands(red)
        told_ = f"{what} failed for {_tested_as(red, sha)}"
        says = f"The last run of {what} before the deploy failed for {_tested_as(red, sha)}, and {row.version} went out all the same."
        return Ruled(name, Status.MISSED, expected, told_, says, _proof(red, base))
    if last:
        newest = max(each.event.occurred_at for each in last)
        ahead = spoken((begins - newest).total_seconds())
        told_ = f"{_commands(last)} passed for {_tested_as(last, sha)}, {ahead} before the deploy"
        return Ruled(name, Status.MET, expected, told_, f"{told_}.", _proof(last, base))
    if mine:
        first, event = mine[0], mine[0].event
        if event.exit_code != 0:
            says = (
                f"{event.command!r} failed for {short} after {row.version} had gone out; nothing ran before."
            )
            told_ = f"{event.command!r} failed afterwards"
            return Ruled(name, Status.MISSED, expected, told_, says, _proof([first], base))
        late = (event.occurred_at - begins).total_seconds()
        told_ = (
            f"{event.command!r} passed for {_tested_as([first], sha)}, {spoken(late)} after the deploy began"
        )
        return Ruled(
            name, Status.LATE, expected, told_, f"{told_}.", _proof([first], base), late_seconds=late
        )
    says = f"No test run of {short} ({row.version}) is recorded{_others(evidence, row, runs, sha)}."
    return Ruled(name, Status.UNKNOWN, expected, None, says, base)


def _runs(evidence: Evidence, service: str | None) -> list[_Run]:
    return [
        _Run(each, each.event)
        for each in evidence.of(TestsFinished)
        if isinstance(each.event, TestsFinished) and each.event.service == service
    ]


def _of_content(evidence: Evidence, row: ChangeRow, sha: str, runs: Sequence[_Run]) -> list[_Run]:
    """Return the runs of a commit, and those of others that hold the same files to the byte."""
    trees = _trees(evidence, row, sha)
    found = []
    for each in runs:
        tested = each.event.sha
        if not tested:
            continue
        if same_commit(tested, sha):
            found.append(each)
            continue
        own = _trees(evidence, row, tested) if trees else {}
        if each.event.tree_sha:
            own = {each.event.tree_sha: each.fact.id}
        shared = trees.keys() & own.keys()
        if shared:
            tree = min(shared)
            found.append(_Run(each.fact, each.event, (trees[tree], own[tree])))
    return found


def _trees(evidence: Evidence, row: ChangeRow, sha: str) -> dict[str, str]:
    """Return the tree of a commit with the event that tells of it; none where nobody did, or where two differ."""
    known = _known_trees(evidence, row.service)
    whole = [sha] if sha in known else [each for each in known if same_commit(each, sha)]
    return known[whole[0]] if len(whole) == 1 and len(known[whole[0]]) == 1 else {}


def _known_trees(evidence: Evidence, service: str | None) -> dict[str, dict[str, str]]:
    """Return the trees that were told of each commit of a service, with the events that say so."""
    name = f"trees of {service}"
    if name not in evidence.computed:
        found: dict[str, dict[str, str]] = {}
        for each in evidence.facts:
            event = each.event
            if isinstance(event, CommitMade) and event.service == service and event.tree_sha:
                found.setdefault(event.sha, {})[event.tree_sha] = each.id
        evidence.computed[name] = found
    kept: dict[str, dict[str, str]] = evidence.computed[name]
    return kept


def _tested_as(runs: Sequence[_Run], sha: str) -> str:
    """Name what was tested: the commit, or another one of the same content."""
    others = dict.fromkeys(
        each.event.sha[:7] for each in runs if each.event.sha and not same_commit(each.event.sha, sha)
    )
    return f"{', '.join(others)}, the same files as in {sha[:7]}" if others else sha[:7]


def _commands(runs: Sequence[_Run]) -> str:
    return " and ".join(dict.fromkeys(f"{each.event.command!r}" for each in runs))


def _proof(runs: Sequence[_Run], base: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(event for each in runs for event in each.evidence), *base)))


def _others(evidence: Evidence, row: ChangeRow, runs: Sequence[_Run], sha: str) -> str:
    """Say what was tested instead: other content, or with uncommitted changes, shows nothing of this one."""
    since_then = [each.event for each in runs if each.event.occurred_at >= evidence.detected_at]
    dirty = sum(one.dirty for one in since_then if one.sha and same_commit(one.sha, sha))
    if dirty:
        return f"; {dirty} had uncommitted changes and {'does' if dirty == 1 else 'do'} not count"
    shas = list(dict.fromkeys(one.sha[:7] for one in since_then if one.sha))
    if not shas:
        return ""
    what = f"; {', '.join(shas)} {'was' if len(shas) == 1 else 'were'} tested"
    if _trees(evidence, row, sha) and all(
        one.tree_sha or _trees(evidence, row, one.sha) for one in since_then if one.sha
    ):
        return f"{what}, which {'holds' if len(shas) == 1 else 'hold'} other files"
    return f"{what}, and whether that is the same content is not known: {how_to_know(evidence)}"
