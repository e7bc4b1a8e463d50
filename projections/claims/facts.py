"""What the log knows of an incident, as the readers of claims ask for it: points, spans, changes, people."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from projections.attachment import attached
from projections.changes import ChangeRow, changes, plain_version
from projections.claims.numbers import clocks
from projections.claims.words import NOT_NOW, mentions
from projections.durations import Duration, durations
from projections.messages import Message, messages, sent
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Event, Observation, Recorded
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.events.corrections import Effective, effective
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentReopened,
    IncidentResolved,
    LeadChanged,
    NoteAdded,
    StageChanged,
)
from tracker.events.verdicts import CheckMade, VerdictsGiven
from tracker.incident import Incident
from tracker.times import spoken

_LAST_CELL = re.compile(r"\|\s*([0-9a-v]{7})\s*$")
_FIRST_HASH = re.compile(r"[\W_]*(?=[a-f]*\d)([0-9a-f]{7,40})\b")
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
        """The last instant at which it can have happened."""
        return self.until or self.at


@dataclass(frozen=True)
class Measure:
    """How long something took, in seconds, with what it was measured from and to in words."""

    low: float | None
    high: float | None
    says: str
    evidence: tuple[str, ...] = ()

    def length(self) -> str:
        """Say it: 25 min, 20 min to 25 min, at most 30 min."""
        low = spoken(self.low) if self.low is not None else None
        high = spoken(self.high) if self.high is not None else None
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f"at most {high}" if high else f"at least {low}"


@dataclass(frozen=True)
class ClaimFacts:
    """All that claims about one incident are held against."""

    incident: Incident
    points: Mapping[str, tuple[Stamp, ...]]
    durations: Mapping[str, Duration]
    changes: tuple[ChangeRow, ...]
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
        """Return the instants of a point; none where nobody recorded it."""
        return self.points.get(point, ())

    def first(self, point: str) -> Stamp | None:
        """Return the first instant of a point."""
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

    def clock(self, at: datetime) -> str:
        """Write an instant to the minute, or to the second where it has some, in UTC."""
        at = at.astimezone(UTC)
        return f"{at:%H:%M} UTC" if not at.second else f"{at:%H:%M:%S} UTC"

    def dated(self, at: datetime) -> str:
        """Write an instant with its date."""
        return f"{at.astimezone(UTC):%Y-%m-%d} {self.clock(at)}"

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
            found := [e for e in self.everything if e.event and e.event[-7:] == last[1]]
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
        if held is not None and held.state == "uncertain" and held.at_least is not None:
            return self.named("downtime")
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
        evidence = tuple(dict.fromkeys(each.event for each in (start, fix, over) if each and each.event))
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
        return [
            Measure(
                max((b.at - a.latest).total_seconds(), 0.0),
                (b.latest - a.at).total_seconds(),
                f"{a.what} at {self.clock(a.at)}, {b.what} at {self.clock(b.at)}",
                tuple(each for each in (a.event, b.event) if each),
            )
            for a in self.of(start)
            for b in self.of(end)
            if b.latest >= a.at
        ]

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
        told = [self._stamp(start, first), self._stamp(end, last)]
        return tuple(dict.fromkeys(each.event for each in told if each and each.event))

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


def facts_of(
    incident: Incident,
    recorded: Iterable[Recorded],
    *,
    zones: Sequence[tzinfo] = (UTC,),
    zone_known: bool = False,
    peaks: Mapping[str, tuple[float, str | None]] | None = None,
) -> ClaimFacts:
    """Gather what the log holds of an incident; "now" is when the last event was recorded."""
    held = list(recorded)
    living = [each for each in effective(held).values() if each.retraction is None]
    own = attached(incident, [each for each in living if isinstance(each.event, Observation)])
    mine = {each.id for each in own}
    steps = [step for step in incident.steps if step.retraction is None]
    notes = tuple(step for step in steps if isinstance(step.event, NoteAdded))
    rows = tuple(
        row
        for row in changes(held)
        if row.kind == "merge" or mine & set(row.evidence)
    )  # fmt: skip
    measured = durations(incident, held)
    points = _points(incident, steps, own, rows, measured)
    said = _from_notes(notes, points)
    for point, stamps in said.items():
        if not points.get(point) or point in ("reported", "verified", "confirmed", "cause", "started"):
            points.setdefault(point, []).extend(stamps)
    if incident.detected_by in (None, "customer", "person") and not points.get("reported"):
        points["reported"] = list(points.get("detected", []))
    if not points.get("detected"):
        points["detected"] = list(points.get("reported") or points.get("alerted") or _some_time(points) or [])
    everything = [*(each for stamps in points.values() for each in stamps if each.origin == "log")]
    everything += [Stamp(step.event.occurred_at, _called(step.event), step.id) for step in steps]
    everything += [Stamp(each.event.occurred_at, _called(each.event), each.id) for each in own]
    versions = {plain_version(row.version) for row in rows if row.kind != "merge"}
    versions |= {plain_version(r.previous_version) for r in rows if r.previous_version}
    versions |= {plain_version(each.event.name) for each in living if isinstance(each.event, VersionTagged)}
    versions |= {
        v for each in living if isinstance(each.event, BranchSeen) for v in versions_in(each.event.name)
    }
    versions |= (
        {v for note in notes if isinstance(note.event, NoteAdded) for v in versions_in(note.event.text)}
        if not any(row.kind != "merge" for row in rows)
        else set()
    )
    return ClaimFacts(
        incident=incident,
        points={name: tuple(sorted(each, key=lambda s: s.at)) for name, each in points.items()},
        durations=measured,
        changes=rows,
        messages=tuple(sent(messages(step.recorded for step in incident.steps), incident.id)),
        notes=notes,
        commits=tuple(each for each in own if isinstance(each.event, CommitMade)),
        alerts=tuple(each for each in own if isinstance(each.event, AlertFired)),
        everything=tuple(sorted(everything, key=lambda each: each.at)),
        versions=frozenset(versions),
        leads=_leads(steps),
        now=max((each.recorded_at for each in held), default=incident.begins_at),
        peaks=peaks or {},
        zones=tuple(dict.fromkeys((*zones, *_typed_in(steps)))),
        zone_known=zone_known,
    )


_VERSION = re.compile(r"(?<![\w.])v?(\d{1,4}\.\d{1,4}(?:\.\d{1,5}){1,2}(?:-[\w.]{1,20})?)(?![\w])")


def versions_in(text: str) -> list[str]:
    """Return the versions that a text names, without what is put around them."""
    return [each.rstrip(".") for each in _VERSION.findall(text)]


def _points(
    incident: Incident,
    steps: Sequence[Effective],
    own: Sequence[Effective],
    rows: Sequence[ChangeRow],
    measured: Mapping[str, Duration],
) -> dict[str, list[Stamp]]:
    found: dict[str, list[Stamp]] = {}

    def add(
        point: str, at: datetime | None, what: str, event: str | None, until: datetime | None = None
    ) -> None:
        if at is not None:
            found.setdefault(point, []).append(Stamp(at, what, event, until))

    words = {
        "started": ("started", "it started"),
        "detected": ("detected", "it was detected"),
        "confirmed": ("confirmed", "it was confirmed"),
        "mitigated": ("recovered", "it was mitigated"),
        "ended": ("recovered", "it ended"),
    }
    for name, said in incident.milestones.items():
        add(words[name][0], said.at, words[name][1], said.event, said.until)
    for step in steps:
        event = step.event
        if isinstance(event, IncidentDeclared) and event.incident == incident.id:
            add("declared", event.occurred_at, "it was declared", step.id)
        elif isinstance(event, IncidentResolved):
            add("resolved", event.occurred_at, "it was resolved", step.id)
        elif isinstance(event, IncidentReopened):
            add("declared", event.occurred_at, "it was reopened", step.id)
        elif isinstance(event, StageChanged) and event.stage == "identified":
            add("cause", event.occurred_at, "its cause was identified", step.id)
        elif isinstance(event, NoteAdded) and event.kind == "root-cause":
            add("cause", event.occurred_at, "its root cause was noted", step.id)
        elif isinstance(event, VerdictsGiven):
            add(
                "verified",
                event.occurred_at,
                f"the {event.window} after {event.version} were judged",
                step.id,
            )
            for verdict in event.verdicts:
                if verdict.left_normal_at and "started" not in incident.milestones:
                    add("started", verdict.left_normal_at, f"{verdict.metric} left normal", step.id)
                if verdict.recovered_at:
                    add("recovered", verdict.recovered_at, f"{verdict.metric} was back to normal", step.id)
        elif isinstance(event, CheckMade):
            add("verified", event.occurred_at, "the metrics were looked at", step.id)
    for each in own:
        fact = each.event
        if isinstance(fact, AlertFired):
            add("alerted", fact.occurred_at, f"the alert {fact.name} fired", each.id)
            if "started" not in incident.milestones:
                add("started", fact.occurred_at, f"the alert {fact.name} fired", each.id)
        elif isinstance(fact, AlertResolved):
            add("alert ended", fact.occurred_at, f"the alert {fact.name} stopped firing", each.id)
            add("recovered", fact.occurred_at, f"the alert {fact.name} stopped firing", each.id)
    erred = min((e for e in own if isinstance(e.event, ErrorSeen)), key=lambda e: e.order, default=None)
    if erred is not None:
        add("first error", erred.event.occurred_at, "the first error was seen", erred.id)
    elif found.get("started"):
        found["first error"] = list(found["started"])
    for row in rows:
        if row.kind == "merge":
            add("merged", row.at, f"{row.version} was merged", row.event)
            continue
        point = "rolled back" if row.kind == "rollback" else "deployed"
        done = "was put back" if row.kind == "rollback" else "was deployed"
        if row.status != "failed":
            add(point, row.finished_at or row.started_at, f"{row.version} {done}", row.event)
        else:
            add(point, row.at, f"the {row.kind} of {row.version} failed", row.event)
        if row.started_at is not None:
            add(
                "deploying" if row.kind == "deploy" else point,
                row.started_at,
                f"the {row.kind} of {row.version} began",
                row.event,
            )
    held = measured.get("downtime")
    if held is not None and held.to is not None and held.state == "recorded":
        same = [each for stamps in found.values() for each in stamps if each.at == held.to]
        add(
            "recovered",
            held.to,
            same[0].what if same else "all was back to normal",
            same[0].event if same else None,
        )
    if "detected" not in found and (found.get("alerted") and incident.detected_by in (None, "alert")):
        found["detected"] = list(found["alerted"])
    return found


def _typed_in(steps: Sequence[Effective]) -> list[tzinfo]:
    """Return the offsets that people typed times in: a report without a zone may well be in theirs."""
    minutes = dict.fromkeys(step.event.utc_offset_minutes for step in steps if step.event.utc_offset_minutes)
    return [timezone(timedelta(minutes=each)) for each in list(minutes)[:4]]


def _some_time(points: Mapping[str, list[Stamp]]) -> list[Stamp]:
    """Return the span in which it must have been detected, where nobody said when: from its start to its declaration."""
    declared = min(points.get("declared", []), key=lambda each: each.at, default=None)
    started = min(points.get("started", []), key=lambda each: each.at, default=None)
    if declared is None or started is None or started.at >= declared.at:
        return [declared] if declared else []
    return [Stamp(started.at, "it was detected before its declaration", declared.event, declared.at)]


_NOTED = {
    "first error": "the first error was seen",
    "started": "it started",
    "reported": "the first report came",
    "detected": "it was detected",
    "alerted": "an alert fired",
    "alert ended": "the alert stopped",
    "declared": "it was declared",
    "confirmed": "it was confirmed",
    "cause": "its root cause was identified",
    "deploying": "the deploy began",
    "deployed": "the fix was deployed",
    "rolled back": "it was rolled back",
    "recovered": "it recovered",
    "verified": "it was verified",
    "resolved": "it was resolved",
    "merged": "it was merged",
}


def _from_notes(notes: Sequence[Effective], points: Mapping[str, list[Stamp]]) -> dict[str, list[Stamp]]:
    """Return the points that people wrote down in words, at the instant of the note."""
    found: dict[str, list[Stamp]] = {}
    for note in notes:
        event = note.event
        assert isinstance(event, NoteAdded)
        if event.kind in ("prevention", "lesson") or clocks(event.text):
            continue
        text = event.text[:500]
        for each in mentions(text):
            before = text[: each.start]
            if NOT_NOW.search(text) or re.search(
                r"\b(?:no|not|never|before|since|until)\b[^.,;]{0,20}$", before, re.IGNORECASE
            ):
                continue
            found.setdefault(each.point, []).append(
                Stamp(event.occurred_at, _NOTED[each.point], note.id, origin="note")
            )
    return found


def from_rows(facts: ClaimFacts, rows: Sequence[tuple[str, datetime]]) -> ClaimFacts:
    """Add what a text's own timeline says of points that the log knows nothing of."""
    added: dict[str, list[Stamp]] = {}
    for text, at in rows:
        for each in mentions(text):
            if not facts.of(each.point):
                added.setdefault(each.point, []).append(Stamp(at, _NOTED[each.point], None, origin="text"))
    if not added:
        return facts
    return replace(facts, points={**facts.points, **{name: tuple(each) for name, each in added.items()}})


def _called(event: Event) -> str:
    return event.TOPIC.replace("-", " ")


def _leads(steps: Sequence[Effective]) -> tuple[tuple[datetime, str, str], ...]:
    found = []
    for step in steps:
        event = step.event
        if isinstance(event, IncidentDeclared | LeadChanged) and event.lead:
            found.append((event.occurred_at, event.lead, step.id))
    return tuple(found)
