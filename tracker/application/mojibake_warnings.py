"""A word about text that was garbled before it came here: it is recorded as it is, for nothing is changed unasked."""

from tracker.cli.common import say
from tracker.text.mojibake import find_mojibake


def warn_of_mojibake(text: str, what: str, then: str) -> None:
    """Name the first line of a text that is UTF-8 read as something else; `then` says what to type."""
    for number, line in enumerate(text.splitlines(), start=1):
        wrong = find_mojibake(line[:2000])
        if wrong is not None:
            where = f"{what}, line {number}" if "\n" in text else what
            say(f"tracker: {where}: {wrong}")
            say(f"  {then}")
            return
