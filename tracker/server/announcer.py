"""Announcing what was decided and what is due, and recording promises that were not kept."""

import threading
import time

from projections.incident_windows import Part
from projections.incidents import open_ones, ours
from projections.procedure.advice import Advice, overdue_messages
from reports.wording import procedure as words
from tracker.application import announcing, outbox
from tracker.application.dossier import dossier
from tracker.application.procedure import due_of
from tracker.application.session import Session
from tracker.events.base import Incoming
from tracker.events.messages import MessagePrepared
from tracker.incident import Incident
from tracker.server.telemetry import Telemetry, log_line
from tracker.settings.schema import Settings
from tracker.times import utc

EVERY_SECONDS = 1.0
DUE_EVERY_SECONDS = 10.0
_MOST_OF_THE_TIME = 10
"""What is due is looked for so many times less long than it is waited for."""


class Announcer:
    """Announces and reminds, on a log of its own."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._reminded: set[tuple[str, str]] = set()
        self._settings: Settings | None = None
        self._position: int | None = None

    def run(self, stopping: threading.Event) -> None:
        look_at = time.monotonic()
        while True:
            self._telemetry.guarded("announcing", self.announce)
            began = time.monotonic()
            if began >= look_at:
                self._telemetry.guarded("reminders", self.remind)
                ended = time.monotonic()
                look_at = ended + max(DUE_EVERY_SECONDS, _MOST_OF_THE_TIME * (ended - began))
            if stopping.wait(EVERY_SECONDS):
                return

    def announce(self) -> None:
        """Announce the decisions that were recorded since the last time; at first note what is announced from here on."""
        session = self._session
        if session.settings is not self._settings:
            announcing.record_announcing(session, self._settings)
            self._settings = session.settings
        position = session.log.position
        if position != self._position:
            _log(announcing.announce_decisions(session))
            self._position = position

    def remind(self) -> None:
        """Announce and log what is due, once, and record each promise that was not kept.

        What is due is what `tracker show` says: the same rules, from the same detection.
        """
        session = self._session
        incidents = session.load_incidents(ours(open_ones(session.incident_summaries())))
        now = session.now
        due: list[tuple[Incident, list[Advice]]] = []
        for incident in incidents:
            known = dossier(session, incident, parts=Part.WORK)
            missed = outbox.record_missed_etas(session.log, incident, known.changes, now)
            if missed.recorded:
                log_line("a promised time passed", 30, incident=incident.id)
            due.append((incident, due_of(session, known)))
        for incident, items in due:
            for item in overdue_messages(items):
                assert item.due_at is not None
                key = (incident.id, utc(item.due_at))
                if key not in self._reminded:
                    self._reminded.add(key)
                    log_line(
                        "a message is due",
                        30,
                        incident=incident.id,
                        what=words.what_is_due(item),
                        due_at=utc(item.due_at),
                        next=f"{words.todo(item.next_step)} --send",
                    )
        _log(announcing.announce_due(session, due))


def _log(made: list[Incoming]) -> None:
    for incoming in made:
        event = incoming.event
        assert isinstance(event, MessagePrepared)
        log_line(
            "announcing", incident=event.incident, kind=event.kind, channel=event.channel, about=event.about
        )
