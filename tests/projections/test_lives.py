"""Of several incidents of one service, one has each alert, each deploy and each fix."""

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.durations import durations
from projections.lives import Beginning, Lives
from projections.procedure.evaluation import evidence_of
from projections.procedure.fix_attempts import fix_of
from projections.timeline import timeline
from tests import builders as b
from tests.builders import at, recorded
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import event_id
from tracker.events.changes import Change

FIRST = [b.declared(0), b.resolved(30)]
"""INC-1 from 14:00 to 14:30."""
SECOND = b.declared(55, incident="INC-2")


def dossier(number, *events):
    return Dossier.of(f"INC-{number}", recorded(*events))


def own(number, *events):
    return [fact.event for fact in dossier(number, *events).own]


@pytest.mark.parametrize(
    ("fact", "owner"),
    [
        (b.alert(-50), 1),
        (b.alert(10), 1),
        (b.alert(30), 1),
        (b.alert(31), 2),
        (b.commit(31), 2),
        (b.deploy(29), 1),
        (b.deploy(31), 2),
        (b.rollback(70), 2),
        (b.alert(55 + 60 + 24 * 60 - 1), 2),
        (b.alert_end(60, started=10), 1),
        (b.alert_end(29, started=-70), 1),
        (b.alert_end(80, started=31), 2),
    ],
)
def test_a_fact_is_of_the_incident_in_whose_life_it_began(fact, owner):
    """
    Before, between and after two incidents that followed each other within the hour.
    """
    history = [*FIRST, SECOND, b.resolved(55 + 60, incident="INC-2"), fact]

    assert [number for number in (1, 2) if fact in own(number, *history)] == [owner]


def test_both_phases_of_a_deploy_are_of_the_incident_in_which_it_began():
    """
    One that began before the end of the first, and ended in the second.
    """
    phases = [b.deploy_start(28), b.deploy(57)]

    assert own(1, *FIRST, SECOND, *phases) == phases
    assert own(2, *FIRST, SECOND, *phases) == []


def test_what_follows_an_incident_is_its_own_until_the_next_is_near():
    """
    Three hours between them: an error belongs to the next from an hour before it, a deploy at once.
    """
    later = b.declared(210, incident="INC-2")

    for fact, owner in ((b.error(140), 1), (b.error(151), 2), (b.deploy(31), 2)):
        assert [number for number in (1, 2) if fact in own(number, *FIRST, later, fact)] == [owner]


def test_of_two_that_are_open_the_last_opened_has_what_begins():
    """
    Until it is resolved: then the first one has it again.
    """
    history = [b.declared(0), SECOND, b.resolved(90, incident="INC-2")]

    for fact, owner in ((b.error(40), 1), (b.alert(60), 2), (b.deploy(80), 2), (b.alert(91), 1)):
        assert [number for number in (1, 2) if fact in own(number, *history, fact)] == [owner]


@pytest.mark.parametrize(
    ("began", "ended", "owner"), [(53, None, 2), (53, 70, 2), (53, 54, 1), (5, None, 1), (-1, None, 1)]
)
def test_an_alert_that_still_fired_when_the_second_was_declared_is_that_one_s(began, ended, owner):
    """
    Where the first is open still, and the alert began nearer to the second's declaration than to the first's.
    """
    alert = b.alert(began)
    history = [b.declared(0), SECOND, alert, *([b.alert_end(ended, began)] if ended else [])]

    assert [number for number in (1, 2) if alert in own(number, *history)] == [owner]


@pytest.mark.parametrize(
    ("alerts", "detected"),
    [
        ([b.alert(-180)], -180),
        ([b.alert(-180), b.alert_end(-100, -180)], None),
        ([b.alert(-180, fingerprint="d15c"), b.alert(-3)], -3),
        ([b.alert(-400, fingerprint="d15c"), b.alert(-180)], -180),
        ([b.alert(-3_000)], None),
    ],
)
def test_an_alert_that_still_fires_detects_it_where_none_is_nearer(alerts, detected):
    """
    Of several old ones the last: what fires since this morning may be about anything.
    """
    found = durations(dossier(1, *alerts, b.declared(0)))["time_to_declare"]

    assert found.from_ == (at(detected) if detected is not None else None)


def test_a_relapse_stays_the_incident_s():
    """
    What fires just before it is reopened, and what ends it, where another was declared in between.
    """
    between = [SECOND, b.resolved(70, incident="INC-2")]
    back = [b.alert(95), b.deploy(110)]
    history = [*FIRST, *between, b.reopened(100), *back, b.resolved(120)]

    assert own(1, *history) == back
    assert own(2, *history) == []


def test_what_was_merged_into_an_incident_takes_nothing_from_it():
    """
    It was the same one.
    """
    history = [b.declared(0), SECOND, b.merged(60, incident="INC-2", into="INC-1"), b.alert(57)]

    assert own(1, *history) == [b.alert(57)]


def test_another_service_s_incident_neither_gives_nor_takes():
    """
    However near it is.
    """
    other = b.declared(1, incident="INC-2", services=("stock",))
    alerts = [b.alert(-1), b.alert(2, service="stock")]

    assert own(1, b.declared(0), other, *alerts) == alerts[:1]
    assert own(2, b.declared(0), other, *alerts) == alerts[1:]


def test_a_fix_that_people_named_is_no_other_incident_s():
    """
    The first is open still: by time the deploy would be the second's.
    """
    fix = b.deploy(60, version="1.4.3")
    ends = [b.resolved(65), b.resolved(66, incident="INC-2")]
    history = [b.declared(0), SECOND, fix, b.linked(fix, 61, role="fixed"), *ends]

    assert fixes(1, history) == {event_id(fix)}
    assert fixes(2, history) == set()


def test_the_second_incident_has_its_own_times():
    """
    The first was detected by an alert and ended by a deploy; the second was declared by a person.
    """
    history = [b.alert(-1), b.alert_end(22, -1), *FIRST, b.deploy(20, version="1.4.3"), SECOND]

    known = dossier(2, *history)

    assert known.detected_at == at(55)
    found = durations(known)
    assert [found[name].state for name in ("time_to_detect", "time_to_declare")] == ["pending", "pending"]
    assert found["time_to_fix_deployed"].from_ == at(55)
    assert [entry.event for entry in timeline(known)] == [event_id(SECOND)]


def fixes(number, history):
    evidence = evidence_of(dossier(number, *history))
    fix = fix_of(evidence)
    return set() if fix is None else set(fix.row.evidence)


# ── any history ──────────────────────────────────────────────────────────────

MINUTES = st.integers(0, 300)


@st.composite
def incident(draw, number):
    """An incident: open, resolved, or reopened, with or without an instant at which people say that it began."""
    name = f"INC-{number}"
    begins = draw(MINUTES)
    steps = [b.declared(begins, incident=name)]
    if draw(st.booleans()):
        steps.append(b.milestone(begins - draw(st.integers(0, 90)), incident=name))
    minute = begins
    for _ in range(draw(st.integers(0, 2))):
        minute += draw(st.integers(1, 60))
        steps.append(b.resolved(minute, incident=name))
        if not draw(st.booleans()):
            return steps
        minute += draw(st.integers(1, 60))
        steps.append(b.reopened(minute, incident=name))
    return steps


@st.composite
def facts(draw):
    """Alerts with and without an end, deploys with and without a beginning, and plain facts."""
    numbers = count(1)
    found = []
    for minute in draw(st.lists(MINUTES, max_size=5)):
        number = next(numbers)
        mark = {"fingerprint": f"{number:016x}"}
        found.append(b.alert(minute, **mark))
        if draw(st.booleans()):
            found.append(b.alert_end(minute + draw(st.integers(1, 120)), minute, **mark))
    for minute in draw(st.lists(MINUTES, max_size=4)):
        version = {"version": f"1.{next(numbers)}"}
        if draw(st.booleans()):
            found.append(b.deploy_start(minute - draw(st.integers(1, 10)), **version))
        found.append(b.deploy(minute, **version))
    return found


HISTORIES = st.tuples(
    st.integers(2, 4).flatmap(lambda many: st.tuples(*(incident(number) for number in range(1, many + 1)))),
    facts(),
    st.one_of(st.none(), st.integers(1, 60)),
)


@settings(max_examples=50, deadline=None)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_no_alert_deploy_or_fix_is_of_two_incidents(history, shuffled):
    """
    Whatever overlaps, was reopened or merged; an end has its beginning, and the order of feeds changes nothing.
    """
    incidents, facts_of, merged_at = history
    decisions = [step for steps in incidents for step in steps]
    groups = [[number] for number in range(1, len(incidents) + 1)]
    last = incidents[-1][-1]
    if merged_at is not None:
        minute = (last.occurred_at - at(0)).total_seconds() / 60 + merged_at
        decisions.append(b.merged(minute, incident=f"INC-{len(incidents)}", into="INC-1"))
        groups = [[1, len(incidents)], *groups[1:-1]]
    mixed = list(facts_of)
    shuffled.shuffle(mixed)

    owned, again, fixed = [], [], []
    for group in groups:
        known = [dossier(number, *decisions, *facts_of) for number in group]
        owned.append({fact.id for each in known for fact in each.own})
        rows = {event for each in known for row in each.own_changes for event in row.evidence}
        assert rows == {fact.id for each in known for fact in each.own if isinstance(fact.event, Change)}
        elsewhere = {event for each in known for row in each.changes_of_others for event in row.evidence}
        assert rows.isdisjoint(elsewhere)
        fixed.append({event for number in group for event in fixes(number, [*decisions, *facts_of])})
        again.append({fact.id for n in group for fact in dossier(n, *decisions, *mixed).own})

    assert again == owned
    for found in (owned, fixed):
        assert not [
            each for each, times in Counter(each for one in found for each in one).items() if times > 1
        ]
    for end in (fact for fact in facts_of if isinstance(fact, AlertResolved)):
        began = next(
            fact for fact in facts_of if isinstance(fact, AlertFired) and fact.fingerprint == end.fingerprint
        )
        assert all((event_id(began) in one) == (event_id(end) in one) for one in owned)


@given(
    spans=st.lists(
        st.tuples(st.integers(0, 4000), st.integers(1, 900), st.booleans()), min_size=1, max_size=4
    ),
    minute=st.integers(-200, 6500),
)
def test_an_instant_belongs_where_what_began_then_does(spans, minute):
    """
    Deciding once for all instants between two edges decides as each alone does, on the edges and beside them.
    """
    history = []
    for number, (begin, length, is_over) in enumerate(spans, start=1):
        history.append(b.declared(begin, incident=f"INC-{number}"))
        history += [b.resolved(begin + length, incident=f"INC-{number}")] if is_over else []
    known = dossier(1, *history)
    lives = Lives(known.incident, known.neighbours)
    begin, length, _ = spans[0]
    for near in (minute, begin, begin - 60, begin + length, begin + length + 24 * 60):
        for instant in (at(near), at(near) - timedelta(microseconds=1), at(near) + timedelta(microseconds=1)):
            assert lives.has_instant("checkout", instant) == lives.has("checkout", Beginning(instant))
