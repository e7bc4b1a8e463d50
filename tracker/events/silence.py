"""Sources that fell silent, and that are heard again: for how long we were blind, and why."""

from datetime import datetime

from tracker.events.base import Observation, place, topic
from tracker.times import to_ms, to_us

SILENCES = "silences"
"""The one place of the index under which all silences are found."""


@topic("source-silent", rank=64)
class SourceSilent(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source that should have been heard was not; `occurred_at` is when it last was.

    `what` is a metric of `service` where its samples stopped while the source itself answers;
    None is the source as a whole. Where `heard_before` is false it was not heard since we began
    to listen, and `occurred_at` is when that was. `noticed_by` is poll, webhook or scrape.
    """

    expected_every_seconds: float
    reason: str
    what: str | None = None
    noticed_by: str = "poll"
    heard_before: bool = True

    def scopes(self) -> tuple[str, ...]:
        """Beside the services' facts, because it may concern them all."""
        return (SILENCES,)

    def subject(self) -> tuple[object, ...]:
        """One silence, however often and with whatever reason it was noticed."""
        return (self.TOPIC, self.source, self.service, self.what, to_ms(self.occurred_at))


@topic("source-returned", rank=65)
class SourceReturned(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A source that was silent since `silent_since` was heard again at `occurred_at`."""

    silent_since: datetime
    what: str | None = None
    noticed_by: str = "poll"

    def scopes(self) -> tuple[str, ...]:
        """Where silences are found."""
        return (SILENCES,)

    def index_rows(self) -> list[tuple[str, int]]:
        """At the silence's start too: whoever finds that finds its end."""
        return [(place(SILENCES), to_us(at)) for at in (self.silent_since, self.occurred_at)]

    def subject(self) -> tuple[object, ...]:
        """One end for each silence."""
        return (self.TOPIC, self.source, self.service, self.what, to_ms(self.silent_since))
