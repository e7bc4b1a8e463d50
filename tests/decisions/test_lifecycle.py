"""Given what was decided, when one more thing is asked: an event, or a sentence why not."""

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.builders import (
    amended,
    at,
    declared,
    deploy,
    lead,
    linked,
    merged,
    milestone,
    note,
    recorded,
    reopened,
    resolved,
    retracted,
    service_added,
    service_removed,
    severity,
    stage,
    typed,
    unlinked,
)
from tracker.decisions import lifecycle
from tracker.errors import RefusedError
from tracker.events import incidents as events
from tracker.events.base import event_id
from tracker.events.incidents import MILESTONES
from tracker.incident import Status, fold
from tracker.times import Typed


def given(*history, name="INC-1"):
    """The incident after these."""
    return fold(name, recorded(*history))


OPEN = given(declared(10))
RESOLVED = given(declared(10), resolved(40))
MERGED = given(declared(10), merged(30))
NEVER = given()
TWO = given(declared(20, incident="INC-2"), name="INC-2")

ASKED = {
    "resolve": lambda it: lifecycle.resolve(it, by="ada", at=typed(60)),
    "reopen": lambda it: lifecycle.reopen(it, by="ada", at=typed(60), why="it came back"),
    "merge": lambda it: lifecycle.merge(it, TWO, by="ada", at=typed(60), why="the same"),
    "severity": lambda it: lifecycle.change_severity(it, "minor", by="ada", at=typed(60), why="it is small"),
    "lead": lambda it: lifecycle.change_lead(it, "grace", by="ada", at=typed(60)),
    "stage": lambda it: lifecycle.change_stage(it, "fixing", by="ada", at=typed(60)),
    "service": lambda it: lifecycle.add_service(it, "billing", by="ada", at=typed(60)),
    "note": lambda it: lifecycle.note(it, "the basket is empty", by="ada", at=typed(60)),
    "milestone": lambda it: lifecycle.set_milestone(it, "mitigated", by="ada", at=typed(35)),
}

ALLOWED = {
    "open": {"resolve", "merge", "severity", "lead", "stage", "service", "note", "milestone"},
    "resolved": {"reopen", "merge", "service", "note", "milestone"},
    "merged": {"service", "milestone"},
    "never": set(),
}
STATES = {"open": OPEN, "resolved": RESOLVED, "merged": MERGED, "never": NEVER}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("what", ASKED)
def test_each_state_allows_what_makes_sense_in_it(state, what):
    """
    What is allowed gives one event of this incident, by whom and when; what is not, a sentence.
    """
    if what in ALLOWED[state]:
        event = ASKED[what](STATES[state])

        assert (event.incident, event.decided_by) == ("INC-1", "ada")
        assert event.precision_seconds == 60.0
    else:
        with pytest.raises(RefusedError) as refused:
            ASKED[what](STATES[state])

        assert "INC-" in refused.value.message
        assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("decide", "said", "hint"),
    [
        (
            lambda: ASKED["resolve"](RESOLVED),
            "already resolved at 2026-03-01T14:40:00.000Z by ada",
            "reopen INC-1",
        ),
        (lambda: ASKED["resolve"](MERGED), "INC-1 was merged into INC-2", "INC-2"),
        (lambda: ASKED["note"](MERGED), "INC-1 was merged into INC-2", "tracker note INC-2"),
        (lambda: ASKED["reopen"](MERGED), "INC-1 was merged into INC-2", "tracker reopen INC-2"),
        (lambda: ASKED["reopen"](OPEN), "INC-1 is open", ""),
        (lambda: ASKED["note"](NEVER), "there is no INC-1", "tracker list"),
        (
            lambda: lifecycle.resolve(OPEN, by="ada", at=typed(9)),
            "INC-1 cannot be resolved at 2026-03-01T14:09:00.000Z, before its start at 2026-03-01T14:10:00.000Z",
            "tracker resolve INC-1 --at T",
        ),
        (
            lambda: lifecycle.reopen(RESOLVED, by="ada", at=typed(39), why="so"),
            "before it was resolved at 2026-03-01T14:40:00.000Z",
            "",
        ),
        (lambda: lifecycle.reopen(RESOLVED, by="ada", at=typed(50), why=" "), "needs a reason", "--why"),
        (
            lambda: lifecycle.merge(OPEN, OPEN, by="a", at=typed(50), why="so"),
            "cannot be merged into itself",
            "",
        ),
        (lambda: lifecycle.merge(OPEN, NEVER_TWO, by="a", at=typed(50), why="so"), "there is no INC-2", ""),
        (
            lambda: lifecycle.merge(OPEN, TWO_MERGED, by="a", at=typed(50), why="so"),
            "INC-2 was itself merged into INC-3",
            "--into INC-3",
        ),
        (
            lambda: lifecycle.merge(TWO, RESOLVED, by="a", at=typed(50), why="so"),
            "INC-2 is open and INC-1 is resolved",
            "tracker reopen INC-1 --why …, or tracker merge INC-1 --into INC-2",
        ),
        (lambda: lifecycle.merge(OPEN, TWO, by="a", at=typed(50), why=""), "needs a reason", "--into INC-2"),
        (
            lambda: lifecycle.change_severity(OPEN, "critical", by="a", at=typed(50), why="so"),
            "INC-1 is critical already",
            "",
        ),
        (
            lambda: lifecycle.change_severity(OPEN, "minor", by="a", at=typed(50), why=""),
            "needs a reason",
            "tracker severity INC-1 minor",
        ),
        (lambda: lifecycle.change_lead(LED, "grace", by="a", at=typed(50)), "grace leads INC-1 already", ""),
        (
            lambda: lifecycle.change_stage(STAGED, "identified", by="a", at=typed(50)),
            "INC-1 is in stage identified already",
            "",
        ),
        (
            lambda: lifecycle.add_service(OPEN, "checkout", by="a", at=typed(50)),
            "checkout is part of INC-1 already",
            "",
        ),
        (
            lambda: lifecycle.remove_service(OPEN, "billing", by="a", at=typed(50)),
            "billing is not part of INC-1",
            "checkout",
        ),
        (
            lambda: lifecycle.remove_service(OPEN, "checkout", by="a", at=typed(50)),
            "the only service of INC-1",
            "tracker service INC-1 add",
        ),
        (
            lambda: lifecycle.note(OPEN, " \n", by="a", at=typed(50)),
            "a note needs a text",
            "tracker note INC-1",
        ),
        (
            lambda: lifecycle.set_milestone(OPEN, "started", by="a", at=typed(5), until=typed(4)),
            "--until (2026-03-01T14:04:00.000Z) is before --at",
            "earlier",
        ),
        (
            lambda: lifecycle.set_milestone(STARTED, "detected", by="a", at=typed(4)),
            "is not detected before it is started",
            "tracker milestone INC-1 started",
        ),
        (
            lambda: lifecycle.set_milestone(
                given(declared(10), milestone(8, "detected")), "started", by="a", at=typed(9)
            ),
            "is not detected before it is started",
            "tracker milestone INC-1 detected",
        ),
        (
            lambda: lifecycle.set_milestone(RESOLVED, "started", by="a", at=typed(41)),
            "resolved at 2026-03-01T14:40:00.000Z, before started",
            "tracker timeline INC-1",
        ),
    ],
)
def test_a_refusal_says_why_and_what_to_type(decide, said, hint):
    """
    One line with the rule, and the next command where there is one.
    """
    with pytest.raises(RefusedError) as refused:
        decide()

    assert said in refused.value.message
    assert hint in refused.value.hint
    assert "\n" not in refused.value.message


NEVER_TWO = given(name="INC-2")
TWO_MERGED = given(declared(20, incident="INC-2"), merged(25, incident="INC-2", into="INC-3"), name="INC-2")
LED = given(declared(10), lead())
STAGED = given(declared(10), stage())
STARTED = given(declared(10), milestone(5))


# ── declaring ────────────────────────────────────────────────────────────────


def declare(**options):
    base = {"title": "Payments answer 500", "services": ("checkout",), "severity": "critical"}
    return lifecycle.declare("INC-1", **{**base, "by": "ada", "at": typed(10), **options})


def test_a_declaration_is_one_event():
    """
    With what was said and no more.
    """
    assert declare(title=" Payments answer 500 ") == [declared(10, precision_seconds=60.0)]


def test_when_it_started_and_was_detected_are_milestones():
    """
    Each with the precision with which it was typed.
    """
    _, started, detected = declare(started=typed(4), detected=typed(6, 1.0), detected_by="alert")

    assert started == milestone(4, precision_seconds=60.0)
    assert detected == milestone(6, "detected", precision_seconds=1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"title": "  "}, "needs a title"),
        ({"services": ()}, "needs at least one service"),
        ({"started": typed(6), "detected": typed(5)}, "cannot be detected"),
        ({"started": typed(11)}, "cannot start"),
        ({"detected": typed(11)}, "cannot be detected"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(options, said):
    """
    With what to give instead.
    """
    with pytest.raises(RefusedError, match=said) as refused:
        declare(**options)

    assert refused.value.hint


# ── what is known ────────────────────────────────────────────────────────────


def test_an_incident_is_what_was_decided():
    """
    Each decision counts, the later over the earlier.
    """
    found = given(
        declared(10, lead="linus", impact="some", detected_by="alert"),
        milestone(4),
        milestone(6, "detected", until=at(7)),
        severity(12),
        lead(13),
        stage(14),
        service_added(15),
        note(16, text="half of all payments", kind="impact"),
        resolved(40, resolution="went-away"),
    )

    assert (found.title, found.severity, found.lead, found.stage) == (
        "Payments answer 500",
        "major",
        "grace",
        "identified",
    )
    assert (found.services, found.impact, found.detected_by) == (
        ("checkout", "billing"),
        "half of all payments",
        "alert",
    )
    assert (found.status, found.resolved_at, found.resolution) == (Status.RESOLVED, at(40), "went-away")
    assert (found.started_at, found.begins_at, found.ends_at) == (at(4), at(4), at(40))
    assert found.milestones["detected"].until == at(7)
    assert (len(found.steps), found.last_position) == (9, 9)


def test_decisions_count_in_the_order_in_which_they_were_made():
    """
    Whatever instants they name: a decision was made on what was known then.
    """
    assert given(declared(10), severity(30, severity="minor"), severity(20)).severity == "major"


def test_a_reopened_incident_is_open_again():
    """
    Nothing of its end is left.
    """
    found = given(declared(10), resolved(40), reopened(50))

    assert (found.status, found.resolved_at, found.resolved_by, found.resolution, found.ends_at) == (
        Status.OPEN,
        None,
        None,
        None,
        None,
    )


def test_a_retracted_decision_does_not_count():
    """
    The state is that without it.
    """
    over, worse = resolved(40), severity(20)

    found = given(declared(10), worse, over, retracted(over), retracted(worse))

    assert (found.status, found.severity) == (Status.OPEN, "critical")


def test_an_amended_decision_counts_as_set_right():
    """
    Text and instant.
    """
    first = declared(10)

    found = given(first, amended(first, changes={"title": "Cards fail", "occurred_at": at(8)}))

    assert (found.title, found.declared_at) == ("Cards fail", at(8))


def test_a_removed_service_is_gone():
    """
    And can be added again.
    """
    assert given(declared(10), service_added(11), service_removed(12)).services == ("checkout",)
    assert lifecycle.remove_service(
        given(declared(10), service_added(11)), "billing", by="ada", at=typed(12)
    ) == service_removed(12, precision_seconds=60.0)


def test_links_are_kept_with_who_and_why():
    """
    The last word on each fact; a retracted one gives way to the one before.
    """
    fact = deploy()
    out = unlinked(fact, 48)

    kept = given(declared(), linked(fact, role="caused", why="it had the bug"), out, retracted(out))
    gone = given(declared(), linked(fact), out)

    [link] = kept.links.values()
    assert (link.role, link.why, link.by, link.linked) == ("caused", "it had the bug", "ada", True)
    assert [each.linked for each in gone.links.values()] == [False]


def test_a_merge_is_known_at_both_ends():
    """
    One ends, the other goes on.
    """
    step = merged(30)

    assert (given(declared(), step).status, given(declared(), step).merged_into) == (Status.MERGED, "INC-2")
    other = given(declared(20, incident="INC-2"), step, name="INC-2")
    assert (other.status, other.merged_from) == (Status.OPEN, ("INC-1",))


def test_milestones_may_be_set_right_and_in_any_order():
    """
    Each against the others, never against its own old value.
    """
    story = given(declared(10), milestone(5), milestone(20, "mitigated"))

    for name, minute in zip(MILESTONES, (3, 8, 9, 25, 30), strict=True):
        decided = lifecycle.set_milestone(story, name, by="ada", at=typed(minute))
        assert (decided.milestone, decided.occurred_at) == (name, at(minute))


def test_a_milestone_within_a_span_is_no_contradiction():
    """
    It started between 5 and 15; to be detected at 10 can be.
    """
    vague = given(declared(20), milestone(5, until=at(15)))

    assert lifecycle.set_milestone(vague, "detected", by="ada", at=typed(10))


def test_the_offset_that_was_typed_is_kept():
    """
    On whatever is recorded.
    """
    typed_there = Typed(at(60), 60.0, 345)

    for event in (
        lifecycle.resolve(OPEN, by="ada", at=typed_there),
        lifecycle.note(OPEN, "x", by="ada", at=typed_there),
        lifecycle.change_lead(OPEN, "grace", by="ada", at=typed_there),
        lifecycle.change_severity(OPEN, "minor", by="ada", at=typed_there, why="so"),
        lifecycle.change_stage(OPEN, "fixing", by="ada", at=typed_there),
        lifecycle.add_service(OPEN, "billing", by="ada", at=typed_there),
        lifecycle.reopen(RESOLVED, by="ada", at=typed_there, why="so"),
        lifecycle.merge(OPEN, TWO, by="ada", at=typed_there, why="so"),
        lifecycle.remove_service(given(declared(10), service_added(11)), "billing", by="ada", at=typed_there),
        lifecycle.set_milestone(OPEN, "ended", by="ada", at=typed_there),
        *declare(at=typed_there, started=typed_there, detected=typed_there),
    ):
        assert event.utc_offset_minutes == 345, event.TOPIC


def test_every_decision_has_its_event():
    """
    The names of commands and events are the same words.
    """
    assert isinstance(ASKED["resolve"](OPEN), events.IncidentResolved)
    assert isinstance(ASKED["reopen"](RESOLVED), events.IncidentReopened)
    assert isinstance(ASKED["merge"](OPEN), events.IncidentMerged)
    assert ASKED["merge"](OPEN).into == "INC-2"
    assert ASKED["note"](OPEN).text == "the basket is empty"


def test_the_stage_of_a_reopened_incident_is_said_anew():
    """
    It was monitoring when it was resolved; now it burns.
    """
    back = given(declared(10), stage(14, stage="monitoring"), resolved(40), reopened(70))

    assert (back.stage, back.reopened_at) == (None, at(70))
    assert lifecycle.change_stage(back, "monitoring", by="ada", at=typed(75)).stage == "monitoring"


@drawn(st.lists(st.sampled_from(["ben", "cara", "dan"]), min_size=1, max_size=7))
def test_who_was_named_last_in_one_minute_leads(names):
    """
    Also who led in that minute before: each is a decision of its own, and a repeated one changes nothing.
    """
    history, steps = [declared(10)], 0
    for name in names:
        known = given(*history)
        if known.lead == name:
            continue
        made = lifecycle.change_lead(known, name, by="ada", at=typed(12))
        history.append(lifecycle.again(known, made))
        steps += 1

    assert given(*history).lead == names[-1]
    assert len({event_id(event) for event in history}) == steps + 1


def test_what_goes_back_within_a_minute_counts():
    """
    Severity, stage, services, the end, and a milestone that was set elsewhere in between.
    """

    def told(*decisions):
        history = [declared(10)]
        for decide in decisions:
            known = given(*history)
            history.append(lifecycle.again(known, decide(known)))
        return given(*history)

    def severity(name):
        return lambda known: lifecycle.change_severity(known, name, by="ada", at=typed(12), why="x")

    def stage(name):
        return lambda known: lifecycle.change_stage(known, name, by="ada", at=typed(12))

    def mitigated(minute):
        return lambda known: lifecycle.set_milestone(known, "mitigated", by="ada", at=typed(minute))

    def billing(decide):
        return lambda known: decide(known, "billing", by="ada", at=typed(12))

    def over(known):
        return lifecycle.resolve(known, by="ada", at=typed(40))

    def back(known):
        return lifecycle.reopen(known, by="ada", at=typed(40), why="again")

    assert told(*map(severity, ("major", "minor", "major"))).severity == "major"
    assert told(*map(stage, ("fixing", "monitoring", "fixing"))).stage == "fixing"
    assert told(*map(mitigated, (20, 21, 20))).milestones["mitigated"].at == at(20)
    assert told(*map(mitigated, (20, 20))).steps[-1].id == told(mitigated(20)).steps[-1].id
    add, remove = billing(lifecycle.add_service), billing(lifecycle.remove_service)
    assert "billing" in told(add, remove, add).services
    assert told(over, back, over).status is Status.RESOLVED
    assert told(over, back, over, back).status is Status.OPEN


def test_a_decision_that_was_retracted_can_be_made_again():
    """
    With the same words for the same minute.
    """
    first = lead(12, lead="ben")
    known = given(declared(10), first, retracted(first))
    made = lifecycle.again(known, lead(12, lead="ben"))

    assert event_id(made) != event_id(first)
    assert given(declared(10), first, retracted(first), made).lead == "ben"
