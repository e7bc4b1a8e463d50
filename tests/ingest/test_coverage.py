"""Which spans are asked: each once, and none that was answered."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import at, collected
from tracker.ingest.coverage import answers, ceil, covered, floor, lacking, plan, settled, to_ask
from tracker.times import to_us

PLAIN = {"source": "prometheus:p", "what": "errors", "query": "q", "step_seconds": 15.0}
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)
STEPS = st.sampled_from([1, 7, 10, 15, 30, 40, 45, 60, 90, 120, 300, 400, 3600])
MONTH_MINUTES = 30 * 24 * 60
DAY_SECONDS = 86_400


def told(start, end, **fields):
    """An answer from one instant up to another."""
    return collected(**{**PLAIN, "occurred_at": start, "until": end, **fields})


def seconds(instant) -> int:
    assert to_us(instant) % 1_000_000 == 0
    return to_us(instant) // 1_000_000


def multiples(spans, step: int) -> list[int]:
    """The instants that range queries ask for, in order of asking."""
    return [n for first, last in spans for n in range(-(-first // step) * step, last, step)]


@given(wanted=st.tuples(st.integers(0, 60), st.integers(0, 60)), asked=SPANS)
def test_what_is_asked_and_what_was_answered_cover_the_span_once(wanted, asked):
    """
    Minute by minute: one is asked for exactly when it is wanted and no answer covers it; empty spans do nothing.
    """
    found = lacking(at(wanted[0]), at(wanted[1]), [(at(first), at(last)) for first, last in asked])

    for minute in range(61):
        middle = at(minute + 0.5)
        times = sum(first <= middle < last for first, last in found)
        was_told = any(first <= minute < last for first, last in asked)
        assert times == (wanted[0] <= minute < wanted[1] and not was_told)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    assert all(first < last for first, last in found)


@given(
    step=STEPS,
    start=st.floats(0, MONTH_MINUTES, allow_nan=False),
    long=st.floats(0, 3 * 1440, allow_nan=False),
)
def test_a_plan_lies_end_to_end_on_multiples_of_both_steps(step, start, long):
    """
    At least fifteen days back in one piece: where two steps meet no instant is left out and none is double.
    """
    planned = plan(at(start), at(start + long), step)

    for first, last, one in planned:
        assert seconds(first) % one == seconds(last) % one == 0
    for (newer, _, fine), (_, older, coarse) in pairwise(planned):
        assert newer == older
        assert coarse > fine
        assert coarse % fine == 0
    assert planned[0][1] == ceil(at(start + long), step)
    oldest, _, coarsest = planned[-1]
    assert timedelta() <= at(start) - timedelta(days=15) - oldest < timedelta(seconds=coarsest)


def test_detail_around_the_incident_and_coarser_history_before_it():
    """
    A day in detail, a week at one minute, a week at five; a coarse configured step makes no second span of it.
    """
    start = at(0)
    day = timedelta(days=1)

    assert plan(start, at(60), 15) == [
        (start - day, at(60), 15),
        (start - 8 * day, start - day, 60),
        (start - 15 * day, start - 8 * day, 300),
    ]
    assert [step for *_, step in plan(start, at(60), 40)] == [40, 80, 320]
    assert [step for *_, step in plan(start, at(60), 45)] == [45, 90, 360]
    assert plan(start, at(60), 60) == [
        (start - 8 * day, at(60), 60),
        (start - 15 * day, start - 8 * day, 300),
    ]
    assert plan(start, at(60), 300) == [(start - 15 * day, at(60), 300)]


def test_an_answer_covers_its_query_at_its_step_and_multiples():
    """
    An older answer without a step, one of another query or source, and one that failed cover nothing.
    """
    every = [
        told(at(0), at(60)),
        told(at(1), at(60), step_seconds=None),
        told(at(2), at(60), query="other"),
        told(at(3), at(60), query=None),
        told(at(4), at(60), source="prometheus:other"),
        told(at(5), at(60), what="latency"),
        told(at(6), at(60), problem="it was away"),
    ]

    found = answers(every, source="prometheus:p", what="errors", query="q")

    assert covered(found, 15) == covered(found, 60) == [(at(0), at(60))]
    assert covered(found, 20) == []
    assert covered(found, 5) == []


def test_what_was_gone_counts_as_answered():
    """
    It will not come back: the same span is not asked again.
    """
    day = timedelta(days=1)
    planned = plan(at(0), at(60), 15)
    gone = [told(at(0) - 15 * day, at(60), missing_until=at(0) - 2 * day, found=0)]

    assert to_ask(planned, gone) == []


def test_only_whole_steps_are_asked_between_answers_to_spans_that_a_person_typed():
    """
    An answer up to 14:10:07 holds the instant 14:10:00, so 14:10:15 is the next; between 14:10:01 and
    14:10:14 there is nothing to ask for.
    """
    second = 1 / 60
    typed = [told(at(0), at(10 + 7 * second)), told(at(20 - second), at(60))]

    assert to_ask([(at(0), at(60), 15)], typed) == [(at(10.25), at(20), 15)]
    assert (
        to_ask([(at(0), at(60), 15)], [told(at(0), at(10 + second)), told(at(10 + 14 * second), at(60))])
        == []
    )


def test_the_last_two_steps_are_left_for_the_next_time():
    """
    At 14:10:07 and 15 seconds, 14:09:30 is the last one that is asked for.
    """
    assert settled(at(10) + timedelta(seconds=7), 15) == at(9.75)
    assert settled(at(10), 15) == at(9.5)
    assert floor(at(10) + timedelta(seconds=7), 15) == at(10)


@settings(max_examples=60, deadline=None)
@given(
    step=st.sampled_from([40, 60, 90, 120, 300, 400]),
    collects=st.lists(
        st.tuples(
            st.integers(0, 20 * DAY_SECONDS), st.integers(0, DAY_SECONDS), st.integers(0, 3 * DAY_SECONDS)
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_collect_after_collect_asks_for_each_instant_once(step, collects):
    """
    Incidents far apart, one in the other's history, open ones that are looked at again: after each collect
    every instant that it wants and that has settled was told, at a step that shows it, and no question is
    asked twice: neither within one collect nor of what an answer at a finer step had told.
    """
    known: list = []
    for start_second, length, later in collects:
        start = at(start_second / 60)
        end, now = start + timedelta(seconds=length), start + timedelta(seconds=later)
        planned = plan(start, end, step)
        before = {one: set(_told(known, one)) for *_, one in planned}
        new = []
        for first, last, one in to_ask(planned, known):
            until = min(last, settled(now, one))
            assert seconds(first) % one == seconds(last) % one == seconds(until) % one == 0
            if first < until:
                new.append(told(first, until, step_seconds=float(one)))
        known += new

        for first, last, one in planned:
            asked = [
                n
                for each in new
                if each.step_seconds == one
                for n in multiples([(seconds(each.occurred_at), seconds(each.until))], one)
            ]
            ready = min(last, settled(now, one))
            wanted = set(multiples([(seconds(first), seconds(ready))], one))
            assert len(asked) == len(set(asked))
            assert set(asked) == wanted - before[one]
            assert wanted <= set(_told(known, one))


def _told(known, step: int) -> list[int]:
    return multiples([(seconds(a), seconds(b)) for a, b in covered(known, step)], step)
