"""What recording a request did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tracker.application.session import Recording
from tracker.events.base import handle_of


@dataclass(frozen=True)
class Outcome:
    """What was added to the log, and what it is about.

    `keys` are the JSON keys that the request answers besides the counts; `at` is the instant that was
    meant by the request's time; `facts` is what only the words of the answer need.
    """

    recording: Recording
    keys: Mapping[str, Any]
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether anything was recorded that the log did not have."""
        return bool(self.recording.recorded)

    @property
    def event(self) -> str:
        """The id of the first event, recorded now or known before."""
        return (self.recording.recorded + self.recording.known)[0]

    @property
    def handle(self) -> str:
        """The handle of the event that the request is about."""
        return handle_of(self.keys.get("event") or self.event)

    @property
    def incident(self) -> str:
        """The incident that the request named, in full."""
        return str(self.keys["incident"])

    def json(self) -> dict[str, Any]:
        """Return what `--json` answers."""
        return {**self.keys, **self.recording.json()}
