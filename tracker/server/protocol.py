"""uvicorn's HTTP/1.1 with limits on what comes before and after a body.

Its parser accepts headers, trailers and pipelined requests without a limit of size or time,
and before any authentication.
"""

import asyncio
from asyncio.events import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES = 64 << 10
"""The most bytes of headers, or trailers; the piece that exceeds it was read already, at most 256 KiB."""
HEAD_SECONDS = 20.0
"""How long they may take, and also the rest of a request that was answered before its body ended."""
MOST_PIPELINED = 100
CUT = "tracker.cut"
"""The key in a request's state of what ends its connection at once, whatever waits to be written."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection, with limits of size and time outside of bodies."""

    _idle_bytes = 0
    _progress = False
    _deadline: TimerHandle | None = None
    _unanswered = 0
    _refusal: str | None = None
    """What is wrong with what came behind the requests that are answered first."""
    _ended = False
    """Whether the sender closed its half of the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes that complete nothing and are no body."""
        if self._refusal is not None:
            return
        self._progress = False
        super().data_received(data)
        self._idle_bytes = 0 if self._progress else self._idle_bytes + len(data)
        if self._idle_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][CUT] = self.transport.abort
        self._start_deadline()

    def on_headers_complete(self) -> None:
        """Accept a request, unless too many are pipelined: uvicorn answers 400 and closes the connection."""
        self._progress = True
        self._cancel_deadline()
        if self._unanswered >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        super().on_headers_complete()
        # Only now: a request whose target is no address gets no answer of its own, but ends the connection.
        self._unanswered += 1

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progress = True
        self._cancel_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle.more_body:
            self._start_deadline()
        self._unanswered -= 1
        super().on_response_complete()
        if self._refusal is not None:
            self.flow.pause_reading()
        if not self._unanswered and not self.transport.is_closing():
            if self._refusal is not None:
                super().send_400_response(self._refusal)
            elif self._ended:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer the whole requests that came before the one that is wrong; then this one, which ends the connection."""
        if not self._has_whole_requests():
            super().send_400_response(msg)
            return
        self._refusal = msg
        self.flow.pause_reading()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the other half of the connection open until all whole requests are answered."""
        self._ended = True
        return self._has_whole_requests()

    def _has_whole_requests(self) -> bool:
        """Whether requests wait for their answers; the last one, if it broke off, is no longer answered."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_complete:
            if not self.pipeline or self.pipeline[0][0] is not cycle:
                return False
            self.pipeline.popleft()
            self._unanswered -= 1
        return self._unanswered > 0

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._idle():
            self.transport.write(_TOO_SLOW)
        self.transport.close()

    def _idle(self) -> bool:
        """Whether no answer is being written, which another would corrupt."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)
