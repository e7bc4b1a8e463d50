"""Posting what waits in the outbox, and logging what is due: what `tracker serve` does about messages.

It writes no message by itself. What a person decided to send is posted, once; that an
update is due is logged, and that a promised time passed is recorded.
"""

import threading

from projections.dossier import Part
from projections.incidents import open_ones, ours
from projections.messages import State
from projections.procedure.advice import overdue_messages
from reports.wording import procedure as words
from tracker.application import outbox, slack
from tracker.application.dossier import dossier
from tracker.application.procedure import due_items
from tracker.application.session import Session
from tracker.server.telemetry import Telemetry, log_line
from tracker.times import utc

EVERY_SECONDS = 5.0
DUE_EVERY_SECONDS = 30.0


class OutboxWorker:
    """Delivers and reminds, on a log of its own."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._reminded: set[tuple[str, str]] = set()

    def run(self, stopping: threading.Event) -> None:
        since_reminders = 0.0
        while not stopping.wait(EVERY_SECONDS):
            self._telemetry.guarded("outbox", self.deliver)
            since_reminders += EVERY_SECONDS
            if since_reminders >= DUE_EVERY_SECONDS:
                since_reminders = 0.0
                self._telemetry.guarded("reminders", self.remind)

    def deliver(self) -> None:
        """Post what waits, if Slack is configured."""
        post = slack.configured(self._session.settings)
        if post is None:
            return
        for entry in outbox.deliver(self._session.log, post, attempts=1):
            if entry.state is State.SENT:
                log_line("posted a message", incident=entry.message.incident, kind=entry.message.kind)
            elif entry.state in (State.FAILED, State.UNSURE):
                log_line("a message was not posted", 40, incident=entry.message.incident, why=entry.said)

    def remind(self) -> None:
        """Log each message that is due, once, and record each promise that was not kept.

        What is due is what `tracker show` says: the same rules, from the same detection.
        """
        session = self._session
        incidents = session.load_incidents(ours(open_ones(session.incident_summaries())))
        now = session.now
        for incident in incidents:
            known = dossier(session, incident, parts=Part.WORK)
            missed = outbox.record_missed_etas(session.log, incident, known.changes, now)
            if missed.recorded:
                log_line("a promised time passed", 30, incident=incident.id)
        for incident in incidents:
            for item in overdue_messages(due_items(session, incident)):
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
