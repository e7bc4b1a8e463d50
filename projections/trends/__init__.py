"""What the log's numbers can tell of all incidents together, and what they cannot.

No duration is ever averaged, an incident that is still open counts for as long as it has lasted, and a change is
claimed only where its interval excludes that there was none.
"""

from projections.trends.counts import CountComparison, compare_counts
from projections.trends.curve import DurationCurve, duration_curve
from projections.trends.two_periods import DurationComparison, compare_durations

__all__ = [
    "CountComparison",
    "DurationComparison",
    "DurationCurve",
    "compare_counts",
    "compare_durations",
    "duration_curve",
]
