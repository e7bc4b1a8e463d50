"""Order within one instant: the order of reporting, commits by ancestry, and feeds in one order however they are read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.changes import changes
from projections.dossier import Dossier
from projections.timeline import entries, timeline
from tests.builders import (
    alert,
    amended,
    at,
    commit,
    declared,
    deploy,
    error,
    linked,
    note,
    recorded,
    rollback,
)
from tracker.events.base import Arrival, Event, Incoming, Recorded
from tracker.events.corrections import effective
from tracker.events.incidents import IncidentReopened, IncidentResolved, LeadChanged
from tracker.incident import fold

WORDS = ["is it the queue?", "yes, 12 of 12", "then roll back", "rolling back", "done", "gone"]


def typed(event: Event) -> Incoming:
    return Incoming(event=event, arrival=Arrival(via="typed", reported_by="ada"))


def facts_of(held: list[Recorded]) -> list[Event]:
    return [entry.fact for entry in entries(effective(held).values())]


@settings(deadline=None)
@given(words=st.permutations(WORDS))
def test_notes_of_one_minute_stand_as_they_were_written(words: list[str]) -> None:
    """
    Whatever their ids are.
    """
    held = recorded(*(note(5, text=word) for word in words))

    assert [fact.text for fact in facts_of(held)] == words  # type: ignore[attr-defined]


def test_a_corrected_note_keeps_its_place() -> None:
    """
    Its correction is told later; what was noted was not.
    """
    first, second = note(5, text="a"), note(5, text="b")
    held = recorded(first, second, amended(first, changes={"text": "corrected"}))

    assert [fact.text for fact in facts_of(held)] == ["corrected", "b"]  # type: ignore[attr-defined]


@settings(deadline=None)
@given(names=st.permutations(["ben", "cara", "dan", "eve"]))
def test_the_last_lead_of_a_minute_is_the_one_that_show_names(names: list[str]) -> None:
    """
    Timeline and incident agree on the last word.
    """
    steps = [
        LeadChanged(occurred_at=at(6), incident="INC-1", decided_by="ada", lead=name, precision_seconds=60.0)
        for name in names
    ]
    held = recorded(declared(5), *steps)

    assert facts_of(held)[-1] == steps[-1]
    assert fold("INC-1", held).lead == names[-1]


def test_what_was_reopened_and_resolved_in_one_minute_ends_resolved() -> None:
    """
    The kind says nothing of which decision came first.
    """
    resolved = IncidentResolved(occurred_at=at(9), incident="INC-1", decided_by="ada")
    reopened = IncidentReopened(occurred_at=at(10), incident="INC-1", decided_by="ada", why="came back")
    again = IncidentResolved(occurred_at=at(10), incident="INC-1", decided_by="ada", resolution="went-away")

    assert facts_of(recorded(declared(5), resolved, reopened, again))[2:] == [reopened, again]


@settings(deadline=None)
@given(versions=st.permutations(["2.0.1", "2.0.2", "2.0.3", "2.0.4"]), via=st.sampled_from(["typed", "run"]))
def test_deploys_typed_for_one_minute_follow_each_other_as_typed(versions: list[str], via: str) -> None:
    """
    Each version replaced the one that was typed before it.
    """
    arrival = Arrival(via=via, reported_by="ada")
    held = recorded(
        *(Incoming(event=deploy(5, version=version, source="typed"), arrival=arrival) for version in versions)
    )

    assert [(row.version, row.previous_version) for row in changes(held)] == list(
        zip(versions, [None, *versions], strict=False)
    )
    assert [fact.version for fact in facts_of(held)] == versions  # type: ignore[attr-defined]


def test_a_way_back_and_the_deploy_after_it_in_one_minute_stand_as_typed() -> None:
    """
    A rollback is not later than a deploy because it is a rollback.
    """
    events = [
        deploy(1, version="1.4.1", source="typed"),
        deploy(3, version="1.4.2", source="typed"),
        rollback(9, version="1.4.1", source="typed"),
        deploy(9, version="1.4.3", source="typed"),
    ]
    rows = changes(recorded(*map(typed, events)))

    assert [(row.kind, row.version, row.previous_version) for row in rows[2:]] == [
        ("rollback", "1.4.1", "1.4.2"),
        ("deploy", "1.4.3", "1.4.1"),
    ]


@st.composite
def histories(draw: Any) -> list[Any]:
    """Commits of one second: each has up to three of the earlier ones as parents."""
    shas = draw(
        st.lists(st.text("0123456789abcdef", min_size=40, max_size=40), min_size=2, max_size=12, unique=True)
    )
    made = []
    for number, sha in enumerate(shas):
        parents = draw(st.lists(st.sampled_from(shas[:number]), unique=True, max_size=3)) if number else []
        made.append(commit(5, sha=sha, parents=tuple(parents), source="git"))
    return made


@settings(deadline=None)
@given(made=histories(), shuffled=st.randoms(use_true_random=False))
def test_parents_stand_before_their_children(made: list[Any], shuffled: Any) -> None:
    """
    In the timeline and among the changes, in whatever order they were read.
    """
    order = [*made, *made]
    shuffled.shuffle(order)
    held = list({event.id: event for event in reversed(recorded(*order))}.values())

    found = [fact.sha for fact in facts_of(held)]  # type: ignore[attr-defined]
    assert len(found) == len(made)
    place = {sha: number for number, sha in enumerate(found)}
    assert all(place[parent] < place[one.sha] for one in made for parent in one.parents)
    merges = [row.sha for row in changes(held)]
    assert merges == [sha for sha in found if sha in merges]
    assert found == [fact.sha for fact in facts_of(recorded(*made))]  # type: ignore[attr-defined]


def test_parents_that_name_each_other_are_still_in_one_order() -> None:
    """
    No git makes such commits, but a payload can say anything.
    """
    first, second = commit(5, sha="a" * 40, parents=("b" * 40,)), commit(5, sha="b" * 40, parents=("a" * 40,))

    assert facts_of(recorded(first, second)) == facts_of(recorded(second, first))


FEED = [
    alert(5),
    error(5),
    deploy(5),
    deploy(5, version="1.4.3"),
    rollback(5),
    commit(5),
    alert(5, name="Other"),
]


@settings(deadline=None)
@given(order=st.permutations(FEED), via=st.sampled_from(["", "file", "poll", "webhook"]))
def test_a_feed_has_one_order_however_it_is_read(order: list[Event], via: str) -> None:
    """
    Files come in any order: what was read first is not what happened first.
    """
    held = recorded(*(Incoming(event=event, arrival=Arrival(via=via)) for event in order))

    assert facts_of(held) == facts_of(recorded(*FEED))


@pytest.mark.parametrize("turn", [1, -1])
def test_the_last_of_two_links_of_one_minute_counts(turn: int) -> None:
    """
    Not the one with the larger id.
    """
    roles = ["caused", "dismissed"][::turn]
    links = [linked(deploy(4), role=role, why="w", minute=20) for role in roles]
    dossier = Dossier.of("INC-1", recorded(deploy(4), declared(5), *links))

    (row,) = [row for row in timeline(dossier) if row.kind == "deploy-finished"]
    assert row.attribution is not None
    assert row.attribution.role == roles[-1]
