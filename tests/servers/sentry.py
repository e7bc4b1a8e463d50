"""A FAKE of Sentry's REST API, for sentry.io cannot be reached from a test.

Its answers have the shape of those that getsentry/sentry-cli keeps for its own tests. How it
pages, limits and fails is a parameter. What it is told with sentry-cli it does not know:
put lists into `issues`, `releases`, `deploys` and `commits`.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HTML = b"<!doctype html><title>Server Error (500)</title>"


@dataclass(frozen=True)
class Failure:
    """What is answered in place of data."""

    status: int = 500
    body: bytes = HTML
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


def sentrys_link(base: str, cursor: int, more: bool) -> str:
    """Write the header as Sentry does: a next page always, and whether anything is on it."""
    return (
        f'<{base}?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
        f'<{base}?cursor=0:{cursor}:0>; rel="next"; results="{str(more).lower()}"; cursor="0:{cursor}:0"'
    )


def glitchtips_link(base: str, cursor: int, more: bool) -> str:
    """Write it as GlitchTip does: a set as Python prints it."""
    said = {f'<{base}?cursor=0:{cursor}:0>; rel="next"; results="{str(more).lower()}"; cursor="0:{cursor}:0"'}
    return str(said)


def endless_link(base: str, cursor: int, more: bool) -> str:
    """Claim that there is always more, and give another cursor each time."""
    return f'<{base}?cursor=0:{cursor}:0>; rel="next"; results="true"; cursor="0:{cursor}:0"'


@dataclass
class FakeSentry:
    """What it knows and how it behaves; `asked` are the paths and queries that came."""

    url: str = ""
    organization: str = "acme"
    token: str = "token"
    issues: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    releases: list[dict[str, Any]] = field(default_factory=list)
    deploys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    commits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page_size: int = 100
    link: Callable[[str, int, bool], str] = sentrys_link
    sorts: tuple[str, ...] = ("date",)
    failures: dict[str, list[Failure | None]] = field(default_factory=dict)
    """By the end of a path: what to answer the next times; the last of them stays."""

    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def fails(self, ending: str, *failures: Failure | None) -> None:
        """Answer requests whose path ends so with these, one after the other; None is to answer well."""
        self.failures[ending] = list(failures)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[Failure | None, Any]:
        """Return a failure, or a value."""
        for ending, failures in self.failures.items():
            if path.endswith(ending):
                failure = failures.pop(0) if len(failures) > 1 else failures[0]
                if failure is not None:
                    return failure, None
        base = f"/api/0/organizations/{self.organization}"
        if path == f"{base}/issues/":
            if query.get("sort") and query["sort"][0] not in self.sorts:
                return Failure(
                    422, b'{"detail": "no such order"}', {"Content-Type": "application/json"}
                ), None
            return None, sorted(self.issues, key=lambda issue: issue["lastSeen"], reverse=True)
        if match := re.fullmatch(rf"{base}/issues/([^/]+)/", path):
            return None, self.details.get(match[1])
        if path == f"{base}/releases/":
            return None, self.releases
        if match := re.fullmatch(rf"{base}/releases/([^/]+)/(deploys|commits)/", path):
            return None, getattr(self, match[2]).get(unquote(match[1]), [])
        return None, None


@contextlib.contextmanager
def fake_sentry(**options: Any) -> Iterator[FakeSentry]:
    """Listen on a free port of loopback."""
    fake = FakeSentry(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True)
            fake.asked.append((parts.path, query))
            headers = {"Content-Type": "application/json"}
            if self.headers.get("Authorization") != f"Bearer {fake.token}":
                return self.send(401, b'{"detail": "Invalid token"}', headers)
            failure, value = fake.answer(parts.path, query)
            if failure is not None:
                return self.send(failure.status, failure.body, failure.headers)
            if value is None:
                return self.send(404, b'{"detail": "not found"}', headers)
            if isinstance(value, list):
                cursor = query.get("cursor", ["0:0:0"])[0]
                start = int(cursor.split(":")[1])
                end = start + fake.page_size
                headers["Link"] = fake.link(f"{fake.url}{parts.path}", end, end < len(value))
                value = value[start:end]
            return self.send(200, json.dumps(value).encode(), headers)

        def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
