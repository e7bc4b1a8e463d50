"""Run a deploy, a rollback or a test, and record its start, its end and its exit code.

COMMAND always runs, even if the tracker's store or settings fail. Its exit code is returned.
Signals that stop it (Ctrl-C, SIGTERM, SIGHUP) reach it once, and its end is recorded whatever else
arrives. Stopped and left with 0, it is recorded as interrupted, its result unknown, and the exit code
is 128 and the signal's number; killed together with tracker, the next command records that.
"""

import argparse
import contextlib
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from projections.changes import changes_among
from projections.incident_windows import CHANGES_AND_REFS
from projections.tags import Tags
from projections.versions import UNKNOWN, same_version
from tracker.application.recording.changes import STEPS
from tracker.application.session import Session
from tracker.application.spool import delivering, keeping
from tracker.application.spool.open_runs import OpenRun
from tracker.cli.child_process import ChildEnd, SignalPipe, run_child
from tracker.cli.common import say
from tracker.errors import BadInputError, RefusedError, TrackerError, UsageError
from tracker.events.base import Arrival, Incoming, Observation, Window, handle_of
from tracker.events.changes import Change, RollbackFinished, TestsFinished, TestsInterrupted
from tracker.events.corrections import not_retracted
from tracker.ingest import git
from tracker.text import secrets
from tracker.text.shell import command as command_line
from tracker.text.shell import word
from tracker.text.terminal import printable

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
        arguments.version = arguments.sha
        say(f"tracker: no version given{f'; recorded as {arguments.sha}' if arguments.sha else ''}")
    recorder = _Recorder(arguments, session, without_secrets(command[0] if shell else shlex.join(command)))
    with SignalPipe() as signals:
        recorder.started()
        if stopped := signals.stopping():
            say("tracker: stopped before it began; COMMAND did not run")
            # Tests that did not run did not fail.
            end = ChildEnd(None if arguments.what == "test" else 128 + stopped[0], stopped[0])
        else:
            end = _run_child(command, shell, signals)
        recorder.ended(end)
    return end.exit_code


def _command(arguments: argparse.Namespace, session: Session) -> tuple[list[str], bool]:
    if arguments.child:
        return arguments.child, False
    if arguments.what == "rollback":
        service = session.settings.services.get(arguments.service)
        if service is not None and service.rollback_command:
            return [_with_version(service.rollback_command, arguments)], True
        raise RefusedError(
            f"{arguments.service} has no rollback_command",
            hint=f"Add it to [services.{arguments.service}], or: tracker run rollback {word(arguments.service)} -- COMMAND",
        )
    raise UsageError("run: no command given; it comes after --", hint=EXAMPLE.removeprefix("example:  "))


def _with_version(command: str, arguments: argparse.Namespace) -> str:
    """Fill in the version that was typed: no shell reads anything else in it."""
    if _VERSION not in command:
        return command
    service, version = arguments.service, arguments.version
    if not version:
        raise RefusedError(
            f"the rollback_command of {service} goes to {_VERSION}, and no version was typed",
            hint=f"tracker run rollback {word(service)} VERSION; which ran: {command_line('tracker', 'changes', '--service', service)}",
        )
    if not _PLAIN.fullmatch(version):
        raise RefusedError(
            f"{version!r} cannot be filled into the rollback_command of {service}: it has characters that a shell reads",
            hint=f"Run the command by hand: tracker run rollback {word(service)} {word(version)} -- COMMAND",
        )
    return command.replace(_VERSION, version)


def _running_version(command: str) -> str | None:
    """Return what a version_command prints; None, said, where it fails or prints no version."""
    try:
        asked = subprocess.run(
            command,
            shell=True,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_ASKED_SECONDS,
        )
    except (subprocess.SubprocessError, OSError) as wrong:
        say(f"tracker: the running version is unknown: version_command: {wrong}")
        return None
    printed = asked.stdout.decode(errors="replace").strip()
    if not _PRINTED.fullmatch(printed):
        shown = printed[:80] or "nothing"
        say(f"tracker: the running version is unknown: version_command printed {printable(shown)}")
        return None
    return printed


def _run_child(command: list[str], shell: bool, signals: SignalPipe) -> ChildEnd:
    sys.stdout.flush()
    try:
        return run_child(command, shell=shell, signals=signals)
    except FileNotFoundError:
        say(f"tracker: {command[0]}: no such command")
        return ChildEnd(127)
    except OSError as wrong:
        say(f"tracker: {command[0]}: {wrong.strerror}")
        return ChildEnd(126)


_SECRET = re.compile(
    r"""((?:token|passw(?:or)?d|secret|credentials?|api[-_]?key|authorization)[\w-]*["']?(?:[=:]\s*|\s+)["']?(?:bearer\s+)?)[^\s"']+""",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")


def without_secrets(command: str) -> str:
    """Strike out what a command line shows of passwords and tokens: the log keeps it for good."""
    struck = _CREDENTIALS.sub(r"\1***@", _SECRET.sub(r"\1***", command))
    return secrets.without_secrets(struck, "***")


_VERSION = "{version}"
_PLAIN = re.compile(r"[A-Za-z0-9_][\w.@:/+-]*", re.ASCII)
_PRINTED = re.compile(r"[!-~]{1,200}", re.ASCII)
_ASKED_SECONDS = 30


class _Recorder:
    """Records around the child; what goes wrong here is said and never stops the child."""

    def __init__(self, arguments: argparse.Namespace, session: Session, command: str) -> None:
        self._arguments = arguments
        self._session = session
        self._command = command
        self._version = arguments.version
        self._sha: str | None = arguments.sha
        self._dirty = False
        self._tree_sha: str | None = None
        self._started_at = datetime.now(UTC)
        self._clock = time.monotonic()
        self._open_run: OpenRun | None = None
        self._author = "unknown"
        self._service_looked_at = False
        self._pending: list[Any] = []
        self._told = ""

    def started(self) -> None:
        """Record the start; a test has none. From here on the end is recorded, if by the next command."""
        with contextlib.suppress(TrackerError):
            self._author = self._session.author
        if self._arguments.what == "test":
            self._quietly(self._look_at_clone)
        self._quietly(self._expect_to_be_killed)
        if self._arguments.what != "test":
            self._quietly(lambda: self._record(self._change("start", self._started_at)))

    def ended(self, end: ChildEnd) -> None:
        """Record the end."""
        at = datetime.now(UTC)
        lasted = round(time.monotonic() - self._clock, 3)
        if not end.is_known:
            event = self._interrupted(end.stopped_by, end.code, lasted)
        elif self._arguments.what == "test":
            event = self._test(at, end.exit_code, lasted)
        else:
            step = "finish" if end.exit_code == 0 else "fail"
            if step == "finish" and not self._version:
                self._quietly(self._ask_version)
            event = self._change(step, at, exit_code=end.exit_code, duration_seconds=lasted)
        is_safe = self._quietly(lambda: self._record(event))
        if self._open_run is not None and is_safe:
            self._open_run.close()

    def _expect_to_be_killed(self) -> None:
        try:
            self._open_run = keeping.begin_run(self._session, self._incoming(self._interrupted(None)))
        except OSError as wrong:
            say(f"tracker: if this process is killed, nothing will say so: {wrong.strerror}")

    def _quietly(self, record: Callable[[], None]) -> bool:
        """Do it, whatever happens; whether what there was to record is in the log or in the spool."""
        self._pending = []
        try:
            record()
            return True
        except TrackerError as trouble:
            if trouble.message != self._told:
                say(f"tracker: not recorded in the log: {trouble.message}")
                if trouble.hint:
                    say(f"  {trouble.hint}")
                self._told = trouble.message
        except Exception as bug:  # noqa: BLE001  (a bug of ours must not stop a deploy)
            say(f"tracker: not recorded, because of a bug: {bug!r}")
        if not keeping.keep_events(self._session, self._pending):
            return False
        what = self._pending[0].event.TOPIC
        say(f"tracker: {what} was kept in the spool; {keeping.who_delivers(self._session)}")
        return True

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

    def _test(self, at: datetime, code: int, lasted: float) -> TestsFinished:
        return TestsFinished(
            occurred_at=at,
            source="run",
            service=self._arguments.service,
            sha=self._sha,
            exit_code=code,
            command=self._command,
            duration_seconds=lasted,
            dirty=self._dirty,
            tree_sha=self._tree_sha,
        )

    def _interrupted(
        self, stopped_by: int | None, code: int | None = None, lasted: float | None = None
    ) -> Any:
        if self._arguments.what == "test":
            return TestsInterrupted(
                occurred_at=self._started_at,
                source="run",
                service=self._arguments.service,
                sha=self._sha,
                command=self._command,
                signal=stopped_by,
                dirty=self._dirty,
                tree_sha=self._tree_sha,
            )
        return self._change(
            "interrupt", self._started_at, signal=stopped_by, exit_code=code, duration_seconds=lasted
        )

    def _change(self, step: str, at: datetime, **more: Any) -> Change:
        return STEPS[self._arguments.what, step](
            occurred_at=at,
            source="run",
            service=self._arguments.service,
            version=self._version or UNKNOWN,
            environment=self._arguments.env,
            sha=self._sha,
            run_id=f"run-{self._started_at.timestamp():.6f}",
            command=self._command,
            **more,
        )

    def _incoming(self, event: Observation) -> Incoming:
        return Incoming(event=event, arrival=Arrival(via="run", reported_by=self._author))

    def _record(self, event: Observation) -> None:
        self._pending = [self._incoming(event)]
        self._look_at_service()
        if (away := delivering.deliver(self._session)) is not None:
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

    def _ask_version(self) -> None:
        """Ask what runs now, where nobody named it; what ran before is not what a rollback went back to."""
        service = self._session.settings.services.get(self._arguments.service)
        if service is None or not service.version_command:
            say(
                f"tracker: the version is unknown; name it: tracker run {word(self._arguments.what)} SERVICE VERSION,"
            )
            say(f'  or once in tracker.toml: [services.{self._arguments.service}] version_command = "…"')
            return
        running = _running_version(service.version_command)
        if running is not None and self._ran_before(running):
            say(f"tracker: the version is unknown: version_command still prints {running}, which ran before")
            return
        self._version = running

    def _ran_before(self, version: str) -> bool:
        """Whether the log's last version is that one: a rollback that returned early has not replaced it yet."""
        if self._arguments.what != "rollback":
            return False
        window = Window(f"service:{self._arguments.service}", topics=CHANGES_AND_REFS)
        facts = not_retracted(self._session.log.select([window]))
        last = next((row for row in reversed(changes_among(facts)) if row.status == "finished"), None)
        now = RollbackFinished(
            occurred_at=self._session.now, source="run", service=self._arguments.service, version=version
        )
        return last is not None and same_version(last, Tags(facts).version(now))
