"""What holds after corrections; the old values stay."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    alert,
    alert_end,
    amended,
    at,
    deploy,
    error,
    event_id,
    linked,
    note,
    recorded,
    retracted,
)
from tracker.errors import BadInputError
from tracker.events.corrections import amended as with_changes
from tracker.events.corrections import effective


def held(*events):
    """What holds of the first event."""
    return effective(recorded(*events))[event_id(events[0])]


def test_an_amended_event_reads_as_set_right_and_keeps_what_was_stored():
    """
    Both the new and the old value can be read.
    """
    wrong = deploy(version="1.4.2")

    found = held(wrong, amended(wrong, changes={"version": "1.4.3"}))

    assert found.event.version == "1.4.3"
    assert found.recorded.event.version == "1.4.2"
    assert len(found.amendments) == 1


def test_the_last_recorded_amendment_of_a_field_wins():
    """
    By position in the log, whatever instants the amendments name.
    """
    wrong = deploy()

    found = held(
        wrong,
        amended(wrong, 50, changes={"version": "2", "environment": "staging"}),
        amended(wrong, 49, changes={"version": "3"}),
    )

    assert (found.event.version, found.event.environment) == ("3", "staging")


def test_a_retracted_amendment_does_not_count():
    """
    A correction is corrected like anything else.
    """
    wrong = deploy()
    worse = amended(wrong, changes={"version": "9"})

    found = held(wrong, worse, retracted(worse))

    assert found.event.version == "1.4.2"
    assert found.amendments == ()
    assert found.retraction is None


def test_a_retraction_that_was_retracted_brings_the_event_back():
    """
    And a third one takes it away again.
    """
    fact = deploy()
    gone = retracted(fact, 46)
    back = retracted(gone, 47)
    again = retracted(back, 48)

    assert held(fact, gone).retraction is not None
    assert held(fact, gone, back).retraction is None
    assert held(fact, gone, back, again).retraction is not None


@given(st.lists(st.integers(min_value=0, max_value=7), max_size=12), st.randoms())
def test_what_holds_does_not_depend_on_the_order_of_reading(targets, random):
    """
    Corrections of corrections of anything: only positions count, never the order in which rows come.
    """
    events = [alert(), deploy(), note()]
    for number, target in enumerate(targets):
        pointed = events[target % len(events)]
        if pointed.TOPIC == "deploy-finished" and number % 2:
            events.append(amended(pointed, 50 + number, changes={"version": str(number)}))
        else:
            events.append(retracted(pointed, 50 + number))
    in_order = recorded(*events)
    shuffled = random.sample(in_order, len(in_order))

    assert effective(in_order) == effective(shuffled)


def test_a_link_is_no_change_of_the_fact():
    """
    It says where the fact belongs, not what it is.
    """
    fact = deploy()

    assert held(fact, linked(fact, role="caused")).amendments == ()


def test_a_field_that_is_not_there_is_refused_with_those_that_are():
    """
    The hint lists what can be set.
    """
    with pytest.raises(BadInputError, match="no field 'colour'") as refused:
        with_changes(deploy(), {"colour": "red"})

    assert "environment" in refused.value.hint


def test_a_value_that_does_not_fit_is_refused():
    """
    An amended event is as well formed as any.
    """
    with pytest.raises(BadInputError, match="is not valid in a deploy-finished"):
        with_changes(deploy(), {"exit_code": "soon"})


def test_a_typed_number_fits_a_number():
    """
    --set exit_code=3 comes as text.
    """
    assert with_changes(deploy(), {"exit_code": "3"}).exit_code == 3


def test_an_instant_moves_to_the_microsecond():
    """
    Amending loses no digit of the fields that it does not name.
    """
    exact = deploy(occurred_at=at(2).replace(microsecond=123_457))

    assert with_changes(exact, {"version": "2"}).occurred_at == exact.occurred_at


@given(ahead=st.floats(0.001, 2000.0), kind=st.sampled_from([alert, deploy, alert_end, error]))
def test_nothing_observed_happened_after_it_was_recorded(ahead, kind):
    """
    A source whose clock is minutes or hours fast: its instant is that of the recording, and what it said is kept.
    """
    fact = kind(10 + ahead)
    [found] = effective(recorded(fact, minute=10)).values()

    assert found.recorded.event == fact
    if ahead * 60 > 2:
        assert found.event.occurred_at == at(10)
        assert found.clock_off_seconds == pytest.approx(ahead * 60, abs=0.001)
    else:
        assert (found.event, found.clock_off_seconds) == (fact, None)


@pytest.mark.parametrize(("start", "lead"), [(130, 180), (5, 60), (200, 190)])
def test_the_start_of_an_alert_is_of_the_clock_of_its_end(start, lead):
    """
    An hour of firing received in one delivery stays an hour; a start that was received earlier does not move.
    """
    fired, ended = alert(start), alert_end(10 + lead, started=start)
    lasted = timedelta(minutes=10 + lead - start)

    together = {type(each.event): each for each in effective(recorded(fired, ended, minute=10)).values()}
    before = effective(
        [*recorded(alert(5), minute=6), *recorded(alert_end(70, started=5), minute=10)]
    ).values()

    assert together[type(ended)].event.occurred_at == at(10)
    assert together[type(fired)].event.occurred_at == at(10) - lasted
    assert together[type(fired)].clock_off_seconds == lead * 60
    assert [each.event.occurred_at for each in before] == [at(5), at(10)]


def test_what_people_decide_and_amend_has_the_instant_that_they_give():
    """
    A decision may name an instant to come, and a correction of a wrong clock is a correction.
    """
    fact = alert(200)
    mended = effective(recorded(fact, amended(fact, changes={"occurred_at": at(7)}), minute=10)).values()
    later = effective(recorded(note(20), minute=10)).values()

    assert [
        (each.event.occurred_at, each.clock_off_seconds) for each in mended if each.id == event_id(fact)
    ] == [(at(7), None)]
    assert [each.event.occurred_at for each in later] == [at(20)]
