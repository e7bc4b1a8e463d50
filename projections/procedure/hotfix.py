"""Which hotfixes are the incident's: deployed in it, or made while it lasted."""

from dataclasses import replace

from projections.changes import ChangeRow
from projections.once import once
from projections.procedure.deploys import AFTER, SECOND, began_in, rollback_of, rows_in_life
from projections.procedure.fix_attempts import deployed_fixes, last_try
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered
from projections.procedure.known_hotfixes import brought_by, every_hotfix
from projections.procedure.rule import Evidence


@once
def hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return the hotfixes of the incident, the first one first: deployed in it, or made while it lasted."""
    mine = [hotfix for hotfix in every_hotfix(evidence) if _belongs(evidence, hotfix)]
    fix = last_try(evidence)
    if fix is not None:
        mine = [_tied(hotfix, fix, alone=len(mine) == 1) for hotfix in mine]
    deployed = {row.event: row for row in (*deployed_fixes(evidence), *([fix] if fix is not None else []))}
    for deploy in deployed.values():
        if not any(_carries(hotfix, deploy) for hotfix in mine):
            brought = brought_by(evidence, deploy)
            mine += [brought] if brought is not None else []
    return sorted(mine, key=lambda hotfix: (hotfix.began_at, hotfix.head))


def counting_hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return those that were deployed, and those that were begun since; an attempt that was never deployed is none."""
    known = hotfixes(evidence)
    last = max((hotfix.deploy.at for hotfix in known if hotfix.deploy is not None), default=None)
    return [hotfix for hotfix in known if last is None or hotfix.deploy is not None or hotfix.began_at > last]


def standing_hotfixes(evidence: Evidence) -> list[Hotfix]:
    """Return those of them that were not rolled back: what has to reach the other branches.

    What the next incident rolled back had stood in this one.
    """
    mine = {row.event for row in rows_in_life(evidence)}

    def was_rolled_back(hotfix: Hotfix) -> bool:
        back = rollback_of(evidence, hotfix.deploy) if hotfix.deploy is not None else None
        return back is not None and back.event in mine

    return [hotfix for hotfix in counting_hotfixes(evidence) if not was_rolled_back(hotfix)]


def _belongs(evidence: Evidence, hotfix: Hotfix) -> bool:
    incident = evidence.incident
    start, end = incident.begins_at, incident.ends_at
    if hotfix.deploy is not None:
        at = hotfix.deploy.at
        links = [incident.links[event] for event in hotfix.deploy.evidence if event in incident.links]
        if any(link.linked and link.role == "fixed" for link in links):
            return True
        near = start <= at and (end is None or at <= end + AFTER)
        return near and began_in(evidence, hotfix.deploy.service, hotfix.deploy.started_at or at)
    made = [commit.authored_at for commit in hotfix.commits] or [hotfix.seen_at]
    services = [name for name in incident.services if name in hotfix.history.services]
    # Git records whole seconds: what was committed in the second of the declaration came after it.
    return any(
        start < at + SECOND
        and (end is None or at <= end)
        and any(began_in(evidence, service, max(at, start)) for service in services)
        for at in made
    )


def _tied(hotfix: Hotfix, fix: ChangeRow, *, alone: bool) -> Hotfix:
    """Tie a hotfix to the deploy of the fix where that brought a copy of it, or names no commit and is the only one."""
    made = max((commit.at for commit in hotfix.commits), default=hotfix.seen_at)
    if hotfix.deploy is not None or fix.at < made:
        return hotfix
    history, sha = hotfix.history, deployed_commit(hotfix.history, fix)
    mine = {hotfix.patch_id}.union(*(commit.identities for commit in hotfix.fixes)) - {None}
    copies = [
        copy
        for copy in (history.ancestors([sha]) if sha is not None else ())
        if history.commits[copy].at >= hotfix.began_at and history.commits[copy].identities & mine
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
