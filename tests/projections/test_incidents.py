"""Which incidents there are, by number, and where each stands."""

import pytest

from projections.incidents import incidents, number_of, open_ones
from tests.builders import declared, deploy, merged, note, recorded, resolved, retracted
from tracker.incident import Status


def test_incidents_are_listed_by_number():
    """
    10 comes after 9.
    """
    held = recorded(*[declared(n, incident=f"INC-{n}") for n in (10, 2, 9)], deploy())

    assert [each.id for each in incidents(held)] == ["INC-2", "INC-9", "INC-10"]


def test_what_was_never_declared_is_no_incident():
    """
    A note alone does not make one.
    """
    assert incidents(recorded(note())) == []


def test_open_ones_are_neither_resolved_nor_merged():
    """
    Those that somebody has to do something about.
    """
    held = recorded(
        declared(1),
        declared(2, incident="INC-2"),
        declared(3, incident="INC-3"),
        resolved(4),
        merged(5, incident="INC-2", into="INC-3"),
    )

    assert [each.id for each in open_ones(incidents(held))] == ["INC-3"]
    assert [each.status for each in incidents(held)] == [Status.RESOLVED, Status.MERGED, Status.OPEN]


def test_a_merge_is_known_at_both_ends():
    """
    Each names the other.
    """
    one, two = incidents(recorded(declared(1), declared(2, incident="INC-2"), merged(3)))

    assert (one.merged_into, two.merged_from) == ("INC-2", ("INC-1",))


def test_a_merge_that_was_retracted_is_undone_at_both_ends():
    """
    The retraction stands in the stream of the one that was merged.
    """
    wrong = merged(3)

    one, two = incidents(
        recorded(declared(1), declared(2, incident="INC-2"), wrong, retracted(wrong, incident="INC-1"))
    )

    assert (one.status, one.merged_into, two.merged_from) == (Status.OPEN, None, ())


@pytest.mark.parametrize(
    ("name", "number"), [("INC-42", 42), ("OPS-X-7", 7), ("42", 42), ("INC", 0), ("INC-²", 0)]
)
def test_the_number_is_what_stands_behind_the_last_dash(name, number):
    """
    Digits as people type them.
    """
    assert number_of(name) == number
