"""Posting what waits in the outbox, each channel in a thread of its own: one that hangs holds up no other."""

import threading
from typing import Any

from projections.messages import State
from tracker.application import outbox
from tracker.application.channels.configured import MAKERS, names
from tracker.application.session import Session
from tracker.events.base import handle_of
from tracker.server.telemetry import Telemetry, log_line

EVERY_SECONDS = 1.0


class OutboxWorker:
    """Posts to one channel, on a log of its own."""

    def __init__(self, session: Session, telemetry: Telemetry, channel: str) -> None:
        self._session, self._telemetry, self._channel = session, telemetry, channel

    def run(self, stopping: threading.Event) -> None:
        while not stopping.wait(EVERY_SECONDS):
            self._telemetry.guarded(f"posting to {self._channel}", self.deliver)

    def deliver(self) -> None:
        """Post what waits, if the channel is configured."""
        if self._channel not in names(self._session.settings):
            return
        channel = MAKERS[self._channel](self._session.settings)
        for entry in outbox.deliver(self._session.log, {self._channel: channel}, attempts=1):
            message = entry.message
            fields: dict[str, Any] = {
                "incident": message.incident,
                "kind": message.kind,
                "channel": self._channel,
            }
            if entry.state is State.SENT:
                self._telemetry.posted.labels(self._channel).inc()
                log_line("posted a message", **fields)
            elif entry.state in (State.FAILED, State.UNSURE):
                self._telemetry.not_posted.labels(self._channel).inc()
                by_hand = f"tracker message {message.incident} --sent {handle_of(message.event)}"
                log_line(
                    "a message was not posted",
                    40,
                    **fields,
                    why=entry.said,
                    next=f"{channel.repair}; if you post it by hand: {by_hand}",
                )
