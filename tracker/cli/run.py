"""Run a deploy, a rollback or a test, and record its start, its end and its exit code.

COMMAND always runs, even if the tracker's store or settings fail. Its exit code is returned.
"""

import argparse
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projections.changes import changes, same_version
from tracker.application import spool
from tracker.application.recording.changes import STEPS
from tracker.application.session import Session
from tracker.cli.common import say
from tracker.errors import BadInputError, RefusedError, TrackerError, UsageError
from tracker.events.base import Arrival, Incoming, Window, handle_of
from tracker.events.changes import TestsFinished
from tracker.ingest import git
from tracker.text import secrets

EXAMPLE = "example:  tracker run deploy checkout v1.2.1 -- ./deploy.sh v1.2.1"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("deploy", "rollback", "test"), help="what COMMAND does")
    parser.add_argument("service", metavar="SERVICE", help="the service")
    parser.add_argument(
        "version", metavar="VERSION", nargs="?", help="the version that is deployed or restored"
    )
    parser.add_argument("--env", default="production", metavar="ENVIRONMENT", help="default production")
    parser.add_argument("--sha", metavar="SHA", help="its commit (for test: default HEAD of this clone)")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    parser.usage = "%(prog)s [options] {deploy,rollback,test} SERVICE [VERSION] [-- COMMAND...]"


def run(arguments: argparse.Namespace, session: Session) -> int:
    command, shell = _command(arguments, session)
    if arguments.what == "deploy" and not arguments.version:
        arguments.version = arguments.sha or "unknown"
        say(f"tracker: no version given; recorded as {arguments.version}")
    recorder = _Recorder(arguments, session, without_secrets(command[0] if shell else shlex.join(command)))
    started_at, clock = datetime.now(UTC), time.monotonic()
    recorder.started(started_at)
    code = _run_child(command, shell)
    recorder.ended(started_at, datetime.now(UTC), time.monotonic() - clock, code)
    return code


def _command(arguments: argparse.Namespace, session: Session) -> tuple[list[str], bool]:
    if arguments.child:
        return arguments.child, False
    if arguments.what == "rollback":
        service = session.settings.services.get(arguments.service)
        if service is not None and service.rollback_command:
            return [service.rollback_command], True
        raise RefusedError(
            f"{arguments.service} has no rollback_command",
            hint=f"Add it to [services.{arguments.service}], or: tracker run rollback {arguments.service} -- COMMAND",
        )
    raise UsageError("run: no command given; it comes after --", hint=EXAMPLE.removeprefix("example:  "))


def _run_child(command: list[str], shell: bool) -> int:
    """Run it with our own input and output; Ctrl-C reaches it, and we wait for its end."""
    sys.stdout.flush()
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: object) -> None:
        """Whoever ends us means the child, and we are here to record how it ended."""
        if child is not None:
            child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        child = subprocess.Popen(command[0] if shell else command, shell=shell)
        return _waited_for(child)
    except FileNotFoundError:
        say(f"tracker: {command[0]}: no such command")
        return 127
    except OSError as wrong:
        say(f"tracker: {command[0]}: {wrong.strerror}")
        return 126
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _waited_for(child: "subprocess.Popen[bytes]") -> int:
    while True:
        try:
            code = child.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            continue


_SECRET = re.compile(
    r"""((?:token|passw(?:or)?d|secret|credentials?|api[-_]?key|authorization)[\w-]*["']?(?:[=:]\s*|\s+)["']?(?:bearer\s+)?)[^\s"']+""",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")


def without_secrets(command: str) -> str:
    """Strike out what a command line shows of passwords and tokens: the log keeps it for good."""
    struck = _CREDENTIALS.sub(r"\1***@", _SECRET.sub(r"\1***", command))
    return secrets.without_secrets(struck, "***")


class _Recorder:
    """Records around the child; what goes wrong here is said and never stops the child."""

    def __init__(self, arguments: argparse.Namespace, session: Session, command: str) -> None:
        self._arguments = arguments
        self._session = session
        self._command = command
        self._version = arguments.version
        self._run_id: str | None = None
        self._sha: str | None = arguments.sha
        self._dirty = False
        self._tree_sha: str | None = None
        self._service_looked_at = False
        self._pending: list[Any] = []
        self._told = ""

    def started(self, at: datetime) -> None:
        """Record the start; a test has none."""
        self._run_id = f"run-{at.timestamp():.6f}"
        if self._arguments.what == "test":
            self._quietly(self._look_at_clone)
            return
        self._quietly(lambda: self._change("start", at, {}))

    def ended(self, started_at: datetime, at: datetime, lasted: float, code: int) -> None:
        """Record the end."""
        more = {"exit_code": code, "duration_seconds": round(lasted, 3)}
        if self._arguments.what == "test":
            self._quietly(lambda: self._test(at, code, lasted))
        else:
            self._quietly(lambda: self._change("finish" if code == 0 else "fail", at, more))

    def _quietly(self, record: Callable[[], None]) -> None:
        try:
            record()
        except TrackerError as trouble:
            if trouble.message != self._told:
                say(f"tracker: not recorded in the log: {trouble.message}")
                if trouble.hint:
                    say(f"  {trouble.hint}")
                self._told = trouble.message
            if spool.keep_events(self._session, self._pending):
                what = self._pending[0].event.TOPIC
                say(
                    f"tracker: {what} was kept in the spool; the next command that reaches the store delivers it"
                )
        except Exception as bug:  # noqa: BLE001  (a bug of ours must not stop a deploy)
            say(f"tracker: not recorded, because of a bug: {bug!r}")

    def _look_at_clone(self) -> None:
        if self._sha is not None:
            places = (Path.cwd(), *self._clones())
            self._tree_sha = next(filter(None, (git.tree_of(each, self._sha) for each in places)), None)
            return
        try:
            self._sha, self._dirty = git.head(Path.cwd())
            self._tree_sha = None if self._dirty else git.tree_of(Path.cwd(), self._sha)
        except TrackerError as trouble:
            say(f"tracker: the commit under test is unknown: {trouble.message}")
            say("  Name it: --sha SHA")

    def _clones(self) -> list[Path]:
        settings = self._session.settings
        service = settings.services.get(self._arguments.service)
        return [settings.folder / Path(each).expanduser() for each in service.repositories] if service else []

    def _test(self, at: datetime, code: int, lasted: float) -> None:
        self._record(
            TestsFinished(
                occurred_at=at,
                source="run",
                service=self._arguments.service,
                sha=self._sha,
                exit_code=code,
                command=self._command,
                duration_seconds=round(lasted, 3),
                dirty=self._dirty,
                tree_sha=self._tree_sha,
            )
        )

    def _change(self, step: str, at: datetime, more: dict[str, Any]) -> None:
        version = self._version or self._previous_version() or "unknown"
        self._version = version
        self._record(
            STEPS[self._arguments.what, step](
                occurred_at=at,
                source="run",
                service=self._arguments.service,
                version=version,
                environment=self._arguments.env,
                sha=self._sha,
                run_id=self._run_id,
                command=self._command,
                **more,
            )
        )

    def _record(self, event: Any) -> None:
        try:
            who = self._session.author
        except TrackerError:
            who = "unknown"
        self._pending = [Incoming(event=event, arrival=Arrival(via="run", reported_by=who))]
        self._look_at_service()
        if (away := spool.deliver(self._session)) is not None:
            raise away  # it goes behind what waits
        recording = self._session.record(self._pending)
        say(f"tracker: recorded {event.TOPIC} of {event.service} as {handle_of(recording.recorded[0])}")

    def _look_at_service(self) -> None:
        """Say it where the service is mistyped; the run is recorded under what was typed."""
        if self._service_looked_at:
            return
        self._service_looked_at = True
        try:
            self._session.service(self._arguments.service)
        except BadInputError as unknown:
            say(f"tracker: {unknown.message}; recorded anyway")
            say(f"  {unknown.hint}")

    def _previous_version(self) -> str | None:
        """Return the version that ran before the current one, which may be deployed twice: what an undo goes back to."""
        try:
            facts = self._session.log.select([Window("changes")])
        except TrackerError:
            return None
        rows = [
            row
            for row in changes(facts)
            if (row.service, row.environment, row.status)
            == (self._arguments.service, self._arguments.env, "finished")
            and row.kind != "merge"
        ]
        return next(
            (row.version for row in reversed(rows) if not same_version(row.version, rows[-1].version)), None
        )
