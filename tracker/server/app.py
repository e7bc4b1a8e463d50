"""The routes: authenticate, keep, answer. Nothing is understood here; that comes after the answer.

202 means that the body is on disk. Whatever the sender should send again gets a 503 with
Retry-After; a sender that may not come in gets a 401 and leaves nothing behind.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from prometheus_client import Counter
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tracker.application.read_delivery import KEPT_HEADERS, KEY_HEADERS, METHOD, PATH
from tracker.errors import TrackerError
from tracker.inbox.queue import Delivery
from tracker.ingest.sentry import cli
from tracker.server import bodies, secrets
from tracker.server.committer import Committer
from tracker.server.secrets import Secrets
from tracker.server.telemetry import Telemetry, tell

RETRY_AFTER_SECONDS = "5"
ERRORS_ONLY = "3600:transaction;span;profile;profile_chunk;session;log_item;log_byte;trace_metric;replay;attachment:organization"
"""Tells SDKs that only errors and check-ins are wanted here; they count the rest as dropped, and send no more of it."""
HEADERS_SUFFICE = ("alertmanager", "gitlab", "events")
"""Where a token says who it is: of a stranger no body is read."""
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "3600",
    "Access-Control-Expose-Headers": "X-Sentry-Rate-Limits, Retry-After",
}


@dataclass
class Door:
    """What the routes need: the inbox's writer, the secrets, the metrics, and how ready the server is."""

    committer: Committer
    secrets: Secrets
    telemetry: Telemetry
    ready: Callable[[], str | None]
    """What keeps the server from its work, or None."""


Endpoint = Callable[[Request], Awaitable[Response]]


def build(door: Door) -> Starlette:
    """Build the ASGI application."""

    def hook(route: str, authentic: Callable[[Request, secrets.Headers, bytes], bool]) -> Endpoint:
        async def answer(request: Request) -> Response:
            return await _received(door, route, request, authentic)

        return answer

    def measured(name: str, endpoint: Endpoint) -> _Measured:
        return _Measured(name, endpoint, door.telemetry)

    wanted = door.secrets
    hooks: dict[str, Callable[[Request, secrets.Headers, bytes], bool]] = {
        "alertmanager": lambda request, headers, body: secrets.bearer(headers, wanted.alertmanager),
        "sentry": lambda request, headers, body: (
            secrets.signed(wanted.sentry_client, headers.get("sentry-hook-signature", b""), body)
            or secrets.same(wanted.sentry_client, secrets.asked(request.scope["query_string"], "token"))
        ),
        "github": lambda request, headers, body: secrets.signed(
            wanted.github, headers.get("x-hub-signature-256", b""), body, prefix=b"sha256="
        ),
        "gitlab": lambda request, headers, body: secrets.same(wanted.gitlab, headers.get("x-gitlab-token")),
        "events": lambda request, headers, body: secrets.bearer(headers, wanted.events),
    }
    paths = {
        "alertmanager": "/hooks/alertmanager/{source}",
        "sentry": "/hooks/sentry/{source}",
        "github": "/hooks/github",
        "gitlab": "/hooks/gitlab",
        "events": "/hooks/events",
    }
    routes = [
        Route(paths[name], measured(name, hook(name, authentic)), methods=["POST"])
        for name, authentic in hooks.items()
    ]
    envelope = measured("envelope", _envelope(door))
    routes += [
        Route(path, envelope, methods=["POST", "OPTIONS"])
        for path in ("/api/{project}/envelope/", "/api/{project}/envelope")
    ]

    pipelines = measured("sentry-cli", _sentry_cli(door))
    routes.append(Route("/api/0/{rest:path}", pipelines, methods=["GET", "POST", "PUT", "DELETE"]))

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        missing = door.ready()
        return PlainTextResponse(f"{missing}\n" if missing else "ready\n", 503 if missing else 200)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(door.telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    routes += [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    app = Starlette(routes=routes)
    # No sender follows a redirect with its body: a path that is not one is said to be none.
    app.router.redirect_slashes = False
    return app


class _Measured:
    """An endpoint as an ASGI application of its own, which saves Starlette's wrapping of plain functions."""

    def __init__(self, name: str, endpoint: Endpoint, telemetry: Telemetry) -> None:
        self._name, self._endpoint, self._telemetry = name, endpoint, telemetry
        self._seconds = telemetry.request_seconds.labels(name)
        self._counts: dict[int, Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        response = await self._endpoint(Request(scope, receive, send))
        status = response.status_code
        count = self._counts.get(status)
        if count is None:
            count = self._counts[status] = self._telemetry.requests.labels(self._name, str(status))
        count.inc()
        self._seconds.observe(time.perf_counter() - started)
        await response(scope, receive, send)


async def _received(
    door: Door, route: str, request: Request, authentic: Callable[[Request, secrets.Headers, bytes], bool]
) -> Response:
    headers = _headers(request)
    if route in HEADERS_SUFFICE and not authentic(request, headers, b""):
        return _unauthorized()
    body = await _body(request, bodies.HOOK_BYTES)
    if isinstance(body, Response):
        return body
    if not authentic(request, headers, body):
        return _unauthorized()
    source = request.path_params.get("source", route)
    return await keep(door, _delivery(route, source, headers, body), Response(status_code=202))


def _envelope(door: Door) -> Endpoint:
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=200, headers=_CORS)
        headers = _headers(request)
        body = await _body(request, bodies.ENVELOPE_BYTES)
        if isinstance(body, Response):
            body.headers.update(_CORS)
            return body
        encoding = headers.get("content-encoding", b"").decode("latin-1").strip().lower()
        header = bodies.envelope_header(body, encoding)
        key = secrets.sentry_key(headers, request.scope["query_string"], header)
        if not secrets.same(door.secrets.dsn_key, key):
            refused = _unauthorized()
            refused.headers.update(_CORS)
            return refused
        event_id = header.get("event_id")
        answered = Response(
            msgspec.json.encode({"id": clean(event_id)} if isinstance(event_id, str) else {}),
            status_code=202,
            media_type="application/json",
            headers={"X-Sentry-Rate-Limits": ERRORS_ONLY, **_CORS},
        )
        project = request.path_params["project"]
        return await keep(door, _delivery("envelope", project, headers, body), answered)

    return answer


def _sentry_cli(door: Door) -> Endpoint:
    """What sentry-cli calls: the answer follows from the request alone, and what records something is kept first."""

    async def answer(request: Request) -> Response:
        headers = _headers(request)
        if not secrets.bearer(headers, door.secrets.events, door.secrets.sentry_api):
            return _unauthorized()
        body = await _body(request, bodies.HOOK_BYTES)
        if isinstance(body, Response):
            return body
        method, path = request.method, request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        # Thousands of commits take their time to be looked at; others are answered meanwhile.
        status, said = await asyncio.to_thread(cli.answer, method, path, query, body)
        answered = Response(said, status_code=status, media_type="application/json")
        if method == "GET" or status >= 300:
            return answered
        delivery = _delivery("sentry-cli", path.split("/")[4], headers, body)
        named = {**delivery.headers, METHOD: method, PATH: path}
        return await keep(door, msgspec.structs.replace(delivery, headers=named), answered)

    return answer


async def keep(door: Door, delivery: Delivery, answer: Response) -> Response:
    """Answer once the delivery is on disk; where that cannot be, ask for it again."""
    try:
        await door.committer.put(delivery)
    except TimeoutError:
        return _again("the inbox is slow")
    except TrackerError as trouble:
        tell("a delivery was not kept", level=30, route=delivery.route, why=trouble.message)
        return _again(trouble.message)
    return answer


async def _body(request: Request, most_bytes: int) -> bytes | Response:
    try:
        return await bodies.read(request, most_bytes)
    except bodies.TooLargeError:
        return PlainTextResponse(f"more than {most_bytes} bytes\n", 413, headers={"Connection": "close"})
    except bodies.OverloadedError:
        return _again("too much is being read")
    except (TimeoutError, ClientDisconnect):
        return PlainTextResponse("the body did not come to an end\n", 408, headers={"Connection": "close"})


def _delivery(route: str, source: str, headers: secrets.Headers, body: bytes) -> Delivery:
    kept = {
        name: value.decode("latin-1")
        for name, value in headers.items()
        if name in KEPT_HEADERS or name.startswith("ce-")
    }
    named = next((kept[name] for name in KEY_HEADERS if name in kept), "")
    return Delivery(
        route=route,
        source=clean(source),
        key=clean(named) or hashlib.blake2b(body, digest_size=16).hexdigest(),
        received_us=time.time_ns() // 1000,
        headers={name: clean(value) for name, value in kept.items()},
        body=body,
    )


def clean(text: str) -> str:
    """Leave out what no store keeps as text."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def _headers(request: Request) -> Mapping[str, bytes]:
    return {name.decode("latin-1"): value for name, value in request.scope["headers"]}


def _unauthorized() -> Response:
    return PlainTextResponse("not authentic\n", 401, headers={"WWW-Authenticate": "Bearer"})


def _again(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", 503, headers={"Retry-After": RETRY_AFTER_SECONDS})
