"""Alerts as spans, joined where a poll's edge or a restart cut them."""

from hypothesis import given
from hypothesis import strategies as st

from projections.alert_spans import joined, spans
from projections.deduplication import deduplicate
from tests.builders import alert, alert_end, amended, at, event_id, recorded
from tracker.events.corrections import Correction, effective

OTHER = {"fingerprint": "ffffffffffffffff"}
POLLED = {"source": "prometheus:prod"}


def found(*events):
    """Each span as minutes from and to."""
    return [
        (minute(span.starts_at), None if span.ends_at is None else minute(span.ends_at))
        for span in spans(alerts(*events))
    ]


def alerts(*events):
    held = effective(recorded(*events)).values()
    return deduplicate(each for each in held if not isinstance(each.event, Correction))


def minute(instant):
    return (instant - at(0)).total_seconds() / 60


def rows(*events):
    return joined(alerts(*events))


def test_a_start_and_its_end_are_one_span():
    """
    An end names the start that it ends.
    """
    assert found(alert(5), alert_end(25, started=5)) == [(5, 25)]


def test_an_alert_that_nobody_ended_is_open():
    """
    Absence of an end is not an end.
    """
    assert found(alert(5)) == [(5, None)]


def test_two_occurrences_that_alertmanager_named_stay_two():
    """
    However close: it is the one who knows.
    """
    assert found(alert(5), alert_end(10, started=5), alert(11), alert_end(20, started=11)) == [
        (5, 10),
        (11, 20),
    ]


def test_two_alerts_are_never_joined():
    """
    A span is of one fingerprint.
    """
    assert found(alert(5, **POLLED), alert(6, **OTHER, **POLLED)) == [(5, None), (6, None)]


def test_a_hole_under_five_minutes_in_prometheus_history_is_no_end():
    """
    A restart leaves it; what is longer is a new occurrence.
    """
    first = [alert(0, **POLLED), alert_end(10, started=0, **POLLED)]

    assert found(*first, alert(15, **POLLED), alert_end(20, started=15, **POLLED)) == [(0, 20)]
    assert found(*first, alert(15.1, **POLLED), alert_end(20, started=15.1, **POLLED)) == [
        (0, 10),
        (15.1, 20),
    ]


def test_pieces_join_one_after_the_other():
    """
    Each is measured from the end of the span so far.
    """
    pieces = []
    for start in (0, 10, 20, 30):
        pieces += [alert(start, **POLLED), alert_end(start + 7, started=start, **POLLED)]

    assert found(*pieces) == [(0, 37)]


def test_what_prometheus_saw_of_an_alertmanager_s_alert_is_part_of_it():
    """
    The poll begins inside the span, a step after its start.
    """
    [row_start, row_end] = rows(
        alert(5), alert(5.25, **POLLED), alert_end(25, started=5), alert_end(25.1, started=5.25, **POLLED)
    )

    assert row_start.shown.id == event_id(alert(5))
    assert len(row_start.witnesses) == 2
    assert row_end.shown.event.occurred_at == at(25.1)
    assert len(row_end.witnesses) == 2


def test_an_end_finds_its_start_to_the_millisecond():
    """
    One source writes nanoseconds, another cuts them.
    """
    exact = at(5).replace(microsecond=123_456)
    cut = at(5).replace(microsecond=123_000)

    assert len(found(alert(occurred_at=exact), alert_end(25, started_at=cut))) == 1


def test_an_end_finds_a_start_that_people_moved():
    """
    It names the start that its source knew.
    """
    wrong = alert(5)

    assert found(wrong, alert_end(25, started=5), amended(wrong, changes={"occurred_at": at(3)})) == [(3, 25)]


def test_an_alert_of_a_fast_clock_has_its_end():
    """
    Both are hours ahead, and stand where they were recorded; reported by one body or by two, it lasted as long.
    """
    fired, ended = alert(200), alert_end(220, started=200)

    def rows_of(*held):
        facts = effective([each for some in held for each in some]).values()
        return [(minute(span.starts_at), minute(span.ends_at)) for span in spans(deduplicate(facts))]

    assert rows_of(recorded(fired, minute=10), recorded(ended, minute=30, first=2)) == [(10, 30)]
    [row] = joined(deduplicate(effective(recorded(ended, minute=30)).values()))
    assert row.shown.event.started_at == at(10)
    assert rows_of(recorded(ended, minute=30)) == [(10, 30)]


def test_an_end_without_a_start_is_a_row_all_the_same():
    """
    The start was before the log began.
    """
    [row] = rows(alert_end(25, started=5))

    assert row.shown.event == alert_end(25, started=5)


@given(
    st.permutations(
        [
            alert(0, **POLLED),
            alert_end(7, started=0, **POLLED),
            alert(10, **POLLED),
            alert_end(17, started=10, **POLLED),
            alert(10.5),
            alert_end(17.5, started=10.5),
            alert(17, updated_at=at(20), **OTHER),
            alert(17, **OTHER),
            alert_end(40, started=39),
        ]
    )
)
def test_the_order_in_which_pieces_come_does_not_matter(events):
    """
    Spans, rows and witnesses are the same.
    """
    in_order = sorted(events, key=event_id)

    def answer(given_events):
        return sorted((row.shown.id, tuple(each.id for each in row.witnesses)) for row in rows(*given_events))

    assert answer(events) == answer(in_order)
