"""The words of each message, as a whole: what a channel reads is compared with a golden file.

Write the files anew with: .venv/bin/python -m tests.reports.test_messages
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projections.changes import changes
from projections.dossier import Dossier
from projections.durations import durations_of
from projections.procedure.advice import Advice
from projections.procedure.evaluation import evidence_of
from projections.procedure.fix_attempts import fix_or_rollout
from projections.procedure.rule import NextStep, ProcedureLimits
from projections.timeline import timeline
from reports.messages import Draft, remind, write
from tests.builders import (
    alert,
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
    reopened,
    resolved,
    retracted,
    rollback,
    rollback_failed,
    rollback_start,
    sent,
    severity,
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
    evidence = evidence_of(known)
    return Draft(
        incident=known.incident,
        entries=timeline(known),
        changes=changes(held),
        fix=fix_or_rollout(evidence),
        durations=durations_of(evidence),
        metrics=metrics,
        at=at(minute),
        **{"relapse": known.relapse, **fields},
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


# ── after a relapse ──────────────────────────────────────────────────────────

RELAPSED = (
    *TOLD, alert(5), stage(20, stage="monitoring"), FIX, linked(FIX, 28, role="fixed"),
    said("10m", "recovered", "recovered", minute=35), resolved(40), reopened(70, why="errors are back"),
)  # fmt: skip


@pytest.mark.parametrize("kind", ["initial", "update", "rollback"])
def test_a_message_after_a_relapse_says_that_it_came_back(kind):
    """
    Not the stage, the fix and the verdicts of the first time.
    """
    written = write(kind, draft(*RELAPSED, minute=72))

    assert "It came back: reopened 15:10 UTC (errors are back)" in written
    assert "Status: OPEN" in written
    assert "v1.2.1" not in written
    assert "normal" not in written
    assert "Detected again" not in written


def test_an_alert_that_fired_before_it_was_reopened_detected_it_again():
    """
    The first one since it was resolved; that of the first time is called the first.
    """
    alerts = (alert(65, fingerprint="f1"), alert(67, fingerprint="f2"))

    written = write("initial", draft(*RELAPSED, *alerts, minute=72))

    assert "Detected again: 15:05 UTC" in written
    assert "First detected: 2026-03-01 14:05 UTC" in written


def test_what_people_say_after_a_relapse_counts_again():
    """
    The stage, and the deploy that followed.
    """
    later = (stage(75, stage="monitoring"), deploy(80, version="v1.2.2", sha=None))

    written = write("update", draft(*RELAPSED, *later, minute=85))

    assert "Status: MONITORING" in written
    assert "v1.2.2 deployed at 15:20 UTC" in written


def test_once_it_is_over_again_nothing_says_that_it_came_back():
    """
    The resolved message names the fix of the second time.
    """
    fix = deploy(80, version="v1.2.2", sha=None)

    written = write(
        "resolved", draft(*RELAPSED, fix, linked(fix, 90, role="fixed"), resolved(100), minute=101)
    )

    assert "came back" not in written
    assert written.startswith("✅ RESOLVED - v1.2.2 deployed at 15:20 UTC")


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, case in CASES.items():
        (GOLDEN / f"{name}.txt").write_text(case() + "\n", encoding="utf-8")


def test_an_update_names_the_fix_that_the_procedure_has():
    """
    What was rolled back, or did not help, is no fix; a deploy that goes on is named as that.
    """

    def of(*more):
        return write("update", draft(*TOLD, deploy(-60, version="v1.2.0"), *more))

    tried = deploy(25, version="v1.2.1")
    staged = deploy(28, version="v1.2.2", environment="staging")
    back = rollback(29, version="v1.2.0")
    assert "v1.2.1 deployed at" in of(tried, staged)
    assert "v1.2.1" not in of(tried, back)
    assert "v1.2.2" not in of(tried, staged, back)
    assert "v1.2.2 deployment in progress" in of(tried, back, deploy_start(29.5, version="v1.2.2"))


@pytest.mark.parametrize(
    ("kind", "events", "named"),
    [
        ("initial", [], True),
        ("update", [], False),
        ("update", [sent(8), severity(12, severity="critical")], True),
        ("update", [sent(8), severity(12, severity="critical"), sent(14, kind="due")], True),
        ("update", [sent(8), severity(12, severity="critical"), sent(14, kind="update")], False),
        ("resolved", [severity(12, severity="critical"), resolved(25)], False),
    ],
)
def test_whom_to_tell_is_named_first_and_when_the_severity_changed(kind, events, named):
    """
    Who has to know of a critical incident hears of one that became it.
    """
    text = write(kind, draft(declared(), *events, tell=("cto", "product")))

    assert ("Tell: cto, product" in text) == named


def test_a_reminder_says_what_is_due_and_what_to_type():
    """
    When it was due, of what, and whom to ask; for a message the command that posts it.
    """
    step = NextStep("message", {"incident": "INC-1", "kind": "update"})
    limits = ProcedureLimits.of({})
    item = Advice("updates_on_time", step, at(28), -120.0, limits)

    text = remind(item, draft(declared(), lead()))

    assert text.splitlines()[0].startswith("⏰ DUE - update the team (INC-1)")
    assert "Due at: 14:28 UTC" in text
    assert "Type: tracker message INC-1 update --send" in text


if __name__ == "__main__":
    main()
