"""An incoming webhook as Slack's: what it answers next is told to it, and it keeps what came."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


@dataclass(frozen=True)
class Reply:
    """One answer. `hangs`: the request is taken and never answered; `drops`: the connection is cut; `halts`: half an answer comes."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    drops: bool = False
    halts: bool = False
    after_seconds: float = 0.0


OK = Reply()


class FakeSlack:
    """What was posted, and what is answered: the replies in turn, then `ok`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: list[Reply] = []
        self.bodies: list[bytes] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for body in self.bodies]

    def keep(self, body: bytes) -> Reply:
        with self._changed:
            self.bodies.append(body)
            self._changed.notify_all()
            return self.replies.pop(0) if self.replies else OK

    def wait_for(self, count: int, *, timeout_seconds: float = 120.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.bodies) >= count, timeout_seconds)


@contextlib.contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = slack.keep(body)
            slack.closing.wait(60.0 if reply.hangs else reply.after_seconds)
            if reply.hangs or reply.drops:
                self.close_connection = True
                return
            said = reply.body.encode()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said) + 9 * reply.halts))
                self.end_headers()
                self.wfile.write(said)
                slack.closing.wait(60.0 if reply.halts else 0.0)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        slack = FakeSlack(f"http://127.0.0.1:{server.server_port}{SECRET}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield slack
        finally:
            slack.closing.set()
            server.shutdown()
            thread.join()
