"""What became of an incident's report: somebody went through its human sections, somebody published it."""

from tracker.events.base import Decision, topic

TEMPLATES = ("guide", "google", "pagerduty")
"""Whose headings a report can be published in."""


@topic("report-reviewed", rank=88)
class ReportReviewed(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody went through the human sections, as the log held them at `position`.

    What was changed meanwhile are corrections and notes of their own; `changes` counts them.
    """

    position: int
    changes: int = 0


@topic("report-published", rank=89)
class ReportPublished(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A report was published; its markdown is the event's payload, and `sha256` is that of it.

    `waived` are the keys of the claims that stood against it all the same, `why` the reason for that.
    """

    position: int
    sha256: bytes
    template: str = "guide"
    zone_name: str = "UTC"
    waived: tuple[str, ...] = ()
    why: str | None = None
