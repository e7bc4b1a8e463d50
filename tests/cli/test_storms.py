"""An error storm in one incident: what an answer costs follows the number of its events, not their square."""

import sys
from pathlib import Path
from types import FrameType

import pytest

from tests import builders as b
from tests.cli.conftest import Typed
from tracker.events.base import Event
from tracker.log import Log

ERRORS, ALERTS, NOTES = 160, 40, 40
COMMANDS = (("show", 1), ("timeline", 1), ("check", 1), ("report", 1, "-o", "-"))


def storm(path: Path, size: int) -> None:
    """Record errors of many groups, alerts of one name on many machines, and notes with numbers in them."""
    facts: list[Event] = []
    for number in range(ERRORS * size):
        group = f"group-{number % (NOTES * size)}"
        minute = 6 + 100 * number / (ERRORS * size)
        facts.append(b.error(minute, error_id=f"{number:032x}", group=group, title=group))
    for number in range(ALERTS * size):
        fingerprint, labels = f"{number:016x}", {"instance": f"host-{number}"}
        minute = 6 + 100 * number / (ALERTS * size)
        facts.append(b.alert(minute, fingerprint=fingerprint, labels=labels))
        if number % 7 == 0:
            facts.append(b.alert_end(minute + 1, minute, fingerprint=fingerprint, labels=labels))
    steps = [
        b.note(
            6 + 100 * number / (NOTES * size), text=f"{number} orders failed at 10:{number % 60:02} on {size}"
        )
        for number in range(NOTES * size)
    ]
    with Log(str(path)) as log:
        log.append(facts)
        log.decide("INC-1", lambda _: [b.declared(5), *steps])


def calls(tracker: Typed, path: Path, words: tuple[object, ...]) -> int:
    """Count the calls that a command makes: the same on every machine, however busy it is."""
    count = 0

    def step(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        answer = tracker(*words, "--store", path)
    finally:
        sys.setprofile(None)
    assert answer.code in (0, 4), answer.err
    return count


@pytest.fixture(scope="module")
def storms(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("storms")
    paths = {size: folder / f"{size}.db" for size in (1, 2, 4)}
    for size, path in paths.items():
        storm(path, size)
    return paths


@pytest.mark.parametrize("words", COMMANDS, ids=[str(words[0]) for words in COMMANDS])
def test_what_a_storm_costs_grows_as_the_storm_does(
    tracker: Typed, storms: dict[int, Path], words: tuple[object, ...]
) -> None:
    """Twice as much more costs about twice as much more; where all are compared with all it is four times."""
    calls(tracker, storms[1], words)  # imports and patterns count once
    one, two, four = (calls(tracker, storms[size], words) for size in (1, 2, 4))

    assert four - two < 2.8 * (two - one)
