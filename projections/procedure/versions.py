"""Which version a hotfix is: bumped by a patch number, tagged, and new after a rollback."""

import re
from dataclasses import dataclass

from projections.changes import ChangeRow, same_place
from projections.procedure.answers import for_each_hotfix, ingest_git, unique, unknown
from projections.procedure.deploys import own_changes, rows_in_life
from projections.procedure.history import History, Tag
from projections.procedure.hotfix import counting_hotfixes, hotfixes
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered, version_in
from projections.procedure.merging import hotfix_containment
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from projections.versions import Version, plain_version, same_name, same_version
from tracker.events.version_files import VERSION_FILES

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?", re.ASCII)


def numbers(version: str | None) -> tuple[int, int, int] | None:
    """Read major, minor and patch; None of a version that is no such numbers."""
    parts = _NUMBERS.fullmatch(plain_version(version_in(version) or version or ""))
    return (int(parts[1]), int(parts[2]), int(parts[3] or 0)) if parts else None


def is_patch_of(after: tuple[int, int, int], before: tuple[int, int, int]) -> bool:
    """Whether only the patch number grew."""
    return after[:2] == before[:2] and after[2] > before[2]


def next_version(evidence: Evidence) -> str:
    """Name the version that a fix would have: what its branch says, else one patch after what runs; else VERSION."""
    made = [hotfix.version for hotfix in hotfixes(evidence) if hotfix.deploy is None and hotfix.version]
    ran = [row.version for row in own_changes(evidence) if row.status == "finished"]
    prefix = "v" if ran and ran[-1].startswith("v") else ""
    if made:
        return made[-1] if made[-1].startswith("v") else prefix + made[-1]
    last = numbers(ran[-1]) if ran else None
    if last is None:
        return "VERSION"
    # What was rolled back keeps its number for good.
    patches = [parts[2] for version in ran if (parts := numbers(version)) and parts[:2] == last[:2]]
    return f"{prefix}{last[0]}.{last[1]}.{max(patches) + 1}"


def version_bumped(evidence: Evidence) -> RuleAnswer:
    """Each hotfix raised the patch number in the version files, to the version that was deployed."""

    def judge(hotfix: Hotfix) -> RuleAnswer:
        deploy = hotfix.deploy
        released = [hotfix.history.commits[sha] for sha in hotfix.release if sha in hotfix.history.commits]
        touching = {
            commit.sha: commit for commit in (*hotfix.commits, *released) if commit.fact.stated_versions
        }
        ordered = list(touching.values())
        proof = unique((*hotfix.evidence, *(event for commit in ordered for event in commit.events)))
        proof += deploy.evidence if deploy is not None else ()
        if not ordered:
            return _not_bumped(evidence, hotfix, proof)
        bumps: list[Bump] = []
        facts = {"bumps": bumps, "version": deploy and deploy.version}
        for path in dict.fromkeys(path for commit in ordered for path in commit.fact.stated_versions):
            before = next((v for commit in ordered if (v := commit.fact.versions_before.get(path))), None)
            after = next(v for commit in reversed(ordered) if (v := commit.fact.stated_versions.get(path)))
            bumps.append(Bump(path, before, after))
            old, new = numbers(before), numbers(after)
            one = {**facts, "bumps": bumps[-1:], "path": path, "after": after}
            if old is None or new is None:
                return RuleAnswer(Status.UNKNOWN, "versions_not_comparable", one, proof)
            if not is_patch_of(new, old):
                return RuleAnswer(Status.MISSED, "not_raised" if new <= old else "not_a_patch", one, proof)
            if deploy is not None and is_numbered(deploy.version) and not same_name(deploy.version, after):
                return RuleAnswer(Status.MISSED, "deployed_another_version", one, proof)
        if deploy is None:
            return unknown("bumped_not_deployed", facts, proof, _record_deploy(evidence))
        if not is_numbered(deploy.version):
            sha = deployed_commit(hotfix.history, deploy)
            holds = hotfix.history.ancestors([sha] if sha else [])
            last = ordered[-1].fact.stated_versions
            if not any(commit.sha in holds and commit.fact.stated_versions == last for commit in ordered):
                return RuleAnswer(Status.UNKNOWN, "bump_maybe_not_deployed", facts, proof)
        return RuleAnswer(Status.MET, "bumped", facts, proof)

    return for_each_hotfix(evidence, judge, counting_hotfixes)


@dataclass(frozen=True)
class Bump:
    """What a version file said before a hotfix, and after."""

    path: str
    before: str | None
    after: str


def _record_deploy(evidence: Evidence) -> NextStep:
    return NextStep("deploy_finish", {"service": (evidence.incident.services or ("SERVICE",))[0]})


def _not_bumped(evidence: Evidence, hotfix: Hotfix, proof: tuple[str, ...]) -> RuleAnswer:
    stated = hotfix.stated_versions
    if stated is None or not hotfix.is_whole:
        return unknown("version_files_unknown", {}, proof, ingest_git(evidence))
    if not stated:
        return RuleAnswer(Status.NOT_APPLICABLE, "no_version_file", {"files": VERSION_FILES}, proof)
    facts = {"stated": sorted(stated.items())}
    if hotfix.deploy is None:
        return unknown("not_bumped_yet", facts, proof, NextStep("git_bump"))
    return RuleAnswer(Status.MISSED, "never_bumped", facts, proof)


def tagged(evidence: Evidence) -> RuleAnswer:
    """Each hotfix's version is a tag on the commit that was deployed, or on the fix."""

    def judge(hotfix: Hotfix) -> RuleAnswer:
        history, version, deploy = hotfix.history, hotfix.version, hotfix.deploy
        proof = (*hotfix.evidence, *(deploy.evidence if deploy is not None else ()))
        if version is None:
            return unknown("version_unknown", {"hotfix": hotfix.name}, proof, _record_deploy(evidence))
        tags = _tags_of(history, version)
        proof = unique((*proof, *(tag.event for tag in tags)))
        on_production = hotfix_containment(hotfix, evidence.procedure.production_branch)
        good = {*hotfix.release, *on_production.by, *(commit.sha for commit in hotfix.fixes[-1:])}
        for tag in tags:
            if tag.fact.sha in good:
                return RuleAnswer(Status.MET, "tagged", {"tag": tag.fact.name, "sha": tag.fact.sha}, proof)
        if any(tag.fact.sha is None for tag in tags):
            return unknown("release_commit_unknown", {"version": version}, proof, ingest_git(evidence))
        for tag in tags:
            if tag.fact.sha not in history.commits:
                facts = {"tag": tag.fact.name, "sha": tag.fact.sha}
                return unknown("tag_commit_unknown", facts, proof, ingest_git(evidence))
        if tags:
            sha = tags[-1].fact.sha or ""
            tag_facts = {"tag": tags[-1].fact.name, "commit": history.commits[sha]}
            holds = hotfix.head in history.ancestors([sha])
            return RuleAnswer(Status.MISSED, "tag_on_later" if holds else "tag_without_fix", tag_facts, proof)
        deployed = (deployed_commit(history, deploy) if deploy is not None else None) or hotfix.head
        step = NextStep("git_tag", {"version": plain_version(version), "sha": deployed})
        if deploy is None:
            return unknown("no_tag_yet", {"version": version}, proof, step)
        if history.read_at is None or history.read_at < deploy.at:
            return unknown("tags_not_read", {}, proof, ingest_git(evidence))
        read = (history.read_event,) if history.read_event else ()
        return RuleAnswer(Status.MISSED, "no_tag", {"version": version}, (*proof, *read), next_step=step)

    return for_each_hotfix(evidence, judge, counting_hotfixes)


def _tags_of(history: History, version: str) -> list[Tag]:
    """Return the tags of a version, each where it was last: a tag may be moved."""
    last: dict[str, Tag] = {}
    for tag in history.tags:
        if not same_name(version_in(tag.fact.name) or "", version):
            continue
        known = last.get(tag.fact.name)
        rank = (tag.fact.sha is not None, tag.position)
        if known is None or rank > (known.fact.sha is not None, known.position):
            last[tag.fact.name] = tag
    return list(last.values())


def new_version_after_rollback(evidence: Evidence) -> RuleAnswer:
    """What is deployed after a rollback has a new patch number, never the one that was rolled back."""
    incident = evidence.incident
    rows = [row for row in own_changes(evidence) if row.status == "finished"]
    if not rows:
        return unknown("no_change_recorded", {}, (), _record_deploy(evidence))
    end, mine = incident.ends_at, {row.event for row in rows_in_life(evidence)}
    backs = [
        row
        for row in rows
        if row.event in mine
        and row.kind == "rollback"
        and row.at >= incident.begins_at
        and (end is None or row.at <= end)
    ]
    if not backs:
        return RuleAnswer(Status.NOT_APPLICABLE, "nothing_rolled_back")
    if backs[0].previous is None:
        facts, proof = {"version": backs[0].version}, backs[0].evidence
        return unknown("previous_version_unknown", facts, proof, _record_deploy(evidence))
    answers = [_after_rollback(row, row.previous, rows) for row in backs if row.previous]
    order = (Status.MISSED, Status.MET)
    return next((answer for status in order for answer in answers if answer.status is status), answers[0])


def _after_rollback(back: ChangeRow, rolled_back: Version, rows: list[ChangeRow]) -> RuleAnswer:
    later = [
        row
        for row in rows
        if row.order > back.order and same_place(row, back) and not same_version(row, back)
    ]
    facts = {"old": rolled_back.version, "version": back.version}
    again = next((row for row in later if same_version(row, rolled_back)), None)
    if again is not None:
        proof = (*back.evidence, *again.evidence)
        return RuleAnswer(Status.MISSED, "deployed_again", {"version": again.version}, proof)
    deploys = [row for row in later if row.kind == "deploy"]
    if not deploys:
        return RuleAnswer(Status.NOT_APPLICABLE, "nothing_deployed_since", facts, back.evidence)
    new = deploys[0]
    facts["new"] = new.version
    proof = (*back.evidence, *new.evidence)
    old_numbers, new_numbers = numbers(rolled_back.version), numbers(new.version)
    if old_numbers is not None and new_numbers is not None and new_numbers <= old_numbers:
        return RuleAnswer(Status.MISSED, "not_a_newer_version", facts, proof)
    return RuleAnswer(Status.MET, "new_version", facts, proof)
