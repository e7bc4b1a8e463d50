"""Playing the demo's story into a log: what sources sent, and what people typed."""

import contextlib
import hashlib
import io
import json
import shlex
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tracker import demo
from tracker.application import report, report_files
from tracker.application.collect import sources
from tracker.application.session import Options, Recording, Session
from tracker.application.verdicts import record_verdicts
from tracker.cli.dispatch import call, parser_for
from tracker.decisions import lifecycle
from tracker.demo import story
from tracker.demo.recorded import RecordedPrometheus
from tracker.demo.repository import unpack
from tracker.demo.settings import TOML
from tracker.demo.story import (
    INCIDENT,
    SERVICE,
    STORY,
    Collected,
    CommandTyped,
    Declared,
    Delivered,
    Pushed,
    Step,
    Tested,
    instant,
)
from tracker.events.base import Arrival, Event, Incoming, encode, handle_of
from tracker.events.changes import TestsFinished
from tracker.incident import Incident
from tracker.ingest import alertmanager, cdevents
from tracker.ingest.sentry import envelope
from tracker.log import Log
from tracker.times import Typed

LIVE_TOML = TOML.replace('repositories = ["checkout"]\n', "")
"""Without the repository, which has all commits already: a server would read those to come."""
SPEED = 30.0
FASTEST = 600.0
"""How many times faster than it happened the story is played live."""
_READERS: dict[str, Callable[..., list[Incoming]]] = {
    "alertmanager": alertmanager.read,
    "events": cdevents.read,
    "sentry": partial(envelope.read, project="7"),
}


def _salt(event: Event) -> bytes:
    """Make a salt that is no secret: the demo's log is the same bytes each time."""
    return hashlib.blake2b(encode(event), digest_size=16, person=b"tracker demo").digest()


class Player:
    """Plays the story into a folder, on a clock that the story sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.missing = ""
        self.people: set[str] = set()
        self.events = 0
        self.head = ""
        self.files: list[str] = []
        self.incident = INCIDENT
        self.correction = ""
        self._clock = datetime(2026, 1, 22, tzinfo=UTC)
        self._named: dict[str, str] = {}
        self._feeds = Path(demo.__file__).parent / "feeds"
        self._store = str(folder / "tracker.db")

    def play(self) -> None:
        """Write the settings, unpack the repository, play every step, write the report."""
        self.prepare()
        self.record()

    def record(self) -> None:
        """Play every step, and write the report."""
        with Log(self._store, now=self._now, salts=_salt) as log:
            self._session = Session(self.options, log=log)
            self._play_all()
            log.seal()
            self.events, self.head = log.position, log.head(log.position)
            self._report()

    def prepare(self, settings: str = TOML) -> None:
        """Write the settings, and unpack the repository."""
        (self.folder / "tracker.toml").write_text(settings, encoding="utf-8")
        self.missing = unpack(self._feeds / "checkout.bundle", self.folder / "checkout") or ""

    @property
    def options(self) -> Options:
        """Where its log is."""
        return Options(config=str(self.folder / "tracker.toml"), store=self._store)

    def _now(self) -> datetime:
        return self._clock

    def _play_all(self) -> None:
        for step in STORY:
            self._clock = instant(step.at)
            self._play(step)

    def _play(self, step: Step) -> None:
        match step:
            case story.Declared():
                self._declared(step)
            case story.CommandTyped():
                self._typed(step)
            case story.Delivered():
                self._delivered(step)
            case story.Pushed():
                self._pushed(step)
            case story.Tested():
                self._tested(step)
            case story.Collected():
                self._collected(step)

    def _declared(self, step: Declared) -> None:
        decided = lifecycle.declare(
            INCIDENT,
            title=step.title,
            services=(SERVICE,),
            severity=step.severity,
            by=step.by,
            at=Typed(self._clock, 0.001),
            detected=Typed(instant(step.detected_at), 1.0),
            detected_by=step.detected_by,
            impact=step.impact,
            lead=step.lead,
        )
        self._session.decide(INCIDENT, lambda held: decided)
        self._wrote(step.by)

    def _typed(self, step: CommandTyped) -> None:
        command = self._worded(step.command)
        words = [*shlex.split(command), "--by", step.by, "--json"]
        if words[0] == "publish":
            words += ["-o", str(self.folder / f"{INCIDENT}.md")]
        answer = json.loads(self._command(words))
        if step.name:
            self._named[step.name] = handle_of(answer["events"][0])
        if command.startswith("amend"):
            self.correction = command.split()[1]
        self._wrote(step.by)

    def _worded(self, command: str) -> str:
        """Name the incident and the events that a command is about."""
        for name, handle in self._named.items():
            command = command.replace("{" + name + "}", handle)
        return command.replace(INCIDENT, self.incident)

    def _wrote(self, by: str) -> None:
        self.counts["people"] += 1
        self.people.add(by)

    def _command(self, words: list[str]) -> str:
        """Run a command as if it had been typed, and return what it printed."""
        arguments = parser_for(words[0]).parse_args(
            [*words[1:], f"--config={self.options.config}", f"--store={self._store}"]
        )
        arguments.child, arguments.at_tz = [], "UTC"
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()):
            call(arguments, log=self._session.log)
        return printed.getvalue()

    def _delivered(self, step: Delivered) -> None:
        arrival = Arrival(via="webhook", received_at=self._clock)
        read = _READERS[step.source]
        data = self._fed(step)
        self._record(step.source, read(data, where=step.feed, rules=self._session.rules, arrival=arrival))

    def _fed(self, step: Delivered) -> bytes:
        """Return what a source sent."""
        data = (self._feeds / step.feed).read_bytes()
        return data.splitlines()[step.line - 1] if step.line else data

    def _record(self, source: str, facts: list[Incoming]) -> None:
        self.counts[source] += len(self._session.record(facts).recorded)

    def _pushed(self, _: Pushed) -> None:
        if self.missing:
            return
        since = self._clock - timedelta(days=30)
        pulled = sources.repository(self._session, self.folder / "checkout", SERVICE, since, self._clock)
        sources.raise_if_failed([pulled])
        self.counts["git"] += len(pulled.recording.recorded)

    def _tested(self, step: Tested) -> None:
        finished = TestsFinished(
            occurred_at=self._clock,
            source="run",
            service=SERVICE,
            sha=self._sha("hotfix/v1.2.1"),
            exit_code=0,
            command=step.command,
            duration_seconds=step.duration_seconds,
        )
        self._record("tests", [Incoming(event=finished, arrival=Arrival(via="run", reported_by=step.by))])

    def _sha(self, branch: str) -> str:
        shas: dict[str, str] = json.loads((self._feeds / "commits.json").read_text(encoding="utf-8"))
        return shas[branch]

    def _collected(self, _: Collected) -> None:
        """Ask the recorded Prometheus as `tracker collect` asks a running one."""
        session = self._session
        incident: Incident = session.incident(self.incident)
        start = incident.begins_at - timedelta(days=1)
        end = (incident.ends_at or self._clock) + timedelta(days=1)
        with self._prometheus() as api:
            pulled = [
                sources.alert_history(session, api, start=start, end=end),
                sources.alert_rules(session, api),
            ]
            for name, metric in session.settings.services[SERVICE].metrics.items():
                found = sources.with_history(
                    session,
                    api,
                    service=SERVICE,
                    name=name,
                    metric=metric,
                    start=incident.begins_at,
                    end=end,
                )
                self.counts["samples"] += found.new_samples or 0
                pulled.append(found)
        sources.raise_if_failed(pulled)
        self.counts["metrics"] = len(session.settings.services[SERVICE].metrics)
        self.counts["prometheus"] += sum(len(each.recording.recorded) for each in pulled)
        judged = Recording()
        record_verdicts(session, session.incident(self.incident), judged)
        self.counts["verdicts"] += len(judged.recorded)
        session.log.seal()

    def _prometheus(self) -> RecordedPrometheus:
        """Return the Prometheus that is asked."""
        return RecordedPrometheus(self._feeds / "prometheus.json.xz", lambda: self._clock)

    def _report(self) -> None:
        written = report.document(self._session, self._session.incident(INCIDENT), None)
        report_files.write_report(self.folder / f"{INCIDENT}.md", written.markdown.encode(), written.pictures)
        checkout = [] if self.missing else ["checkout"]
        self.files = [f"{INCIDENT}.md", *sorted(written.pictures), "tracker.toml", "tracker.db", *checkout]
