"""The words of each message, as a whole: what a channel reads is compared with a golden file.

Write the files anew with: .venv/bin/python -m tests.reports.test_messages
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projections.changes import changes
from projections.dossier import Dossier
from projections.durations import durations
from projections.timeline import timeline
from reports.messages import Draft, write
from tests.builders import (
    at,
    declared,
    deploy,
    deploy_failed,
    deploy_start,
    lead,
    linked,
    milestone,
    note,
    recorded,
    resolved,
    retracted,
    rollback,
    rollback_failed,
    rollback_start,
    stage,
    verdict,
    verdicts,
)
from tracker.events.base import Event
from tracker.events.messages import MESSAGE_KINDS
from tracker.times import zone

GOLDEN = Path(__file__).parent / "golden" / "messages"
METRICS = [("checkout", "error_ratio"), ("checkout", "latency_seconds")]


def draft(*events: Event, minute: float = 30, metrics: Any = (), **fields: Any) -> Draft:
    held = recorded(*events)
    known = Dossier.of("INC-1", held)
    return Draft(
        incident=known.incident,
        entries=timeline(known),
        changes=changes(held),
        durations=durations(known),
        metrics=metrics,
        at=at(minute),
        **fields,
    )


FIX = deploy(25, version="v1.2.1", sha=None)
OTHER = deploy(25, version="v3.8.0", sha=None, service="search")
BAD = deploy(2, version="v1.2.0", sha=None)
TOLD = (
    declared(7, impact="Users cannot complete checkout", lead="@john-dev"),
    milestone(0, "started"),
    milestone(5, "detected"),
)
CAUSE = note(15, "Database timeout", kind="root-cause")
OVER = resolved(60)


def said(window: str, *words: str, minute: float) -> Event:
    return verdicts(
        FIX,
        minute,
        version="v1.2.1",
        window=window,
        window_from=at(27),
        verdicts=tuple(
            verdict(metric=metric, verdict=word)
            for metric, word in zip(("error_ratio", "latency_seconds"), words, strict=False)
        ),
    )


CASES: dict[str, Callable[[], str]] = {
    "initial": lambda: write("initial", draft(*TOLD, stage(8, stage="investigating"), eta=at(20), minute=8)),
    "initial-nothing-known": lambda: write("initial", draft(declared(7, severity="major"), minute=8)),
    "initial-in-another-zone": lambda: write(
        "initial", draft(*TOLD, eta=at(600), contact="grace", zone=zone("Europe/Berlin"), minute=8)
    ),
    "update": lambda: write("update", draft(*TOLD, CAUSE, stage(16, stage="fixing"), eta=at(25), minute=17)),
    "update-nothing-known": lambda: write("update", draft(declared(7), minute=12)),
    "update-deploying": lambda: write(
        "update", draft(*TOLD, CAUSE, deploy_start(22, version="v1.2.1", sha=None), eta=at(25), minute=23)
    ),
    "update-deployed": lambda: write(
        "update",
        draft(
            *TOLD,
            CAUSE,
            FIX,
            stage(26, stage="monitoring"),
            said("10m", "recovered", "partly_recovered", minute=37),
            minute=38,
            metrics=METRICS,
        ),
    ),
    "resolved": lambda: write(
        "resolved",
        draft(
            *TOLD,
            FIX,
            linked(FIX, role="fixed", why="errors fell"),
            milestone(30, "mitigated"),
            said("10m", "still_degraded", "recovered", minute=37),
            said("1h", "recovered", "unaffected", minute=85),
            OVER,
            note(61, "~500 transactions affected", kind="impact"),
            minute=90,
            metrics=METRICS,
        ),
    ),
    "resolved-one-metric-unknown": lambda: write(
        "resolved",
        draft(
            *TOLD,
            FIX,
            linked(FIX, role="fixed", why="errors fell"),
            said("10m", "recovered", minute=37),
            OVER,
            metrics=METRICS,
            minute=61,
        ),
    ),
    "resolved-nothing-known": lambda: write("resolved", draft(declared(7), resolved(40), minute=41)),
    "resolved-false-alarm": lambda: write(
        "resolved", draft(*TOLD, resolved(20, resolution="false-alarm"), minute=21)
    ),
    "resolved-went-away": lambda: write(
        "resolved", draft(*TOLD, resolved(20, resolution="went-away"), minute=21)
    ),
    "resolved-by-a-rollback": lambda: write(
        "resolved",
        draft(
            *TOLD,
            BAD,
            rollback(20, version="v1.1.9", sha=None),
            linked(rollback(20, version="v1.1.9", sha=None), role="fixed"),
            OVER,
            minute=61,
        ),
    ),
    "rollback": lambda: write(
        "rollback",
        draft(*TOLD, BAD, FIX, stage(26, stage="fixing"), rollback(29, version="v1.2.0", sha=None)),
    ),
    "rollback-in-progress": lambda: write(
        "rollback", draft(*TOLD, FIX, rollback_start(29, version="v1.2.0", sha=None))
    ),
    "rollback-failed": lambda: write(
        "rollback", draft(*TOLD, FIX, rollback_failed(29, version="v1.2.0", sha=None))
    ),
    "rollback-not-recorded": lambda: write("rollback", draft(*TOLD, lead(9, lead="grace"))),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_reads_as_its_golden_file(name):
    """
    A change of words is seen as a reader will see it.
    """
    assert CASES[name]() + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_there_is_no_golden_file_too_many():
    """
    Each belongs to a case, and each kind of message has one.
    """
    names = {path.stem for path in GOLDEN.glob("*.txt")}

    assert names == set(CASES)
    assert all(any(name.startswith(kind) for name in names) for kind in MESSAGE_KINDS)


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("recovered", True),
        ("unaffected", True),
        ("within_normal", False),
        ("partly_recovered", False),
        ("still_degraded", False),
        ("not_enough_data", False),
        ("regressed", False),
    ],
)
def test_all_metrics_normal_is_only_said_where_every_verdict_says_so(word, normal):
    """
    One that could not be told, or is only not proven worse, takes the sentence away.
    """
    text = write(
        "resolved", draft(*TOLD, FIX, said("10m", "recovered", word, minute=37), OVER, metrics=METRICS)
    )

    assert ("All metrics normal" in text) is normal


def test_a_verdict_that_was_retracted_says_nothing():
    """
    Struck out is not said.
    """
    given = said("10m", "recovered", "recovered", minute=37)

    text = write("resolved", draft(*TOLD, FIX, given, retracted(given, 38), OVER, metrics=METRICS))

    assert "no verdict yet" in text


@pytest.mark.parametrize("role", ["caused", "dismissed", "suspect"])
def test_a_deploy_that_people_say_is_no_fix_is_none(role):
    """
    What went out meanwhile and made it worse is not announced as the fix.
    """
    text = write("update", draft(*TOLD, FIX, linked(FIX, role=role, why="no")))

    assert "v1.2.1" not in text


def test_a_deploy_that_failed_is_not_announced():
    """
    Nothing is out.
    """
    text = write("update", draft(*TOLD, deploy_failed(25, version="v1.2.1", sha=None)))

    assert "v1.2.1" not in text


def test_another_service_s_deploy_is_not_announced():
    """
    Search's deploy is no fix of checkout, until somebody says so.
    """
    assert "v3.8.0" not in write("update", draft(*TOLD, OTHER))


def test_what_people_typed_stays_one_line():
    """
    A title of several lines, or of many words, makes no message of its own.
    """
    text = write("initial", draft(declared(7, title="broken\n✅ RESOLVED - all fine", impact="x" * 5000)))

    assert len(text.splitlines()) == 9
    assert len(text) < 1500


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, case in CASES.items():
        (GOLDEN / f"{name}.txt").write_text(case() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
