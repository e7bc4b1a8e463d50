"""An error storm in one incident: what an answer costs follows the number of its events, not their square."""

import time
from pathlib import Path

import pytest

from tests import builders as b
from tests.cli.conftest import Typed
from tracker.events.base import Event
from tracker.log import Log

ERRORS, ALERTS, NOTES = 1_200, 240, 60
MOST = 6.0
"""A storm four times as large may take so many times as long; where all are compared with all it is sixteen."""
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
        b.note(6 + 100 * number / (NOTES * size), text=f"{number} orders failed on host-{number}")
        for number in range(NOTES * size)
    ]
    with Log(str(path)) as log:
        log.append(facts)
        log.decide("INC-1", lambda _: [b.declared(5), *steps])


def cpu_seconds(tracker: Typed, path: Path, words: tuple[object, ...]) -> float:
    """Return the least CPU time of three runs: whatever else the machine does only adds to it."""
    taken = []
    for _ in range(3):
        begun = time.process_time()
        answer = tracker(*words, "--store", path)
        taken.append(time.process_time() - begun)
        assert answer.code in (0, 4), answer.err
    return min(taken)


@pytest.mark.parametrize("words", COMMANDS, ids=[str(words[0]) for words in COMMANDS])
def test_a_storm_four_times_as_large_costs_about_four_times_as_much(
    tracker: Typed, tmp_path: Path, words: tuple[object, ...]
) -> None:
    """Every pass over the events of an incident is linear."""
    small, large = tmp_path / "small.db", tmp_path / "large.db"
    storm(small, 1)
    storm(large, 4)
    cpu_seconds(tracker, small, words)  # imports and patterns count once

    assert cpu_seconds(tracker, large, words) <= MOST * cpu_seconds(tracker, small, words)
