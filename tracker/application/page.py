"""What the live page shows, read from the log: the same dossier on which every other answer stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from projections.changes import in_production, running
from projections.incident_windows import Part
from projections.incidents import open_ones
from projections.silence import silences
from projections.similarity import Match
from projections.timeline import timeline
from reports import html
from reports.gathering import gather
from reports.page.assets import address
from reports.page.facts import Heard, IncidentFacts, Overview, ParkedDelivery, Since
from reports.page.incident import regions
from reports.page.markup import Html
from reports.page.row import Row, key_of, row
from tracker.application.dossier import dossier_of
from tracker.application.incident_json import incident_json, shown_incident
from tracker.application.json_values import plain
from tracker.application.procedure import due_items, due_of
from tracker.application.report import document
from tracker.application.session import Session
from tracker.application.similar import similar
from tracker.application.since import news_since
from tracker.application.still_due import still_due
from tracker.errors import TrackerError
from tracker.events.base import Window
from tracker.events.corrections import Correction, EventRedacted
from tracker.events.housekeeping import settings_scope
from tracker.events.silence import SILENCES
from tracker.inbox.queue import Inbox
from tracker.incident import Status
from tracker.times import from_us

_OF_ALL = ("incidents", "actions", SILENCES, settings_scope(None))
"""The places of the index whose events may concern any incident."""
_MOST_RESOLVED = 10
_MOST_PARKED = 20
_SIMILAR_FOR = timedelta(minutes=10)
_SHOWN_NEAREST = 3


@dataclass(frozen=True)
class IncidentPage:
    """One incident as of a position, written: its parts, and the rows of its timeline by key, in order."""

    facts: IncidentFacts
    parts: Mapping[str, Html]
    rows: Mapping[str, Row]

    @property
    def position(self) -> int:
        return self.facts.position

    @cached_property
    def list_items(self) -> bytes:
        """All rows, one behind the other."""
        return "".join(one.html for one in self.rows.values()).encode()


class PageReader:
    """Reads pages with one session. What is alike in earlier incidents is looked up anew every ten minutes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._similar: dict[str, tuple[datetime, list[Match]]] = {}

    @property
    def position(self) -> int:
        return self._session.log.position

    @property
    def now(self) -> datetime:
        return self._session.now

    def touches(self, page: IncidentPage, up_to: int) -> bool:
        """Whether what was recorded since may say something else of an incident."""
        incident = page.facts.incident
        services = {change.service for change in page.facts.context.changes}
        names = {incident.id, *incident.merged_from, *incident.services, *services}
        after = page.position
        while after < up_to:
            events = self._session.log.read(after, 500, up_to)
            if not events:
                return False
            for recorded in events:
                scopes = [scope for scope, _ in recorded.event.index_rows()]
                if isinstance(recorded.event, Correction) or any(
                    scope in _OF_ALL or scope.partition(":")[2].partition("/")[0] in names for scope in scopes
                ):
                    return True
            after = events[-1].position
        return False

    def has_redactions(self, after: int, up_to: int) -> bool:
        """Whether a text was removed for good between two positions."""
        return bool(self._session.log.read(after, 1, up_to, (EventRedacted.TOPIC,)))

    def exists(self, name: str) -> bool:
        """Whether the log has anything of an incident; that is known at once."""
        return self._session.log.latest(f"incident:{name}") is not None

    def open_incidents(self) -> list[str]:
        """Name the open incidents, the newest first."""
        return [one.id for one in open_ones(self._session.incident_summaries())][::-1]

    def incident(self, name: str, before: IncidentPage | None = None) -> IncidentPage:
        """Read an incident as the log has it now, and write its parts; rows that are as they were before are kept."""
        session = self._session
        position = session.log.position
        incident = session.incident(name, position)
        known = dossier_of(session.log, incident, position, session.now)
        entries = timeline(known)
        context, _ = gather(known, zone_name=session.settings.tracker.time_zone, rows=entries)
        # While it is open, the last change is what was last done to its services, whichever incident it is counted to.
        of_it = known.changes if incident.status is Status.OPEN else known.own_changes
        changes = [
            change
            for change in in_production(of_it)
            if change.kind != "merge" and change.service in incident.services
        ]
        facts = IncidentFacts(
            context=context,
            entries=entries,
            position=position,
            now=session.now,
            due=due_of(session, known),
            running={service: running(known.changes, service) for service in incident.services},
            last_change=changes[-1] if changes else None,
            related=[one for one in known.neighbours if one.merged_into != incident.id],
            similar=self._matches(incident.id),
            log=session.log.id or "",
        )
        same = before is not None and before.facts.incident.services == incident.services
        entries_before = {entry.event: entry for entry in before.facts.entries} if before and same else {}
        rows = [
            before.rows[key_of(entry)]
            if before and entries_before.get(entry.event) == entry
            else row(incident, context.zone, entry)
            for entry in entries
        ]
        return IncidentPage(facts, regions(facts), {one.key: one for one in rows})

    def json(self, name: str) -> dict[str, Any]:
        """Return what `show --json` answers."""
        session = self._session
        answer: dict[str, Any] = plain(incident_json(shown_incident(session, session.incident(name), None)))
        return answer

    def report(self, name: str) -> bytes:
        """Return the report as one page, whose stylesheet the server has."""
        session = self._session
        written = document(
            session, session.incident(name), None, zone_name=session.settings.tracker.time_zone
        )
        made = html.page(written.parts, written.page_pictures, address("report.css"))
        return made.whole([""] * (len(made.parts) + 1))

    def rows_at(self, name: str, position: int) -> dict[str, Row]:
        """Return the rows of a timeline as of an earlier position; none where the incident was not declared yet."""
        session = self._session
        try:
            incident = session.incident(name, position)
        except TrackerError:
            return {}
        known = dossier_of(session.log, incident, position, session.now, parts=Part.STORY)
        rows = [row(incident, session.shown_zone, entry) for entry in timeline(known)]
        return {one.key: one for one in rows}

    def since(self, page: IncidentPage, typed: str) -> Since:
        """Return what is new on a page since a position, an instant or an event.

        Raises:
            TrackerError: If it is none of them.
        """
        incident = page.facts.incident
        news, read_as = news_since(self._session, incident, typed, page.position, option="since")
        return Since(typed, read_as, news)

    def _matches(self, name: str) -> list[Match]:
        """Return the earlier incidents like one: those that are the same again, else the nearest."""
        now = self._session.now
        known = self._similar.get(name)
        if known is None or now - known[0] > _SIMILAR_FOR:
            answers = similar(self._session.log, [name])
            matches = [repeat.match for answer in answers for repeat in answer.repeats]
            claimed = [match for match in matches if match.claimed]
            known = self._similar[name] = (now, claimed or matches[:_SHOWN_NEAREST])
        return known[1]

    def overview(self, inbox: Inbox, heard: Sequence[Heard]) -> Overview:
        """Read what the first page shows."""
        session = self._session
        now, position = session.now, session.log.position
        summaries = session.incident_summaries()
        current = session.load_incidents(open_ones(summaries))[::-1]
        recent = [
            (one.resolved_at, one) for one in summaries if one.status is Status.RESOLVED and one.resolved_at
        ]
        newest = [one for _, one in sorted(recent, key=lambda pair: pair[0], reverse=True)[:_MOST_RESOLVED]]
        by_id = {one.id: one for one in session.load_incidents(newest)}
        resolved = [by_id[one.id] for one in newest if one.id in by_id]
        due = {incident.id: items for incident, items in still_due(session)}
        return Overview(
            now=now,
            zone=session.shown_zone,
            position=position,
            open=[(one, due_items(session, one)) for one in current],
            resolved=[(one, due.get(one.id, ())) for one in resolved],
            silences=[one for one in silences(session.log.select([Window(SILENCES)])) if one.end is None],
            parked=[
                ParkedDelivery(one.number, one.route, one.source, from_us(one.received_us), one.reason)
                for one in inbox.parked()[:_MOST_PARKED]
            ],
            heard=heard,
        )
