"""Histories for reports: logs with a fixed clock and fixed salts, so that a report of one is the same bytes each time."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reports.post_incident import Document, write
from tests import builders as b
from tracker.application.report import document, gathered
from tracker.application.session import Options, Session
from tracker.events.base import Event, Incoming, event_id
from tracker.ingest.samples import intake
from tracker.log import Log
from tracker.times import to_ms

QUERY = 'sum(rate(errors{service="checkout"}[1m]))'
METRICS = {"error_ratio": {"query": QUERY, "unit": "ratio", "better": "lower", "threshold": 0.01}}
SETTINGS = {"metrics": METRICS, "settling_seconds": 120.0, "rollback_command": None}


@dataclass(frozen=True)
class _Columns:
    labels: dict[str, str]
    instants_ms: NDArray[np.int64]
    values: NDArray[np.float64]


def settings(service: str = "checkout") -> Event:
    return b.settings(minute=-60, service=service, settings=SETTINGS)


def error_ratio(first: int, last: int, bad: tuple[float, float], service: str = "checkout") -> list[Incoming]:
    """Samples every 15 s from one minute to another: 0.2 %, and 8 % between the two bad minutes."""
    minutes = np.arange(first * 4, last * 4 + 1) / 4
    values = np.where((minutes >= bad[0]) & (minutes < bad[1]), 0.08, 0.002)
    series = _Columns({}, np.array([to_ms(b.at(m)) for m in minutes], np.int64), values)
    return intake(
        [series],
        {},
        service=service,
        metric="error_ratio",
        query=QUERY,
        unit="ratio",
        step_seconds=15.0,
        source="prometheus:prod",
        captured_at=b.at(last),
    )


def salts(event: Event) -> bytes:
    return hashlib.sha256(event_id(event).encode()).digest()[:16]


def told(path: Path, events: Iterable[Event | Incoming]) -> Path:
    """Record events in this order, each two seconds after it happened, or when the one before it was."""
    clock = [b.at(-120)]
    with Log(str(path), now=lambda: clock[0], salts=salts) as log:
        for each in events:
            event = each.event if isinstance(each, Incoming) else each
            clock[0] = max(clock[0], event.occurred_at + timedelta(seconds=2))
            incident = getattr(event, "incident", None)
            if incident is None:
                log.append([each])
            else:
                log.decide(incident, _always(each))
        log.seal()
    return path


def _always(each: Event | Incoming) -> Callable[[object], list[Event | Incoming]]:
    return lambda held: [each]


def report(path: Path, incident: str = "INC-1", up_to: int | None = None, **options: object) -> Document:
    """Write the report of an incident as `tracker report` does."""
    arguments = Options(store=str(path))
    with Log(str(path), now=lambda: b.at(10_000), salts=salts) as log:
        session = Session(arguments, log=log)
        return document(session, session.incident(incident, up_to), up_to, **options)  # type: ignore[arg-type]


def text_of(path: Path, incident: str = "INC-1", up_to: int | None = None, **options: object) -> str:
    """Write the text alone: nothing is drawn."""
    template = str(options.pop("template", "guide"))
    with Log(str(path), now=lambda: b.at(10_000), salts=salts) as log:
        session = Session(Options(store=str(path)), log=log)
        context = gathered(session, session.incident(incident, up_to), up_to, **options)  # type: ignore[arg-type]
        return write(context, template=template, with_pictures=False).markdown


def whole_incident() -> list[Event | Incoming]:
    """A bad deploy, an alert, a rollback, a hotfix: everything that a report has a place for."""
    bad, hotfix = (
        b.deploy(minute=-4, duration_seconds=95.0, sha="9" * 40),
        b.deploy(30, version="1.4.3", sha=b.SHA),
    )
    note = b.note(12, text="the pool is empty: 10 of 10 connections", kind="hypothesis", decided_by="grace")
    return [
        settings(),
        *error_ratio(-70, 110, (0, 21)),
        b.deploy_start(minute=-6, sha="9" * 40),
        bad,
        b.alert(3, annotations={"summary": "more than 1 % of payments fail"}),
        b.declared(5, detected_by="alert", impact="8 % of payments fail", lead="grace"),
        b.milestone(0, "started"),
        b.milestone(3, "detected"),
        b.stage(8, stage="investigating"),
        note,
        b.rollback(20),
        b.milestone(21, "mitigated", precision_seconds=60.0),
        b.alert_end(23, started=3),
        b.commit(25, files_changed=1, lines_added=3, lines_deleted=1),
        b.run_of_tests(27),
        hotfix,
        b.linked(bad, 32, role="caused", why="it cut the pool to 10"),
        b.linked(hotfix, 33, role="fixed", why="pool back at 50, checked in the dashboard"),
        b.note(34, text="A default of 10 connections came with the new driver", kind="root-cause"),
        b.note(34, text="The pool's size is set by us again", kind="fix"),
        b.note(35, text="Alert on pool usage\nLoad test before each release", kind="prevention"),
        b.note(36, text="We looked at the database first; the pool graph would have told", kind="lesson"),
        b.amended(note, 38, changes={"text": "the pool is empty: 50 of 50 requests wait"}),
        b.resolved(40),
    ]


def open_incident() -> list[Event | Incoming]:
    return [
        settings(),
        *error_ratio(-70, 15, (0, 60)),
        b.alert(3),
        b.declared(5),
        b.note(9, text="we look at it"),
    ]


def merged_incident() -> list[Event | Incoming]:
    second = {"incident": "INC-2", "decided_by": "grace"}
    return [
        settings(),
        b.alert(3),
        b.declared(5),
        b.declared(8, **second, title="Basket is empty", services=("basket",), severity="minor"),
        b.note(9, **second, text="baskets answer 502"),
        b.merged(15, **second, into="INC-1", why="both wait for the same pool"),
        b.resolved(40),
    ]


def action_items() -> list[Event | Incoming]:
    """What was promised after an incident: kept, overdue, to come, and what would have prevented the next one."""
    mine = {"incident": "INC-1", "decided_by": "ada"}
    kept = b.action(50, **mine, owner="sarah", text="Increase the pool's size", due_said=None)
    overdue = b.action(51, **mine, due_zone="Europe/Berlin", due_offset_minutes=60)
    open_one = b.action(52, **mine, owner="mike", text="Test *every* error handler", due_on=date(2026, 3, 31))
    next_one = {"incident": "INC-2", "decided_by": "grace"}
    days = 24 * 60
    return [
        settings(),
        b.declared(5),
        b.milestone(0),
        b.milestone(21, "mitigated"),
        b.resolved(40),
        b.note(45, text="Alert on the pool's connections", kind="prevention"),
        b.note(46, text="Ask the vendor for a limit", kind="prevention"),
        kept,
        overdue,
        open_one,
        b.action_done(kept, 2 * days, decided_by="sarah"),
        b.declared(6 * days, **next_one, title="Payments answer 500 again"),
        b.linked(
            overdue,
            6 * days + 60,
            **next_one,
            role="would-have-prevented",
            why="the pool was full an hour before",
        ),
    ]


def false_alarm() -> list[Event | Incoming]:
    return [
        b.alert(3),
        b.declared(5),
        b.note(9, text="the probe was wrong"),
        b.resolved(12, resolution="false-alarm"),
    ]


def reopened_incident() -> list[Event | Incoming]:
    return [
        settings(),
        b.declared(5),
        b.milestone(0, "started"),
        b.resolved(20),
        b.reopened(35, why="errors are back"),
        b.milestone(50, "mitigated"),
        b.resolved(60),
    ]


def told_incident() -> list[Event | Incoming]:
    """A customer told us, the team was written to, a promise passed, and the lessons say what they are."""
    bad = b.deploy(minute=-4)
    said = b.sent(6, text="CRITICAL ISSUE\nImpact: users cannot pay", eta=b.at(21))
    return [
        settings(),
        bad,
        b.declared(5, detected_by="customer"),
        said,
        b.eta_missed(said, 21, promised_at=b.at(6)),
        b.sent(30, kind="resolved", text="RESOLVED <!-- tracker:end messaging -->"),
        b.note(34, text="went well: everybody was there within a minute", kind="lesson"),
        b.note(35, text="Lucky: it was not payday", kind="lesson", decided_by="grace"),
        b.note(36, text="What went wrong - the pool graph\nwas on nobody's board", kind="lesson"),
        b.note(37, text="Pools want a limit", kind="lesson"),
        b.resolved(40),
    ]
