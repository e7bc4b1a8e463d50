"""Check the settings and every configured source, and print how to fix what is wrong.

Checks the settings and their secrets, the store, `tracker serve` (whether it runs, with which settings,
on which port), the inbox, the spool, and the local time zone; Prometheus and each metric's query,
Alertmanager, Sentry, GitHub, GitLab, local clones and the channels for messages. Nothing is recorded or sent.
All checks run in parallel, so a source that times out does not delay the others. The exit code is that
of the first error: 3 settings, 5 log not whole, 9 store, 10 source unreachable. Warnings exit with 0.
"""

import argparse
import os
import sys
from datetime import UTC, datetime

from tracker.application.diagnosis import counted, diagnose
from tracker.application.diagnosis.examination import Examination
from tracker.application.running_server import running
from tracker.application.session import Session
from tracker.cli.common import add_json, write_json, write_unfiltered
from tracker.cli.progress import waiting
from tracker.errors import SettingsError, UsageError
from tracker.ingest.findings import Finding, broken
from tracker.text.terminal import printable, table

EXAMPLE = "example:  tracker doctor"

_COLOURS = {"ok": "32", "warning": "33", "broken": "31"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", help="address of tracker serve (default: of the one that runs, else 127.0.0.1)"
    )
    parser.add_argument(
        "--port", type=int, help="port of tracker serve (default: of the one that runs, else 8321)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.port is not None and not 0 < arguments.port < 65_536:
        raise UsageError(
            f"--port must be between 1 and 65535, not {arguments.port}", hint="tracker doctor --port 8321"
        )
    try:
        settings = session.settings
    except SettingsError as problem:
        findings = [broken("settings", problem)]
    else:
        server = running(settings.store)
        host = arguments.host or (server.host if server else "127.0.0.1")
        port = arguments.port or (server.port if server else 8321)
        with waiting("doctor"):
            findings = diagnose(Examination(settings, lambda: datetime.now(UTC), host, port, server))
    code = next((finding.exit_code for finding in findings if finding.status == "broken"), 0)
    if arguments.json:
        described = [_described(finding) for finding in findings]
        write_json({"well": code == 0, "exit_code": code, "findings": described})
    else:
        _print(findings)
    return code


def _described(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "status": finding.status.replace(" ", "_"),
        "says": finding.says or None,
        "fix": finding.fix or None,
        "exit_code": finding.exit_code,
    }


def _print(findings: list[Finding]) -> None:
    shown = [finding for finding in findings if finding.status != "not configured"]
    rows = [(each.status, each.check, each.says + (f" → {each.fix}" if each.fix else "")) for each in shown]
    text = table(rows)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        lines = text.splitlines()
        text = "".join(
            f"\x1b[{_COLOURS[row[0]]}m{row[0]}\x1b[0m{line[len(row[0]) :]}\n"
            for row, line in zip(rows, lines, strict=True)
        )
    write_unfiltered(text)
    absent = [finding.check for finding in findings if finding.status == "not configured"]
    if absent:
        print(printable(f"not configured: {', '.join(absent)}"))
    errors = sum(finding.status == "broken" for finding in shown)
    warnings = sum(finding.status == "warning" for finding in shown)
    if errors or warnings:
        print(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}. The command after → fixes each.")
    else:
        print("No problems found.")
