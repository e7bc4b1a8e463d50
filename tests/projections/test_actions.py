"""What was promised after incidents: how it stands at an instant, and what it would have prevented."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.actions import (
    ActionStatus,
    actions,
    earlier_open,
    end_of,
    of_incident,
    would_have_prevented,
)
from reports.wording.actions import status
from tests.builders import (
    action,
    action_done,
    amended,
    at,
    declared,
    linked,
    merged,
    recorded,
    retracted,
    unlinked,
)
from tracker.incident import fold

DAY = 24 * 60


def prevention(item, minute=5 * DAY, **fields):
    return linked(
        item,
        minute,
        **{"incident": "INC-50", "role": "would-have-prevented", "why": "it would tell", **fields},
    )


def only(*events, began=None):
    [item] = actions(recorded(*events), began)
    return item


def test_what_is_due_is_overdue_from_the_end_of_its_day_on():
    """
    Due on the 2nd of March: open until its last instant, one day overdue from the 3rd on.
    """
    item = only(action())
    ends = at(34 * 60)

    assert item.due_until == ends
    assert item.standing(ends - timedelta(microseconds=1)) == ActionStatus("open")
    assert item.standing(ends) == ActionStatus("overdue", 1)
    assert item.standing(ends + timedelta(days=12, hours=23)) == ActionStatus("overdue", 13)
    assert status(item.standing(ends + timedelta(days=12, hours=23))) == "overdue by 13 days"


def test_the_end_of_a_day_is_that_of_its_zone():
    """
    In Berlin the 2nd of March ends at 23:00 UTC.
    """
    item = only(action(due_zone="Europe/Berlin", due_offset_minutes=60))

    assert item.due_until == at(33 * 60)


def test_what_was_done_says_when_by_whom_and_with_which_proof():
    """
    Once it is done nothing ticks, however late it was.
    """
    promised = action()
    item = only(promised, action_done(promised, 10 * DAY))

    assert (item.done_at, item.done_by) == (at(10 * DAY), "john")
    assert item.proof == "https://git.example.org/shop/pull/77"
    assert item.standing(at(100 * DAY)) == ActionStatus("done")


def test_to_strike_out_what_said_done_opens_it_again():
    """
    The promise stands as it did.
    """
    promised = action()
    said = action_done(promised, 90)

    assert only(promised, said, retracted(said)).standing(at(95)) == ActionStatus("open")


def test_an_item_that_was_struck_out_is_none():
    """
    Also what said that it was done, and what it would have prevented, goes with it.
    """
    promised = action()

    assert actions(recorded(promised, action_done(promised), prevention(promised), retracted(promised))) == []


def test_an_amended_item_reads_as_it_was_set_right():
    """
    Owner, day and text.
    """
    promised = action()
    item = only(
        promised, amended(promised, changes={"owner": "grace", "due_on": "2026-03-09", "text": "Do it"})
    )

    assert (item.owner, item.due_on, item.text, item.amended) == ("grace", date(2026, 3, 9), "Do it", True)


def test_what_is_to_be_done_comes_first_by_its_day():
    """
    Then what was done.
    """
    late, soon, kept = (
        action(text=name, due_on=date(2026, 3, day)) for name, day in (("late", 9), ("soon", 4), ("kept", 2))
    )

    found = actions(recorded(kept, late, soon, action_done(kept)))

    assert [each.text for each in found] == ["soon", "late", "kept"]


def test_the_ledger_keeps_what_was_true_when_the_incident_began():
    """
    Closed later, moved later: when INC-50 began it was open and three days overdue.
    """
    promised = action()
    began = {"INC-50": at(5 * DAY)}
    before = only(promised, prevention(promised), began=began).prevented[0]

    after = only(
        *(promised, prevention(promised)),
        *(amended(promised, 6 * DAY, changes={"due_on": "2026-03-20"}), action_done(promised, 7 * DAY)),
        began=began,
    )

    assert before.then == ActionStatus("overdue", 4)
    assert after.prevented[0] == before
    assert after.due_on == date(2026, 3, 20)


def test_what_was_mistyped_and_set_right_before_the_link_counts_as_set_right():
    """
    The day was never the 2nd.
    """
    promised = action()
    right = amended(promised, 70, changes={"due_on": "2026-03-20"})

    [said] = only(promised, right, prevention(promised), began={"INC-50": at(5 * DAY)}).prevented

    assert (said.then, said.due_then) == (ActionStatus("open"), date(2026, 3, 20))


def test_what_was_taken_back_is_not_in_the_ledger():
    """
    By unlinking, or by striking the link out; linked again, it is.
    """
    promised = action()
    said = prevention(promised)
    back = unlinked(promised, 5 * DAY + 1, incident="INC-50")

    assert only(promised, said, back).prevented == ()
    assert only(promised, said, retracted(said)).prevented == ()
    assert len(only(promised, said, back, prevention(promised, 5 * DAY + 2)).prevented) == 1


def test_the_items_that_would_have_prevented_an_incident():
    """
    Found from the later one's end.
    """
    first, second = action(text="a"), action(text="b")
    found = actions(recorded(first, second, prevention(first)))

    assert [item.text for item, _ in would_have_prevented(found, "INC-50")] == ["a"]
    assert would_have_prevented(found, "INC-51") == []


def test_merged_incidents_bring_their_items_along():
    """
    What was promised after the one is listed with the other, which goes on.
    """
    held = recorded(declared(), declared(8, incident="INC-2"), merged(15, incident="INC-2", into="INC-1"))
    goes_on = fold("INC-1", held)
    found = actions(recorded(action(incident="INC-2", text="a"), action(incident="INC-3", text="b")))

    assert [each.text for each in of_incident(found, goes_on)] == ["a"]


def test_candidates_are_what_was_open_before_of_the_same_service():
    """
    Not what came after, was done by then, is of another service, its own, or linked already.
    """
    incident = fold("INC-50", recorded(declared(5 * DAY, incident="INC-50")))
    names = ("open", "done", "linked", "other")
    still, done, said, other = (action(60, text=name) for name in names)
    other = action(60, text="other", incident="INC-7")
    own, after = action(60, text="own", incident="INC-50"), action(5 * DAY + 1, text="after")
    held = recorded(still, done, said, other, own, after, action_done(done, 80), prevention(said))
    services = {"INC-42": ("checkout", "search"), "INC-7": ("mail",), "INC-50": ("checkout",)}

    found = earlier_open(actions(held), incident, services)

    assert [each.text for each in found] == ["open"]


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.integers(-12 * 60, 14 * 60),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_the_days_overdue_are_those_of_the_calendar(on, offset, later):
    """
    In any zone: as many as the local date is past the day, and none while it lasts.
    """
    item = only(action(due_on=on, due_offset_minutes=offset))
    now = end_of(on, offset) + later

    local = (now + timedelta(minutes=offset)).date()
    standing = item.standing(now)
    assert standing.overdue_days == max(0, (local - on).days)
    assert (standing.state == "overdue") == (local > on)


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_what_is_handed_over_does_not_matter(order):
    """
    The log's positions say what came first.
    """
    promised, other = action(), action(text="b")
    held = recorded(
        *(promised, other, action_done(promised), prevention(other)),
        *(amended(other, changes={"owner": "grace"}), unlinked(other, 5 * DAY + 1, incident="INC-50")),
    )

    assert actions([held[n] for n in order]) == actions(held)
