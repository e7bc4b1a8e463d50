"""Sources that fell silent, and that answer again."""

from datetime import datetime

from tracker.events.base import Observation, place, topic
from tracker.times import to_ms, to_us

SILENCES = "silences"
"""The place of the index with all silences."""


@topic("source-silent", rank=64)
class SourceSilent(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source that should have been heard was not; `occurred_at` is when it last was.

    `what` is a metric of `service` whose samples stopped while the source itself answers;
    None is the source as a whole. If `heard_before` is false it was never heard since polling
    began, which was at `occurred_at`. `noticed_by` is poll, webhook or scrape.
    """

    expected_every_seconds: float
    reason: str
    what: str | None = None
    noticed_by: str = "poll"
    heard_before: bool = True

    def scopes(self) -> tuple[str, ...]:
        """Not with a service's facts, because it may affect all services."""
        return (SILENCES,)

    def subject(self) -> tuple[object, ...]:
        """One silence, however often and for whatever reason it was detected."""
        return (self.TOPIC, self.source, self.service, self.what, to_ms(self.occurred_at))


@topic("source-returned", rank=65)
class SourceReturned(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source that was silent since `silent_since` answered again at `occurred_at`."""

    silent_since: datetime
    what: str | None = None
    noticed_by: str = "poll"

    def scopes(self) -> tuple[str, ...]:
        return (SILENCES,)

    def index_rows(self) -> list[tuple[str, int]]:
        """Also at the silence's start: a window that contains it contains its end, too."""
        return [(place(SILENCES), to_us(at)) for at in (self.silent_since, self.occurred_at)]

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.source, self.service, self.what, to_ms(self.silent_since))
