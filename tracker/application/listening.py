"""What `tracker serve` remembers between its polls: which source was heard last, and when.

It holds no more than a restart can lose. Silences stand in the log: one that lasts is not
noticed twice, and its end is noticed by whoever runs then. Before the first answer nobody
knows when a source was heard last, so that a silence begins no earlier than the listening.
"""

from collections.abc import Iterable
from datetime import datetime

from projections.silence import WatchedSource, noticed, silences
from tracker.events.base import Recorded
from tracker.events.silence import SourceReturned, SourceSilent

Noticed = SourceSilent | SourceReturned | None


class Listening:
    """Turns the outcome of each poll into an event where one is due; the caller appends it.

    `held` are the log's events under `tracker.events.silence.SILENCES`; `since` is when the
    first poll was made.
    """

    def __init__(self, held: Iterable[Recorded], *, since: datetime) -> None:
        self._known = silences(held)
        self._since = since
        self._heard: dict[WatchedSource, datetime] = {}

    def refresh(self, held: Iterable[Recorded]) -> None:
        """Take the log's silences anew, after an append of one."""
        self._known = silences(held)

    def answered(self, watched: WatchedSource, *, at: datetime, noticed_by: str = "poll") -> Noticed:
        """Take note that a source was heard; the answer is its return, where it had been silent."""
        self._heard[watched] = max(at, self._heard.get(watched, at))
        return self._due(watched, self._heard[watched], 1.0, "", noticed_by)

    def failed(
        self,
        watched: WatchedSource,
        *,
        at: datetime,
        interval_seconds: float,
        reason: str,
        noticed_by: str = "poll",
    ) -> Noticed:
        """Take note that a source was not heard; the answer is its silence, once, when two intervals passed."""
        return self._due(watched, at, interval_seconds, reason, noticed_by)

    def sampled(
        self,
        watched: WatchedSource,
        *,
        last_sample_at: datetime | None,
        at: datetime,
        interval_seconds: float,
        reason: str = "the source answers, but has no samples of it",
    ) -> Noticed:
        """Take note of a metric's newest sample, where its source answers; None is none that is known.

        The sample may come from the answer or from the log. What never had one is not silent.
        """
        if last_sample_at is not None:
            self._heard[watched] = max(last_sample_at, self._heard.get(watched, last_sample_at))
        if watched not in self._heard:
            return None
        return self._due(watched, at, interval_seconds, reason, "poll")

    def _due(
        self, watched: WatchedSource, at: datetime, interval_seconds: float, reason: str, noticed_by: str
    ) -> Noticed:
        return noticed(
            watched,
            last_heard=self._heard.get(watched, self._since),
            now=at,
            interval_seconds=interval_seconds,
            known=self._known,
            reason=reason,
            noticed_by=noticed_by,
            heard_before=watched in self._heard,
        )
