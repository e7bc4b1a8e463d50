"""Hypothetical firings held against incidents: how much sooner, not at all, cannot tell, for nothing."""

import numpy as np
import pytest

from projections.alert_expression import parse
from projections.backtest import backtest
from projections.firings import service_firings
from projections.incidents import incidents
from projections.samples import Series
from tests.builders import at, declared, merged, milestone, recorded, reopened, resolved
from tracker.times import to_ms

ALERT = parse("error_ratio > 1% for 2m")
DAY_MINUTES = 1440


def series(*bad, start=-DAY_MINUTES, end=DAY_MINUTES, step=1.0, labels=None, service="checkout", query="q"):
    """A sample a minute around 14:00: 50 % in the minutes from … to (first good one) of `bad`, else 0.1 %."""
    minutes = np.arange(start, end + step / 2, step)
    values = np.full(len(minutes), 0.001)
    for first, last in bad:
        values[(minutes >= first) & (minutes < last)] = 0.5
    return Series(
        service=service,
        metric="error_ratio",
        unit="ratio",
        query=query,
        labels=labels or {},
        step_seconds=step * 60,
        source="prometheus",
        instants_ms=to_ms(at(0)) + np.rint(minutes * 60_000).astype(np.int64),
        values=values,
    )


def ask(samples, *events, expression=ALERT, until=2 * DAY_MINUTES, **asked):
    by_service = {}
    for each in samples:
        by_service.setdefault(each.service, []).append(each)
    fired = [service_firings(expression, service, held) for service, held in by_service.items()]
    return backtest(expression, fired, incidents(recorded(*events)), until=at(until), **asked)


def known(minute=5, *, begins=0, ends=40, incident="INC-1", **declaration):
    """An incident from 14:00 to 14:40 that we knew of at 14:05."""
    return (
        declared(minute + 2, incident=incident, **declaration),
        milestone(begins, incident=incident),
        milestone(minute, "detected", incident=incident),
        resolved(ends, incident=incident),
    )


@pytest.mark.parametrize(
    ("knew", "gained", "verdict"), [(5, 120.0, "earlier"), (3, 0.0, "later"), (1, -120.0, "later")]
)
def test_what_it_gained_is_from_its_firing_to_when_we_knew(knew, gained, verdict):
    """
    Bad from 14:01, it fires at 14:03; who knew at that very moment has gained nothing.
    """
    [row] = ask([series((1, 30))], *known(knew)).incidents

    assert (row.incident, row.service, row.verdict, row.gained_seconds) == (
        "INC-1",
        "checkout",
        verdict,
        gained,
    )
    assert (row.would_fire_at, row.would_resolve_at) == (at(3), at(30))
    assert (row.started_at, row.detected_at, row.detected_from) == (at(0), at(knew), "detected")


def test_without_a_detection_we_knew_when_it_was_declared():
    """
    And nobody said when it started.
    """
    [row] = ask([series((1, 30))], declared(7), resolved(40)).incidents

    assert (row.detected_at, row.detected_from, row.started_at) == (at(7), "declared", None)
    assert row.gained_seconds == 240.0


def test_an_alert_that_stays_silent_would_not_have_fired():
    """
    All of the incident has samples, so its silence means something.
    """
    answer = ask([series()], *known())

    [row] = answer.incidents
    assert (row.verdict, row.would_fire_at, row.gained_seconds, row.series) == (
        "not_at_all",
        None,
        None,
        None,
    )
    assert (answer.caught_count, answer.caught_share, answer.cannot_tell_count) == (0, 0.0, 0)
    assert answer.median_gained_seconds is None
    assert answer.incident_samples_share == 1.0


@pytest.mark.parametrize("samples", [[], [series(end=-60)], [series(end=10)]])
def test_silence_without_samples_says_nothing(samples):
    """
    Neither where there are none, nor where they cover less than half of it.
    """
    answer = ask(samples, *known(), services=["checkout"])

    [row] = answer.incidents
    assert row.verdict == "no_samples"
    assert (answer.cannot_tell_count, answer.caught_share) == (1, None)


def test_a_firing_after_a_hole_may_have_come_sooner():
    """
    It says how much of the time before it nobody saw.
    """
    [row] = ask([series(end=-10), series((-5, 40), start=10)], *known()).incidents

    # Two queries' worth of series here: the second begins at 14:10.
    assert (row.would_fire_at, row.verdict) == (at(12), "later")
    assert row.unseen_seconds == 600.0


def test_a_firing_from_up_to_an_hour_before_the_start_is_the_incidents_if_it_still_held():
    """
    Who says when it started is often late; a firing that was over by then was another matter.
    """
    still = ask([series((-50, 30))], *known())
    over = ask([series((-50, -20))], *known())

    assert still.incidents[0].would_fire_at == at(-48)
    assert still.incidents[0].gained_seconds == 53 * 60
    assert still.for_nothing == ()
    assert over.incidents[0].verdict == "not_at_all"
    assert [each.reason for each in over.for_nothing] == ["no_incident"]


def test_an_alert_that_has_been_firing_for_long_tells_nobody_anything():
    """
    It counts as for nothing, and names the incident that it would have hidden.
    """
    answer = ask([series((-300, 30))], *known())

    [row], [nothing] = answer.incidents, answer.for_nothing
    assert (row.verdict, row.firing_since) == ("not_at_all", at(-298))
    assert (nothing.reason, nothing.incident, nothing.from_) == ("already_firing", "INC-1", at(-298))
    assert answer.for_nothing_share == pytest.approx(328 / 2880)


def test_firings_outside_of_incidents_are_for_nothing():
    """
    Each with its span and its peak; one that resolves as the incident starts is outside.
    """
    answer = ask([series((-600, -590), (-10, 0), (1, 30), (300, 310))], *known())

    assert [(each.from_, each.to, each.peak) for each in answer.for_nothing] == [
        (at(-598), at(-590), 0.5),
        (at(-8), at(0), 0.5),
        (at(302), at(310), 0.5),
    ]
    assert {each.ending for each in answer.for_nothing} == {"resolved"}


def test_rates_are_of_the_time_that_has_samples():
    """
    A quarter of a day in a month: two firings there are eight a day, not two a month.
    """
    quarters = [series((10, 20), start=0, end=180), series((20_030, 20_040), start=20_000, end=20_180)]
    answer = ask(quarters)

    assert answer.hours_of_samples == pytest.approx(6)
    assert answer.for_nothing_count == 2
    assert answer.for_nothing_per_day == pytest.approx(8)
    assert answer.for_nothing_per_week == pytest.approx(56)


def test_two_series_of_one_service_share_its_hours_and_fire_each_for_itself():
    """
    The first that fires is the incident's; hours are of the service, not of its pods.
    """
    pods = [series((n, 30), labels={"pod": f"p{n}"}) for n in (4, 2)]
    answer = ask(pods, *known())

    [row] = answer.incidents
    assert (row.series, row.would_fire_at, row.firings) == ({"pod": "p2"}, at(4), 2)
    assert answer.hours_of_samples == 48
    assert answer.series_count == 2


def test_a_false_alarm_is_no_incident_and_its_firings_are_for_nothing():
    """
    Unless a real one was there as well.
    """
    alarm = (declared(7), resolved(40, resolution="false-alarm"))

    answer = ask([series((1, 30))], *alarm)
    both = ask([series((1, 30))], *alarm, *known(incident="INC-2"))

    assert (answer.incidents, answer.false_alarms) == ((), ("INC-1",))
    assert [(each.reason, each.incident) for each in answer.for_nothing] == [("false_alarm", "INC-1")]
    assert ([each.incident for each in both.incidents], both.for_nothing) == (["INC-2"], ())


def test_merged_incidents_are_one():
    """
    It lasted from the first one's start, and we knew when the first one was known.
    """
    first = (declared(2, incident="INC-1"), milestone(-30, incident="INC-1"), merged(10, into="INC-2"))
    second = (declared(9, incident="INC-2"), resolved(60, incident="INC-2"))

    answer = ask([series((-40, -10), (-5, 20))], *first, *second)

    [row] = answer.incidents
    assert (row.incident, row.started_at, row.detected_at) == ("INC-2", at(-30), at(2))
    assert (row.would_fire_at, row.firings, answer.for_nothing) == (at(-38), 2, ())


def test_an_open_incident_owns_whatever_fired_since():
    """
    Nobody said that it was over.
    """
    events = [each for each in known() if each.TOPIC != "incident-resolved"]

    answer = ask([series((1, 30), (900, 930))], *events)

    assert (answer.open_incidents, answer.for_nothing) == (("INC-1",), ())
    assert answer.incidents[0].firings == 2
    assert answer.incidents[0].ended_at is None
    again = ask([series((900, 930))], *known(), reopened(50))
    assert again.for_nothing == ()


def test_incidents_of_other_services_do_not_explain_a_firing():
    """
    They are named as not looked at, unless one service was asked for.
    """
    answer = ask([series((1, 30))], *known(services=("search",)))

    assert answer.incidents == ()
    assert answer.not_looked_at == ("INC-1",)
    assert answer.for_nothing_count == 1
    assert ask([series()], *known(services=("search",)), only_service=True).not_looked_at == ()


def test_an_incident_of_two_services_is_caught_once():
    """
    A row for each service; the sum goes by the faster one.
    """
    samples = [series((1, 30)), series((3, 30), service="search")]

    answer = ask(samples, *known(services=("checkout", "search", "mail")))

    assert [(row.service, row.gained_seconds) for row in answer.incidents] == [
        ("checkout", 120.0),
        ("search", 0.0),
    ]
    assert (answer.incident_count, answer.caught_count, answer.longest_gained_seconds) == (1, 1, 120.0)
    assert answer.hours_of_samples == 96


def test_the_sum_has_median_and_best():
    """
    Later ones count with their minus.
    """
    events = [
        *known(5, incident="INC-1"),
        *known(601, begins=600, ends=640, incident="INC-2"),
        *known(720, begins=710, ends=740, incident="INC-3"),
    ]

    answer = ask([series((1, 30), (600, 620))], *events)

    assert [row.verdict for row in answer.incidents] == ["earlier", "later", "not_at_all"]
    assert (answer.caught_count, answer.caught_earlier_count) == (2, 1)
    assert answer.caught_share == pytest.approx(2 / 3)
    assert (answer.median_gained_seconds, answer.longest_gained_seconds) == (30.0, 120.0)


def test_samples_further_apart_than_for_are_called_coarse():
    """
    With their share of the time, so that a reader knows what the answer cannot see.
    """
    answer = ask([series(start=0, end=600), series(start=600, end=1200, step=5.0)], until=DAY_MINUTES)

    assert [(each.step_seconds, each.is_coarse) for each in answer.spacings] == [(60, False), (300, True)]
    assert [each.share for each in answer.spacings] == pytest.approx([0.5, 0.5])


def test_nothing_at_all_has_an_answer_too():
    """
    Rates of no time are unknown, not zero.
    """
    answer = ask([])

    assert (answer.incidents, answer.for_nothing, answer.hours_of_samples) == ((), (), 0)
    assert (answer.for_nothing_per_week, answer.caught_share, answer.samples_from) == (None, None, None)
