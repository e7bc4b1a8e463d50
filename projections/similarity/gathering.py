"""What the log has of each incident as words and evidence."""

from collections.abc import Iterable, Mapping, Sequence

from projections.population import Population
from projections.similarity.texts import IncidentText
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen, IssueChanged
from tracker.events.changes import Change, CommitMade
from tracker.events.corrections import Effective
from tracker.events.incidents import NoteAdded
from tracker.incident import Incident

KINDS = (AlertFired.TOPIC, AlertResolved.TOPIC, ErrorSeen.TOPIC, IssueChanged.TOPIC)
"""The observations that are evidence of the same thing."""
_ROLES = ("caused", "fixed")


def incident_texts(
    population: Population, linked: Mapping[str, Effective], commits: Iterable[CommitMade]
) -> list[IncidentText]:
    """Return the incidents by their beginning; one that was merged into another is a part of that one.

    `population` has their facts of `KINDS`, `linked` what people linked to them, `commits` those of linked deploys.
    """
    known = {incident.id: incident for incident in population.incidents}
    files = {commit.sha: commit.changed_paths or commit.brought_paths or () for commit in commits}
    return [
        _text(
            [incident, *(known[name] for name in incident.merged_from if name in known)],
            population,
            linked,
            files,
        )
        for incident in population.incidents
        if incident.merged_into not in known
    ]


def linked_as_cause_or_fix(incidents: Iterable[Incident]) -> list[str]:
    """Return the facts that people linked to incidents as their cause or their fix."""
    return sorted(
        {
            link.target
            for incident in incidents
            for link in incident.links.values()
            if link.linked and link.role in _ROLES
        }
    )


def _text(
    parts: Sequence[Incident],
    population: Population,
    linked: Mapping[str, Effective],
    files: Mapping[str, Iterable[str]],
) -> IncidentText:
    texts: list[str] = []
    alerts: list[str] = []
    groups: list[str] = []
    paths: list[str] = []
    versions: list[str] = []
    for incident in parts:
        texts += [incident.title if incident is not parts[0] else "", incident.impact or ""]
        texts += [step.event.text for step in incident.own_steps if isinstance(step.event, NoteAdded)]
        for fact in population.own(incident):
            event = fact.event
            if isinstance(event, AlertFired):
                alerts.append(event.name)
                texts.append(event.annotations.get("summary", ""))
            elif isinstance(event, ErrorSeen):
                groups += [event.group] if event.group else []
                texts.append(event.title)
            elif isinstance(event, IssueChanged):
                groups.append(f"issue:{event.issue_id}")
                texts.append(event.title)
        for link in incident.links.values():
            cause = linked.get(link.target)
            if cause is None or not link.linked or link.role not in _ROLES or cause.retraction is not None:
                continue
            texts.append(link.why)
            if isinstance(cause.event, Change):
                if link.role == "caused":
                    versions.append(f"{cause.event.service}@{cause.event.version}")
                paths += _changed(files, cause.event.sha)
            elif isinstance(cause.event, CommitMade):
                paths += _changed(files, cause.event.sha)
    first = parts[0]
    return IncidentText(
        id=first.id,
        title=first.title,
        # An error that was seen a thousand times is one sentence.
        text="\n".join(dict.fromkeys(text for text in texts if text)),
        services=tuple(dict.fromkeys(name for incident in parts for name in incident.services)),
        alerts=tuple(dict.fromkeys(alerts)),
        fingerprints=tuple(dict.fromkeys(groups)),
        files=tuple(dict.fromkeys(paths)),
        versions=tuple(dict.fromkeys(versions)),
    )


def _changed(files: Mapping[str, Iterable[str]], sha: str | None) -> Iterable[str]:
    """Return the files of a commit; a deploy may name it by its first digits."""
    if not sha:
        return ()
    return next((paths for known, paths in files.items() if known.startswith(sha)), ())
