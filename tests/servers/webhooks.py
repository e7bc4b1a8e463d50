"""A receiver of webhooks that keeps what came, byte for byte."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Delivery:
    """One request as it came; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What came so far, and what to answer next."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.deliveries: list[Delivery] = []
        self.status = 202
        self._changed = threading.Condition()

    def keep(self, delivery: Delivery) -> None:
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()

    def wait_for(self, count: int, *, timeout_seconds: float = 120.0) -> list[Delivery]:
        """Wait until so many deliveries came, and give all of them.

        Raises:
            TimeoutError: If fewer came in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.deliveries) >= count, timeout_seconds):
                raise TimeoutError(
                    f"{len(self.deliveries)} of {count} deliveries came in {timeout_seconds} s"
                )
            return list(self.deliveries)


@contextlib.contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    """Listen on a free port of loopback and answer every POST with the receiver's `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.keep(Delivery(self.path, headers, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
