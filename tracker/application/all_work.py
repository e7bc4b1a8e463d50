"""What was built and deployed for each of all incidents: the work that `application.dossier` reads of one, found in facts that were read once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from projections.attachment import linked_ids
from projections.changes import ChangeRow
from projections.incident_windows import CHANGES, WORK, WORK_AFTER, WORK_BEFORE, after
from tracker.events.base import Observation
from tracker.events.changes import BranchSeen, CommitMade, DeployFinished, RollbackFinished, VersionTagged
from tracker.events.corrections import Effective
from tracker.incident import Incident

BUILT = tuple(topic for topic in WORK if topic not in (*CHANGES, "alert-fired", "alert-resolved"))


class AllWork:
    """Facts by service and instant; `facts` have their corrections applied, retracted ones among them."""

    def __init__(self, facts: Iterable[Effective], rows: Iterable[ChangeRow]) -> None:
        self._facts: dict[str, Effective] = {}
        built: dict[str | None, list[tuple[datetime, int, Effective]]] = defaultdict(list)
        heads: dict[tuple[str | None, str, str], list[Effective]] = defaultdict(list)
        #: By service and commit when a version of it ran, or was tagged, first.
        self._ran: dict[str | None, dict[str, datetime]] = defaultdict(dict)
        for fact in facts:
            self._facts[fact.id] = fact
            event, stated = fact.event, fact.recorded.event
            if not isinstance(stated, Observation):
                continue
            if isinstance(stated, DeployFinished | RollbackFinished | VersionTagged) and stated.sha:
                first = self._ran[stated.service]
                first[stated.sha] = min(stated.occurred_at, first.get(stated.sha, stated.occurred_at))
            if event.TOPIC in BUILT:
                # What was amended to another instant is found at both.
                for at in {event.occurred_at, stated.occurred_at}:
                    built[stated.service].append((at, fact.recorded.position, fact))
            if isinstance(event, BranchSeen) and fact.retraction is None:
                heads[event.service, event.repository, event.name].append(fact)
        self._built = {service: sorted(known, key=_placed) for service, known in built.items()}
        self._heads = {key: sorted(known, key=lambda fact: fact.order) for key, known in heads.items()}
        of_service: dict[str | None, list[ChangeRow]] = defaultdict(list)
        self._by_evidence: dict[str, ChangeRow] = {}
        for row in rows:
            if row.kind != "merge":
                of_service[row.service].append(row)
            self._by_evidence |= dict.fromkeys(row.evidence, row)
        self._rows = {service: sorted(known, key=_began) for service, known in of_service.items()}
        self._began = {service: [_began(row) for row in known] for service, known in self._rows.items()}

    def near(
        self, incident: Incident, start: datetime | None, end: datetime | None, *, before: bool = False
    ) -> list[ChangeRow]:
        """Return the deploys and rollbacks of an incident's services that began in a span, and linked ones.

        `before` adds of each service the last that had finished before the span.
        """
        found: dict[str, ChangeRow] = {}
        for service in incident.services:
            rows, began = self._rows.get(service, []), self._began.get(service, [])
            first = bisect_left(began, start) if start is not None else 0
            last = bisect_left(began, end) if end is not None else len(rows)
            found |= {row.event: row for row in rows[first:last]}
            while before and first > 0:
                first -= 1
                if rows[first].status == "finished" and not rows[first].elsewhere:
                    found[rows[first].event] = rows[first]
                    break
        for target in incident.links:
            if (row := self._by_evidence.get(target)) is not None:
                found[row.event] = row
        return sorted(found.values(), key=lambda row: row.order)

    def since(self, incident: Incident) -> datetime | None:
        """Return how far back work is looked at: until a version is known that ran before; None is all of it."""
        linked = [each for name in linked_ids(incident) if (each := self._facts.get(name)) is not None]
        until = after(incident, WORK_AFTER)
        since = None
        for before in WORK_BEFORE:
            since = incident.begins_at - before if before else None
            commits = {
                fact.recorded.event.sha
                for fact in (*self._between(incident.services, since, until), *linked)
                if isinstance(fact.recorded.event, CommitMade)
            }
            if any(self._ran_before(sha, incident, linked) for sha in commits):
                break
        return since

    def _ran_before(self, sha: str, incident: Incident, linked: Sequence[Effective]) -> bool:
        ran = [self._ran[name][sha] for name in incident.services if sha in self._ran.get(name, ())]
        ran += [
            fact.recorded.event.occurred_at
            for fact in linked
            if isinstance(fact.recorded.event, DeployFinished | RollbackFinished | VersionTagged)
            and fact.recorded.event.sha == sha
        ]
        return any(at < incident.begins_at for at in ran)

    def facts(
        self,
        incident: Incident,
        since: datetime | None,
        rows: Iterable[ChangeRow],
        lines: Collection[str],
    ) -> dict[str, Effective]:
        """Return what was built since then for an incident, and the reports of these changes; nothing that was retracted.

        `lines` are the main and maintained branches: where they pointed last is known however long ago that was.
        """
        until = after(incident, WORK_AFTER)
        found = {fact.id: fact for fact in self._between(incident.services, since, until)}
        names = [*linked_ids(incident), *(event for row in rows for event in row.evidence)]
        names += self._older_heads(incident, since, until, lines) if since is not None else ()
        found |= {name: self._facts[name] for name in names if name in self._facts}
        return {name: fact for name, fact in found.items() if fact.retraction is None}

    def _older_heads(
        self, incident: Incident, since: datetime, until: datetime | None, lines: Collection[str]
    ) -> list[str]:
        """Return where these branches pointed of which nothing later was seen."""
        found = []
        for (service, _, name), heads in self._heads.items():
            if service not in incident.services or name not in lines:
                continue
            last = (
                len(heads)
                if until is None
                else bisect_left(heads, until, key=lambda fact: fact.event.occurred_at)
            )
            if last and heads[last - 1].event.occurred_at < since:
                found.append(heads[last - 1].id)
        return found

    def _between(
        self, services: Iterable[str], since: datetime | None, until: datetime | None
    ) -> Iterable[Effective]:
        for service in services:
            known = self._built.get(service, [])
            first = bisect_left(known, since, key=lambda each: each[0]) if since is not None else 0
            last = bisect_left(known, until, key=lambda each: each[0]) if until is not None else len(known)
            for _, _, fact in known[first:last]:
                yield fact


def _placed(each: tuple[datetime, int, Effective]) -> tuple[datetime, int]:
    return each[:2]


def _began(row: ChangeRow) -> datetime:
    return min(row.started_at or row.at, row.at)
