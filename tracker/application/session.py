"""A session: settings, the log, the author, and what was typed turned into incidents, events and instants."""

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from projections.incidents import incidents
from projections.samples import Series, merge, spaced
from tracker.application import lookup
from tracker.application.clock_dates import dates_of
from tracker.application.secret_warnings import SecretScanner
from tracker.errors import BadInputError, RefusedError, SettingsError, UsageError
from tracker.events.base import Decision, Event, Incoming, Recorded, Window
from tracker.events.corrections import not_retracted
from tracker.events.housekeeping import SettingsChanged, settings_scope
from tracker.events.plausible import EARLIEST, LATEST_PLANNED, implausible
from tracker.events.samples import MetricSampled
from tracker.incident import Incident, fold
from tracker.ingest.services import ServiceRule, ServiceRules
from tracker.log import Appended, Log
from tracker.log.foreign_objects import not_ours
from tracker.settings.loading import load, store_despite_errors
from tracker.settings.schema import Settings
from tracker.text.shell import word
from tracker.times import Typed, parse, utc, zone


@dataclass
class Recording:
    """What a command added to the log."""

    recorded: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    def add(self, appended: "Appended") -> None:
        """Count what one append did."""
        self.recorded += appended.recorded
        self.known += appended.known

    def json(self) -> dict[str, Any]:
        """Return the keys that every recording command answers."""
        return {
            "recorded": len(self.recorded),
            "known": len(self.known),
            "events": [*self.recorded, *self.known],
        }

    def said(self) -> str:
        """Say what changed."""
        return f"{len(self.recorded)} new, {len(self.known)} already known"


@dataclass(frozen=True)
class Options:
    """What a caller may set; None is the default of the environment or of tracker.toml.

    Zones are names. `known_at` and `at_seq` limit every question to what the log had then.
    """

    config: str | None = None
    store: str | None = None
    by: str | None = None
    typed_zone: str | None = None
    shown_zone: str | None = None
    known_at: str | None = None
    at_seq: int | None = None


def _ignore(notice: str) -> None:
    """Drop a notice: the default for callers without a person in front of them."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Session:
    """What one caller works with: settings, the log, the author. Nothing is opened before it is used.

    `notify` takes notices for a person: a clock time in full, a text that looks like a secret. `clock` is
    another one than this machine's only in the demo.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        log: Log | None = None,
        notify: Callable[[str], None] = _ignore,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.options = options or Options()
        self.notify, self.clock = notify, clock
        if log is not None:
            self.__dict__["log"] = log

    @cached_property
    def settings(self) -> Settings:
        """What tracker.toml says."""
        return load(self.options.config, self.options.store)

    def use(self, settings: Settings) -> None:
        """Go on with these settings, which were read again."""
        self.__dict__["settings"] = settings
        for derived in ("rules", "shown_zone", "_settings_recorded"):
            self.__dict__.pop(derived, None)

    @property
    def store_address(self) -> str:
        """The log's address, also where tracker.toml is invalid: `tracker run` must not lose what it saw.

        Without any it is `folder:` and the current folder: what is kept there waits for its tracker.toml.
        """
        try:
            return self.settings.store
        except SettingsError:
            address = store_despite_errors(self.options.config, self.options.store)
            return address or f"folder:{Path.cwd()}"

    @cached_property
    def log(self) -> Log:
        """The log, opened when it is first used; what acts on its rows and is not ours is a notice."""
        log = Log(self.settings.store, now=self.clock)
        if foreign := log.foreign_objects:
            self.notify(f"tracker: {not_ours(foreign)}\n  See: tracker verify")
        return log

    def close(self) -> None:
        """Close the log, if it was opened."""
        if "log" in self.__dict__:
            self.log.close()

    @property
    def now(self) -> datetime:
        """This instant, from the same clock as the log's."""
        if "log" in self.__dict__:
            return self.log.now()
        return self.clock()

    # ── who, when, which ─────────────────────────────────────────────────────

    @cached_property
    def author(self) -> str:
        """Who is typing: --by, TRACKER_USER, git's user.name.

        Raises:
            UsageError: If none of them says.
        """
        given = self.options.by or os.environ.get("TRACKER_USER") or _git_user()
        if not given or not given.strip():
            raise UsageError("who says so?", hint="Add --by NAME, or: export TRACKER_USER=NAME")
        return given.strip()

    @cached_property
    def typed_zone(self) -> tzinfo | None:
        """The zone of times that are typed without one; None refuses them."""
        name = self.options.typed_zone or os.environ.get("TRACKER_TZ")
        return zone(name) if name else None

    @cached_property
    def shown_zone(self) -> tzinfo:
        """The zone in which instants are shown."""
        return zone(self.options.shown_zone or self.settings.tracker.time_zone)

    def instant(
        self,
        text: str | None,
        incident: "Incident | None" = None,
        *,
        option: str = "--at",
        allow_future: bool = False,
        around: tuple[datetime, datetime] | None = None,
    ) -> Typed:
        """Read a time as typed; without one it is now. A clock time is echoed in full.

        A clock time takes the date that puts it into `around`, else into the incident,
        else the latest one past.
        """
        now = self.now
        if text is None:
            return Typed(now, 0.001)
        earliest, latest = around or dates_of(incident)
        typed = parse(
            text,
            now=now,
            default_zone=self.typed_zone,
            earliest=earliest,
            latest=latest,
            option=option,
            allow_future=allow_future,
        )
        if not EARLIEST <= typed.at <= LATEST_PLANNED:
            raise UsageError(
                f"{option}: {text!r} is {utc(typed.at)}, {'before 1970' if typed.at < EARLIEST else 'too far ahead'}",
                hint="Type 14:45Z, 14:45+01:00, 2026-03-01T14:45:00Z, now or 5m-ago",
            )
        if text.strip() != "now" and not text.strip()[:5].rstrip("-").isdigit():
            self.notify(f"{option} {text} is {utc(typed.at)}")
        return typed

    def incident_id(self, typed: str) -> str:
        """Return the full id of the incident that was typed: INC-42, 42, or `.`.

        `.` is the only open one, else the only one of which something is still due.
        """

        def still_due() -> list[Incident]:
            # What is due needs every rule, and a session: only `.` after a resolve asks for it.
            found = import_module("tracker.application.still_due").still_due(self)
            return [incident for incident, _ in found]

        return lookup.incident_id(self.log, self.settings, typed, still_due)

    def incident(self, typed: str, up_to: int | None = None) -> "Incident":
        """Return what is known of the incident that was typed.

        Raises:
            RefusedError: If it was never declared.
        """
        name = self.incident_id(typed)
        found = fold(name, self.log.incident(name, up_to))
        if not found.exists:
            if up_to is not None and fold(name, self.log.incident(name)).exists:
                raise RefusedError(
                    f"{name} was not declared yet at position {up_to} of the log",
                    hint=f"See what was recorded when: tracker timeline {word(name)} --order recorded",
                )
            raise RefusedError(f"there is no {name}", hint="See which incidents exist: tracker list")
        return found

    def samples(
        self, service: str, metric: str, start: datetime, end: datetime, up_to: int | None = None
    ) -> "list[Series]":
        """Return the log's own samples of a metric, those of partial answers left out.

        No chunk spans more than a day, so a day back is where the first one can begin.
        """
        window = Window(f"samples:{service}/{metric}", start - timedelta(days=1), end)
        found = [fact.recorded for fact in not_retracted(self.log.select([window], up_to))]
        chunks = [
            each
            for each in found
            if isinstance(each.event, MetricSampled)
            and each.event.last_at >= start
            and not each.event.partial
        ]
        payloads = self.log.payloads([each.position for each in chunks])
        joined = merge((each, payloads.get(each.position, b"")) for each in chunks)
        return [spaced(each, start, end) for each in joined]

    def incidents(self, up_to: int | None = None) -> "list[Incident]":
        """Return every incident with all that was decided on it."""
        return self.load_incidents(self.incident_summaries(up_to), up_to)

    def incident_summaries(self, up_to: int | None = None) -> list[Incident]:
        """Return every incident with its lifecycle only."""
        return lookup.incident_summaries(self.log, up_to)

    def load_incidents(self, found: "Iterable[Incident]", up_to: int | None = None) -> "list[Incident]":
        """Return these incidents with all that was decided on them."""
        names = {each.id for each in found}
        selected = incidents(self.log.select([Window(f"incident:{name}") for name in sorted(names)], up_to))
        return [each for each in selected if each.id in names]

    def settings_recorded(
        self, service: str | None, up_to: int | None = None, incident: str | None = None
    ) -> "Recorded | None":
        """Return what says how a service is set up, or, without one, what holds for all services.

        An incident that came in a bundle has the settings of the log that it came from.
        """
        own = self.log.latest(settings_scope(service, incident), up_to) if incident else None
        return own or self.log.latest(settings_scope(service), up_to)

    def position_limit(self) -> int | None:
        """Return the position up to which --known-at or --at-seq lets us look; None is all."""
        position = self.options.at_seq
        known_at = self.options.known_at
        if position is not None and known_at is not None:
            raise UsageError(
                "--known-at and --at-seq both say up to where to look", hint="Give only one of them"
            )
        if position is not None:
            last = self.log.position
            if position < 0 or position > last:
                raise UsageError(f"--at-seq {position}: the log ends at {last}", hint=f"--at-seq {last}")
            return int(position)
        if known_at is not None:
            return self.log.position_at(self.instant(known_at, option="--known-at").at)
        return None

    def event(self, typed: str, up_to: int | None = None, incident: "Incident | None" = None) -> "Recorded":
        """Return the event that was typed: an id, a handle, or SERVICE@VERSION, with an incident that one's.

        Raises:
            BadInputError: If there is none, or more than one.
        """
        if "@" in typed:
            return lookup.deploy(self.log, self.settings, typed, up_to, incident)
        return self.log.resolve_handle(typed, up_to)

    def service(self, typed: str) -> str:
        """Return the name of a configured service; anything goes where none is configured."""
        return lookup.service(self.settings, typed)

    def asked_service(self, typed: str) -> str:
        """Return the name of a service that is asked about: a configured one, or one that the log knows.

        Raises:
            BadInputError: If tracker.toml has services, and neither knows this one.
        """
        return (
            typed if f"service:{typed}" in self.log.scope_names(f"service:{typed}") else self.service(typed)
        )

    @cached_property
    def rules(self) -> "ServiceRules":
        """How payloads find their service."""
        return ServiceRules(
            tuple(
                ServiceRule(
                    name=name,
                    alert_labels=service.alert_labels,
                    sentry_projects=service.sentry_projects,
                    repositories=service.repositories,
                    github_repository=service.github_repository,
                    gitlab_project=service.gitlab_project,
                )
                for name, service in self.settings.services.items()
            )
        )

    # ── recording ────────────────────────────────────────────────────────────

    def record(
        self,
        facts: "Iterable[Event | Incoming]",
        recording: Recording | None = None,
        *,
        look_for_secrets: bool = True,
    ) -> Recording:
        """Append facts, with the settings before them when those have changed.

        Raises:
            BadInputError: If one of them lies before 1970 or in the future; nothing is recorded then.
        """
        recording = recording or Recording()
        batch = list(facts)
        self._refuse_implausible(batch)
        if batch:
            self.record_settings()
            if look_for_secrets:
                self.secrets.look(batch)
            appended = self.log.append(batch)
            if look_for_secrets:
                self.secrets.recorded(appended.recorded, appended.known)
            recording.add(appended)
        return recording

    def decide(
        self,
        name: str,
        decision: "Callable[[Incident], Sequence[Decision | Incoming]]",
        recording: Recording | None = None,
    ) -> Recording:
        """Append decisions of one incident, made anew when another writer was faster."""
        recording = recording or Recording()
        self.record_settings()

        def decided(held: "list[Recorded]") -> "Sequence[Decision | Incoming]":
            made = decision(fold(name, held))
            self._refuse_implausible(made)
            self.secrets.look(made)
            return made

        appended = self.log.decide(name, decided)
        self.secrets.recorded(appended.recorded, appended.known)
        recording.add(appended)
        return recording

    def _refuse_implausible(self, batch: "Iterable[Event | Incoming]") -> None:
        now = self.now
        for fact in batch:
            problem = implausible(fact.event if isinstance(fact, Incoming) else fact, now)
            if problem is not None:
                raise BadInputError(problem, hint="Correct it where it comes from; see this clock: date -u")

    @cached_property
    def secrets(self) -> "SecretScanner":
        """Looks at all that is about to be recorded, and warns of what looks like a secret."""
        return SecretScanner(self.notify)

    def record_settings(self) -> None:
        """Append what answers depend on, where tracker.toml says other than the log."""
        if self.settings.path is None or self.__dict__.get("_settings_recorded"):
            return
        changed = []
        for service, facts in self.settings.facts().items():
            last = self.settings_recorded(service)
            held = last.event.settings if last and isinstance(last.event, SettingsChanged) else None
            if held != facts:
                changed.append(SettingsChanged(occurred_at=self.now, service=service, settings=facts))
        if changed:
            self.log.append(changed)
        self.__dict__["_settings_recorded"] = True


def _git_user() -> str | None:
    try:
        found = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
