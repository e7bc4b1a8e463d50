"""Where a hotfix branch began, how it is called, and whether another one was at the same files."""

import re
from datetime import datetime

from projections.procedure.answers import Part, counted, for_each, how_to_know
from projections.procedure.deploys import SECOND
from projections.procedure.history import CommitNode
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.known_hotfixes import every_hotfix, production_before
from projections.procedure.rule import Evidence, Ruled, Status

_NAMED_AT_MOST = 5


def branched_from_production(evidence: Evidence) -> Ruled:
    """Each hotfix began on the production branch, or on an older line or version that is maintained."""
    procedure = evidence.procedure
    production = procedure.production_branch
    expected = f"branched from {production}"

    def judge(hotfix: Hotfix) -> Part:
        base = hotfix.base
        proof = _with_base(hotfix)
        if base is None:
            says = f"{hotfix.name}: nothing tells where it began; read a whole clone: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, proof, todo=how_to_know(evidence))
        if not hotfix.base_is_known:
            return _by_what_ran_before(evidence, hotfix, base, proof)
        where = hotfix.base_branch or ""
        actual = f"on {where} at {base[:7]}"
        if where in (production, *procedure.maintained_branches) or where.startswith("tag "):
            return Part(Status.MET, actual, f"{hotfix.name} began {actual}", proof)
        line = hotfix.history.line(production)
        had = line.before(hotfix.head)
        if hotfix.head in line.on_chain:
            # Fast-forwarded: what was there before is not what lies behind it now.
            ran = production_before(evidence, hotfix.history, hotfix.head, hotfix.version)
            had = hotfix.history.ancestors([ran] if ran else [])
        if base in had:
            says = f"{hotfix.name} began {actual}, where nothing was that {production} did not have"
            return Part(Status.MET, actual, says, (*proof, *line.events))
        carried = hotfix.history.ancestors([base], without=had) if had else set()
        return _dragged(hotfix, where, actual, carried, (*proof, *line.events))

    return for_each(evidence, "branched_from_production", expected, judge)


def _with_base(hotfix: Hotfix) -> tuple[str, ...]:
    base = hotfix.history.commits.get(hotfix.base or "")
    first = hotfix.commits[0].events if hotfix.commits else ()
    return tuple(dict.fromkeys((*hotfix.events, *first, *(base.events if base else ()))))


def _by_what_ran_before(evidence: Evidence, hotfix: Hotfix, base: str, proof: tuple[str, ...]) -> Part:
    """Judge a branch whose beginning nobody saw by the version that ran before it."""
    history, procedure = hotfix.history, evidence.procedure
    integration = history.line(procedure.integration_branch)
    production = history.line(procedure.production_branch)
    actual = f"on {base[:7]}, what {procedure.production_branch} was before"
    if not production.holds(base):
        says = f"{hotfix.name} stands on {base[:7]}, which {procedure.production_branch} is not known to hold"
        return Part(Status.UNKNOWN, None, says, proof, todo=how_to_know(evidence))
    older = [each for each in hotfix.commits if each.authored_at + SECOND <= evidence.incident.begins_at]
    theirs = {each.sha for each in hotfix.commits if each.sha in integration.on_chain}
    if hotfix.head in integration.on_chain:
        # That branch was fast-forwarded too: only what is older than the incident was not made for it.
        theirs = {each.sha for each in older} & theirs - production.on_chain
    if theirs and procedure.integration_branch != procedure.production_branch:
        where = procedure.integration_branch
        return _dragged(hotfix, where, f"from {where}", theirs, (*proof, *integration.events))
    if older:
        says = (
            f"nothing tells where {hotfix.name} began, and {counted(len(older), 'commit')} of it"
            f" {'are' if len(older) > 1 else 'is'} older than the incident: {older[0].said()}"
        )
        return Part(Status.UNKNOWN, None, says, (*proof, *older[0].events))
    says = f"{hotfix.name} stands {actual}"
    return Part(Status.MET, actual, says, (*proof, *production.events))


def _dragged(hotfix: Hotfix, where: str, actual: str, shas: set[str], proof: tuple[str, ...]) -> Part:
    """Name what a branch off another one than production carried along."""
    found = [hotfix.history.commits[sha] for sha in shas if sha in hotfix.history.commits]
    found.sort(key=lambda each: (each.at, each.sha), reverse=True)
    says = f"{hotfix.name} began on {where}"
    if found:
        said = [each.said() for each in found if not each.is_merge] or [each.said() for each in found]
        more = len(said) - _NAMED_AT_MOST
        named = "; ".join(said[:_NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")
        says += f" and drags along {counted(len(said), 'commit')} of it: {named}"
    events = tuple(event for each in found[:_NAMED_AT_MOST] for event in each.events)
    return Part(Status.MISSED, actual, says, tuple(dict.fromkeys((*proof, *events))))


def branch_named(evidence: Evidence) -> Ruled:
    """Each hotfix branch is named as the pattern has it, and not by a word that fits any of them."""
    procedure = evidence.procedure
    generic = {name.casefold() for name in procedure.generic_branch_names}
    expected = f"a name like {procedure.branch_pattern} that says which fix it is"

    def judge(hotfix: Hotfix) -> Part:
        name, proof = hotfix.branch, hotfix.events
        if name is None:
            says = f"the branch of {hotfix.name} is gone, and no merge names it"
            return Part(Status.UNKNOWN, None, says, hotfix.evidence)
        proof = tuple(dict.fromkeys((*proof, *(e for each in _naming(hotfix) for e in each.events))))
        if not re.fullmatch(procedure.branch_pattern, name):
            return Part(Status.MISSED, name, f"{name} is no name like {procedure.branch_pattern}", proof)
        said = {name.casefold(), name.casefold().partition("/")[2], name.casefold().rpartition("/")[2]}
        if said & generic:
            return Part(Status.MISSED, name, f"{name} says nothing of what it fixes", proof)
        return Part(Status.MET, name, f"the branch is {name}", proof)

    return for_each(evidence, "branch_named", expected, judge)


def _naming(hotfix: Hotfix) -> list[CommitNode]:
    """Return the merges of its head, which name it."""
    return [each for each in hotfix.history.commits.values() if hotfix.head in each.fact.parents[1:]]


def no_competing_hotfix(evidence: Evidence) -> Ruled:
    """While a hotfix was made, no other one touched the same files."""

    def judge(hotfix: Hotfix) -> Part:
        read_at = hotfix.history.read_at
        end = hotfix.deploy.at if hotfix.deploy is not None else read_at
        if read_at is None or end is None or read_at < end or not hotfix.history.seen:
            says = f"the branches were not read since {hotfix.name} was deployed: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, hotfix.evidence, todo=how_to_know(evidence))
        read = (hotfix.history.read_event,) if hotfix.history.read_event else ()
        if not hotfix.commits:
            says = f"what {hotfix.name} touched is not known: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, hotfix.evidence, todo=how_to_know(evidence))
        at_once = [each for each in every_hotfix(evidence) if _at_once(hotfix, each)]
        for other in at_once:
            shared = sorted(hotfix.paths & other.paths)
            proof = tuple(dict.fromkeys((*hotfix.evidence, *other.evidence)))
            if shared:
                files = ", ".join(shared[:3]) + (f" and {len(shared) - 3} more" if len(shared) > 3 else "")
                return Part(
                    Status.MISSED, other.name, f"{other.name} touched {files} at the same time", proof
                )
        unclear = next((each for each in at_once if not each.paths), None)
        if unclear is not None or (at_once and not hotfix.paths):
            says = f"what {(unclear or hotfix).name} touched is not known: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, hotfix.evidence, todo=how_to_know(evidence))
        proof = (*hotfix.evidence, *(e for each in at_once for e in each.evidence), *read)
        says = f"at the time also {', '.join(each.name for each in at_once)}, at other files"
        return Part(
            Status.MET,
            "none",
            says if at_once else "no other hotfix was made at the time",
            tuple(dict.fromkeys(proof)),
        )

    return for_each(evidence, "no_competing_hotfix", "no other hotfix at the same files at once", judge)


def _at_once(hotfix: Hotfix, other: Hotfix) -> bool:
    """Whether another hotfix was made at the same time, and is neither its copy nor its continuation."""
    if other.history is not hotfix.history or other.head == hotfix.head or other.branch == hotfix.branch:
        return False
    if other.patch_id is not None and other.patch_id == hotfix.patch_id:
        return False
    mine = frozenset[str]().union(*(each.identities for each in hotfix.fixes))
    if other.fixes and all(each.identities & mine for each in other.fixes):
        return False
    history = hotfix.history
    if other.head in history.ancestors([hotfix.head]) or hotfix.head in history.ancestors([other.head]):
        return False
    if not other.commits:
        return other.seen_at >= hotfix.began_at
    return other.began_at <= _ends_at(hotfix) and hotfix.began_at <= _ends_at(other)


def _ends_at(hotfix: Hotfix) -> datetime:
    last = max((each.authored_at for each in hotfix.commits), default=hotfix.seen_at)
    return max(last, hotfix.deploy.at) if hotfix.deploy is not None else last
