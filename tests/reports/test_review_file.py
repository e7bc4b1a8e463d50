"""The file that `tracker review` opens: unchanged it says nothing new, and what cannot be read is named by its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.review_file import BrokenReviewFileError, by_handle, normalized, parse, recorded_notes, write
from tests import builders as b
from tests.builders import recorded
from tracker.incident import Incident, fold


def incident(*events) -> Incident:
    return fold("INC-1", recorded(b.declared(5, impact="some cannot pay"), *events))


def written(*notes) -> str:
    return write(incident(*notes), 7)


def items(text: str) -> list[tuple[str, str, bool]]:
    """What was read: kind, text, and whether it is a note that was there."""
    return [(each.kind, each.text, each.handle is not None) for each in parse(text.encode()).items]


KINDS = ("impact", "root-cause", "fix", "prevention", "lesson")
said = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=80)


@given(texts=st.lists(st.tuples(st.sampled_from(KINDS), said), max_size=6), windows=st.booleans())
def test_an_unchanged_file_says_what_the_log_says(texts, windows):
    """
    Headings, bullets, comments, handles and empty lines inside a note are its text, whatever they look like.
    """
    held = incident(*(b.note(10 + n, kind=kind, text=text) for n, (kind, text) in enumerate(texts)))
    file = write(held, 7)

    sheet = parse((file.replace("\n", "\r\n") if windows else file).encode())
    kept = by_handle(sheet, recorded_notes(held))

    assert (sheet.incident, sheet.position, sheet.why) == ("INC-1", 7, "review")
    assert {handle: (item.kind, item.text) for handle, item in kept.items()} == {
        handle: (note.kind, normalized(note.text)) for handle, note in recorded_notes(held).items()
    }
    assert all(item.handle for item in sheet.items)


@pytest.mark.parametrize(
    ("typed", "notes"),
    [
        ("- one\n- two\n", ["one", "two"]),
        ("one\nstill one\n\ntwo\n", ["one\nstill one", "two"]),
        ("1. one\n2) two\n", ["one", "two"]),
        ("* one\n  still one\n\n  and on\n\ntwo", ["one\nstill one\n\nand on", "two"]),
        ("- one\n  - below it\n", ["one\n- below it"]),
        ("<!-- - not this\n- nor this -->\n- one", ["one"]),
        ("-\n\n- [ ] one\n", ["[ ] one"]),
        ("#123 is the ticket", ["#123 is the ticket"]),
    ],
)
def test_new_notes_are_read_as_people_write_markdown(typed, notes):
    """
    A bullet, a number or a paragraph is one note; indented lines go on.
    """
    file = written().replace("## Prevention\n", f"## Prevention\n\n{typed}\n")

    assert [text for kind, text, known in items(file) if not known] == notes
    assert {kind for kind, _, known in items(file) if not known} == {"prevention"}


def test_the_reason_is_the_line_above_the_first_heading():
    """
    It stands with every correction.
    """
    file = written()

    assert (
        parse(file.replace("why: review", "why: the figures came in").encode()).why == "the figures came in"
    )
    assert parse(file.replace("why: review\n", "").encode()).why == "review"
    assert parse(file.replace("why: review", "why:").encode()).why == "review"


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("<!-- tracker review", "<!-- review", 1, "first line"),
        ("## Fix", "## Fixx", 20, "'## Fixx' is not one of the headings"),
        ("## Fix", "### Fix", 20, "not one of the headings"),
        ("why: review", "I think", 8, "above the first heading"),
        ("why does that help? -->", "why does that help?", 22, "a comment begins here and has no -->"),
        ("heading. -->", "heading.", 30, "a comment begins here and has no -->"),
    ],
)
def test_a_broken_file_is_named_by_its_line(was, now, line, says):
    """
    Nothing is guessed: what was meant is the editor's to say.
    """
    file = written()
    assert was in file
    file = file.replace(was, now, 1)

    with pytest.raises(BrokenReviewFileError) as broken:
        parse(file.encode())

    assert (broken.value.line, says in broken.value.what) == (line, True), (
        broken.value.line,
        broken.value.what,
    )


def test_handles_that_nobody_gave_out_or_that_stand_twice_are_refused():
    """
    Else a mistyped handle would strike one note out and add another.
    """
    note = b.note(12, kind="fix", text="put back")
    held = recorded_notes(incident(note))
    handle = next(each for each in held if held[each].kind == "fix")
    file = written(note)

    for was, now, says in (
        (f"[{handle}]", "[0000000]", "there is no note [0000000]"),
        ("## Prevention\n", f"## Prevention\n\n- [{handle}] again\n", "a second time"),
    ):
        with pytest.raises(BrokenReviewFileError) as broken:
            by_handle(parse(file.replace(was, now, 1).encode()), held)
        assert says in broken.value.what


def test_what_is_not_utf_8_is_named_by_its_line():
    """
    An editor of another age wrote it.
    """
    with pytest.raises(BrokenReviewFileError) as broken:
        parse(written().encode().replace(b"## Fix", b"## Fix\n\xe4"))

    assert broken.value.what == "this is not UTF-8"
