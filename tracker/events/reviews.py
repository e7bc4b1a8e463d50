"""Review and publication of an incident's report."""

from tracker.events.base import Decision, topic

TEMPLATES = ("guide", "google", "pagerduty")
"""The templates in which a report can be published."""


@topic("report-reviewed", rank=88)
class ReportReviewed(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A person reviewed the human sections, as of `position`.

    What they changed are corrections and notes of their own; `changes` counts them.
    """

    position: int
    changes: int = 0


@topic("report-published", rank=89)
class ReportPublished(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A report was published; its markdown is the event's payload, and `sha256` its hash.

    `waived` are the keys of the claims in it that the log contradicts, `why` the reason to publish it anyway.
    """

    position: int
    sha256: bytes
    template: str = "guide"
    zone_name: str = "UTC"
    waived: tuple[str, ...] = ()
    why: str | None = None
