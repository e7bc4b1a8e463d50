"""What the log knows of an incident, as the readers of claims ask for it: points, spans, changes, people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from projections.changes import ChangeRow
from projections.durations import Duration
from projections.messages import Message
from tracker.events.base import handle_of
from tracker.events.changes import CommitMade
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentReopened
from tracker.incident import Incident
from tracker.text.patterns import lazy_pattern
from tracker.times import spoken

_LAST_CELL = lazy_pattern(r"\|\s*([0-9a-v]{7})\s*$")
_FIRST_HASH = lazy_pattern(r"[\W_]*(?=[a-f]*\d)([0-9a-f]{7,40})\b")
_ENDS = {
    "time_to_detect": ("started", "detected"),
    "time_to_declare": ("detected", "declared"),
    "time_to_fix_deployed": ("detected", "deployed"),
    "time_to_recover": ("started", "recovered"),
    "downtime": ("started", "recovered"),
    "time_to_resolve": ("detected", "resolved"),
    "merged_back_after": ("deployed", "merged"),
}
"""The points between which a duration of the interface lies."""


@dataclass(frozen=True)
class Stamp:
    """An instant at which something happened, and the event that says so; it may lie as late as `until`.

    `origin` is "log" where the event is of that kind, "note" where a person wrote it down in words,
    and "text" where only the text that is being checked says so.
    """

    at: datetime
    what: str
    event: str | None
    until: datetime | None = None
    origin: str = "log"

    @property
    def latest(self) -> datetime:
        return self.until or self.at


def events_of(stamps: Iterable[Stamp | None]) -> tuple[str, ...]:
    """Return the events that stamps stand on, each once."""
    return tuple(dict.fromkeys(stamp.event for stamp in stamps if stamp and stamp.event))


@dataclass(frozen=True)
class Measure:
    """How long something took, in seconds, with what it was measured from and to in words."""

    low: float | None
    high: float | None
    says: str
    evidence: tuple[str, ...] = ()

    def length(self) -> str:
        """Write it: 25 min, 20 min to 25 min, at most 30 min."""
        low = spoken(self.low) if self.low is not None else None
        high = spoken(self.high) if self.high is not None else None
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f"at most {high}" if high else f"at least {low}"


@dataclass(frozen=True)
class ClaimFacts:
    """All that claims about one incident are compared with."""

    incident: Incident
    points: Mapping[str, tuple[Stamp, ...]]
    durations: Mapping[str, Duration]
    changes: tuple[ChangeRow, ...]
    elsewhere: tuple[ChangeRow, ...]
    messages: tuple[Message, ...]
    notes: tuple[Effective, ...]
    commits: tuple[Effective, ...]
    alerts: tuple[Effective, ...]
    everything: tuple[Stamp, ...]
    versions: frozenset[str]
    leads: tuple[tuple[datetime, str, str], ...]
    now: datetime
    peaks: Mapping[str, tuple[float, str | None]] = field(default_factory=dict)
    zones: tuple[tzinfo, ...] = (UTC,)
    zone_known: bool = False

    def of(self, point: str) -> tuple[Stamp, ...]:
        return self.points.get(point, ())

    def first(self, point: str) -> Stamp | None:
        return min(self.of(point), key=lambda each: each.at, default=None)

    @property
    def days(self) -> list[date]:
        """The days that a time without a date can be of."""
        begin = (
            min(self.incident.begins_at, *(each.at for each in self.everything))
            if self.everything
            else self.incident.begins_at
        )
        begin = max(begin, self.incident.begins_at - timedelta(days=2))
        end = min(
            max(self.incident.ends_at or self.now, self.incident.begins_at) + timedelta(days=1),
            begin + timedelta(days=40),
        )
        return [begin.date() + timedelta(days=n) for n in range(-1, (end - begin).days + 3)]

    @property
    def own_days(self) -> list[date]:
        """The days on which it went on, in each zone that may be meant."""
        begin, over = self.incident.begins_at, self.incident.ends_at or self.now
        over = min(max(over, begin), begin + timedelta(days=40))
        days: list[date] = []
        for zone in self.zones:
            first, last = begin.astimezone(zone).date(), over.astimezone(zone).date()
            days += [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return days

    def clock(self, at: datetime) -> str:
        """Write an instant to the minute, or to the second where it has some, in UTC."""
        at = at.astimezone(UTC)
        return f"{at:%H:%M} UTC" if not at.second else f"{at:%H:%M:%S} UTC"

    def dated(self, at: datetime) -> str:
        return f"{at.astimezone(UTC):%Y-%m-%d} {self.clock(at)}"

    def listed(self, stamps: Sequence[Stamp], *, dated: bool = False) -> str:
        """Name stamps with their times, each once."""
        write = self.dated if dated else self.clock
        return "; ".join(dict.fromkeys(f"{stamp.what} at {write(stamp.at)}" for stamp in stamps))

    @property
    def said_recovered(self) -> bool:
        """Whether the end of the downtime is what a person said, and no measurement."""
        held = self.durations.get("downtime")
        said = [self.incident.milestones.get(name) for name in ("mitigated", "ended")]
        return held is not None and any(
            each is not None and held.to in (each.at, each.until) for each in said
        )

    def told_of(self, row: str) -> list[Stamp]:
        """Return the event whose handle is a row's last cell, or the commit whose hash is its first word."""
        last, first = _LAST_CELL.search(row), _FIRST_HASH.match(row)
        if last is not None and (
            found := [e for e in self.everything if e.event and handle_of(e.event) == last[1]]
        ):
            return found
        if first is None:
            return []
        made = {
            each.id
            for each in self.commits
            if isinstance(each.event, CommitMade) and each.event.sha.startswith(first[1])
        }
        return [each for each in self.everything if each.event in made]

    # ── spans of the incident ────────────────────────────────────────────────

    @property
    def start(self) -> Stamp | None:
        """When it began: what durations take, else the first sign that there is."""
        held = self.durations.get("downtime")
        if "started" in self.incident.milestones:
            said = self.incident.milestones["started"]
            return Stamp(said.at, "it started", said.event, said.until)
        if held is not None and held.from_ is not None:
            same = next((each for each in self.everything if each.at == held.from_), None)
            return Stamp(held.from_, "it started", same.event if same else None)
        signs = [each for point in ("started", "reported", "detected") for each in self.of(point)]
        declared = self.of("declared")
        return min([*signs, *declared], key=lambda each: each.at, default=None)

    @property
    def fix(self) -> Stamp | None:
        """When the fix was deployed: what durations take, else the last deploy or what the notes say of one."""
        held = self.durations.get("time_to_fix_deployed")
        if (
            held is not None
            and held.to is not None
            and held.state != "not_applicable"
            and held.seconds is not None
        ):
            row = next((each for each in self.changes if each.finished_at == held.to), None)
            what = (
                f"{row.version} was {'put back' if row.kind == 'rollback' else 'deployed'}"
                if row
                else "the fix was deployed"
            )
            return Stamp(held.to, what, row.event if row else None)
        start = self.incident.begins_at
        own = [each for each in (*self.of("deployed"), *self.of("rolled back")) if each.at > start]
        return max(own, key=lambda each: each.at, default=None)

    def downtime(self) -> Measure | None:
        """Return how long it was down, with the best bounds that the log has."""
        held = self.durations.get("downtime")
        if (
            held is not None
            and held.state == "recorded"
            and held.seconds is not None
            and held.from_
            and held.to
        ):
            return self.named("downtime")
        bounded = (
            held if held is not None and held.state == "uncertain" and held.at_most is not None else None
        )
        if bounded is not None and (bounded.at_least or self._reopened):
            return self.named("downtime")
        estimate = self._estimated()
        if bounded is None or bounded.at_most is None:
            return estimate
        if estimate is None or not estimate.low or estimate.low > bounded.at_most:
            return self.named("downtime")
        return replace(estimate, high=min(bounded.at_most, estimate.high or bounded.at_most))

    @property
    def _reopened(self) -> bool:
        return any(
            isinstance(step.event, IncidentReopened) and step.retraction is None
            for step in self.incident.steps
        )

    def _estimated(self) -> Measure | None:
        """Say how long it was down where nobody recorded its recovery: at least until the fix was out."""
        start, fix = self.start, self.fix
        if start is None:
            return None
        ends = [each for point in ("recovered", "resolved") for each in self.of(point) if each.at >= start.at]
        if self.incident.resolved_at is not None:
            # One that was reopened was not over then.
            ends = [
                each
                for each in ends
                if each not in self.of("resolved") or each.at == self.incident.resolved_at
            ]
        over = min(ends, key=lambda each: each.at, default=None)
        if over is not None and over.origin != "log":
            over = None
        if fix is not None and fix.at < start.at:
            fix = None
        if fix is None and over is None:
            verified = [each for each in self.of("verified") if each.at > start.at]
            fix = over = min(verified, key=lambda each: each.at, default=None)
        if fix is None and over is None:
            return None
        if over is not None and fix is not None and over.at < fix.at:
            fix = over
        low = (fix.at - start.latest).total_seconds() if fix else None
        high = (over.latest - start.at).total_seconds() if over else (low if fix else None)
        if start in self.of("declared"):
            high = None
        parts = [f"{start.what} at {self.clock(start.at)}"]
        if fix:
            parts.append(f"{fix.what} at {self.clock(fix.at)}")
        if over and over is not fix:
            parts.append(f"{over.what} at {self.clock(over.at)}")
        evidence = events_of((start, fix, over))
        return Measure(low, high, ", ".join(parts), evidence)

    def named(self, name: str) -> Measure | None:
        """Return a duration of the interface, where its ends are known."""
        held = self.durations.get(name)
        if held is None or held.state not in ("recorded", "uncertain") or not held.from_ or not held.to:
            return None
        if held.at_most is None and held.at_least is None:
            return None
        start, end = _ENDS.get(name, ("", ""))
        return Measure(
            held.at_least,
            held.at_most,
            self._between(held.from_, held.to, start, end),
            self._named(held.from_, held.to, start, end),
        )

    def between(self, start: str, end: str) -> list[Measure]:
        """Return the spans from any instant of one point to any later one of another."""
        return [self.span(a, b) for a in self.of(start) for b in self.of(end) if b.latest >= a.at]

    def span(self, start: Stamp, end: Stamp) -> Measure:
        return Measure(
            max((end.at - start.latest).total_seconds(), 0.0),
            (end.latest - start.at).total_seconds(),
            f"{start.what} at {self.clock(start.at)}, {end.what} at {self.clock(end.at)}",
            events_of((start, end)),
        )

    def _stamp(self, at: datetime, point: str) -> Stamp | None:
        """Return what the log has at the end of a span, best of all of this point."""
        found = [each for each in (*self.of(point), *self.everything) if at in (each.at, each.until)]
        return found[0] if found else None

    def _between(self, start: datetime, end: datetime, first: str, last: str) -> str:
        told = [(self._stamp(start, first), start), (self._stamp(end, last), end)]
        return ", ".join(
            f"{stamp.what} at {self.clock(at)}" if stamp else self.clock(at) for stamp, at in told
        )

    def _named(self, start: datetime, end: datetime, first: str, last: str) -> tuple[str, ...]:
        return events_of((self._stamp(start, first), self._stamp(end, last)))

    def at_minute(self, at: datetime, grain: float) -> list[Stamp]:
        """Return all that the log has at a time as exact as this."""
        return [each for each in self.everything if same_time(each, at, grain)]


def same_time(stamp: Stamp, at: datetime, grain: float) -> bool:
    """Whether a time as written, exact to `grain` seconds, can mean an instant: cut off, or rounded."""
    return (
        at - timedelta(seconds=grain) < stamp.latest and stamp.at < at + timedelta(seconds=grain)
        if (stamp.until is not None)
        else -grain / 2 <= (stamp.at - at).total_seconds() < grain
    )


_VERSION = lazy_pattern(r"(?<![\w.])v?(\d{1,4}\.\d{1,4}(?:\.\d{1,5}){1,2}(?:-[\w.]{1,20})?)(?![\w])")


def versions_in(text: str) -> list[str]:
    """Return the versions that a text names, without what is put around them."""
    return [each.rstrip(".") for each in _VERSION.findall(text)]
