"""What one event says to a reader, in a line: the only place where events are worded.

One module for each subject; a new kind of event still reads acceptably before anybody words it here.
"""

from projections.silence import silent_span
from reports.headlines import (  # noqa: F401
    alerts,
    bundles,
    changes,
    corrections,
    incidents,
    messages,
    reviews,
    samples,
    silence,
    verdicts,
)
from reports.headlines.base import detail, headline
from reports.headlines.corrections import redacted_words
from tracker.text.shortening import short

__all__ = ["detail", "headline", "redacted_words", "short", "silent_span"]
