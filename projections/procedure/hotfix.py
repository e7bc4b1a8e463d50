"""Which hotfixes are the incident's: deployed in it, or made while it lasted."""

from dataclasses import replace

from projections.changes import ChangeRow
from projections.procedure.deploys import AFTER, SECOND, rollback_of
from projections.procedure.fix_attempts import last_try
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered
from projections.procedure.known_hotfixes import brought_by, every_hotfix
from projections.procedure.rule import Evidence

__all__ = ["Hotfix", "counting_hotfixes", "hotfixes", "standing_hotfixes"]


def hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return the hotfixes of the incident, the first one first: deployed in it, or made while it lasted."""
    if "hotfixes" not in evidence.computed:
        found = [each for each in every_hotfix(evidence) if _belongs(evidence, each)]
        fix = last_try(evidence)
        if fix is not None:
            found = [_tied(each, fix, alone=len(found) == 1) for each in found]
        if fix is not None and not any(_carries(each, fix) for each in found):
            brought = brought_by(evidence, fix)
            found += [brought] if brought is not None else []
        evidence.computed["hotfixes"] = sorted(found, key=lambda each: (each.began_at, each.head))
    kept: list[Hotfix] = evidence.computed["hotfixes"]
    return kept


def counting_hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return those that were deployed and those that were begun since; an attempt that nobody deployed is none."""
    found = hotfixes(evidence)
    deployed = [each.deploy.at for each in found if each.deploy is not None]
    return [
        each for each in found if not deployed or each.deploy is not None or each.began_at > max(deployed)
    ]


def standing_hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return those of them that were not rolled back: what has to reach the other branches."""
    return [
        each
        for each in counting_hotfixes(evidence)
        if each.deploy is None or rollback_of(evidence, each.deploy) is None
    ]


def _belongs(evidence: Evidence, hotfix: Hotfix) -> bool:
    incident = evidence.incident
    start, end = incident.begins_at, incident.ends_at
    if hotfix.deploy is not None:
        at = hotfix.deploy.at
        links = [incident.links[each] for each in hotfix.deploy.evidence if each in incident.links]
        if any(link.linked and link.role == "fixed" for link in links):
            return True
        return start <= at and (end is None or at <= end + AFTER)
    made = [each.authored_at for each in hotfix.commits] or [hotfix.seen_at]
    # Git tells whole seconds: what was committed in the second of the declaration came after it.
    return any(start < each + SECOND and (end is None or each <= end) for each in made)


def _tied(hotfix: Hotfix, fix: ChangeRow, *, alone: bool) -> Hotfix:
    """Tie a hotfix to the deploy of the fix where that brought a copy of it, or names no commit and is the only one."""
    made = max((each.at for each in hotfix.commits), default=hotfix.seen_at)
    if hotfix.deploy is not None or fix.at < made:
        return hotfix
    history, sha = hotfix.history, deployed_commit(hotfix.history, fix)
    mine = {hotfix.patch_id}.union(*(each.identities for each in hotfix.fixes)) - {None}
    copies = [
        each
        for each in (history.ancestors([sha]) if sha is not None else ())
        if history.commits[each].at >= hotfix.began_at and history.commits[each].identities & mine
    ]
    if not copies and (sha is not None or fix.sha is not None or not alone):
        return hotfix
    version = fix.version if is_numbered(fix.version) else hotfix.version
    release = dict.fromkeys((*hotfix.release, *copies, *([sha] if sha else [])))
    return replace(hotfix, deploy=fix, version=version, release=tuple(release))


def _carries(hotfix: Hotfix, deploy: ChangeRow) -> bool:
    if hotfix.deploy is not None and hotfix.deploy.event == deploy.event:
        return True
    sha = deployed_commit(hotfix.history, deploy)
    return sha is not None and hotfix.head in hotfix.history.ancestors([sha])
