"""Which version a hotfix is: bumped by a patch number, tagged, and new after a rollback."""

import re

from projections.changes import ChangeRow, plain_version, same_version
from projections.procedure.answers import Part, for_each, how_to_know
from projections.procedure.deploys import own_changes
from projections.procedure.fix_attempts import no_fix
from projections.procedure.history import History, Tag
from projections.procedure.hotfix import counting_hotfixes, hotfixes
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered, version_in
from projections.procedure.merging import hotfix_standing
from projections.procedure.rule import Evidence, Ruled, Status
from tracker.events.version_files import VERSION_FILES

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?", re.ASCII)


def numbers(version: str | None) -> tuple[int, int, int] | None:
    """Read major, minor and patch; None of a version that is no such numbers."""
    found = _NUMBERS.fullmatch(plain_version(version_in(version) or version or ""))
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def is_patch_of(after: tuple[int, int, int], before: tuple[int, int, int]) -> bool:
    """Whether only the patch number grew."""
    return after[:2] == before[:2] and after[2] > before[2]


def next_version(evidence: Evidence) -> str:
    """Name the version that a fix would have: what its branch says, else one patch after what runs; else VERSION."""
    made = [each for each in hotfixes(evidence) if each.deploy is None and each.version is not None]
    ran = [row for row in own_changes(evidence) if row.status == "finished"]
    tried = [found for row in ran if (found := numbers(row.version)) is not None]
    if made:
        said = made[-1].version or ""
        return said if said.startswith("v") or not ran or not ran[-1].version.startswith("v") else f"v{said}"
    if not ran or numbers(ran[-1].version) is None:
        return "VERSION"
    major, minor, patch = numbers(ran[-1].version) or (0, 0, 0)
    # What was rolled back has its number for good.
    patch = max(found[2] for found in tried if found[:2] == (major, minor))
    return f"{'v' if ran[-1].version.startswith('v') else ''}{major}.{minor}.{patch + 1}"


def version_bumped(evidence: Evidence) -> Ruled:
    """Each hotfix raised the patch number in the version files, to the version that was deployed."""

    def judge(hotfix: Hotfix) -> Part:
        deploy = hotfix.deploy
        released = [hotfix.history.commits[sha] for sha in hotfix.release if sha in hotfix.history.commits]
        touching = {each.sha: each for each in (*hotfix.commits, *released) if each.fact.stated_versions}
        ordered = list(touching.values())
        proof = tuple(dict.fromkeys((*hotfix.evidence, *(e for each in ordered for e in each.events))))
        proof += deploy.evidence if deploy is not None else ()
        if not ordered:
            return _not_bumped(evidence, hotfix, proof)
        said: list[str] = []
        for path in dict.fromkeys(path for each in ordered for path in each.fact.stated_versions):
            before = next((v for each in ordered if (v := each.fact.versions_before.get(path))), None)
            after = next(v for each in reversed(ordered) if (v := each.fact.stated_versions.get(path)))
            said.append(f"{path} {before or 'new'} → {after}")
            old, new = numbers(before), numbers(after)
            if old is None or new is None:
                says = f"{said[-1]}: these cannot be compared"
                return Part(Status.UNKNOWN, said[-1], says, proof)
            if not is_patch_of(new, old):
                what = "was not raised" if new <= old else "is no patch bump"
                return Part(Status.MISSED, said[-1], f"{said[-1]} {what}", proof)
            if deploy is not None and is_numbered(deploy.version) and not same_version(deploy.version, after):
                says = f"{path} says {after}, and {deploy.version} was deployed"
                return Part(Status.MISSED, said[-1], says, proof)
        actual = "; ".join(said)
        if deploy is None:
            says = f"{actual}; no deploy of it is recorded yet"
            return Part(Status.UNKNOWN, actual, says, proof, todo=_deployed(evidence))
        if not is_numbered(deploy.version):
            sha = deployed_commit(hotfix.history, deploy)
            holds = hotfix.history.ancestors([sha] if sha else [])
            last = ordered[-1].fact.stated_versions
            if not any(each.sha in holds and each.fact.stated_versions == last for each in ordered):
                says = f"{actual}; whether the deploy of {deploy.version} has it is not known"
                return Part(Status.UNKNOWN, actual, says, proof)
        return Part(Status.MET, actual, f"{actual}, as deployed", proof)

    expected = "the patch number raised in the version file, as deployed"
    return for_each(evidence, "version_bumped", expected, judge, counting_hotfixes)


def _deployed(evidence: Evidence) -> str:
    service = (evidence.incident.services or ("SERVICE",))[0]
    return f"tracker deploy finish {service} VERSION --sha SHA --at T"


def _not_bumped(evidence: Evidence, hotfix: Hotfix, proof: tuple[str, ...]) -> Part:
    stated = hotfix.stated_versions
    if stated is None or not hotfix.is_whole:
        says = f"what its version files say is not known; read a whole clone: {how_to_know(evidence)}"
        return Part(Status.UNKNOWN, None, says, proof, todo=how_to_know(evidence))
    if not stated:
        says = f"none of {', '.join(VERSION_FILES)} is there with a version"
        return Part(Status.NOT_APPLICABLE, None, says, proof)
    still = ", ".join(f"{path} {version}" for path, version in sorted(stated.items()))
    if hotfix.deploy is None:
        says = f"not yet: {still}; raise the patch number before the deploy"
        return Part(Status.UNKNOWN, still, says, proof, todo="git commit -m 'chore: bump version to …'")
    return Part(Status.MISSED, still, f"no commit of it raised the version: still {still}", proof)


def tagged(evidence: Evidence) -> Ruled:
    """Each hotfix's version is a tag on the commit that was deployed, or on the fix."""

    def judge(hotfix: Hotfix) -> Part:
        history, version, deploy = hotfix.history, hotfix.version, hotfix.deploy
        proof = (*hotfix.evidence, *(deploy.evidence if deploy is not None else ()))
        if version is None:
            says = f"which version {hotfix.name} is, is not known; {_deployed(evidence)}"
            return Part(Status.UNKNOWN, None, says, proof, todo=_deployed(evidence))
        tags = _where_they_point(history, version)
        proof = (*proof, *(each.event for each in tags))
        copied = hotfix_standing(hotfix, evidence.procedure.production_branch)
        good = {*hotfix.release, *copied.by, *(each.sha for each in hotfix.fixes[-1:])}
        for tag in tags:
            if tag.fact.sha in good:
                says = f"{tag.fact.name} is on {(tag.fact.sha or '')[:7]}"
                return Part(Status.MET, tag.fact.name, says, tuple(dict.fromkeys(proof)))
        if any(each.fact.sha is None for each in tags):
            says = f"{version} was released, but on which commit is not known: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, version, says, proof, todo=how_to_know(evidence))
        for tag in tags:
            sha = tag.fact.sha or ""
            if sha not in history.commits:
                says = f"{tag.fact.name} is on {sha[:7]}, which is not known: {how_to_know(evidence)}"
                return Part(Status.UNKNOWN, tag.fact.name, says, proof, todo=how_to_know(evidence))
        deployed = (deployed_commit(history, deploy) if deploy is not None else None) or hotfix.head
        todo = f"git tag v{plain_version(version)} {deployed[:10]}"
        if tags:
            sha = tags[-1].fact.sha or ""
            holds = hotfix.head in history.ancestors([sha])
            what = "which has more than the fix" if holds else "which has not the fix"
            says = f"{tags[-1].fact.name} is on {history.commits[sha].said()}, {what}"
            return Part(Status.MISSED, tags[-1].fact.name, says, proof)
        if deploy is None:
            return Part(Status.UNKNOWN, None, f"no tag {version} yet", proof, todo=todo)
        if history.read_at is None or history.read_at < deploy.at:
            says = f"the tags were not read since the deploy: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, proof, todo=how_to_know(evidence))
        read = (history.read_event,) if history.read_event else ()
        return Part(Status.MISSED, None, f"there is no tag {version}", (*proof, *read), todo=todo)

    return for_each(
        evidence, "tagged", "a tag of the version on the commit that was deployed", judge, counting_hotfixes
    )


def _where_they_point(history: History, version: str) -> list[Tag]:
    """Return the tags of a version, each where it was told last: a tag may be moved."""
    last: dict[str, Tag] = {}
    for each in history.tags:
        if not same_version(version_in(each.fact.name) or "", version):
            continue
        held = last.get(each.fact.name)
        known = (each.fact.sha is not None, each.position)
        if held is None or known > (held.fact.sha is not None, held.position):
            last[each.fact.name] = each
    return list(last.values())


def new_version_after_rollback(evidence: Evidence) -> Ruled:
    """What is deployed after a rollback has a new patch number, never the one that was rolled back."""
    rule, expected = "new_version_after_rollback", "a new patch number after a rollback"
    incident = evidence.incident
    off = no_fix(evidence)
    if off is not None:
        return Ruled(rule, Status.NOT_APPLICABLE, expected, None, f"no new version was asked for: {off}")
    rows = [row for row in own_changes(evidence) if row.status == "finished"]
    if not rows:
        says = f"no deploy or rollback is recorded; {_deployed(evidence)}"
        return Ruled(rule, Status.UNKNOWN, expected, None, says, todo=_deployed(evidence))
    end = incident.ends_at
    during = [row for row in rows if row.at >= incident.begins_at and (end is None or row.at <= end)]
    back = next((row for row in during if row.kind == "rollback"), None)
    if back is None:
        return Ruled(rule, Status.NOT_APPLICABLE, expected, None, "nothing was rolled back")
    if back.previous_version is None:
        says = f"rolled back to {back.version}, but what ran before is not known; {_deployed(evidence)}"
        return Ruled(rule, Status.UNKNOWN, expected, None, says, back.evidence, todo=_deployed(evidence))
    found = [_after(row, rows) for row in during if row.kind == "rollback" and row.previous_version]
    worst = next((each for each in found if each.status is Status.MISSED), None)
    chosen = worst or next((each for each in found if each.status is Status.MET), None) or found[0]
    return Ruled(rule, chosen.status, expected, chosen.actual, chosen.says, chosen.evidence)


def _after(back: ChangeRow, rows: list[ChangeRow]) -> Part:
    taken_back = back.previous_version or ""
    later = [
        row
        for row in rows
        if row.at > back.at
        and (row.service, row.environment) == (back.service, back.environment)
        and not same_version(row.version, back.version)
    ]
    again = next((row for row in later if same_version(row.version, taken_back)), None)
    if again is not None:
        says = f"{again.version} was deployed again after it had been rolled back"
        return Part(Status.MISSED, again.version, says, (*back.evidence, *again.evidence))
    deploys = [row for row in later if row.kind == "deploy"]
    if not deploys:
        says = f"nothing was deployed since {taken_back} was rolled back to {back.version}"
        return Part(Status.NOT_APPLICABLE, None, says, back.evidence)
    new = deploys[0]
    proof = (*back.evidence, *new.evidence)
    old_numbers, new_numbers = numbers(taken_back), numbers(new.version)
    if old_numbers is not None and new_numbers is not None and new_numbers <= old_numbers:
        says = f"{new.version} came after {taken_back} was rolled back, and is no newer number"
        return Part(Status.MISSED, new.version, says, proof)
    says = f"{taken_back} was rolled back, and {new.version} came after it"
    return Part(Status.MET, new.version, says, proof)
