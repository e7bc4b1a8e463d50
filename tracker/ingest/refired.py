"""Alerts that fire again with their old start: a statement repeated after its opposite is a new one.

An alert is known by its fingerprint and start, so a second "firing" of it says nothing new, unless the alert
was reported as over in between. What was pushed has the order of its receipt, what was polled the source's own
time of update, and a file the order of its lines, where it shows "firing", "resolved" and "firing" of one sender.
Files among each other have no order. docs/sources.md has the rule for people.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from tracker.events.alerts import AlertFired, AlertResolved, firings_of_ends, first_after
from tracker.events.base import Incoming
from tracker.times import to_ms

LATE_WITHIN = timedelta(minutes=5)
"""So long after an end another sender's "firing" is taken for a delivery that was late."""

_SENDER = ("externalURL", "receiver", "groupKey", "hook")

Key = tuple[str, int]
"""A fingerprint and a start in milliseconds."""


class AlertHistory:
    """What was reported of alerts so far; `recorded` are the log's ends and repeated firings of the same alerts."""

    def __init__(self, recorded: Iterable[Incoming] = ()) -> None:
        self._ends: dict[str, list[tuple[int, Incoming]]] = {}
        self._again: dict[tuple[Key, int], Incoming] = {}
        self._first_fired: dict[tuple[Key, bytes], int] = {}
        self._read = 0
        for fact in recorded:
            if isinstance(fact.event, AlertResolved):
                self._ends.setdefault(fact.event.fingerprint, []).append((0, fact))
            elif isinstance(fact.event, AlertFired) and fact.event.again_after is not None:
                self._again[_key(fact.event), to_ms(fact.event.again_after)] = fact

    def read(self, facts: Sequence[Incoming]) -> list[Incoming]:
        """Return facts in the order in which they came, with each alert that fires again as an event of its own."""
        with_their_end = firings_of_ends(facts)
        result: list[Incoming] = []
        for fact in facts:
            self._read += 1
            if isinstance(fact.event, AlertFired) and id(fact) not in with_their_end:
                result.append(self._fired(fact, fact.event))
            elif isinstance(fact.event, AlertResolved):
                result.append(self._resolved(fact, fact.event, result))
            else:
                result.append(fact)
        return result

    def _fired(self, fact: Incoming, event: AlertFired) -> Incoming:
        key = _key(event)
        ends = [
            (end.event.occurred_at, end)
            for number, end in self._ends.get(event.fingerprint, ())
            if isinstance(end.event, AlertResolved)
            and end.event.ends(event.own_start)
            and self._was_before(number, end, fact, key)
        ]
        if fact.arrival.via == "file":
            self._first_fired.setdefault((key, _sender(fact)), self._read)
        if not ends:
            return fact
        ended_at, end = max(ends, key=lambda pair: pair[0])
        known = self._again.get((key, to_ms(ended_at)))
        if known is not None:
            return msgspec.structs.replace(fact, event=known.event)
        if _is_late(end, fact):
            return fact
        reported_at = fact.updated_at or (None if fact.arrival.via == "file" else fact.arrival.received_at)
        fired_again = msgspec.structs.replace(
            event,
            occurred_at=max(first_after(ended_at), reported_at or ended_at),
            started_at=event.own_start,
            again_after=ended_at,
        )
        fact = self._again[key, to_ms(ended_at)] = msgspec.structs.replace(fact, event=fired_again)
        return fact

    def _was_before(self, number: int, end: Incoming, fact: Incoming, key: Key) -> bool:
        """Whether an end was reported before this firing was."""
        if fact.arrival.via == "file":
            sender = _sender(fact)
            return sender == _sender(end) and self._first_fired.get((key, sender), number) < number
        received_at, ended_at = fact.arrival.received_at, end.arrival.received_at
        if received_at is None or (ended_at is not None and ended_at >= received_at):
            return False
        return fact.arrival.via == "webhook" or (
            fact.updated_at is not None and fact.updated_at > end.event.occurred_at
        )

    def _resolved(self, fact: Incoming, event: AlertResolved, result: list[Incoming]) -> Incoming:
        """Take an end that is repeated after the alert fired again as the end that it was: it did not fire again."""
        ended_ms = to_ms(event.occurred_at)
        for (key, after_ms), again in list(self._again.items()):
            if after_ms != ended_ms or key[0] != event.fingerprint or not isinstance(again.event, AlertFired):
                continue
            if not event.ends(again.event.own_start):
                continue
            if fact.arrival.via == "file":
                del self._again[key, after_ms]
                result[:] = [_as_first(each) if each.event is again.event else each for each in result]
            elif _follows(again, fact) and not _is_late(again, fact):
                return msgspec.structs.replace(
                    fact, event=msgspec.structs.replace(event, again_after=event.occurred_at)
                )
        self._ends.setdefault(event.fingerprint, []).append((self._read, fact))
        return fact


def _key(event: AlertFired) -> Key:
    return event.fingerprint, to_ms(event.own_start)


def _as_first(fact: Incoming) -> Incoming:
    event = fact.event
    assert isinstance(event, AlertFired)
    return msgspec.structs.replace(
        fact,
        event=msgspec.structs.replace(event, occurred_at=event.own_start, started_at=None, again_after=None),
    )


def _follows(earlier: Incoming, fact: Incoming) -> bool:
    first, second = earlier.arrival.received_at, fact.arrival.received_at
    return first is not None and second is not None and first < second


def _is_late(opposite: Incoming, fact: Incoming) -> bool:
    """Whether a delivery may be late: it contradicts another sender, who reported the opposite moments ago."""
    if fact.arrival.via != "webhook" or _sender(opposite) == _sender(fact):
        return False
    received_at, opposite_at = fact.arrival.received_at, opposite.arrival.received_at
    return received_at is not None and opposite_at is not None and received_at - opposite_at <= LATE_WITHIN


def _sender(fact: Incoming) -> bytes:
    """Return what tells one sender's deliveries from another's: Alertmanager sends those of a group one by one."""
    try:
        fields = msgspec.json.decode(fact.payload, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    return b"\0".join(bytes(fields.get(name, b"")) for name in _SENDER)


def started_before(facts: Iterable[Incoming]) -> dict[str, datetime]:
    """Return the earliest start of the alerts of each service: what was recorded of them is not older."""
    earliest: dict[str, datetime] = {}
    for fact in facts:
        if isinstance(fact.event, AlertFired | AlertResolved):
            start = fact.event.own_start if isinstance(fact.event, AlertFired) else fact.event.started_at
            service = fact.event.service or ""
            earliest[service] = min(start, earliest.get(service, start))
    return earliest
