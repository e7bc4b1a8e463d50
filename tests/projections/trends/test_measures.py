"""A page of figures: what it claims of companies whose truth is known."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from projections.trends.measures import Occurrence, Series, measures
from projections.trends.periods import compared

END = datetime(2026, 7, 1, tzinfo=UTC)
START = END - timedelta(days=90)
SERVICES = ("checkout", "search", "mail")
GROUPS = [{"name": name, "services": {name}} for name in SERVICES]


def company(rng, *, rate=1.0, factor=1.0, bursts=False):
    """Half a year of three services with 25 incidents a quarter each; the second quarter of checkout has other ones."""
    counts, lasted, kept = [], [], []
    for service in SERVICES:
        for quarter in (0, 1):
            changed = quarter == 1 and service == "checkout"
            expected = 25 * (rate if changed else 1.0)
            n = int(rng.poisson(rng.gamma(expected / 6, 6) if bursts else expected))
            for number in range(n):
                at = START + timedelta(days=90 * (quarter - 1) + rng.uniform(0, 90))
                if bursts and number % 6:
                    at = counts[-1].at
                what = f"{service}-{quarter}-{number}"
                counts.append(Occurrence(at, what, service))
                seconds = rng.lognormal(math.log(3600 * (factor if changed else 1.0)), 1.2)
                lasted.append(Occurrence(at, what, service, seconds=float(seconds)))
                kept.append(Occurrence(at, what, service, hit=bool(rng.random() < 0.5)))
    return [
        Series("incidents", "count", counts),
        Series("downtime", "duration", lasted),
        Series("change_fail_rate", "share", kept),
    ]


def figures(series, **more):
    return measures(series, compared(START, END), GROUPS, **more)


def test_where_nothing_changed_one_page_in_twenty_claims_anything():
    """
    With three measures of three services; pages are counted, not rows.
    """
    rng = np.random.default_rng(4)

    wrong = sum(any(each.claim for each in figures(company(rng))[0]) for _ in range(60))

    assert wrong <= 60 * 0.05 + 3 * math.sqrt(60 * 0.05 * 0.95)


def test_what_changed_is_claimed_of_the_service_that_did():
    """
    Three times as many incidents, a tenth as long.
    """
    found, comparisons = figures(company(np.random.default_rng(6), rate=3.0, factor=0.1))

    claims = {(each.measure, each.service): each.claim for each in found if each.claim}
    assert claims == {("incidents", "checkout"): "more", ("downtime", "checkout"): "shorter"}
    assert comparisons == 9
    assert all(each.n_before and each.compared_with == "the same span before" for each in found)


def test_a_rate_of_bursts_is_not_claimed():
    """
    Six at a time: the exact test would take them for independent.
    """
    rng = np.random.default_rng(6)
    pages = [figures(company(rng, bursts=True))[0] for _ in range(10)]

    counts = [each for page in pages for each in page if each.measure == "incidents"]

    assert sum(each.in_bursts for each in counts) >= 0.9 * len(counts)
    assert not any(each.claim for each in counts if each.in_bursts)


def test_before_the_log_began_nothing_was_observed():
    """
    No incident is known of that time, which is not that there was none.
    """
    series = [
        Series(
            "incidents",
            "count",
            [one for one in company(np.random.default_rng(7))[0].occurrences if one.at >= START],
        )
    ]

    blind, _ = figures(series, since=START)
    seen, _ = figures(series)

    assert {each.claim for each in seen} == {"more"}
    assert {each.compared_with for each in blind} == {None}


def test_an_incident_of_two_services_is_one_where_they_are_taken_together():
    series = [Series("incidents", "count", [Occurrence(START, "INC-1", name, "major") for name in SERVICES])]

    [figure], _ = measures(series, compared(START, END), [{"services": set(SERVICES), "severity": "major"}])

    assert figure.n == 1
    assert figure.incidents == ("INC-1",)


@pytest.mark.parametrize(
    ("by", "names"), [("month", ["2026-04", "2026-05", "2026-06"]), ("quarter", ["2026-Q2"])]
)
def test_months_and_quarters_are_compared_with_all_earlier_ones(by, names):
    """
    The first has none; each ends where the next begins.
    """
    periods = compared(datetime(2026, 4, 1, tzinfo=UTC), END, by)

    assert [period.name for period, _ in periods] == names
    assert periods[0][1] is None
    for (period, _), (later, before) in itertools.pairwise(periods):
        assert period.end == later.start == before.end
        assert before.start == periods[0][0].start
