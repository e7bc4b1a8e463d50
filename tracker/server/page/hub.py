"""One reader of the log for all who look: it reads an incident once, and tells each viewer what changed.

All of it runs on the server's event loop, but for what reads the log: that has a thread and a session of its own.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from reports.page.changes import Update, updates
from tracker.application.page import IncidentPage, PageReader
from tracker.errors import TrackerError
from tracker.incident import Status
from tracker.server.page.reading import ReadingThread
from tracker.server.telemetry import log_line, report_bug

LOOK_EVERY_SECONDS = 0.4
END_EVERY_SECONDS = 0.1
CUT_AFTER_SECONDS = 1.0
"""So long a stream may take to send what waits when the server ends; then its connection is cut."""
HEARTBEAT_SECONDS = 15.0
SHARE = 4.0
"""Reading may take a fifth of a core: so many times as long as it took, it rests."""
MOST_VIEWERS = 1_000
MOST_OF_ONE = 250
MOST_WAITING = 64
"""So many messages may wait for a slow viewer; then it is cut off, and resumes where it was."""
_MOST_KEPT = 2_000
_MOST_INCIDENTS = 32
_MOST_WARM = 8
_STALE_SECONDS = 30.0
"""What is due, and which windows are over, changes without any event."""
_PATIENCE_SECONDS = 0.15
_RETRY = b"retry: 1000\n\n"
_RELOAD = b"event: reload\ndata: \n\n"
_HEARTBEAT = b": still here\n\n"

T = TypeVar("T")


@dataclass(eq=False)
class Viewer:
    """Somebody's open stream; `permitted` is asked before each message, `cut` ends its connection at once."""

    name: str
    permitted: Callable[[], bool]
    cut: Callable[[], None]
    messages: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))

    def send(self, message: bytes) -> bool:
        """Put a message into its queue; False where its stream is over."""
        if not self.permitted():
            self.end()
            return False
        try:
            self.messages.put_nowait(message)
        except asyncio.QueueFull:
            self.cut()
            return False
        return True

    def end(self) -> None:
        """End its stream behind what waits; one that reads nothing is cut off."""
        try:
            self.messages.put_nowait(None)
        except asyncio.QueueFull:
            self.cut()


@dataclass(eq=False)
class Watched:
    """An incident somebody looks at: what it is now, and what led there from `since` on."""

    page: IncidentPage
    seen: int
    """Up to where the log says nothing else of it."""
    read_at: float
    since: int
    updates: deque[tuple[int, bytes]] = field(default_factory=deque)
    viewers: set[Viewer] = field(default_factory=set)


class TooManyError(Exception):
    """So many streams are open that another is refused."""


class Hub:
    """Keeps the incidents that are looked at, and their viewers."""

    def __init__(self, make: Callable[[], PageReader], stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        self.thread = ReadingThread(make(), "page")
        self.lookups = ReadingThread(make(), "page lookups")
        """For what takes no time, however long the other one reads."""
        self._watched: OrderedDict[str, Watched] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Watched]] = {}
        self._warmed: set[str] = set()
        self._viewers: set[Viewer] = set()
        self._rest_until = 0.0
        self._following: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def knows(self, name: str) -> bool:
        """Whether an incident was read before, so that its page is there at once."""
        return name in self._watched

    async def exists(self, name: str) -> bool:
        """Whether the log has anything of an incident; that is known at once."""
        return name in self._warmed or await self.lookups.do(lambda reader: reader.exists(name))

    async def warm(self) -> None:
        """Read the open incidents, so that the first who looks need not wait."""
        try:
            names = (await self.thread.do(lambda reader: reader.open_incidents()))[:_MOST_WARM]
            self._warmed.update(names)
            for name in names:
                await self._current(name)
        except TrackerError as trouble:
            log_line("the open incidents could not be read for the page", 30, why=trouble.message)
        except Exception as bug:
            report_bug(bug)

    async def incident(self, name: str) -> IncidentPage:
        """Return an incident as the log has it; where that takes long, as it was a moment ago.

        Raises:
            TrackerError: If there is none.
        """
        known = self._watched.get(name)
        if known is None:
            return (await self._current(name)).page
        looking = asyncio.create_task(self._current(name))
        with suppress(TimeoutError):
            return (await asyncio.wait_for(asyncio.shield(looking), _PATIENCE_SECONDS)).page
        looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return known.page

    async def _current(self, name: str) -> Watched:
        known = self._watched.get(name)
        if known is not None and not await self._is_old(known):
            self._watched.move_to_end(name)
            return known
        task = self._reading.get(name)
        if task is None:
            task = self._reading[name] = asyncio.create_task(self._read_again(name))
            task.add_done_callback(lambda _: self._reading.pop(name, None))
        if known is None:
            return await asyncio.shield(task)
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE_SECONDS)
        return known

    async def _is_old(self, known: Watched) -> bool:
        is_open = known.page.facts.incident.status is Status.OPEN
        if is_open and time.monotonic() - known.read_at > _STALE_SECONDS:
            return True
        position = await self.lookups.do(lambda reader: reader.position)
        if position != known.seen and not await self.thread.do(
            lambda reader: reader.touches(known.page, position)
        ):
            known.seen = position
        return position != known.seen

    async def _read_again(self, name: str) -> Watched:
        """Read an incident, and tell its viewers what is other than before."""
        known = self._watched.get(name)
        last = known.page if known is not None else None
        page, cost = await self.thread.do(lambda reader: _timed(lambda: reader.incident(name, last)))
        seen = known.page.position if known is not None else page.position
        removed = await self.thread.do(lambda reader: reader.has_redactions(seen, page.position))
        self._rest_until = time.monotonic() + SHARE * cost
        if known is None:
            known = self._watched[name] = Watched(page, page.position, time.monotonic(), page.position)
            self._forget()
            return known
        before, known.page = known.page, page
        known.seen, known.read_at = page.position, time.monotonic()
        parts = {key: part for key, part in page.parts.items() if part != before.parts.get(key)}
        if page.position > before.position:
            found = updates(before.rows, page.rows, parts, after=before.position, position=page.position)
            self._tell(known, found, forgetting=removed)
        elif parts:
            # Nothing was recorded: time alone made another thing due.
            self._send(known, Update(page.position, parts=parts).message(with_id=False))
        return known

    def _send(self, known: Watched, message: bytes) -> None:
        known.viewers -= {viewer for viewer in known.viewers if not viewer.send(message)}

    def _tell(self, known: Watched, found: list[Update], *, forgetting: bool) -> None:
        if forgetting:
            # What was removed for good is not kept here either, nor sent: who is cut off resumes without it.
            known.updates.clear()
            known.since = known.page.position
            for viewer in known.viewers:
                if not viewer.messages.empty():
                    viewer.cut()
        for update in found:
            message = update.message()
            if not forgetting:
                known.updates.append((update.position, message))
            self._send(known, message)
        while len(known.updates) > _MOST_KEPT:
            known.since = known.updates.popleft()[0]

    def _forget(self) -> None:
        """Forget the incident that nobody looked at for longest."""
        idle = [name for name, known in self._watched.items() if not known.viewers]
        while len(self._watched) > _MOST_INCIDENTS and len(idle) > 1:
            del self._watched[idle.pop(0)]

    # ── streams ──────────────────────────────────────────────────────────────

    def admit(self, viewer: Viewer) -> None:
        """Count a stream.

        Raises:
            TooManyError: If there are too many, of all or of this reader.
        """
        of_one = sum(other.name == viewer.name for other in self._viewers)
        if len(self._viewers) >= MOST_VIEWERS or of_one >= MOST_OF_ONE:
            raise TooManyError
        self._viewers.add(viewer)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())
        if self._ending is None or self._ending.done():
            self._ending = asyncio.create_task(self._end())

    def dismiss(self, viewer: Viewer) -> None:
        """Count a stream no longer."""
        self._viewers.discard(viewer)

    async def stream(
        self, name: str, viewer: Viewer, after: int | None, log: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield what changes of an incident behind a position of a log, for as long as the viewer may look."""
        yield _RETRY
        known = await self._current(name)
        if log and log != known.page.facts.log:
            yield _RELOAD
            return
        known.viewers.add(viewer)
        try:
            for missed in await self._missed(name, known, after):
                if not viewer.permitted():
                    return
                yield missed
            while (message := await viewer.messages.get()) is not None:
                # Asked again: it may have waited here since.
                if not viewer.permitted():
                    return
                yield message
        finally:
            known.viewers.discard(viewer)

    async def _missed(self, name: str, known: Watched, after: int | None) -> list[bytes]:
        """Return what a reader who has everything up to a position has missed."""
        page = known.page
        if after is None or after == page.position:
            return []
        if after > page.position:
            # Another server of this log may have read it anew meanwhile: what they saw comes here, too.
            if after <= await self.lookups.do(lambda reader: reader.position):
                return []
            # What they saw is not in this log: it was replaced by another, or by an older copy.
            return [_RELOAD]
        if after >= known.since:
            return [message for position, message in known.updates if position > after]
        before = await self.thread.do(lambda reader: reader.rows_at(name, after))
        found = updates(
            before, page.rows, page.parts, after=after, position=page.position, with_redacted=True
        )
        return [update.message() for update in found]

    async def _follow(self) -> None:
        """Look into the log for as long as anybody looks at the page."""
        heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        while self._viewers:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            now = time.monotonic()
            if now >= heartbeat:
                heartbeat = now + HEARTBEAT_SECONDS
                for known in self._watched.values():
                    self._send(known, _HEARTBEAT)
            if now < self._rest_until:
                continue
            for name in [name for name, known in self._watched.items() if known.viewers]:
                try:
                    await self._current(name)
                except TrackerError as trouble:
                    log_line("the page could not be read; retrying", 30, why=trouble.message)
                except Exception as bug:
                    report_bug(bug)

    async def _end(self) -> None:
        """End all streams when the server is to end, also while an incident is being read."""
        while self._viewers and not self._stopping():
            await asyncio.sleep(END_EVERY_SECONDS)
        for viewer in list(self._viewers):
            viewer.end()
        if self._viewers:
            await asyncio.sleep(CUT_AFTER_SECONDS)
        for viewer in list(self._viewers):
            viewer.cut()


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.thread_time()
    return work(), time.thread_time() - started
