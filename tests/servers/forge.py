"""A small fake of GitHub's and GitLab's API: lists in pages, and every way of not answering.

It is a fake, because the real servers cannot be reached from the tests. Its answers have the
shapes that both document and that their webhooks show: lists, `Link` to the next page, 401
with a JSON message, limits by headers.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Forge:
    """What the fake has, and what it was asked.

    `lists` maps a path to its records. `instead` maps a path to (status, headers, body) that
    is answered instead.
    """

    url: str = ""
    page_size: int = 100
    lists: dict[str, list[Any]] = field(default_factory=dict)
    instead: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    next_host: str | None = None

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [urlsplit(target).path for target, _ in self.asked]

    def answer(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """Say what a request gets."""
        parts = urlsplit(target)
        if parts.path in self.instead:
            return self.instead[parts.path]
        if parts.path not in self.lists:
            return 404, {"Content-Type": "application/json"}, b'{"message":"Not Found"}'
        records = self.lists[parts.path]
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if page * self.page_size < len(records):
            following = f"{self.next_host or self.url}{parts.path}?page={page + 1}"
            headers["Link"] = (
                f'<{self.url}{parts.path}?page=1>; rel="first", <{following}>; rel="next", '
                f'<{self.url}{parts.path}?page=9>; rel="last"'
            )
        return (
            200,
            headers,
            json.dumps(records[(page - 1) * self.page_size : page * self.page_size], indent=1).encode(),
        )


@contextlib.contextmanager
def forge() -> Iterator[Forge]:
    """Run the fake on loopback, on a free port, for as long as the block lasts."""
    fake = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append((self.path, dict(self.headers)))
            status, headers, body = fake.answer(self.path)
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
