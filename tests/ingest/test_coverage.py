"""Which spans are asked: each once, and none that was answered."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at, collected
from tracker.ingest.coverage import covered, lacking, plan

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), max_size=8)


@given(wanted=st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), asked=SPANS)
def test_what_is_asked_and_what_was_answered_cover_the_span_once(wanted, asked):
    """
    Minute by minute: a minute is asked for exactly when it is wanted and no answer covers it.
    """
    found = lacking(at(wanted[0]), at(wanted[1]), [(at(first), at(last)) for first, last in asked])

    for minute in range(61):
        middle = at(minute + 0.5)
        times = sum(first <= middle < last for first, last in found)
        told = any(first <= minute < last for first, last in asked)
        assert times == (wanted[0] <= minute < wanted[1] and not told)
    assert all(one[1] < other[0] for one, other in pairwise(found))


def test_detail_around_the_incident_and_coarser_history_before_it():
    """
    A day in detail, a week at one minute, a week at five, end to end.
    """
    detail, minutes, five = plan(at(0), at(60), 15)

    assert detail == (at(0) - timedelta(days=1), at(60), 15)
    assert minutes == (at(0) - timedelta(days=8), detail[0], 60)
    assert five == (at(0) - timedelta(days=15), minutes[0], 300)
    assert [step for _, _, step in plan(at(0), at(60), 40)] == [40, 80, 320]


def test_an_answer_covers_its_query_at_its_step_and_multiples():
    """
    An older answer without a step, one of another query, and one that failed cover nothing.
    """
    plain = {"source": "prometheus:p", "what": "errors", "until": at(60), "query": "q", "step_seconds": 15.0}
    told = [
        collected(0, **plain),
        collected(1, **{**plain, "step_seconds": None}),
        collected(2, **{**plain, "query": "other"}),
        collected(3, **plain, problem="it was away"),
    ]

    def found(step: int):
        return covered(told, source="prometheus:p", what="errors", query="q", step_seconds=step)

    assert found(15) == found(60) == [(at(0), at(60))]
    assert found(20) == []
