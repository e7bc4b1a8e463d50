"""Warning of what looks like a secret: before it is recorded, and before it leaves the machine.

What is said never holds the secret itself. Nothing is refused: the scan may err, and an
incident does not wait; what should not have been recorded is taken out with `tracker redact`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

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


def secret_notices(
    text: str, where: str, *, before: str = "it leaves this machine", lines: bool = True
) -> list[str]:
    """Return warnings of what in a text looks like a secret, none where nothing does.

    `where` begins the sentence: "INC-42.md", "the message". Call it before writing or sending.
    """
    secrets = find_secrets(text)
    alike: dict[tuple[str, str], list[int]] = {}
    for secret in secrets:
        alike.setdefault((secret.kind, secret.shown), []).append(secret.line)
    notices = []
    for (kind, shown), at in list(alike.items())[:_MOST]:
        place = f", {_lines(at)}" if lines and "\n" in text else ""
        notices.append(f"tracker: warning: {where} contains what looks like {kind}: {shown}{place}")
    if len(alike) > _MOST:
        notices.append(f"tracker: warning: {where} contains {len(alike) - _MOST} more of that kind")
    if secrets:
        notices.append(
            f"  Look at it before {before}; to remove it from the log: tracker redact EVENT --why …"
        )
    return notices


def _lines(at: list[int]) -> str:
    once = list(dict.fromkeys(at))
    named = ", ".join(str(each) for each in once[:_MOST])
    more = f" and {len(once) - _MOST} more" if len(once) > _MOST else ""
    return f"line{'s' if len(once) > 1 else ''} {named}{more}"


def notices_of_events(events: Iterable[Recorded], payloads: Mapping[int, bytes], where: str) -> list[str]:
    """Return warnings of events that are about to leave the machine and contain what looks like a secret.

    `payloads` are the bytes beside them, by position.
    """
    kinds: Counter[str] = Counter()
    holders = []
    for recorded in events:
        if recorded.event.TOPIC in _OURS:
            continue
        secrets = [secret for _, secret in _in_fields(recorded.event)]
        secrets += find_secrets_in_bytes(payloads.get(recorded.position, b""))
        if secrets:
            holders.append(recorded.id)
            kinds.update({secret.kind for secret in secrets})
    if not holders:
        return []
    counted = ", ".join(f"{kind} in {count}" for kind, count in sorted(kinds.items()))
    count = len(holders)
    what = f"{count} {'event' if count == 1 else 'events'}"
    return [
        f"tracker: warning: {where} contains what looks like a secret in {what}: {counted}",
        *_how_to_remove(holders),
    ]


def _how_to_remove(ids: list[str]) -> list[str]:
    notices = [
        f"  Look at it: tracker show {handle_of(identity)} --raw; to remove it: tracker redact {handle_of(identity)} --why …"
        for identity in ids[:3]
    ]
    return [*notices, f"  and {len(ids) - 3} more"] if len(ids) > 3 else notices


class SecretScanner:
    """What one command is about to record, looked at once: typed texts are warned of, feeds are counted."""

    def __init__(self, notify: Callable[[str], None], most_bytes: int | None = None) -> None:
        self._notify, self._most_bytes = notify, most_bytes
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
                    payloads[key] = find_secrets_in_bytes(incoming.payload, self._most_bytes)
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
                said = [f"{where} contains what looks like {one.kind}: {one.shown}" for where, one in found]
                for each_said in list(dict.fromkeys(said))[:_MOST]:
                    self._notify(f"tracker: warning: {each_said}")
            else:
                self.suspects[identity] = tuple(kind for kind, _ in kinds_of([one for _, one in found]))

    def recorded(self, ids: Iterable[str], known: Iterable[str] = ()) -> None:
        """Say how what was typed and recorded all the same is taken out again; forget what the log had already."""
        for identity in known:
            self.suspects.pop(identity, None)
        for identity in set(ids) & set(self.typed):
            self.typed.remove(identity)
            self._notify(
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


def notices_of_feed(scanner: SecretScanner) -> list[str]:
    """Return warnings of new events of a feed that contain what looks like a secret."""
    suspects = scanner.told()
    if suspects is None:
        return []
    kinds, ids = suspects
    count = len(ids)
    return [
        f"tracker: warning: {count} new {'event contains' if count == 1 else 'events contain'} what looks like a secret: {kinds}",
        *_how_to_remove(ids),
    ]


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
