"""HTTP/1.1 as uvicorn speaks it, with limits on what comes before and after a body.

The parser below it takes headers, trailers and pipelined requests without end, and waits
for them without end; nobody has to be authentic for that.
"""

import asyncio
from asyncio.events import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_BYTES = 64 << 10
"""What headers, or trailers, may have; the piece that passes it was read already, which is 256 KiB at the most."""
HEAD_SECONDS = 20.0
"""How long they may take, and what comes after an answer that waited for no body."""
MOST_PIPELINED = 100
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection, which holds no more than a request may have and lives no longer than one may take."""

    _idle_bytes = 0
    _progress = False
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request soon."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what brings neither a body nor an end of anything."""
        self._progress = False
        super().data_received(data)
        self._idle_bytes = 0 if self._progress else self._idle_bytes + len(data)
        if self._idle_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect the headers' end soon."""
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        """Take a request, unless too many wait on this connection: uvicorn answers 400 and closes it."""
        self._progress = True
        self._came()
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._progress = True
        self._came()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Expect the end of a body that nobody waited for."""
        if self.cycle.more_body:
            self._expect()
        super().on_response_complete()

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _came(self) -> None:
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
        """Whether no answer is under way, into which another would fall."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)
