"""The index of decisions has each of them, with the title, the date and the status of its head."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))
_HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\n"
    r"Date: (?P<date>\d{4}-\d{2}-\d{2}).* · Status: (?P<status>accepted|superseded by \[?\d+).*\n\n## Context\n"
)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_in_the_index_as_its_head_says(path: Path):
    """
    Its number is that of its file, and its row repeats title and date.
    """
    head = _HEAD.match(path.read_text(encoding="utf-8"))
    assert head, f"{path.name} does not begin with number, title, date and status"
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    [row] = [line for line in index.splitlines() if f"({path.name})" in line]

    assert int(head["number"]) == int(path.name[:4])
    assert row.startswith(f"| [{head['number']}]({path.name}) | {head['title']} | {head['date']}")


def test_numbers_are_consecutive_but_for_those_that_never_existed():
    """
    The index says which numbers are missing on purpose.
    """
    numbers = {int(path.name[:4]) for path in DECISIONS}

    assert set(range(1, max(numbers) + 1)) - numbers == {15, 16, 17}
