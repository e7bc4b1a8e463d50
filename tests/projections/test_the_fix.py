"""Which change was the fix: one answer, whoever asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.durations import durations
from projections.procedure.fix_attempts import fix_of
from projections.the_fix import the_fix
from tests import builders as b
from tests.builders import at, recorded
from tests.projections.procedure.histories import evidence

FIRST = b.deploy(10, version="1.4.3")
LAST = b.deploy(20, version="1.4.4")
STAGED = b.deploy(22, version="1.4.5", environment="staging")
ELSEWHERE = b.deploy(24, service="search", version="3.8.1")
BACK = b.rollback(26, version="1.4.1")
EARLIER = b.deploy(-30, version="1.4.0")
BEFORE = b.deploy(3, version="1.4.2")
CHANGES = (FIRST, LAST, STAGED, ELSEWHERE, BACK, BEFORE)


def measured_fix(*events):
    """When the durations say that the fix was out."""
    held = recorded(*sorted(events, key=lambda each: (each.occurred_at, each.RANK)))
    return durations(Dossier.of("INC-1", held))["time_to_fix_deployed"].to


@pytest.mark.parametrize(
    ("more", "fix"),
    [
        ([FIRST, LAST], LAST),
        ([FIRST, STAGED], FIRST),
        ([STAGED], STAGED),
        ([BEFORE, FIRST], FIRST),
        ([FIRST, BACK], BACK),
        ([FIRST, LAST, b.linked(LAST, 40, role="caused", why="x")], FIRST),
        ([FIRST, LAST, b.linked(LAST, 40, role="suspect", why="x")], FIRST),
        ([FIRST, LAST, b.linked(LAST, 40, role="dismissed", why="x")], FIRST),
        ([FIRST, LAST, b.linked(FIRST, 40, role="fixed", why="x")], FIRST),
        ([FIRST, ELSEWHERE, b.linked(ELSEWHERE, 40, role="fixed", why="x")], ELSEWHERE),
        ([FIRST, STAGED, b.linked(STAGED, 40, role="fixed", why="x")], FIRST),
        ([EARLIER, FIRST, b.linked(EARLIER, 40, role="fixed", why="x")], FIRST),
        ([ELSEWHERE], None),
        ([b.deploy_start(10)], None),
    ],
    ids=[
        *(
            "the last",
            "production",
            "only staging",
            "after detection",
            "a rollback",
            "no cause",
            "no suspect",
        ),
        *(
            "not dismissed",
            "linked",
            "of another service",
            "linked on staging",
            "over before",
            "none of ours",
            "not out",
        ),
    ],
)
def test_the_rules_and_the_durations_take_the_same_change_for_the_fix(more, fix):
    """
    What people say, else the last one in production between detection and recovery.
    """
    history = [b.alert(5), b.declared(7), *more, b.resolved(50)]

    found = fix_of(evidence(*history))

    assert (found and found.at) == (fix and fix.occurred_at)
    assert measured_fix(*history) == (fix and fix.occurred_at)


@given(
    st.lists(st.sampled_from(CHANGES), unique=True),
    st.lists(
        st.tuples(st.sampled_from(CHANGES), st.sampled_from(["fixed", "caused", "suspect", "dismissed"])),
        max_size=3,
    ),
    st.sampled_from([None, 18.0, 30.0]),
    st.sampled_from([(), (b.milestone(4, "detected"),), (b.alert(2),), (b.alert(9),)]),
    st.booleans(),
)
def test_no_history_gives_two_answers(changes, links, mitigated, detected, resolved):
    """
    Whatever was linked, in whatever order it became known; what is only the last so far ends no duration.
    """
    history = [b.declared(7), *detected, *changes]
    history += [
        b.linked(each, 40 + n, role=role, why="x") for n, (each, role) in enumerate(links) if each in changes
    ]
    history += [b.milestone(mitigated, "mitigated")] if mitigated else []
    history += [b.resolved(50)] if resolved else []

    found = fix_of(evidence(*history))

    assert measured_fix(*history) == (found.at if found and not found.so_far else None)


def test_an_alert_in_the_minute_of_the_declaration_detected_it():
    """
    14:07 was typed, and the alert began at 14:07:30: the declaration was not before it.
    """
    held = [b.alert(7.5), b.declared(7, precision_seconds=60.0), FIRST, b.resolved(50)]

    asked = evidence(*held)

    assert asked.detected_at == at(7.5)
    assert the_fix(asked.incident, asked.changes, asked.detected_at).row.fact == FIRST
