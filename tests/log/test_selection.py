"""A selection gives exactly what a scan of the whole log would, at the cost of what it finds."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.builders import (
    alert,
    amended,
    at,
    declared,
    deploy,
    error,
    event_id,
    linked,
    merged,
    note,
    retracted,
    settings,
    unlinked,
)
from tracker.events.base import Window
from tracker.events.corrections import Correction, effective
from tracker.log import Log
from tracker.times import to_us


@pytest.fixture
def log(store_url):
    with Log(store_url) as opened:
        yield opened


def append(log, *events):
    """Append each in its way, one by one, so that positions follow the order."""
    for event in events:
        if incident := getattr(event, "incident", None):
            log.decide(incident, lambda held, event=event: [event])
        else:
            log.append([event])


def ids(events):
    return {event_id(each) for each in events}


def selected(log, *windows, up_to=None):
    return {each.id for each in log.select(windows, up_to)}


def test_a_window_has_its_start_and_not_its_end(log):
    """
    So that windows side by side hold each event once.
    """
    log.append([deploy(1), deploy(2), deploy(3)])

    assert selected(log, Window("service:checkout", at(1), at(3))) == ids([deploy(1), deploy(2)])


def test_an_open_window_has_all(log):
    """
    No start, no end: whatever its instant, but for what no answer can be computed from.
    """
    odd = (
        deploy(occurred_at=at(0).replace(year=1901), version="old"),
        deploy(occurred_at=at(0).replace(year=2499)),
    )
    impossible = (
        deploy(occurred_at=at(0).replace(year=1), version="older"),
        deploy(occurred_at=at(0).replace(year=9999), version="far"),
    )
    log.append([*odd, *impossible])

    assert selected(log, Window("service:checkout")) == ids(odd)


def test_windows_overlap_without_repeating(log):
    """
    An event found under two places is one event.
    """
    log.append([deploy(1), alert(2)])

    found = log.select([Window("service:checkout"), Window("changes"), Window("version:checkout@1.4.2")])

    assert [each.position for each in found] == [1, 2]


def test_corrections_come_with_what_they_correct(log):
    """
    Corrections of corrections too, in the order of recording.
    """
    fact = deploy(2)
    wrong = amended(fact, changes={"version": "2"})
    log.append([fact, wrong, retracted(wrong, 47), alert(50)])

    found = log.select([Window("changes", at(0), at(10))])

    assert [each.position for each in found] == [1, 2, 3]


def test_a_correction_brings_its_target(log):
    """
    An incident's links bring the facts that they name, from wherever these are.
    """
    far = deploy(-10_000)
    append(log, far, declared(), linked(far))

    assert event_id(far) in {each.id for each in log.incident("INC-1")}


def test_an_event_that_was_moved_into_a_window_is_found(log):
    """
    Its old place is far outside, the amendment's new instant is inside.
    """
    moved = deploy(-10_000)
    log.append([moved, amended(moved, changes={"occurred_at": at(5)})])

    found = log.select([Window("service:checkout", at(0), at(10))])

    assert effective(found)[event_id(moved)].event.occurred_at == at(5)


def test_an_event_that_was_moved_out_of_a_window_tells_so(log):
    """
    It is still selected, with the amendment that says where it is now.
    """
    moved = deploy(5)
    log.append([moved, amended(moved, changes={"occurred_at": at(5000)})])

    found = log.select([Window("service:checkout", at(0), at(10))])

    assert effective(found)[event_id(moved)].event.occurred_at == at(5000)


def test_what_was_recorded_later_is_not_seen(log):
    """
    Neither events nor corrections after the position asked for.
    """
    fact = deploy(2)
    log.append([fact, alert(3), amended(fact, changes={"version": "2"})])

    assert len(log.select([Window("service:checkout")], up_to=2)) == 2
    assert len(log.select([Window("service:checkout")], up_to=1)) == 1
    assert log.select([Window("service:checkout")], up_to=0) == []


def test_a_merge_is_found_from_both_ends(log):
    """
    The incident that goes on knows where it came from.
    """
    append(log, declared(), declared(incident="INC-2", title="another"), merged())

    assert event_id(merged()) in {each.id for each in log.incident("INC-1")}
    assert event_id(merged()) in {each.id for each in log.incident("INC-2")}


def test_the_last_settings_recorded_hold(log):
    """
    Whatever the clocks of their writers said.
    """
    log.append([settings(50, settings={"prefix": "OPS"}), settings(10, settings={"prefix": "INC"})])

    assert log.latest("settings:").event.settings == {"prefix": "INC"}
    assert log.latest("settings:", up_to=1).event.settings == {"prefix": "OPS"}
    assert log.latest("settings:nobody") is None


def test_events_are_read_by_their_ids_alone(log):
    """
    Facts and decisions; their corrections only where they are asked for.
    """
    fact = deploy(2)
    append(log, fact, declared(), retracted(fact))

    found = log.by_ids([event_id(fact), event_id(declared()), "x" * 24])

    assert [each.position for each in found] == [1, 2]
    assert [each.position for each in log.with_corrections(found)] == [1, 2, 3]
    assert [each.position for each in log.with_corrections(found, up_to=2)] == [1, 2]
    assert log.by_ids([event_id(declared())], up_to=1) == []


def test_more_than_one_statement_holds_is_selected(log):
    """
    1,200 events with a correction each: lookups are cut into pieces that fit a statement.
    """
    facts = [error(number) for number in range(1200)]
    log.append(facts)
    log.append([retracted(each) for each in facts])

    assert len(log.select([Window("service:checkout")])) == 2400
    assert len(log.by_ids([event_id(each) for each in facts])) == 1200


def test_an_incident_that_is_not_there_has_no_events(log):
    """
    An empty answer, no error.
    """
    assert log.incident("INC-99") == []


# ── against a scan of the whole log ──────────────────────────────────────────

steps = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "alert", "note", "amend", "move", "retract", "link", "unlink"]),
        st.integers(min_value=0, max_value=30),
        st.integers(min_value=0, max_value=30),
        st.sampled_from(["checkout", "billing"]),
    ),
    max_size=25,
)


def history(drawn):
    """Events in which corrections point at any earlier one."""
    events = [declared(0), deploy(1)]
    for number, (what, minute, target, service) in enumerate(drawn):
        pointed = events[target % len(events)]
        when = 100 + number
        match what:
            case "deploy":
                events.append(deploy(minute, service=service))
            case "alert":
                events.append(alert(minute, service=service))
            case "note":
                events.append(note(minute))
            case "amend":
                events.append(amended(pointed, when, changes={"precision_seconds": 1.0 + number}))
            case "move":
                events.append(amended(pointed, when, changes={"occurred_at": at(minute)}))
            case "retract":
                events.append(retracted(pointed, when))
            case "link":
                events.append(linked(pointed, when))
            case "unlink":
                events.append(unlinked(pointed, when))
    return list({event_id(each): each for each in events}.values())


def scanned(held, windows, up_to):
    """Say the same as `select` the slow way: look at every event until nothing is added."""
    held = [each for each in held if each.position <= up_to]
    found = {
        each.id
        for each in held
        for scope, instant in each.event.index_rows()
        for window in windows
        if window.scope == scope and inside(window, instant)
    }
    while True:
        before = len(found)
        for each in held:
            if isinstance(each.event, Correction):
                if each.id in found:
                    found |= {other.id for other in held if other.id == each.event.target}
                if each.event.target in found:
                    found.add(each.id)
        if len(found) == before:
            return found


def inside(window, instant):
    return (window.start is None or instant >= to_us(window.start)) and (
        window.end is None or instant < to_us(window.end)
    )


def check(url, drawn, scope, start, length, up_to):
    events = history(drawn)
    with Log(url) as log:
        append(log, *events)
        held = log.read(limit=1000)
        cut = up_to % (log.position + 1)
        windows = [Window(scope, at(start), at(start + length))]

        assert selected(log, *windows, up_to=cut) == scanned(held, windows, cut)
        assert selected(log, Window("incident:INC-1")) == scanned(
            held, [Window("incident:INC-1")], log.position
        )


places = st.sampled_from(["service:checkout", "service:billing", "changes", "incident:INC-1"])
minutes = st.integers(min_value=0, max_value=30)


@hypothesis_settings(max_examples=60, deadline=None)
@given(steps, places, minutes, minutes, st.integers(min_value=0, max_value=40))
def test_a_selection_is_what_a_scan_finds(tmp_path_factory, drawn, scope, start, length, up_to):
    """
    For any history with corrections of anything, any window and any position.
    """
    check(str(tmp_path_factory.mktemp("log") / "t.db"), drawn, scope, start, length, up_to)


@hypothesis_settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, places, minutes, minutes, st.integers(min_value=0, max_value=40))
def test_a_selection_is_what_a_scan_finds_on_postgresql(postgres_server, drawn, scope, start, length, up_to):
    """
    The same there.
    """
    with postgres_server.database() as url:
        check(url, drawn, scope, start, length, up_to)
