"""A statement repeated after its opposite is new; files among each other have no order, what is pushed has its receipt."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.alert_spans import spans
from projections.deduplication import deduplicate
from tests.builders import at, event_id, recorded
from tests.ingest.feeds import RULES, ids
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Arrival, Event, Incoming
from tracker.events.corrections import effective
from tracker.ingest import alertmanager
from tracker.ingest.refired import AlertHistory

OTHER_SENDER = "http://alertmanager-1.example"


def body(*statements: tuple[str, float, float | None], sender: str = "http://alertmanager-0.example") -> str:
    """A webhook's body of one alert for each (name, start, end)."""
    alerts = [
        {
            "status": "firing" if end is None else "resolved",
            "labels": {"alertname": name, "service": "checkout"},
            "startsAt": at(start).isoformat(),
            "endsAt": "0001-01-01T00:00:00Z" if end is None else at(end).isoformat(),
        }
        for name, start, end in statements
    ]
    return json.dumps({"version": "4", "externalURL": sender, "groupKey": "{}", "alerts": alerts})


def from_file(*lines: str) -> list[Incoming]:
    data = "\n".join(lines).encode()
    arrival = Arrival(via="file", received_at=at(1000))
    return AlertHistory().read(alertmanager.read(data, where="file", rules=RULES, arrival=arrival))


def pushed(line: str, minute: float) -> list[Incoming]:
    arrival = Arrival(via="webhook", received_at=at(minute))
    return alertmanager.read(line.encode(), where="hook", rules=RULES, arrival=arrival, hook="prod")


def received(*deliveries: Sequence[Incoming], log: Sequence[Incoming] = ()) -> list[Incoming]:
    """What the log holds after each delivery was read on its own."""
    held = {event_id(fact.event): fact for fact in log}
    for delivery in deliveries:
        for fact in AlertHistory(held.values()).read(delivery):
            held.setdefault(event_id(fact.event), fact)
    return list(held.values())


def found(facts: Iterable[Event | Incoming]) -> list[tuple[float | None, float | None]]:
    """Each span as minutes from and to."""
    alerts = deduplicate(effective(recorded(*facts)).values())
    return [(minute(span.starts_at), minute(span.ends_at)) for span in spans(alerts)]


def minute(instant: datetime | None) -> float | None:
    return None if instant is None else round((instant - at(0)).total_seconds() / 60, 3)


FIRES, STOPS = ("Errors", 0.0, None), ("Errors", 0.0, 5.0)


# ── pushed ───────────────────────────────────────────────────────────────────


def test_an_alert_that_fires_again_with_its_old_start_is_a_new_occurrence():
    """
    It fires again when that is received, repeats add nothing, and a later end ends it.
    """
    told = [pushed(body(FIRES), 1), pushed(body(STOPS), 6), pushed(body(FIRES), 9)]

    assert found(received(*told)) == [(0, 5), (9, None)]
    assert found(received(*told, pushed(body(FIRES), 20), pushed(body(FIRES), 30))) == [(0, 5), (9, None)]
    later = [*told, pushed(body(("Errors", 0.0, 33.0)), 34)]
    assert found(received(*later)) == [(0, 5), (9, 33)]
    assert found(received(*later, pushed(body(FIRES), 40))) == [(0, 5), (9, 33), (40, None)]


def test_an_alert_whose_firing_nobody_saw_fires_all_the_same():
    """
    The first that was received of it is its end; with a start, and without one.
    """
    assert found(received(pushed(body(STOPS), 6), pushed(body(FIRES), 9))) == [(0, 5), (9, None)]
    without = body(("Errors", 5.0, 5.0))
    assert found(received(pushed(without, 6), pushed(body(FIRES), 9))) == [(None, 5), (9, None)]


def test_another_alert_of_the_group_and_another_start_are_told_apart():
    """
    Only what says "firing" of the very start that ended fires again.
    """
    told = [
        pushed(body(FIRES, ("Slow", 0.0, None)), 1),
        pushed(body(STOPS, ("Slow", 0.0, None)), 6),
        pushed(body(("Slow", 0.0, None), ("Errors", 8.0, None)), 9),
    ]

    assert sorted(found(received(*told)), key=str) == [(0, 5), (0, None), (8, None)]


def test_a_late_delivery_of_the_other_of_a_pair_is_no_new_firing():
    """
    It contradicts what another sender reported within five minutes. Later than that it is believed, and
    a sender that contradicts itself is believed at once.
    """
    told = [pushed(body(FIRES), 1), pushed(body(STOPS), 6)]

    assert found(received(*told, pushed(body(FIRES, sender=OTHER_SENDER), 8))) == [(0, 5)]
    assert found(received(*told, pushed(body(FIRES, sender=OTHER_SENDER), 12))) == [(0, 5), (12, None)]
    assert found(received(*told, pushed(body(FIRES), 6.1))) == [(0, 5), (6.1, None)]


def test_both_of_a_pair_report_one_new_firing():
    """
    The first of them is when it fires again.
    """
    told = [
        pushed(body(statement, sender=sender), at_minute + late)
        for statement, at_minute in ((FIRES, 1.0), (STOPS, 6.0), (FIRES, 9.0), (("Errors", 0.0, 20.0), 21.0))
        for sender, late in (("http://alertmanager-0.example", 0.0), (OTHER_SENDER, 0.1))
    ]

    assert found(received(*told)) == [(0, 5), (9, 20)]


def test_an_end_that_is_repeated_takes_the_firing_between_back():
    """
    Two senders that call themselves the same, one of them late: firing, end, firing, the same end.
    """
    told = [
        pushed(body(FIRES), 1),
        pushed(body(STOPS), 6),
        pushed(body(FIRES), 6.1),
        pushed(body(STOPS), 6.2),
    ]

    facts = received(*told)

    assert found(facts) == [(0, 5)]
    assert len(facts) == 4


@given(
    changes=st.lists(st.booleans(), max_size=12),
    reruns=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=3),
    batch=st.integers(1, 5),
)
def test_what_is_pushed_has_the_order_of_its_receipt(changes, reruns, batch):
    """
    Whatever is repeated, processed again after a crash, or read together: the last report decides whether it fires,
    and each change of it is an occurrence.
    """
    deliveries, expected, fires = [pushed(body(FIRES), 1)], [[0.0, None]], True
    for number, firing in enumerate(changes, 1):
        received_at = 1 + 10.0 * number
        if firing:
            if not fires:
                expected.append([received_at, None])
            deliveries.append(pushed(body(FIRES), received_at))
        else:
            if fires:
                expected[-1][1] = received_at - 1
            ended = expected[-1][1]
            assert ended is not None
            deliveries.append(pushed(body(("Errors", 0.0, ended)), received_at))
        fires = firing
    together = [
        [fact for delivery in deliveries[first : first + batch] for fact in delivery]
        for first in range(0, len(deliveries), batch)
    ]
    for first, last in reruns:
        together += deliveries[first:last]

    assert found(received(*together)) == [tuple(span) for span in expected]


# ── polled ───────────────────────────────────────────────────────────────────


def polled(start: float, updated: float, received_at: float, source: str = "alertmanager") -> list[Incoming]:
    fired = pushed(body(("Errors", start, None)), received_at)[0].event
    assert isinstance(fired, AlertFired)
    arrival = Arrival(via="poll", received_at=at(received_at))
    return [Incoming(event=fired, arrival=arrival, updated_at=at(updated))]


def test_a_source_that_is_asked_says_when_it_updated():
    """
    An answer that is older than the end repeats what was so before it.
    """
    told = [pushed(body(FIRES), 1), pushed(body(STOPS), 6)]

    assert found(received(*told, polled(0, 4, 7))) == [(0, 5)]
    assert found(received(*told, polled(0, 6.5, 7), polled(0, 12, 13))) == [(0, 5), (6.5, None)]
    asked_before = received(pushed(body(FIRES), 1), polled(0, 5.5, 5.6), *told[1:])
    assert found(asked_before) == [(0, 5)]


# ── files ────────────────────────────────────────────────────────────────────


def test_a_file_that_shows_it_firing_stopped_and_firing_is_believed():
    """
    When it fired again no line says; it is right after the end, and a later end ends it.
    """
    facts = from_file(body(FIRES), body(STOPS), body(FIRES))

    assert found(facts) == [(0, 5), (5, None)]
    assert isinstance(facts[-1].event, AlertFired)
    assert facts[-1].event.is_again_at_unknown_time
    more = from_file(body(FIRES), body(STOPS), body(FIRES), body(("Errors", 0.0, 9.0)))
    assert found(more) == [(0, 5), (5, 9)]
    assert set(ids(facts)) < set(ids(more))


def test_what_a_file_repeats_or_has_of_two_senders_stays_known():
    """
    One that holds itself twice, one with its newest line first, one with both bodies of a pair.
    """
    told = (body(FIRES), body(STOPS))

    assert len(set(ids(from_file(*told, *told)))) == 2
    assert len(set(ids(from_file(*told, *told, *told)))) == 2
    assert len(set(ids(from_file(body(STOPS), body(FIRES))))) == 2
    pair = (*told, body(FIRES, sender=OTHER_SENDER), body(STOPS, sender=OTHER_SENDER))
    assert len(set(ids(from_file(*pair)))) == 2


def test_a_webhook_and_a_file_of_the_same_bodies_are_one_story():
    """
    Who received it knows when it fired again.
    """
    told = [pushed(body(FIRES), 1), pushed(body(STOPS), 6), pushed(body(FIRES), 9)]
    in_file = from_file(body(FIRES), body(STOPS), body(FIRES))

    assert found({event_id(each.event): each for each in (*received(*told), *in_file)}.values()) == [
        (0, 5),
        (9, None),
    ]


_lines = st.sampled_from(
    [
        body(FIRES),
        body(STOPS),
        body(("Errors", 0.0, 9.0)),
        body(("Errors", 5.0, 5.0)),
        body(("Errors", 20.0, None)),
        body(("Errors", 20.0, 26.0), FIRES),
        body(FIRES, sender=OTHER_SENDER),
        body(STOPS, sender=OTHER_SENDER),
    ]
)


@given(data=st.data(), files=st.lists(st.lists(_lines, min_size=1, max_size=6), min_size=1, max_size=4))
def test_any_order_and_duplication_of_files_gives_one_timeline(data, files):
    """
    What a file says does not depend on those that were read before.
    """
    shuffled = data.draw(st.permutations([*files, *data.draw(st.lists(st.sampled_from(files), max_size=3))]))

    def answer(feeds: Sequence[Sequence[str]]) -> Any:
        held: dict[str, Incoming] = {}
        for lines in feeds:
            for fact in from_file(*lines):
                held.setdefault(event_id(fact.event), fact)
        return sorted(held), found(held.values())

    assert answer(shuffled) == answer(files)


# ── ends ─────────────────────────────────────────────────────────────────────


def test_an_end_without_a_start_ends_what_fires():
    """
    One firing and one end; repeated ends, and those that come with the true start, add nothing.
    """
    without = body(("Errors", 25.0, 25.0))

    assert found(received(pushed(body(FIRES), 1), pushed(without, 26))) == [(0, 25)]
    repeated = [pushed(body(FIRES), 1), pushed(without, 26), pushed(body(("Errors", 26.0, 26.0)), 27)]
    assert found(received(*repeated)) == [(0, 25)]
    assert found(received(pushed(body(FIRES), 1), pushed(body(STOPS), 6), pushed(without, 26))) == [(0, 5)]
    two = [pushed(body(FIRES), 1), pushed(body(STOPS), 6), pushed(body(("Errors", 20.0, None)), 21)]
    assert found(received(*two, pushed(without, 26))) == [(0, 5), (20, 25)]


def test_an_end_without_a_start_of_what_nobody_saw_fire_is_no_firing():
    """
    It is an end alone, once.
    """
    alone = [pushed(body(("Errors", 25.0, 25.0)), 26), pushed(body(("Errors", 25.0, 25.0)), 27)]

    facts = received(*alone)

    assert [type(fact.event) for fact in facts] == [AlertResolved]
    assert found(facts) == [(None, 25)]


def test_a_firing_of_no_length_that_an_earlier_version_recorded_is_none():
    """
    It recorded both for one body; a firing that was pushed by itself stays.
    """
    [end] = pushed(body(("Errors", 25.0, 25.0)), 26)
    fired = pushed(body(("Errors", 25.0, None)), 26)[0]
    before = pushed(body(FIRES), 1)

    assert found([*before, fired, end]) == [(0, 25)]
    assert found([*before, *pushed(body(("Errors", 25.0, None)), 25.5), end])[-1][0] == 25


def test_what_fires_again_keeps_its_start_however_often_it_is_read():
    """
    A delivery that the log rejected is read anew with what was read already.
    """
    log = received(pushed(body(("Down", 0, None)), 1), pushed(body(("Down", 0, 5)), 6))
    once = AlertHistory(log).read(pushed(body(("Down", 0, None)), 9))
    twice = AlertHistory(log).read(once)

    assert [event_id(fact.event) for fact in twice] == [event_id(fact.event) for fact in once]
    assert [(fact.event.occurred_at, fact.event.own_start) for fact in twice] == [(at(9), at(0))]
