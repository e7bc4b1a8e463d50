"""Marks around what was generated: prose outside is kept byte for byte, an edit inside is seen."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.generated_regions import BrokenMarksError, Part, parse, render, replace_regions, visible_text

NAMES = ("head", "summary", "timeline", "footer")


def parts(*texts: str) -> list[Part]:
    """The parts of a report with these texts."""
    made = [Part(name, f"\n{text}\n\n") for name, text in zip(NAMES, texts, strict=True)]
    made[0] = replace(made[0], attributes={"incident": "INC-1", "parts": ",".join(NAMES[1:])})
    return made


OLD = parts("# INC-1: x", "## Summary", "## Timeline\n\n| a | b |", "---\n\nend")
NEW = parts("# INC-1: y", "## Summary\n\nmore", "## Timeline", "---\n\nend, later")

# Whole lines of any characters; such that hold a mark of ours are refused, not kept.
prose = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    .filter(lambda said: "tracker:" not in said)
    .map(lambda said: f"{said}\n".encode())
)
bytes_of_any_kind = st.binary(max_size=40).map(lambda said: said + b"\n")


def places(data: bytes) -> list[int]:
    """Where a line may be put in: before, between and behind the parts."""
    found = [0, len(data)]
    for mark in (b"<!-- tracker:begin ",):
        at = data.find(mark)
        while at >= 0:
            found.append(at)
            at = data.find(mark, at + 1)
    return sorted(set(found))


def test_what_nobody_edited_is_written_anew_as_if_there_had_been_nothing():
    """
    A report does not remember what it was.
    """
    assert replace_regions(parse(render(OLD).encode()), NEW).data == render(NEW).encode()


@given(said=st.one_of(prose, bytes_of_any_kind), place=st.integers(0, 4), bom=st.booleans())
def test_prose_outside_is_kept_byte_for_byte_wherever_it_stands(said, place, bom):
    """
    Any character, any encoding; written anew twice, it is the same as once.
    """
    if b"tracker:" in said or said.startswith(b"\xef\xbb\xbf"):
        return
    before, after = render(OLD).encode(), render(NEW).encode()
    at, then = places(before)[place], places(after)[place]
    marker = b"\xef\xbb\xbf" if bom else b""

    once = replace_regions(parse(marker + before[:at] + said + before[at:]), NEW)

    assert once.conflicts == ()
    assert once.data == marker + after[:then] + said + after[then:]
    assert replace_regions(parse(once.data), NEW).data == once.data


@given(data=st.data())
def test_any_edit_inside_a_part_is_a_conflict(data):
    """
    One character more, less or other is seen, and nothing of it is written over.
    """
    whole = render(OLD)
    part = data.draw(st.sampled_from(OLD))
    start = whole.index(part.text)
    at = data.draw(st.integers(start, start + len(part.text) - 1))
    new = data.draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<"), max_size=3))
    if new == whole[at] or "\r" in new:
        return
    edited = (whole[:at] + new + whole[at + 1 :]).encode()

    try:
        done = replace_regions(parse(edited), NEW)
    except BrokenMarksError:
        return  # the line break before a mark was taken away: refused as broken, and not written either

    assert [each.name for each in done.conflicts] == [part.name]


def test_an_edit_that_says_what_the_log_says_by_now_is_none():
    """
    Somebody typed it into the report, and then into the log.
    """
    edited = render(OLD).replace("## Summary\n", "## Summary\n\nmore\n", 1)

    done = replace_regions(parse(edited.encode()), NEW)

    assert done.conflicts == ()
    assert done.data == render(NEW).encode()


def test_with_force_the_log_wins_and_the_prose_stays():
    """
    Only what was typed into a part is lost.
    """
    edited = (
        render(OLD)
        .replace("| a | b |", "| a | c |")
        .replace("<!-- tracker:begin foot", "mine\n<!-- tracker:begin foot")
    )

    done = replace_regions(parse(edited.encode()), NEW, force=True)

    assert done.conflicts == ()
    assert done.data.decode() == render(NEW).replace(
        "<!-- tracker:begin foot", "mine\n<!-- tracker:begin foot"
    )


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("<!-- tracker:end summary -->\n", "", 12, "has no end mark before this mark"),
        ("<!-- tracker:end footer -->\n", "", 21, "begins here and has no end mark"),
        ("<!-- tracker:end head -->\n", "<!-- tracker:end head -->\n<!-- tracker:end head -->\n", 6, "without a begin mark"),
        ("<!-- tracker:end summary -->", "<!-- tracker:end summary --> and more", 11, "has no end"),
        ("\n\n<!-- tracker:begin timeline", "\n\nsee <!-- tracker:begin timeline", 13, "broken here, or has text on its line"),
        ("| a | b |\n", "<!-- tracker:begin x 0123456789ab -->\n", 17, "has no end mark before this mark"),
    ],
)  # fmt: skip
def test_broken_marks_are_named_with_their_line(was, now, line, says):
    """
    Removed, nested, doubled or with text on their line: one line says which.
    """
    whole = render(OLD)
    assert was in whole

    with pytest.raises(BrokenMarksError) as broken:
        parse(whole.replace(was, now, 1).encode())

    assert (broken.value.line, says in broken.value.what) == (line, True), broken.value.what


def test_a_part_that_stands_twice_or_whose_marks_are_gone_is_named():
    """
    Its text would otherwise be taken for prose and be written a second time.
    """
    whole = render(OLD)
    timeline = OLD[2].marked()

    with pytest.raises(BrokenMarksError) as twice:
        parse((whole + timeline).encode())
    with pytest.raises(BrokenMarksError) as gone:
        parse(whole.replace(timeline, OLD[2].text).encode())
    with pytest.raises(BrokenMarksError) as headless:
        parse(whole.replace(OLD[0].marked(), "").encode())

    assert "a second time; the first is in line 13" in twice.value.what
    assert (gone.value.line, "the marks of the part “timeline” are missing" in gone.value.what) == (11, True)
    assert "the report's head are missing" in headless.value.what


def test_line_ends_of_windows_stay_and_are_no_edit():
    """
    An editor or git that turns all line ends changes nothing of what is said.
    """
    windows = (render(OLD) + "mine\n").replace("\n", "\r\n").encode()

    done = replace_regions(parse(windows), NEW)

    assert done.conflicts == ()
    assert done.data == (render(NEW) + "mine\n").replace("\n", "\r\n").encode()


def test_a_section_that_a_newer_version_writes_comes_in_behind_the_one_it_follows():
    """
    It was not removed: the file never had it.
    """
    older = [replace(OLD[0], attributes={"incident": "INC-1", "parts": "summary,footer"}), OLD[1], OLD[3]]
    held = render(older) + "mine\n"

    done = replace_regions(parse(held.encode()), NEW)

    assert done.data.decode() == render(NEW) + "mine\n"


def test_parts_that_somebody_moved_stay_where_they_were_moved_to():
    """
    Whoever wants the timeline last has it last.
    """
    moved = render([OLD[0], OLD[2], OLD[1], OLD[3]])

    assert replace_regions(parse(moved.encode()), NEW).data.decode() == render(
        [NEW[0], NEW[2], NEW[1], NEW[3]]
    )


def test_prose_alone_keeps_its_line_numbers():
    """
    So that a finding names the line of the file.
    """
    held = parse((render(OLD) + "mine\n").encode())

    alone = held.prose_alone().split("\n")

    assert held.by_hand == 1
    assert alone.index("mine") == (render(OLD) + "mine\n").split("\n").index("mine")


def test_only_untouched_parts_stay_marked_for_who_reads_what_people_wrote():
    """
    What was typed into a part, and what follows a mark without its end, is a person's word; line numbers hold.
    """
    whole = Part("summary", "Down for 25 min.\n").marked() + "\nBy hand.\n" + Part("fix", "v1.2.1\n").marked()

    assert visible_text(whole) == whole
    assert visible_text(whole.replace("\n", "\r\n")) == whole.replace("\n", "\r\n")
    assert visible_text(whole.replace("25", "15")) == (
        "\nDown for 15 min.\n\n\nBy hand.\n" + Part("fix", "v1.2.1\n").marked()
    )
    assert visible_text(whole.replace("<!-- tracker:end summary -->\n", "")).startswith(
        "\nDown for 25 min.\n"
    )
    assert visible_text(
        whole.replace("<!-- tracker:begin summary", " <!-- tracker:begin summary")
    ).startswith("\nDown for 25 min.\n")
    assert visible_text("no marks\r\nat all") == "no marks\r\nat all"


def _file(names: str, order: str, *, between: str = "") -> bytes:
    """Write a file whose head says that its parts were generated as `names`, in this order."""
    head = Part("head", "\n# INC-1\n\n", {"incident": "INC-1", "parts": ",".join(names)})
    rest = [Part(name, f"\n## {name}\n\n") for name in order]
    pieces = [head.marked(), *(part.marked() + f"\n{between.format(part.name)}" for part in rest)]
    return "\n".join(pieces).encode()


@given(st.permutations("abcdef"), st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
def test_a_report_of_an_older_order_takes_the_new_one_and_keeps_every_word(before, now):
    """
    Prose goes with the part that it stands behind; that of a part that is gone stands behind the one before.
    """
    found = parse(_file(before, before, between="by hand behind {}\n\n"))
    parts = [
        Part("head", "\n# INC-1\n\n", {"incident": "INC-1", "parts": ",".join(now)}),
        *(Part(name, f"\n## new {name}\n\n") for name in now),
    ]

    done = parse(replace_regions(found, parts).data)

    assert [part.name for part in done.parts] == ["head", *now]
    written = b"".join(done.prose).decode()
    assert sorted(re.findall("by hand behind (.)", written)) == sorted(before)
    for name, prose in zip(["head", *now], done.prose[1:], strict=True):
        if name in before:
            assert f"by hand behind {name}" in prose.decode()
    assert parse(replace_regions(done, parts).data).whole == done.whole


def test_parts_that_people_moved_stay_where_they_are():
    """
    Only a file in the order in which it was generated takes that of a new version.
    """
    found = parse(_file("abc", "cab", between="by hand behind {}\n\n"))
    parts = [
        Part("head", "\n# INC-1\n\n", {"incident": "INC-1", "parts": "b,a,c"}),
        *(Part(name, f"\n## new {name}\n\n") for name in "bac"),
    ]

    done = parse(replace_regions(found, parts).data)

    assert [part.name for part in done.parts] == ["head", "c", "a", "b"]
