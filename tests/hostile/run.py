"""A whole hostile run: first nobody may come in, then some may; afterwards all that must hold is looked at."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.hostile import parsers, payloads, raw, routes
from tests.hostile.target import ever_kept, peak_bytes, position, serving
from tests.servers.serving import TrackerServer, until

MOST_BYTES = 400 << 20
"""The most memory that the server may ever have, whatever is sent."""
_SLOW_CONNECTIONS = 60
_BUGS = ("a bug", "processing the inbox failed; retrying", "declaring failed; retrying")


@dataclass
class Report:
    """What a run saw, and what was wrong with it."""

    statuses: dict[str, "Counter[int]"] = field(default_factory=dict)
    unanswered: int = 0
    requests: int = 0
    slowest_seconds: float = 0.0
    peak_bytes: int = 0
    kept: int = 0
    parked: "Counter[str]" = field(default_factory=Counter)
    recorded: int = 0
    found_again: int = 0
    """How many of the marked bodies were answered 202 and stand in the log."""
    fuzzed: list[parsers.Fuzzed] = field(default_factory=list)
    skipped: str | None = None
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(
    folder: Path,
    *,
    requests: int,
    examples: int,
    runs: int,
    guided: bool,
    seconds: float = 3600.0,
    seed: int = 1,
    tell: Callable[[str], None] = lambda said: None,
) -> Report:
    """Send so many requests in all; schemathesis gets `examples` for each operation, a parser so many `runs`."""
    report, began = Report(), time.monotonic()
    with serving(folder) as target:
        for let_in in (False, True):
            name = "some are let in" if let_in else "nobody is let in"
            before = position(target), ever_kept(target)
            with contextlib.ExitStack() as held:
                for connection in raw.slow(target, _SLOW_CONNECTIONS):
                    held.callback(connection.close)
                tried = None
                if examples:
                    tried = routes.try_routes(
                        target, examples=examples, let_in=let_in, seconds=int(seconds / 8), seed=seed
                    )
                    _add(report, f"schemathesis, {name}", tried.statuses)
                    if not tried.passed:
                        report.wrong.append(f"schemathesis, {name}: {tried.words[-3000:]}")
                    tell(f"schemathesis, {name}: {_shown(tried.statuses)}")
                left = (
                    (requests // 2 - (tried.requests if tried else 0))
                    if not let_in
                    else requests - report.requests
                )
                seen = raw.fire(
                    target, raw.shots(seed + let_in, max(0, left), let_in), seconds=seconds * 0.375
                )
            _add(report, f"sockets, {name}", seen.statuses, seen.unanswered)
            report.slowest_seconds = max(report.slowest_seconds, seen.slowest_seconds)
            report.wrong += seen.wrong[:20]
            tell(f"sockets, {name}: {_shown(seen.statuses)}, {seen.unanswered} ended without an answer")
            if not let_in:
                if (position(target), ever_kept(target)) != before:
                    report.wrong.append(
                        f"something was recorded: {before} became {position(target), ever_kept(target)}"
                    )
            else:
                _look(target, report, seen.marks)
        report.peak_bytes = peak_bytes(target)
    if report.peak_bytes > MOST_BYTES:
        report.wrong.append(f"it took {report.peak_bytes >> 20} MiB of memory")
    _look_at_words(target.log(), report)
    if runs:
        _fuzz(report, folder, runs, guided, seed, tell)
    report.seconds = time.monotonic() - began
    return report


def _add(report: Report, name: str, statuses: "Counter[int]", unanswered: int = 0) -> None:
    report.statuses[name] = statuses
    report.unanswered += unanswered
    report.requests += sum(statuses.values()) + unanswered
    for status in statuses:
        if status >= 500 and status != 503:
            report.wrong.append(
                f"{name}: {statuses[status]} answers of {status} (599: a 503 without Retry-After)"
            )


def _look(target: TrackerServer, report: Report, marks: set[int]) -> None:
    """Ask what must hold afterwards."""
    if target.request("/healthz").body != b"ok\n":
        report.wrong.append("/healthz does not answer")
    target.digested(600)
    until(target.is_ready)
    target.answer("verify")
    accepted = sum(statuses[202] for statuses in report.statuses.values())
    report.kept, report.recorded = ever_kept(target), position(target)
    # What sentry-cli records is answered as by Sentry: 201, or 200 for a release that is changed.
    most = accepted + sum(statuses[200] + statuses[201] for statuses in report.statuses.values())
    if not accepted <= report.kept <= most:
        report.wrong.append(f"{accepted} were answered 202, and the inbox took {report.kept}")
    parked = target.answer("inbox", "list")["parked"]
    for each in parked:
        reason = str(each["reason"])
        report.parked[str(each["route"])] += 1
        if reason.startswith(("a bug in the reader", "the log rejected it")):
            report.wrong.append(f"parked: {each['route']}: {reason[:300]}")
    found = _found(target)
    report.found_again = len(marks & found)
    missing = marks - found
    if missing:
        report.wrong.append(f"{len(missing)} of {len(marks)} were answered 202 and are not in the log")
    for name in ("tracker.db", "tracker.db.inbox", "tracker.db-wal", "tracker.db.inbox-wal"):
        path = target.folder / name
        if path.exists() and payloads.FORBIDDEN.encode() in path.read_bytes():
            report.wrong.append(f"{name} holds something of a request that was not let in")


def _found(target: TrackerServer) -> set[int]:
    """Give the numbers of the marked alerts that the log has."""
    from tracker.events.alerts import AlertFired
    from tracker.events.base import Window
    from tracker.log import Log

    with contextlib.closing(Log(target.store)) as log:
        events = [
            each.event for each in log.select([Window("service:checkout", datetime(1, 1, 1, tzinfo=UTC))])
        ]
    names = [each.name for each in events if isinstance(each, AlertFired)]
    return {int(name.rpartition("-")[2]) for name in names if name.startswith(f"{payloads.MARK}-")}


def _look_at_words(log: str, report: Report) -> None:
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said["says"] in _BUGS or "Exception in ASGI" in said["says"]:
                report.wrong.append(f"serve.log: {line[:200]} … {line[-1500:]}")


def _fuzz(
    report: Report, folder: Path, runs: int, guided: bool, seed: int, tell: Callable[[str], None]
) -> None:
    if guided and not parsers.atheris_is_here():
        guided, report.skipped = False, "atheris has no wheel for this machine: dice instead"
    for name in parsers.parsers():
        fuzzed = parsers.fuzz(name, runs, folder / "parsers", guided=guided, seed=seed)
        report.fuzzed.append(fuzzed)
        if fuzzed.broken is not None:
            report.wrong.append(f"parser {name}: {fuzzed.broken}")
        tell(
            f"parser {name}: {runs} inputs in {fuzzed.seconds:.0f} s, {'held' if fuzzed.broken is None else 'BROKEN'}"
        )


def _shown(statuses: "Counter[int]") -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
