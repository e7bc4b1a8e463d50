"""What one event says to a reader, in a line: the only place where events are worded.

One module for each subject; a new kind of event still reads acceptably before anybody words it here.
"""

from projections.wording import (  # noqa: F401 - each registers its words
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
from projections.wording.base import detail, headline, short
from projections.wording.corrections import redacted_words
from projections.wording.silence import silent_span

__all__ = ["detail", "headline", "redacted_words", "short", "silent_span"]
