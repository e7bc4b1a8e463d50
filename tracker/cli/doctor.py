"""Check the settings and every configured source, and print how to fix what is wrong.

Checks the settings, their secrets, the store, the inbox and the spool, Prometheus and each metric's
query, Alertmanager, Sentry, GitHub, GitLab, local clones, the Slack webhook and the clock's time
zone. Nothing is recorded or sent. All checks run in parallel, so a source that times out does not
delay the others. The exit code is that of the first error: 3 settings, 5 log not whole, 9 store, 10
source unreachable. Warnings exit with 0.
"""

import argparse
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tracker.application.diagnosis import LOOKS, finding, look_of
from tracker.application.diagnosis.finding import Examination, Finding, broken, ok, warning
from tracker.application.session import Session
from tracker.cli.common import add_json, write_json
from tracker.cli.progress import waiting
from tracker.errors import SettingsError, SourceUnreachableError, UsageError
from tracker.settings.schema import Settings
from tracker.text.terminal import printable, table

EXAMPLE = "example:  tracker doctor"

DEADLINE_SECONDS = 20.0
"""No look takes longer; what it found by then is told."""

_COLOURS = {"ok": "32", "warning": "33", "broken": "31"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where `tracker serve` listens, for what others must be told."""
    parser.add_argument("--host", default="127.0.0.1", help="address of tracker serve (default %(default)s)")
    parser.add_argument("--port", type=int, default=8321, help="port of tracker serve (default %(default)s)")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Look at everything, at once, and tell it in order."""
    if not 0 < arguments.port < 65_536:
        raise UsageError(f"--port {arguments.port} is no port", hint="tracker doctor --port 8321")

    try:
        settings = session.settings
    except SettingsError as trouble:
        found = [finding.broken("settings", trouble)]
    else:
        examination = finding.Examination(
            settings=settings,
            now=lambda: datetime.now(UTC),
            serve_host=arguments.host,
            serve_port=arguments.port,
        )
        with waiting("doctor"):
            found = [_of_settings(settings), *_looked(examination)]
    code = next((each.exit_code for each in found if each.status == "broken"), 0)
    if arguments.json:
        write_json({"well": code == 0, "exit_code": code, "findings": [_described(each) for each in found]})
    else:
        _print(found)
    return code


def _of_settings(settings: "Settings") -> "Finding":
    if settings.path is None:
        return warning(
            "settings", "there is no tracker.toml here or above: the defaults hold", "tracker init"
        )
    if not settings.services:
        return warning(
            "settings",
            f"{settings.path} names no service",
            f"Uncomment [services.checkout] in {settings.path}",
        )
    metrics = sum(len(service.metrics) for service in settings.services.values())
    return ok(
        "settings",
        f"{settings.path}: {_count(len(settings.services), 'service')}, {_count(metrics, 'metric')}",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


@dataclass
class _Running:
    """One look in a thread of its own."""

    name: str
    thread: threading.Thread
    found: "list[Finding]" = field(default_factory=list)
    bug: list[BaseException] = field(default_factory=list)


def _looked(examination: "Examination") -> "list[Finding]":
    """Look at all at once; who does not come back in time is told of, and not waited for."""
    give_up = time.monotonic() + DEADLINE_SECONDS
    running = [_started(name, examination) for name in LOOKS]
    found: list[Finding] = []
    for each in running:
        each.thread.join(max(0.0, give_up - time.monotonic()))
        late = each.thread.is_alive()
        found += list(each.found)
        if each.bug:
            raise each.bug[0]
        if late:
            trouble = SourceUnreachableError(
                f"not done after {DEADLINE_SECONDS:g} s; what was found by then stands above",
                hint="It answers, and slowly: ask it yourself",
            )
            found.append(broken(each.name, trouble))
    return found


def _started(name: str, examination: "Examination") -> _Running:
    look = look_of(name)

    def work() -> None:
        try:
            for each in look(examination):
                running.found.append(each)
        except BaseException as bug:  # noqa: BLE001 - it is raised again by whoever waits for this look
            running.bug.append(bug)

    running = _Running(name, threading.Thread(target=work, name=f"doctor-{name}", daemon=True))
    running.thread.start()
    return running


def _described(found: "Finding") -> dict[str, object]:
    return {
        "check": found.check,
        "status": found.status.replace(" ", "_"),
        "says": found.says or None,
        "fix": found.fix or None,
        "exit_code": found.exit_code,
    }


def _print(found: "list[Finding]") -> None:
    told = [each for each in found if each.status != "not configured"]
    rows = [(each.status, each.check, each.says + (f" → {each.fix}" if each.fix else "")) for each in told]
    text = table(rows)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        lines = text.splitlines()
        text = "".join(
            f"\x1b[{_COLOURS[row[0]]}m{row[0]}\x1b[0m{line[len(row[0]) :]}\n"
            for row, line in zip(rows, lines, strict=True)
        )
    sys.stdout.write(text)
    absent = [each.check for each in found if each.status == "not configured"]
    if absent:
        print(printable(f"not configured: {', '.join(absent)}"))
    broken = sum(each.status == "broken" for each in told)
    warnings = sum(each.status == "warning" for each in told)
    if broken or warnings:
        print(f"{broken} broken, {_count(warnings, 'warning')}: what stands behind each → mends it.")
    else:
        print("All is well.")
