"""What is new since somebody looked: by recording, whatever its own instant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.since import new_since
from tests.builders import (
    alert,
    alert_end,
    amended,
    at,
    declared,
    linked,
    milestone,
    not_sent,
    note,
    posting,
    prepared,
    printed,
    recorded,
    redacted,
    resolved,
    retracted,
    sent,
    service_added,
    service_removed,
)
from tracker.events.base import event_id


def dossier_of(events):
    known = recorded(*events)
    return (
        Dossier.of("INC-1", known) if any(each.event.TOPIC == "incident-declared" for each in known) else None
    )


def news(events, after):
    return new_since(
        dossier_of(events), dossier_of(events[:after]) if after else None, after=after, up_to=len(events)
    )


def rows(events, after):
    return [(row.entry.kind, row.news != "more") for row in news(events, after).rows]


STORY = [
    declared(),
    note(12, "the basket is empty"),
    milestone(3),  # recorded third, about an earlier instant
    amended(note(12, "the basket is empty"), changes={"text": "the basket is full"}),
    retracted(note(12, "the basket is empty")),
    redacted(note(12, "the basket is empty")),
    linked(note(12, "the basket is empty")),
    resolved(),
]


@given(st.integers(0, len(STORY)))
def test_each_row_is_new_once(position):
    """
    What was there and what is new are all rows, at any position between.
    """
    everything = rows(STORY, 0)

    new = rows(STORY, position)

    assert new == everything[len(everything) - len(new) :]
    assert len(new) == len(STORY) - position
    assert all(is_new for _, is_new in new)


def test_corrections_are_news():
    """
    That something was taken back, changed or removed is what somebody who looks again has to know.
    """
    assert [kind for kind, _ in rows(STORY, 3)] == [
        *("event-amended", "event-retracted", "event-redacted", "event-linked", "incident-resolved")
    ]


def test_a_row_that_has_more_to_tell_is_shown_again():
    """
    A second source of the same alert makes no new row; the row it belongs to is news.
    """
    first = alert(5, source="alertmanager:a")
    again = alert(5, source="prometheus:b")

    assert rows([declared(), first, again, note()], 2) == [("alert-fired", False), ("note-added", True)]
    assert rows([declared(), first, alert_end(25)], 2) == [("alert-resolved", True)]


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ([printed(eta=at(23))], []),
        ([prepared()], ["message-prepared"]),
        ([prepared(), posting(prepared())], ["message-prepared"]),
        ([prepared(), posting(prepared()), sent(prepared=event_id(prepared()))], ["message-sent"]),
        ([prepared(), posting(prepared()), not_sent(prepared())], ["message-failed"]),
        ([prepared(), posting(prepared()), not_sent(prepared(), retry_at=at(9))], ["message-prepared"]),
    ],
)
def test_of_a_message_its_outcome_is_news(steps, kinds):
    """
    Not each step of sending it.
    """
    assert [kind for kind, _ in rows([declared(), *steps], 1)] == kinds


@pytest.mark.parametrize("after", range(1, len(STORY)))
def test_what_was_corrected_is_neither_joined_nor_left(after):
    """
    A retracted or redacted row is still one of the incident's: its correction is the news.
    """
    found = news(STORY, after)

    assert {row.news for row in found.rows} <= {"new"}
    assert found.left == []


def test_rows_of_a_service_join_and_leave_with_it():
    """
    They were recorded before somebody looked, and were not shown then; taken away again, they are named.
    """
    other = alert(6, service="search", name="SearchSlow")
    events = [declared(), other, service_added(service="search"), service_removed(service="search")]

    added = news(events[:3], 2)
    removed = news(events, 3)

    assert [(row.entry.kind, row.news) for row in added.rows] == [
        ("alert-fired", "joined"),
        ("service-added", "new"),
    ]
    assert added.left == []
    assert [row.entry.kind for row in removed.rows] == ["service-removed"]
    assert [row.event for row in removed.left] == [event_id(other)]


def test_before_it_was_declared_everything_is_new():
    """
    An alert that was recorded before the declaration joined with it.
    """
    fired = alert(1)

    assert [(row.entry.kind, row.news) for row in news([fired, declared(), note(9)], 1).rows] == [
        ("alert-fired", "joined"),
        ("incident-declared", "new"),
        ("note-added", "new"),
    ]
