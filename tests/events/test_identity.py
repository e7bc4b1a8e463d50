"""An event's identity is its content, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import alert, at, deploy, note, one_of_each, samples
from tracker.events.base import Event, decode, encode, event_id

labels = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=6)
FIRST, LAST = (
    datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9999, 12, 31),  # noqa: DTZ001
)
instants = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))


@given(labels, st.randoms())
def test_labels_in_another_order_are_the_same_event(given_labels, random):
    """
    A source may write its labels in any order; the event is the same.
    """
    shuffled = list(given_labels.items())
    random.shuffle(shuffled)

    assert event_id(alert(labels=given_labels)) == event_id(alert(labels=dict(shuffled)))


@given(instants, st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_one_instant_in_two_zones_is_the_same_event(instant, minutes):
    """
    An offset is how an instant is written, not when it was.
    """
    try:
        elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return

    assert event_id(deploy(occurred_at=instant)) == event_id(deploy(occurred_at=elsewhere))


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.TOPIC)
def test_what_is_read_back_is_the_same_event(event):
    """
    Storing changes neither the event nor its identity.
    """
    back = decode(event.TOPIC, encode(event))

    assert back == event
    assert event_id(back) == event_id(event)


def test_a_whole_number_of_seconds_is_the_same_event():
    """
    5 and 5.0 seconds are equal, so they are one event.
    """
    assert deploy(duration_seconds=5) == deploy(duration_seconds=5.0)
    assert event_id(deploy(duration_seconds=5)) == event_id(deploy(duration_seconds=5.0))
    assert event_id(samples(step_seconds=15)) == event_id(samples(step_seconds=15.0))


def other_value(value):
    """A value of the same type that is another one."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case bytes():
            return value + b"x"
        case datetime():
            return value + timedelta(microseconds=1)
        case tuple():
            return (*value, "x")
        case dict():
            return {**value, "x": "x"}
    return None


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.TOPIC)
def test_any_other_field_is_another_event(event):
    """
    No field is left out of the identity.
    """
    for field in msgspec.structs.fields(type(event)):
        value = getattr(event, field.name)
        if (other := other_value(value)) is None:
            other = at(0) if "datetime" in str(field.type) else "x" if "str" in str(field.type) else 1
        changed = msgspec.structs.replace(event, **{field.name: other})

        assert event_id(changed) != event_id(event), field.name


def test_the_kind_is_part_of_the_identity():
    """
    Two kinds with the same fields are two events.
    """
    found = {event_id(each) for each in one_of_each()}

    assert len(found) == len(one_of_each())


@given(instants, instants)
def test_ids_sort_by_time(one, other):
    """
    The id begins with the instant, to the millisecond.
    """
    earlier, later = sorted([one, other])
    if later - earlier < timedelta(milliseconds=1):
        return

    assert event_id(note(occurred_at=earlier)) < event_id(note(occurred_at=later))


@pytest.mark.parametrize("year", [1, 1850, 1969, 1970, 2026, 9999])
def test_any_year_has_an_id(year):
    """
    A source with a broken clock is recorded as it spoke.
    """
    event = note(occurred_at=datetime(year, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))

    assert len(event_id(event)) == 24
    assert decode(event.TOPIC, encode(event)) == event


def test_an_event_cannot_be_changed():
    """
    What happened, happened.
    """
    with pytest.raises(AttributeError):
        alert().name = "Other"  # type: ignore[misc]


def test_every_kind_says_where_it_is_found():
    """
    An event with no place in the index could not be found again; seals and settings have theirs too.
    """
    for event in one_of_each():
        assert isinstance(event, Event)
        assert event.index_rows(), event.TOPIC
