"""Figures of any log: whatever was recorded, ratios are ratios and every number is one."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from projections.trends.measures import Occurrence, Series, measures
from projections.trends.periods import compared

END = datetime(2026, 7, 1, tzinfo=UTC)


def occurrences(r: random.Random, kind: str, span: float, services: list[str]) -> list[Occurrence]:
    """None to eighty at random and at the ends of periods; open ones, those of one instant, of no length, of decades."""
    found = []
    for _ in range(r.choice([0, 0, 1, 2, 3, 5, 20, 80])):
        ago = r.uniform(-1, 2 * span + 2) if r.random() < 0.8 else r.choice([0, span, 2 * span])
        seconds = (
            r.choice([0.0, 1.0, r.uniform(0, 1e9), r.lognormvariate(8, 2)]) if kind == "duration" else None
        )
        found.append(
            Occurrence(
                END - timedelta(days=ago),
                f"INC-{r.randint(1, 30)}",
                r.choice(services),
                r.choice(["critical", "minor", ""]),
                seconds=seconds,
                is_open=r.random() < r.choice([0, 0.3, 1]),
                hit=r.random() < r.choice([0, 0.5, 1]),
            )
        )
    return found


@pytest.mark.parametrize("seed", range(150))
def test_every_number_is_finite_and_every_share_is_one(seed):
    """
    Also with a change's interval, by service, severity, month and quarter, where the log begins anywhere.
    """
    r = random.Random(seed)
    span, services = r.choice([1, 7, 30, 90, 365]), [f"service{n}" for n in range(r.randint(1, 4))]
    kinds = r.choices(["count", "duration", "share"], k=5)
    series = [
        Series(f"measure{n}", kind, occurrences(r, kind, span, services)) for n, kind in enumerate(kinds)
    ]
    periods = compared(END - timedelta(days=span), END, r.choice([None, "month", "quarter"]))
    groups = [{"name": name, "services": {name}} for name in services]
    if r.random() < 0.3:
        groups = [{"services": set(services), "severity": one} for one in ("critical", "minor")]
    since = r.choice([None, END - timedelta(days=r.uniform(0, 2 * span))])

    figures, _ = measures(series, periods, groups, since=since)

    for figure in figures:
        known = [each for each in (figure.low, figure.value, figure.high) if each is not None]
        assert known == sorted(known), figure
        changes = (figure.change, figure.change_low, figure.change_high, figure.smallest_visible_change)
        assert all(math.isfinite(each) for each in (*known, *changes) if each is not None), figure
        if figure.unit == "ratio":
            assert all(0 <= each <= 1 for each in known), figure
            assert figure.change is None or -1 <= figure.change <= 1, figure
        assert 0 <= figure.open <= figure.n
