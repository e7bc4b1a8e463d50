"""The channels that messages are posted to: what each answers next is told to it, and it keeps what came.

An incoming webhook as Slack's, the webhook of a workflow as Teams', and a receiver of CloudEvents. Each rejects
what the real one rejects.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
TEAMS_SECRET = "/workflows/0f2e/triggers/manual/paths/invoke?api-version=2016-06-01&sig=ZZZZZZZZZZZZ"
TOKEN = "hook-receiver-token"


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
    """What was posted, and what is answered: the replies in turn, then what the real one answers."""

    def __init__(self, url: str, usual: Reply = OK) -> None:
        self.url = url
        self.usual = usual
        self.replies: list[Reply] = []
        self.bodies: list[bytes] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for body in self.bodies]

    @property
    def lines(self) -> list[str]:
        """The first line of each text of a card, or of a CloudEvent."""
        return [_first_line(json.loads(body)) for body in self.bodies]

    def keep(self, body: bytes) -> Reply:
        with self._changed:
            self.bodies.append(body)
            self._changed.notify_all()
            return self.replies.pop(0) if self.replies else self.usual

    def wait_for(self, count: int, *, timeout_seconds: float = 120.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.bodies) >= count, timeout_seconds)


def _first_line(posted: dict[str, Any]) -> str:
    if "attachments" in posted:
        first: str = posted["attachments"][0]["content"]["body"][0]["inlines"][0]["text"]
        return first
    text: str = posted["data"]["text"] if "data" in posted else posted["text"]
    return text.split("\n")[0]


Check = Callable[[Mapping[str, str], bytes], Reply | None]
"""Returns what the real one answers to a request that it does not take."""


def no_slack_message(headers: Mapping[str, str], body: bytes) -> Reply | None:
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError, TypeError):
        return Reply(400, "invalid_payload")
    return None if text.strip() else Reply(400, "no_text")


def no_card(headers: Mapping[str, str], body: bytes) -> Reply | None:
    try:
        posted = json.loads(body)
        [attached] = posted["attachments"]
        is_card = attached["content"]["type"] == "AdaptiveCard" and attached["content"]["body"]
        is_card = is_card and attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    except (ValueError, KeyError, TypeError):
        posted, is_card = {}, False
    if posted.get("type") == "message" and is_card and len(body) <= 28_000:
        return None
    error = {
        "code": "TriggerInputSchemaMismatch",
        "message": "The input body for trigger 'manual' did not match",
    }
    return Reply(400, json.dumps({"error": error}))


def no_cloud_event(headers: Mapping[str, str], body: bytes) -> Reply | None:
    if headers.get("Authorization") != f"Bearer {TOKEN}":
        return Reply(401, "")
    if not headers.get("Content-Type", "").startswith("application/cloudevents+json"):
        return Reply(415, "")
    try:
        event = json.loads(body)
    except ValueError:
        return Reply(400, "")
    required = all(isinstance(event.get(name), str) and event[name] for name in ("id", "source", "type"))
    return None if required and event.get("specversion") == "1.0" else Reply(400, "")


@contextlib.contextmanager
def fake_teams() -> Iterator[FakeSlack]:
    """The webhook of a workflow: 202 and nothing, before anybody sees the card."""
    with fake_slack(TEAMS_SECRET, Reply(202, ""), no_card) as teams:
        yield teams


@contextlib.contextmanager
def fake_webhook() -> Iterator[FakeSlack]:
    """A receiver of CloudEvents that wants a token."""
    with fake_slack("/events", Reply(204, ""), no_cloud_event) as webhook:
        yield webhook


@contextlib.contextmanager
def fake_slack(path: str = SECRET, usual: Reply = OK, check: Check = no_slack_message) -> Iterator[FakeSlack]:
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = slack.keep(body)
            if reply is slack.usual:
                reply = check(self.headers, body) or reply
            slack.closing.wait(60.0 if reply.hangs else reply.after_seconds)
            if reply.hangs or reply.drops:
                self.close_connection = True
                return
            said = reply.body.encode()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(said) + 9 * reply.halts))
                self.end_headers()
                self.wfile.write(said)
                slack.closing.wait(60.0 if reply.halts else 0.0)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        slack = FakeSlack(f"http://127.0.0.1:{server.server_port}{path}", usual)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield slack
        finally:
            slack.closing.set()
            server.shutdown()
            thread.join()
