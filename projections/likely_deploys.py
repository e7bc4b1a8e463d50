"""Tags and merges around an incident of which no deploy is known: likely deploys that nobody recorded, never taken for any."""

from dataclasses import dataclass
from datetime import datetime

from projections.changes import in_production
from projections.dossier import Dossier
from projections.incident_windows import BEFORE_ONSET
from projections.procedure.evaluation import evidence_of
from projections.procedure.history import histories
from tracker.events.changes import CommitMade, VersionTagged


@dataclass(frozen=True)
class LikelyDeploy:
    """A tag, or a merge on the production branch, that may have been deployed when it was made."""

    service: str
    version: str
    sha: str
    at: datetime
    kind: str


def likely_deploys(dossier: Dossier) -> list[LikelyDeploy]:
    """Return what may have been deployed from an hour before an incident until its end, of services without a deploy then."""
    incident, evidence = dossier.incident, evidence_of(dossier)
    since, until = incident.begins_at - BEFORE_ONSET, incident.ends_at or dossier.now
    told = {
        row.service
        for row in in_production(dossier.changes)
        if row.kind != "merge" and since <= row.at <= until
    }
    line = evidence.procedure.production_branch
    on_production = {
        sha for history in histories(evidence.facts).values() for sha in history.line(line).on_chain
    }
    found: dict[tuple[str, str], LikelyDeploy] = {}
    for fact in evidence.facts:
        event = fact.event
        service = getattr(event, "service", None)
        if service not in incident.services or service in told or not since <= event.occurred_at <= until:
            continue
        if isinstance(event, VersionTagged) and event.sha:
            found[service, event.sha] = LikelyDeploy(service, event.name, event.sha, event.occurred_at, "tag")
        elif isinstance(event, CommitMade) and event.is_merge and event.sha in on_production:
            merge = LikelyDeploy(service, event.sha[:7], event.sha, event.occurred_at, "merge")
            found.setdefault((service, event.sha), merge)
    return sorted(found.values(), key=lambda each: (each.at, each.version))
