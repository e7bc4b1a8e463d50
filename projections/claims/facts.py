"""What a log knows of an incident, as the checks ask for it: every instant with its names, spans, numbers and people."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property

from projections.actions import ActionItem
from projections.changes import ChangeRow
from projections.claims.amounts import counts_in
from projections.claims.stamps import LAST_STEPS, RECOVERED, OutageStamps, Stamp
from projections.claims.text import content_words
from projections.claims.topics import Topic, topics_in
from projections.claims.vocabulary import phrases
from projections.durations import Duration
from projections.messages import Message
from projections.outages import outages
from projections.versions import plain_version
from tracker.events.base import handle_of
from tracker.events.changes import CommitMade
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentDeclared, NoteAdded
from tracker.incident import Incident
from tracker.text.patterns import lazy_pattern

_LAST_CELL = lazy_pattern(r"\|\s*([0-9a-v]{7})\s*$")
_FIRST_HASH = lazy_pattern(r"[\W_]*(?=[a-f]*\d)([0-9a-f]{7,40})\b")


@dataclass(frozen=True)
class Facts:
    """All that claims about one incident are compared with; `incident` is None where a text stands alone.

    `logged` are the instants that the log has, `added` those that hold besides for one text; `stamps` has both.
    `written` are the instants that the checked text names.
    """

    logged: tuple[Stamp, ...]
    incident: Incident | None = None
    durations: Mapping[str, Duration] = field(default_factory=dict)
    changes: tuple[ChangeRow, ...] = ()
    earlier: tuple[ChangeRow, ...] = ()
    elsewhere: tuple[ChangeRow, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: tuple[Effective, ...] = ()
    commits: tuple[Effective, ...] = ()
    actions: tuple[ActionItem, ...] = ()
    versions: frozenset[str] = frozenset()
    texts: tuple[tuple[Stamp, frozenset[str]], ...] = ()
    peaks: Mapping[str, tuple[tuple[float, ...], str | None]] = field(default_factory=dict)
    written: tuple[datetime, ...] = ()
    zones: tuple[tzinfo, ...] = (UTC,)
    zone_known: bool = False
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    base: "Facts | None" = None
    added: tuple[Stamp, ...] = ()

    def with_stamps(self, added: Sequence[Stamp]) -> "Facts":
        """Return these facts with a few more stamps, of nobody; what does not depend on them is computed once for all."""
        return replace(self, logged=(), base=self, added=tuple(added))

    @cached_property
    def stamps(self) -> tuple[Stamp, ...]:
        """Every instant that is known. Joined only where one is looked for among all: each note has facts of its own."""
        return self.logged if self.base is None else (*self.base.stamps, *self.added)

    @cached_property
    def _by_point(self) -> dict[str, tuple[Stamp, ...]]:
        if self.base is not None:
            known = self.base._by_point
            points = {stamp.point for stamp in self.added}
            stamps = [*(stamp for point in points for stamp in known.get(point, ())), *self.added]
        else:
            known, stamps = {}, list(self.stamps)
        found: dict[str, list[Stamp]] = {}
        for stamp in sorted(stamps, key=lambda each: each.at):
            found.setdefault(stamp.point, []).append(stamp)
        return known | {point: tuple(stamps) for point, stamps in found.items()}

    def of(self, *points: str) -> tuple[Stamp, ...]:
        if len(points) == 1:
            return self._by_point.get(points[0], ())
        if self.base is not None and all(stamp.point not in points for stamp in self.added):
            return self.base.of(*points)
        if points not in self._of:
            self._of[points] = tuple(stamp for point in points for stamp in self._by_point.get(point, ()))
        return self._of[points]

    @cached_property
    def _of(self) -> dict[tuple[str, ...], tuple[Stamp, ...]]:
        return {}

    @cached_property
    def people(self) -> dict[str, frozenset[str]]:
        """Each person of the log by every part of the name, in small letters, with the whole names."""
        if self.base is not None:
            return self.base.people
        whole = {stamp.by for stamp in self.stamps if stamp.by and stamp.by[:1].isalpha()}
        whole |= {item.owner for item in self.actions}
        if self.incident is not None:
            whole |= {
                each
                for each in (self.incident.lead, self.incident.declared_by, self.incident.resolved_by)
                if each
            }
        found: dict[str, set[str]] = {}
        for name in whole - {"tracker", "ops"}:
            for part in re.split(r"[\s@._-]+", name.lower()):
                if len(part) > 2:
                    found.setdefault(part, set()).add(name)
        return {part: frozenset(names) for part, names in found.items()}

    @cached_property
    def alert_names(self) -> frozenset[str]:
        if self.base is not None and all(stamp.point != "alerted" for stamp in self.added):
            return self.base.alert_names
        services = {"", *((row.service or "").lower() for row in self.changes)}
        services |= set(map(str.lower, self.incident.services)) if self.incident else set()
        return frozenset(
            name for stamp in self.of("alerted") for name in stamp.names - services if len(name) > 5
        )

    @cached_property
    def own_weekdays(self) -> frozenset[str]:
        """The days of the week on which it went on, in small letters."""
        if self.base is not None and self.incident is not None:
            return self.base.own_weekdays
        return frozenset(day.strftime("%A").lower() for day in self.own_days)

    def fitting(self, instants: Iterable[datetime], grain: float) -> list[Stamp]:
        """Return the stamps that a time as written can mean, in their order."""
        if self.base is not None:
            added = [each for each in self.added if any(each.fits(at, grain) for at in instants)]
            return [*self.base.fitting(instants, grain), *added]
        exact, spans = self._by_instant
        places = {place for place, each in spans if any(each.fits(at, grain) for at in instants)}
        for at in instants:
            first = bisect_left(exact, (at - timedelta(seconds=grain), -1))
            last = bisect_left(exact, (at + timedelta(seconds=grain), -1))
            places |= {place for _, place in exact[first:last] if self.logged[place].fits(at, grain)}
        return [self.logged[place] for place in sorted(places)]

    @cached_property
    def _by_instant(self) -> tuple[list[tuple[datetime, int]], list[tuple[int, Stamp]]]:
        """The stamps of one instant with their places, in order; and those that lie in a span."""
        every = list(enumerate(self.logged))
        return (
            sorted((each.at, place) for place, each in every if each.until is None),
            [(place, each) for place, each in every if each.until is not None],
        )

    def topics(self, text: str) -> tuple[Topic, ...]:
        """Return the points that a sentence names, by their words and by the names of the incident's alerts."""
        words = text.lower()
        found = topics_in(text, frozenset([name for name in self.alert_names if name in words]))
        if any(
            topic.point == "lead" and topic.words.lower().endswith((" over", "succeeded")) for topic in found
        ):
            # A second provider can take over, too: only people lead.
            named = {"he", "she", "who", "i", "we", *self.people} & set(re.findall(r"\w+", words))
            found = found if named else tuple(topic for topic in found if topic.point != "lead")
        return found

    @cached_property
    def general(self) -> frozenset[str]:
        """The words of everything here, which tell nothing apart: services, title, what is always said."""
        if self.incident is None:
            return frozenset()
        words = " ".join((self.incident.title, *self.incident.services))
        return content_words(words)

    @cached_property
    def about(self) -> frozenset[str]:
        """The words of the incident's title, and of its impact as it was first written and as it is known now."""
        if self.incident is None:
            return frozenset()
        first = next(
            (s.event.impact for s in self.incident.steps if isinstance(s.event, IncidentDeclared)), None
        )
        return content_words(f"{self.incident.title} {first or ''} {self.incident.impact or ''}")

    @property
    def begins(self) -> datetime:
        if self.incident is not None:
            return self.incident.begins_at
        return min((each.at for each in self.stamps), default=self.now)

    @property
    def ends(self) -> datetime:
        if self.incident is not None:
            return self.incident.ends_at or self.now
        return max((each.latest for each in self.stamps), default=self.now)

    @cached_property
    def days(self) -> list[date]:
        """The days that a time without a date can be of."""
        begin = min(self.begins, self._first_near or self.begins)
        end = min(max(self.ends, self.begins) + timedelta(days=1), begin + timedelta(days=40))
        return [begin.date() + timedelta(days=n) for n in range(-1, (end - begin).days + 3)]

    @cached_property
    def _first_near(self) -> datetime | None:
        """The first instant that is at most two days before it began."""
        since = self.begins - timedelta(days=2)
        stamps, known = self.stamps, None
        if self.base is not None and self.incident is not None:
            stamps, known = self.added, self.base._first_near
        instants = [each.at for each in stamps if each.at > since]
        return min([*instants, *([known] if known is not None else [])], default=None)

    @cached_property
    def own_days(self) -> list[date]:
        """The days on which it went on, in each zone that may be meant."""
        if self.base is not None and self.incident is not None:
            return self.base.own_days
        over = min(max(self.ends, self.begins), self.begins + timedelta(days=40))
        days: list[date] = []
        for zone in self.zones:
            first, last = self.begins.astimezone(zone).date(), over.astimezone(zone).date()
            days += [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return days

    def row_of(self, text: str) -> list[Stamp]:
        """Return the event whose handle is a row's last cell, or the commit whose hash is its first word."""
        last, first = _LAST_CELL.search(text), _FIRST_HASH.match(text)
        if last and (
            found := [each for each in self.stamps if each.event and handle_of(each.event) == last[1]]
        ):
            return found
        shas = {
            each.id
            for each in self.commits
            if first and isinstance(each.event, CommitMade) and each.event.sha.startswith(first[1])
        }
        return [each for each in self.stamps if each.event in shas]

    @cached_property
    def outages(self) -> tuple[tuple[tuple[Stamp, ...], tuple[Stamp, ...]], ...]:
        """The stamps that may be taken for the beginning, and for the end, of each outage."""
        if self.incident is None:
            return (
                (self.of("started", "detected", "reported"), self.of("recovered", "deployed", "resolved")),
            )
        return tuple((one.starts, one.ends or one.last_steps) for one in self._outages)

    @cached_property
    def _outages(self) -> list["OutageStamps"]:
        if self.base is not None and all(stamp.point in (*RECOVERED, *LAST_STEPS) for stamp in self.added):
            return [one.with_ends(self.added) for one in self.base._outages]
        assert self.incident is not None
        found = []
        spans = outages(self.incident)
        first_declared = next((s.event for s in self.of("declared")), None)
        for number, one in enumerate(spans):
            begin = one.start.earliest if one.start else self.begins
            following = spans[number + 1].start if number + 1 < len(spans) else None
            until = following.earliest if following else None
            early = begin - timedelta(minutes=15)
            inside = [s for s in self.stamps if s.at >= early and (until is None or s.at < until)]
            starts = [s for s in inside if s.point in ("reopened" if number else "started", "started")]
            if number:
                starts += [
                    s for s in inside if s.point == "alerted" and s.at <= begin + timedelta(minutes=15)
                ]
            signs = ("alerted", "detected", "reported", "first error")
            starts = starts or [s for s in inside if s.point in signs and s.event != first_declared]
            found.append(OutageStamps(early, until, tuple(starts)).with_ends(inside))
        return found

    @cached_property
    def fixed_versions(self) -> frozenset[str]:
        """The versions that fixed it, by what people linked, else the last that was deployed while it lasted."""
        return self._linked("fixed") or frozenset(
            plain_version(row.version) for row in [*self._changed_during()][-1:]
        )

    @cached_property
    def causing_versions(self) -> frozenset[str]:
        return self._linked("caused")

    def _changed_during(self) -> list[ChangeRow]:
        return [
            r
            for r in self.changes
            if r.kind != "merge" and r.status == "finished" and self.begins < r.at <= self.ends
        ]

    def _linked(self, role: str) -> frozenset[str]:
        links = self.incident.links.values() if self.incident else ()
        events = {link.target for link in links if link.linked and link.role == role}
        rows = [row for row in self.changes if events & {row.event, *row.evidence}]
        return frozenset(plain_version(row.version) for row in rows)

    @cached_property
    def noted_counts(self) -> "NotedCounts":
        """Each number that people noted, with the words around it."""
        if self.base is not None:
            return self.base.noted_counts
        return NotedCounts(_counted(self.noted_texts))

    @cached_property
    def impact_counts(self) -> list[tuple[float, frozenset[str]]]:
        """The same of what was noted as impact."""
        if self.base is not None:
            return self.base.impact_counts
        return _counted(self.impact_texts)

    @property
    def impact_texts(self) -> list[str]:
        return self.texts_of("impact")

    def texts_of(self, kind: str) -> list[str]:
        """Return what was noted as of this kind."""
        return [written(event)[:2000] for _, event in self._notes_by_kind.get(kind, ())]

    def notes_of(self, kind: str) -> tuple[str, ...]:
        """Return the ids of the notes of this kind."""
        return tuple(event_id for event_id, _ in self._notes_by_kind.get(kind, ()))

    @cached_property
    def _notes_by_kind(self) -> dict[str, list[tuple[str, NoteAdded]]]:
        if self.base is not None:
            return self.base._notes_by_kind
        found: dict[str, list[tuple[str, NoteAdded]]] = {}
        for note in self.notes:
            if isinstance(note.event, NoteAdded):
                found.setdefault(note.event.kind, []).append((note.id, note.event))
        return found

    @cached_property
    def root_cause_texts(self) -> list[str]:
        """What was noted as the root cause, else what names it."""
        if self.base is not None:
            return self.base.root_cause_texts
        named = (each for each in self.texts_of("note") if "root cause" in each.lower())
        return self.texts_of("root-cause") or list(named)

    @cached_property
    def names_customers(self) -> bool:
        """Whether people noted anything of customers: asked for each sentence, so looked for once."""
        if self.base is not None:
            return self.base.names_customers
        return any(phrases("words/customer").search(each) for each in self.noted_texts)

    @cached_property
    def noted_texts(self) -> list[str]:
        if self.base is not None:
            return self.base.noted_texts
        texts = [written(note.event) for note in self.notes if isinstance(note.event, NoteAdded)]
        if self.incident is not None:
            texts += [self.incident.impact or "", self.incident.title]
        return [*texts, *(message.text for message in self.messages)]


class NotedCounts:
    """Numbers that people noted, with the words around each: asked for each count of each text."""

    def __init__(self, counts: Sequence[tuple[float, frozenset[str]]]) -> None:
        self.numbers = [number for number, _ in counts]
        self.clauses = {words for _, words in counts}
        self._by_word: dict[str, list[int]] = {}
        for place, (_, words) in enumerate(counts):
            for word in words:
                self._by_word.setdefault(word, []).append(place)
        self._about: dict[frozenset[str], list[float]] = {}

    @property
    def words(self) -> Set[str]:
        return self._by_word.keys()

    def about(self, words: Iterable[str]) -> list[float]:
        """Return the numbers that have any of these words around them, the smallest first."""
        known = frozenset(self._by_word.keys() & words)
        if known not in self._about:
            places = {place for word in known for place in self._by_word[word]}
            self._about[known] = sorted(self.numbers[place] for place in places)
        return self._about[known]


def written(note: NoteAdded) -> str:
    """Return what a note says, with what it counts in fields of its own; "312 of them" stays with what they are of."""
    parts = [
        f", {part}" if re.search(r"\bof (?:them|these|those)\b", part) else f"; {part}"
        for part in note.affected
    ]
    return note.text + "".join(parts)


def _counted(texts: Iterable[str]) -> list[tuple[float, frozenset[str]]]:
    return [
        (amount, content_words(clause))
        for text in texts
        for clause in re.split(r"[;.]\s|,\s(?=\D)", text[:5000])
        for amount, _, _ in counts_in(clause)
    ]
