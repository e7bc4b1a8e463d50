"""The updates of a timeline's rows: a client that resumes after any interruption ends with the same rows."""

import json

from hypothesis import given
from hypothesis import strategies as st

from reports.page.changes import Update, updates
from reports.page.markup import Html
from reports.page.row import Row

KEYS = "abcdefgh"
Story = list[tuple[str, str, int]]


def rows_at(story: Story, position: int) -> dict[str, Row]:
    """The rows as of a position, in order: what was added, moved by an amendment, or struck out."""
    found: dict[str, tuple[int, int, int]] = {}
    for at, (what, key, place) in enumerate(story[:position], start=1):
        if what == "add" and key not in found:
            found[key] = (place, at, at)
        elif what == "amend" and key in found:
            found[key] = (place, found[key][1], at)
        elif what == "retract":
            found.pop(key, None)
    ordered = sorted(found.items(), key=lambda pair: (pair[1][0], pair[0]))
    return {
        key: Row(key, str(place), Html(f"<li>{version}"), f"{place}-{version}", first, redacted=False)
        for key, (place, first, version) in ordered
    }


def shown(story: Story, position: int) -> list[tuple[str, str, str]]:
    return [(row.order, row.key, row.html) for row in rows_at(story, position).values()]


class Reader:
    """A page: the keys of its rows in order, with the version of each."""

    def __init__(self, story: Story, position: int) -> None:
        self.position = position
        self.rows = shown(story, position)

    def take(self, update: Update) -> None:
        content = json.loads(update.message().decode().partition("data: ")[2])
        self.rows = [row for row in self.rows if row[1] not in content["gone"]]
        taken = {row["key"]: (row["order"], row["key"], row["html"]) for row in content["rows"]}
        kept = [row for row in self.rows if row[1] not in taken]
        self.rows = sorted([*kept, *taken.values()])
        self.position = update.position


stories = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "amend", "retract"]), st.sampled_from(KEYS), st.integers(0, 5)
    ),
    min_size=1,
    max_size=14,
)


@given(story=stories, data=st.data())
def test_a_reader_who_is_cut_off_anywhere_ends_with_the_same_rows(story, data):
    """
    The server reads the log in any steps; the reader is cut off behind any message, and resumes by its position:
    from what the server kept, or, where it began anew, from the log alone.
    """
    position = data.draw(st.integers(0, len(story)))
    reader, kept, is_connected = Reader(story, position), [], True

    def send(found: list[Update]) -> bool:
        """Send as much as gets through; return whether all did."""
        through = data.draw(st.integers(0, len(found)))
        for update in found[:through]:
            reader.take(update)
        return through == len(found)

    def from_the_log() -> list[Update]:
        before, now = rows_at(story, reader.position), rows_at(story, position)
        return updates(before, now, {"now": f"{position}"}, after=reader.position, position=position)

    while position < len(story):
        after, position = position, data.draw(st.integers(position + 1, len(story)))
        before, now = rows_at(story, after), rows_at(story, position)
        found = updates(before, now, {"now": f"{position}"}, after=after, position=position)
        kept += found
        is_connected = is_connected and send(found)
        if not is_connected:
            from_memory = [update for update in kept if update.position > reader.position]
            is_connected = send(from_memory if data.draw(st.booleans()) else from_the_log())
    for update in from_the_log() if not is_connected else []:
        reader.take(update)

    assert reader.rows == shown(story, position)


def test_each_new_row_has_the_position_of_its_event():
    """
    Three notes that were read at once are three messages, in the order in which they were recorded.
    """
    story: Story = [("add", "a", 3), ("add", "b", 1), ("add", "c", 2)]

    found = updates({}, rows_at(story, 3), {}, after=0, position=3)

    assert [(update.position, [row["key"] for row in update.rows]) for update in found] == [
        (1, ["a"]),
        (2, ["b"]),
        (3, ["c"]),
    ]


def test_a_removed_text_is_told_also_to_whom_the_log_alone_is_asked():
    """
    As of the reader's position the log has the row without its text already; the page may still have it.
    """
    row = Row("a", "", Html("<li>redacted"), "1", 1, redacted=True)

    found = updates({"a": row}, {"a": row}, {}, after=4, position=9, with_redacted=True)

    assert [each["key"] for update in found for each in update.rows] == ["a"]
