"""Warning of what looks like a secret: before it is recorded, and before it leaves the machine.

What is said never holds the secret itself. Nothing is refused: the scan may err, and an
incident does not wait; what should not have been recorded is taken out with `tracker redact`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tracker.cli.common import say
from tracker.events.base import Decision, Event, Incoming, Recorded, event_id, handle_of
from tracker.text.secrets import Secret, find_secrets, find_secrets_in_bytes, kinds_of

_MOST = 5
_REMEMBERED = 10_000
"""So many events with a secret are remembered by one process: a server runs for months."""
_TYPED = ("typed", "run", "spool")
_OURS = ("event-redacted", "log-sealed", "settings-changed", "verdicts-given", "check-made", "metric-sampled")
_NAMED = {
    "text": "the text",
    "why": "the reason",
    "title": "the title",
    "command": "the command",
    "changes": "the amendment",
}
_BESIDE = {"report-published": "the report"}


def warn_of_secrets(
    text: str, where: str, *, before: str = "it leaves this machine", lines: bool = True
) -> list[Secret]:
    """Say on stderr what in a text looks like a secret; return it, an empty list where nothing does.

    `where` begins the sentence: "INC-42.md", "the message". Call it before writing or sending.
    """
    found = find_secrets(text)
    alike: dict[tuple[str, str], list[int]] = {}
    for each in found:
        alike.setdefault((each.kind, each.shown), []).append(each.line)
    for (kind, shown), at in list(alike.items())[:_MOST]:
        said = f", {_lines(at)}" if lines and "\n" in text else ""
        say(f"tracker: warning: {where} holds what looks like {kind}: {shown}{said}")
    if len(alike) > _MOST:
        say(f"tracker: warning: {where} holds {len(alike) - _MOST} more of that kind")
    if found:
        say(f"  Look at it before {before}; out of the log it goes with: tracker redact EVENT --why …")
    return found


def _lines(at: list[int]) -> str:
    once = list(dict.fromkeys(at))
    named = ", ".join(str(each) for each in once[:_MOST])
    more = f" and {len(once) - _MOST} more" if len(once) > _MOST else ""
    return f"line{'s' if len(once) > 1 else ''} {named}{more}"


def warn_of_events(events: "Iterable[Recorded]", payloads: Mapping[int, bytes], where: str) -> None:
    """Say on stderr which events that are about to leave the machine hold what looks like a secret.

    `payloads` are the bytes beside them, by position.
    """
    kinds: Counter[str] = Counter()
    holders = []
    for each in events:
        if each.event.TOPIC in _OURS:
            continue
        found = [secret for _, secret in _in_fields(each.event)]
        found += find_secrets_in_bytes(payloads.get(each.position, b""))
        if found:
            holders.append(each)
            kinds.update({secret.kind for secret in found})
    if holders:
        told = ", ".join(f"{kind} in {count}" for kind, count in sorted(kinds.items()))
        count = len(holders)
        say(
            f"tracker: warning: {where} holds what looks like a secret in {count} {'event' if count == 1 else 'events'}: {told}"
        )
        _take_out([each.id for each in holders])


def _take_out(ids: list[str]) -> None:
    for each in ids[:3]:
        say(
            f"  Look at it: tracker show {handle_of(each)} --raw; to take it out: tracker redact {handle_of(each)} --why …"
        )
    if len(ids) > 3:
        say(f"  and {len(ids) - 3} more")


class SecretScanner:
    """What one command is about to record, looked at once: typed texts are warned of, feeds are counted."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.typed: list[str] = []
        self.suspects: dict[str, tuple[str, ...]] = {}

    def look(self, batch: "Iterable[Event | Incoming]") -> None:
        """Look at events on their way into the log."""
        payloads: dict[int, list[Secret]] = {}
        for each in batch:
            incoming = each if isinstance(each, Incoming) else Incoming(event=each)
            event = incoming.event
            if event.TOPIC in _OURS:
                continue
            typed = isinstance(event, Decision) or incoming.arrival.via in _TYPED
            found = list(_in_fields(event)) if typed or not incoming.payload else []
            if incoming.payload:
                key = id(incoming.payload)
                if key not in payloads:
                    payloads[key] = find_secrets_in_bytes(incoming.payload)
                found += [
                    (_BESIDE.get(event.TOPIC, "its file") if typed else "", one) for one in payloads[key]
                ]
            if not found or (identity := event_id(event)) in self._seen:
                continue
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
                self.suspects = {}
            self._seen.add(identity)
            if typed:
                self.typed.append(identity)
                said = [f"{where} holds what looks like {one.kind}: {one.shown}" for where, one in found]
                for each_said in list(dict.fromkeys(said))[:_MOST]:
                    say(f"tracker: warning: {each_said}")
            else:
                self.suspects[identity] = tuple(kind for kind, _ in kinds_of([one for _, one in found]))

    def recorded(self, ids: Iterable[str], known: Iterable[str] = ()) -> None:
        """Say how what was typed and recorded all the same is taken out again; forget what the log had already."""
        for identity in known:
            self.suspects.pop(identity, None)
        for identity in set(ids) & set(self.typed):
            self.typed.remove(identity)
            say(
                f"  It is recorded; to take it out: tracker redact {handle_of(identity)} --why 'a secret was typed into it'"
            )

    def told(self) -> tuple[str, list[str]] | None:
        """Return what a feed brought since it was asked last: the kinds, in words, and the events; None for nothing."""
        found, self.suspects = self.suspects, {}
        counted = Counter(kind for kinds in found.values() for kind in kinds)
        return (
            (", ".join(f"{kind} in {count}" for kind, count in sorted(counted.items())), list(found))
            if found
            else None
        )


def tell_of_feed(watch: SecretScanner) -> None:
    """Say after a feed was read which of its new events hold what looks like a secret."""
    found = watch.told()
    if found is None:
        return
    kinds, ids = found
    count = len(ids)
    say(
        f"tracker: warning: {count} new {'event holds' if count == 1 else 'events hold'} what looks like a secret: {kinds}"
    )
    _take_out(ids)


def _in_fields(event: "Event") -> Iterator[tuple[str, Secret]]:
    fields: dict[str, Any] = msgspec.to_builtins(event)
    for name, value in fields.items():
        for text in _texts(value):
            for each in find_secrets(text):
                yield _NAMED.get(name, f"its {name.replace('_', ' ')}"), each


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            # A label's name says what its value is: password = …
            yield f"{key}={each}" if isinstance(each, str) else ""
            if not isinstance(each, str):
                yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
