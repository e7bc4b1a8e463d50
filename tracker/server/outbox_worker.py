"""Posting what waits in the outbox, and saying what is due: what `tracker serve` does about messages.

It writes no message by itself. What a person decided to send is posted, once; that an
update is due is logged, and that a promised time passed is recorded.
"""

import threading

from projections.incidents import open_ones, ours
from projections.messages import State
from projections.procedure.advice import overdue_messages
from reports.wording import procedure as words
from tracker.application import outbox, slack
from tracker.application.procedure import due_items
from tracker.application.session import Session
from tracker.server.telemetry import Telemetry, tell
from tracker.times import utc

EVERY_SECONDS = 5.0
DUE_EVERY_SECONDS = 30.0


class Poster:
    """Delivers and reminds, on a log of its own."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._reminded: set[tuple[str, str]] = set()

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop."""
        looked = 0.0
        while not stopping.wait(EVERY_SECONDS):
            self._telemetry.guarded("outbox", self.deliver)
            looked += EVERY_SECONDS
            if looked >= DUE_EVERY_SECONDS:
                looked = 0.0
                self._telemetry.guarded("reminders", self.remind)

    def deliver(self) -> None:
        """Post what waits, where Slack is configured."""
        post = slack.configured(self._session.settings)
        if post is None:
            return
        for each in outbox.deliver(self._session.log, post, attempts=1):
            if each.state is State.SENT:
                tell("posted a message", incident=each.message.incident, kind=each.message.kind)
            elif each.state in (State.FAILED, State.UNSURE):
                tell("a message was not posted", 40, incident=each.message.incident, why=each.said)

    def remind(self) -> None:
        """Log each message that is due, once, and record each promise that was not kept.

        What is due is what `tracker show` says: the same rules, from the same detection.
        """
        session = self._session
        found = session.load_incidents(ours(open_ones(session.incident_summaries())))
        now = session.now
        for incident in found:
            missed = outbox.record_missed_etas(session.log, incident, session.facts_of(incident), now)
            if missed.recorded:
                tell("a promised time passed", 30, incident=incident.id)
        for incident in found:
            for item in overdue_messages(due_items(session, incident)):
                assert item.due_at is not None
                key = (incident.id, utc(item.due_at))
                if key not in self._reminded:
                    self._reminded.add(key)
                    tell(
                        "a message is due",
                        30,
                        incident=incident.id,
                        what=words.what_is_due(item),
                        due_at=utc(item.due_at),
                        next=f"{words.todo(item.next_step)} --send",
                    )
