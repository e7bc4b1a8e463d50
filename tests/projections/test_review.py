"""Where a report stands: what the log holds says it, and reviews themselves change nothing."""

from projections.review import State, publications, standing
from tests import builders as b
from tests.builders import recorded
from tracker.incident import fold

HERE = {"incident": "INC-1"}


def stands(*events):
    held = recorded(b.declared(5), *events)
    return standing(fold("INC-1", held), held)


def test_a_report_is_a_draft_until_somebody_went_through_it():
    """
    Notes are no review.
    """
    assert stands(b.note(9)).state is State.DRAFT
    reviewed = stands(b.reviewed(70, **HERE))
    assert (reviewed.state, reviewed.reviewed_by) == (State.REVIEW, "bob")


def test_a_published_report_is_amended_by_what_was_recorded_since():
    """
    Counted from the position that it was published as of, not from when that was recorded.
    """
    published = b.published(80, **HERE, position=1)

    alone = stands(published)
    meanwhile = stands(b.note(79), published)
    later = stands(published, b.note(81), b.note(82, text="two"))

    assert (alone.state, alone.changes_since, alone.position) == (State.PUBLISHED, 0, 1)
    assert (meanwhile.state, meanwhile.changes_since) == (State.AMENDED, 1)
    assert (later.state, later.changes_since) == (State.AMENDED, 2)


def test_a_review_after_it_was_published_amends_nothing():
    """
    Nor does a review that is struck out.
    """
    published, reviewed = b.published(80, **HERE, position=1), b.reviewed(85, **HERE)

    found = stands(published, reviewed, b.retracted(reviewed, 86))

    assert found.state is State.PUBLISHED
    assert found.reviewed_at is None


def test_a_retracted_publication_does_not_count():
    """
    The one before it does.
    """
    first, second = b.published(80, **HERE, position=1), b.published(82, **HERE, position=1, why="x")

    found = stands(first, second, b.retracted(second, 84))

    assert (found.state, found.published_at) == (State.PUBLISHED, b.at(80))


def test_a_publication_of_another_incident_is_none_of_this():
    """
    An incident that was merged into this one may have been published before.
    """
    other = b.published(80, incident="INC-2")
    held = recorded(b.declared(5), other)

    assert publications(fold("INC-1", held)) == []
