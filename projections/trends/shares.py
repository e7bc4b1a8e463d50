"""Shares of things that were so, and what comes in bursts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from projections.trends.inputs import POWER, error_share


@dataclass(frozen=True)
class Share:
    """`value` of n with its exact 95 % interval; None where there is none."""

    value: float | None
    low: float | None
    high: float | None


def share(hits: int, of: int) -> Share:
    """Return a share with the interval of Clopper and Pearson."""
    if not of:
        return Share(None, None, None)
    return Share(hits / of, *share_interval(hits, of, 0.05))


def share_interval(hits: int, of: int, error: float) -> tuple[float, float]:
    """Return the exact interval of Clopper and Pearson that is left in this share of cases."""
    from scipy import special

    low = float(special.betaincinv(hits, of - hits + 1, error / 2)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, of - hits, 1 - error / 2)) if hits < of else 1.0
    return low, high


def compare_shares(
    before_hits: int, before_of: int, after_hits: int, after_of: int, *, comparisons: float = 1
) -> tuple[str | None, float | None]:
    """Return "higher", "lower" or None by Fisher's exact test, and the difference that would have been seen."""
    from scipy import special, stats

    error = error_share(comparisons)
    if not before_of or not after_of:
        return None, None
    table = [[after_hits, after_of - after_hits], [before_hits, before_of - before_hits]]
    claimed = float(stats.fisher_exact(table).pvalue) < error
    rises = after_hits / after_of > before_hits / before_of
    usual = (before_hits + after_hits + 1) / (before_of + after_of + 2)
    spread = math.sqrt(usual * (1 - usual) * (1 / before_of + 1 / after_of))
    visible = min(1.0, float(special.ndtri(1 - error / 2) + special.ndtri(POWER)) * spread)
    return (("higher" if rises else "lower") if claimed else None), visible


def rate_interval(count: int, days: float) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate a day."""
    from scipy import special

    low = float(special.gammaincinv(count, 0.025)) if count else 0.0
    return low / days, float(special.gammaincinv(count + 1, 0.975)) / days


def in_bursts(*periods: Sequence[int]) -> bool:
    """Whether counts of equal spans differ, within each period, more than those of independent things in 95 of 100."""
    from scipy import special

    spread, freedom = 0.0, 0
    for counts in periods:
        if len(counts) > 1 and (total := sum(counts)):
            mean = total / len(counts)
            spread += sum((count - mean) ** 2 for count in counts) / mean
            freedom += len(counts) - 1
    return freedom > 1 and float(special.gammaincc(freedom / 2, spread / 2)) < 0.05
