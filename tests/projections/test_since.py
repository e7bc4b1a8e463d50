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
)
from tracker.events.base import event_id


def rows(events, position):
    dossier = Dossier.of("INC-1", recorded(*events))
    return [(row.entry.kind, row.is_new) for row in new_since(dossier, position)]


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
