"""What can be written to a log: facts, decisions, imported events, seals, redactions."""

import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from eventsourcing.persistence import IntegrityError

from tracker.errors import StoreError
from tracker.events.base import Decision, Event, Incoming, Recorded, Window, event_id
from tracker.events.corrections import EventRedacted
from tracker.gc_pause import collector_paused
from tracker.log.erasure import (
    append_with_holes,
    mark_finished,
    mark_unfinished,
    remove,
    unfinished_redactions,
)
from tracker.log.reading import LogReader
from tracker.log.recorder import Appended, LogRecorder
from tracker.log.rows import Hole, Row, hole_row, row_of, rows_of, stream_of
from tracker.log.seals import SEAL_EVERY, last_seal, next_seal
from tracker.log.selection import FOREVER, in_order, last_version, select
from tracker.times import to_us

RETRY_SECONDS = 60.0
"""So long a decision is made anew while other writers of its incident are faster."""


class LogWriter(LogReader):
    """Appends. Whatever goes in together is one transaction, all of it or nothing."""

    def __init__(
        self,
        store: str,
        recorder: LogRecorder,
        now: Callable[[], datetime],
        salts: Callable[[Event], bytes],
    ) -> None:
        super().__init__(store, recorder)
        self.now = now
        self._salts = salts
        self._sealed_through = 0

    def append(self, facts: Iterable[Event | Incoming]) -> Appended:
        """Append facts that stand alone, leaving out those the log already has."""
        with collector_paused():
            rows = rows_of(facts, self._salts)
            for row in rows:
                if row.decision_id is not None:
                    raise ValueError("an incident's decisions are appended by decide()")
            if not rows:
                return Appended((), (), self.position)
            appended = self._recorder.append(rows, to_us(self.now()))
        if appended.recorded:
            self._seal_if_due(appended.position)
        return appended

    def decide(
        self,
        stream: str,
        decision: Callable[[list[Recorded]], Sequence[Decision | Incoming]],
    ) -> Appended:
        """Append decisions of one incident, made on all that the log holds of it.

        `decision` gets the incident's events with their corrections, in the order of
        recording, and returns what was decided; it is called again when another writer was
        faster. What the log already has is left out.
        """

        def attempt() -> Appended:
            with self._recorder.reading() as transaction:
                events = in_order(select(transaction, [Window(f"incident:{stream}")], FOREVER))
                version = last_version(transaction, stream)
            known = {event.id for event in events}
            rows: list[Row] = []
            already: list[str] = []
            for decided in decision(events):
                incoming = decided if isinstance(decided, Incoming) else Incoming(event=decided)
                if stream_of(incoming.event) != stream:
                    raise ValueError(f"a decision of {stream} names {stream_of(incoming.event)}")
                row = row_of(incoming, self._salts(incoming.event), version + len(rows) + 1)
                if row.id in known:
                    already.append(row.id)
                else:
                    known.add(row.id)
                    rows.append(row)
            return self._append(rows, already)

        return _retry(attempt, f"{stream}: ")

    def import_events(self, events: Callable[[], Sequence[Incoming | Hole]]) -> Appended:
        """Append facts and decisions of several incidents.

        `events` is called again when another writer took a version of one of the incidents. What the
        log already has is left out. If there is a hole, everything is sealed at once, as after a redaction.
        """

        def attempt() -> Appended:
            before = self.position
            incoming = list(events())
            ids = [each.id if isinstance(each, Hole) else event_id(each.event) for each in incoming]
            known = {event.id for event in self.by_ids(ids)}
            versions: dict[str, int] = {}
            rows: list[Row] = []
            for identity, each in zip(ids, incoming, strict=True):
                if identity in known:
                    continue
                known.add(identity)
                stream = stream_of(each.left if isinstance(each, Hole) else each.event)
                version = 1
                if stream is not None:
                    if stream not in versions:
                        # What is recorded after `before` makes the append collide, not mix.
                        with self._recorder.reading() as transaction:
                            versions[stream] = last_version(transaction, stream, before)
                    version = versions[stream] = versions[stream] + 1
                rows.append(
                    hole_row(each, version)
                    if isinstance(each, Hole)
                    else row_of(each, self._salts(each.event), version)
                )
            new = {row.id for row in rows}
            return self._append(rows, dict.fromkeys(identity for identity in ids if identity not in new))

        return _retry(attempt)

    def _append(self, rows: list[Row], known: Iterable[str]) -> Appended:
        """Append rows; `known` are the ids that were left out before.

        Raises:
            IntegrityError: If another writer took the version of one of them.
        """
        if not rows:
            return Appended((), tuple(known), self.position)
        now_us = to_us(self.now())
        if any(row.state is None for row in rows):
            with self._recorder.writing() as transaction:
                appended = append_with_holes(self._recorder, transaction, rows, now_us, self._salts)
        else:
            appended = self._recorder.append(rows, now_us)
        self._seal_if_due(appended.position)
        return appended._replace(known=(*known, *appended.known))

    def seal(self, minimum: int = 1) -> int:
        """Seal the open events if there are at least `minimum`; return the number of seals."""
        made = 0
        last = self.position
        while True:
            now_us = to_us(self.now())
            with self._recorder.reading() as transaction:
                due = next_seal(transaction, now_us, 1 if made else minimum)
            if due is None:
                return made
            version, seal = due
            try:
                self._recorder.append([row_of(Incoming(event=seal), self._salts(seal), version)], now_us)
            except IntegrityError:
                return made  # another process seals
            made += 1
            if seal.through >= last:
                return made

    def _seal_if_due(self, position: int) -> None:
        """Seal when a thousand events are open; they are recorded, whether that works now or later."""
        if position - self._sealed_through < SEAL_EVERY:
            return
        with contextlib.suppress(StoreError):
            with self._recorder.reading() as transaction:
                _, seal = last_seal(transaction, FOREVER)
            self._sealed_through = seal.through if seal else 0
            if position - self._sealed_through >= SEAL_EVERY:
                self.seal(SEAL_EVERY)

    # ── redaction ────────────────────────────────────────────────────────────

    def redact(self, redactions: Sequence[EventRedacted]) -> Appended:
        """Record redactions, remove what they name, and seal both.

        Unused parts of the store's files may still hold the text: `clean` removes it from there.

        Raises:
            RefusedError: If another process redacted one of them meanwhile.
        """
        now_us = to_us(self.now())
        with self._recorder.writing() as transaction:
            appended = remove(self._recorder, transaction, redactions, now_us, self._salts)
            mark_unfinished(transaction, [redaction.target for redaction in redactions])
        return appended

    def clean(self) -> list[str]:
        """Remove redacted text from the unused parts of the store's files; return what it could not clean.

        Raises:
            StoreError: If that is not possible now; `unfinished_redactions` names them until it is done.
        """
        with self._recorder.reading() as transaction:
            targets = unfinished_redactions(transaction)
        not_cleaned = self._recorder.clean()
        with self._recorder.writing() as transaction:
            mark_finished(transaction, targets)
        return not_cleaned


def _retry(attempt: Callable[[], Appended], where: str = "") -> Appended:
    give_up = time.monotonic() + RETRY_SECONDS
    for number in itertools.count():
        try:
            return attempt()
        except IntegrityError:
            if time.monotonic() > give_up:
                break
            # Writers in step lose many times in a row; the longer they wait, the less they are in step.
            time.sleep(random.uniform(0, min(1.0, 0.005 * 2 ** min(number, 10))))
    raise StoreError(f"{where}other writers were faster for {RETRY_SECONDS:g} s", hint="Type the same again")
