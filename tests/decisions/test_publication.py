"""What an edit of notes comes to, and what may be published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders as b
from tests.builders import recorded
from tracker.decisions.publication import Conflict, Edited, edit, publish
from tracker.errors import RefusedError
from tracker.events.incidents import NoteAdded
from tracker.incident import Incident, fold

NOTES = [b.note(10 + n, text=f"note {n}", kind="lesson") for n in range(4)]
IDS = [b._id(note) for note in NOTES]


def incident(*events) -> Incident:
    return fold("INC-1", recorded(b.declared(5, impact="some"), *NOTES, *events))


def texts(found: Incident) -> dict[str, tuple[str, str]]:
    """Each note that stands, with its kind."""
    return {
        each.id: (each.event.text, each.event.kind)
        for each in found.steps
        if isinstance(each.event, NoteAdded) and each.retraction is None
    }


def change(number: int, text: str | None, kind: str = "lesson", mine: bool = False) -> Edited:
    return Edited(IDS[number], f"note {number}", "lesson", text, kind, mine)


word = st.text("abc", min_size=1, max_size=2)
made = st.dictionaries(st.integers(0, 3), st.tuples(st.none() | word, st.sampled_from(["lesson", "fix"])))


def decide(found: Incident, mine: dict, added=(), forced: bool = False):
    edited = [change(n, text, kind, forced) for n, (text, kind) in mine.items()]
    return edit(found, edited, [("fix", text) for text in added], by="bob", at=b.at(60), why="review")


@given(mine=made, added=st.lists(word, unique=True, max_size=3))
def test_what_was_typed_is_what_stands_afterwards(mine, added):
    """
    Changed, removed and added as typed; everything else as it was.
    """
    before = incident()

    decided, conflicts = decide(before, mine, added)
    after = texts(incident(*decided))

    wanted = {IDS[n]: (f"note {n}", "lesson") for n in range(4)}
    for n, (text, kind) in mine.items():
        if text is None:
            del wanted[IDS[n]]
        else:
            wanted[IDS[n]] = (text, kind)
    assert conflicts == []
    assert {key: held for key, held in after.items() if key in IDS} == wanted
    new = [each for each in decided if isinstance(each, NoteAdded)]
    assert [each.text for each in sorted(new, key=lambda each: each.occurred_at)] == added


@given(mine=made, theirs=made)
def test_two_people_lose_nothing_of_each_other(mine, theirs):
    """
    A note that one of them changed has that one's text; one that both changed otherwise is a conflict, and is not touched.
    """
    first, _ = decide(incident(), theirs)
    meanwhile = incident(*first)

    decided, conflicts = decide(meanwhile, mine)
    after = texts(incident(*first, *decided))

    same = {n for n in mine if n in theirs and (mine[n] == theirs[n] or mine[n][0] is theirs[n][0] is None)}
    untouched = {n for n, (text, kind) in mine.items() if (text, kind) == (f"note {n}", "lesson")}
    both = {n for n in mine if n in theirs} - same - untouched
    assert {each.event for each in conflicts} == {IDS[n] for n in both}
    for n in range(4):
        text, kind = (theirs if n in both or n not in mine else mine).get(n, (f"note {n}", "lesson"))
        assert after.get(IDS[n]) == (None if text is None else (text, kind))


@given(mine=made, theirs=made)
def test_what_is_marked_as_mine_wins(mine, theirs):
    """
    Also over a note that was struck out meanwhile: it is said anew.
    """
    first, _ = decide(incident(), theirs)

    decided, conflicts = decide(incident(*first), mine, forced=True)
    after = texts(incident(*first, *decided))

    assert conflicts == []
    for n, (text, kind) in mine.items():
        assert (text, kind) in after.values() if text is not None else IDS[n] not in after


def test_a_conflict_tells_all_three_texts():
    """
    Whoever has to choose sees what it was, what was typed, and what it is.
    """
    theirs, _ = decide(incident(), {0: ("theirs", "lesson")})

    _, conflicts = decide(incident(*theirs), {0: ("mine", "lesson")})

    assert conflicts == [Conflict(IDS[0], "note 0", "mine", "theirs")]


def test_findings_need_a_reason():
    """
    And a reason without findings is none to keep.
    """
    over = incident(b.resolved(40))
    form = {"by": "bob", "at": b.at(80), "position": 7, "template": "guide", "zone_name": "UTC"}

    with pytest.raises(RefusedError, match="1 findings"):
        publish(over, b"x", **form, findings=["k"], why=" ")

    assert publish(over, b"x", **form, findings=["k"], why="so").waived == ("k",)
    assert publish(over, b"x", **form, why="so").why is None
