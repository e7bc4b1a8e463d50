"""The routes: authenticate, keep, answer. Nothing is parsed here; that follows the answer.

202 means that the body is on disk. What the sender should send again gets a 503 with
Retry-After; an unauthorized sender gets a 401, and nothing of it is kept.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
from tracker.inbox.queue import SMALL_BYTES, Delivery, Lane
from tracker.ingest.sentry import cli
from tracker.ingest.sentry.envelope import INFLATED_BYTES
from tracker.server import bodies, secrets
from tracker.server.committer import Committer
from tracker.server.page.routes import Pages
from tracker.server.quota import RETRY_SECONDS, PublicQuota
from tracker.server.rejections import Rejections
from tracker.server.secrets import Headers, Secrets
from tracker.server.telemetry import Telemetry, log_line

RETRY_AFTER_SECONDS = "5"
ERRORS_ONLY = "3600:transaction;span;profile;profile_chunk;session;log_item;log_byte;trace_metric;replay;attachment:organization"
"""Rate limits that tell SDKs to send errors and check-ins only; they count the rest as dropped."""
_LONGEST_NAME = 120
_MOST_HEARD = 100
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "3600",
    "Access-Control-Expose-Headers": "X-Sentry-Rate-Limits, Retry-After",
}


@dataclass
class RouteContext:
    """What the routes need: the inbox's writer, the secrets, the metrics, and whether the server is ready.

    The secrets and the quota are replaced when tracker.toml is read again.
    """

    committer: Committer
    secrets: Secrets
    quota: PublicQuota
    telemetry: Telemetry
    not_ready: Callable[[], str | None]
    """Returns why the server does not do its work; None if it does."""
    rejections: Rejections = field(default_factory=Rejections)
    pages: Pages | None = None
    """The page, where there is a log to read it from."""
    heard: dict[str, float] = field(default_factory=dict)
    """When each sender was heard last."""


Endpoint = Callable[[Request], Awaitable[Response]]
Authenticate = Callable[[Request, Headers, bytes], bool]


def build(context: RouteContext) -> Starlette:
    """Build the ASGI application."""

    def sentry(request: Request, headers: Headers, body: bytes) -> bool:
        known = context.secrets
        return secrets.signed(
            known.sentry_client, headers.get("sentry-hook-signature", b""), body
        ) or secrets.same(known.sentry_client, secrets.query_field(request.scope["query_string"], "token"))

    def github(request: Request, headers: Headers, body: bytes) -> bool:
        signature = headers.get("x-hub-signature-256", b"")
        return secrets.signed(context.secrets.github, signature, body, prefix=b"sha256=")

    def alertmanager(request: Request, headers: Headers, body: bytes) -> bool:
        return secrets.bearer(headers, context.secrets.alertmanager)

    def gitlab(request: Request, headers: Headers, body: bytes) -> bool:
        return secrets.same(context.secrets.gitlab, headers.get("x-gitlab-token"))

    def events(request: Request, headers: Headers, body: bytes) -> bool:
        return secrets.bearer(headers, context.secrets.events)

    # Where a token authenticates, no body of an unauthorized sender is read.
    hooks: tuple[tuple[str, str, Authenticate, bool], ...] = (
        ("alertmanager", "/hooks/alertmanager/{source}", alertmanager, True),
        ("sentry", "/hooks/sentry/{source}", sentry, False),
        ("github", "/hooks/github", github, False),
        ("gitlab", "/hooks/gitlab", gitlab, True),
        ("events", "/hooks/events", events, True),
    )

    def measured(name: str, endpoint: Endpoint) -> _Measured:
        return _Measured(name, endpoint, context.telemetry)

    routes = [
        Route(path, measured(name, _hook(context, name, authenticate, by_headers)), methods=["POST"])
        for name, path, authenticate, by_headers in hooks
    ]
    envelope = measured("envelope", _envelope(context))
    routes += [
        Route(path, envelope, methods=["POST", "OPTIONS"])
        for path in ("/api/{project}/envelope/", "/api/{project}/envelope")
    ]
    sentry_cli = measured("sentry-cli", _sentry_cli(context))
    routes.append(Route("/api/0/{rest:path}", sentry_cli, methods=["GET", "POST", "PUT", "DELETE"]))

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        problem = context.not_ready()
        return PlainTextResponse(f"{problem}\n" if problem else "ready\n", 503 if problem else 200)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(context.telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    routes += [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    if context.pages is not None:
        routes += context.pages.routes(measured)
    app = Starlette(routes=routes)
    # No sender follows a redirect with its body: an unknown path is answered 404.
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


def _hook(context: RouteContext, route: str, authenticate: Authenticate, by_headers: bool) -> Endpoint:
    async def answer(request: Request) -> Response:
        headers = _headers(request)
        if by_headers and not authenticate(request, headers, b""):
            return _unauthorized(context, route, request)
        sender = bodies.Sender.AUTHENTICATED if by_headers else bodies.Sender.SIGNED
        body = await _body(request, bodies.HOOK_BYTES, sender)
        if isinstance(body, Response):
            return body
        if not authenticate(request, headers, body):
            return _unauthorized(context, route, request)
        source = request.path_params.get("source", route)
        return await _keep(context, _delivery(route, source, headers, body), Response(status_code=202))

    return answer


def _envelope(context: RouteContext) -> Endpoint:
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=200)
        headers = _headers(request)
        body = await _body(request, bodies.ENVELOPE_BYTES, bodies.Sender.PUBLIC)
        if isinstance(body, Response):
            return body
        encoding = headers.get("content-encoding", b"").decode("latin-1").strip().lower()
        header = bodies.envelope_header(body, encoding)
        key = secrets.sentry_key(headers, request.scope["query_string"], header)
        if not secrets.same(context.secrets.dsn_key, key):
            return _unauthorized(context, "envelope", request)
        try:
            size_bytes = await bodies.inflated_bytes(body, encoding)
        except bodies.TooLargeError:
            return _too_large(INFLATED_BYTES)
        if not context.quota.has_room():
            return _send_again("too little of the disk is free")
        if not context.quota.takes(key or "", size_bytes):
            return _over_quota()
        event_id = header.get("event_id")
        accepted = Response(
            msgspec.json.encode({"id": clean(event_id)} if isinstance(event_id, str) else {}),
            status_code=202,
            media_type="application/json",
            headers={"X-Sentry-Rate-Limits": ERRORS_ONLY},
        )
        project = request.path_params["project"]
        lane = Lane.PUBLIC if size_bytes <= SMALL_BYTES else Lane.PUBLIC_LARGE
        return await _keep(context, _delivery("envelope", project, headers, body, lane), accepted)

    async def answer_any_origin(request: Request) -> Response:
        response = await answer(request)
        response.headers.update(_CORS)
        return response

    return answer_any_origin


def _sentry_cli(context: RouteContext) -> Endpoint:
    """Serve what sentry-cli calls: the answer follows from the request alone, and what is recorded is kept first."""

    async def answer(request: Request) -> Response:
        headers = _headers(request)
        if not secrets.bearer(headers, context.secrets.events, context.secrets.sentry_api):
            return _unauthorized(context, "sentry-cli", request)
        body = await _body(request, bodies.HOOK_BYTES, bodies.Sender.AUTHENTICATED)
        if isinstance(body, Response):
            return body
        method, path = request.method, request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        # Thousands of commits take a while to check; other requests are answered meanwhile.
        status, content = await asyncio.to_thread(cli.answer, method, path, query, body)
        response = Response(content, status_code=status, media_type="application/json")
        if method == "GET" or status >= 300:
            return response
        delivery = _delivery("sentry-cli", path.split("/")[4], headers, body)
        with_request = {**delivery.headers, METHOD: method, PATH: path}
        return await _keep(context, msgspec.structs.replace(delivery, headers=with_request), response)

    return answer


async def _keep(context: RouteContext, delivery: Delivery, response: Response) -> Response:
    """Return the response once the delivery is on disk; if it cannot be written, ask for it again."""
    try:
        await context.committer.put(delivery)
    except TimeoutError:
        return _send_again("the inbox is slow")
    except TrackerError as trouble:
        log_line("a delivery was not kept", 30, route=delivery.route, why=trouble.message)
        return _send_again(trouble.message)
    if delivery.lane < Lane.PUBLIC:
        context.heard[f"{delivery.route}: {delivery.source}"[:_LONGEST_NAME]] = time.time()
    else:
        context.heard[delivery.route] = time.time()
    while len(context.heard) > _MOST_HEARD:
        del context.heard[min(context.heard, key=lambda name: context.heard[name])]
    return response


async def _body(request: Request, most_bytes: int, sender: bodies.Sender) -> bytes | Response:
    try:
        return await bodies.read(request, most_bytes, sender)
    except bodies.TooLargeError:
        return _too_large(most_bytes)
    except bodies.OverloadedError:
        return _send_again("too many bodies are being received")
    except (TimeoutError, ClientDisconnect):
        return PlainTextResponse("the body is incomplete\n", 408, headers={"Connection": "close"})


def _delivery(route: str, source: str, headers: Headers, body: bytes, lane: Lane | None = None) -> Delivery:
    if lane is None:
        lane = Lane.KNOWN if len(body) <= SMALL_BYTES else Lane.LARGE
    kept = {
        name: value.decode("latin-1")
        for name, value in headers.items()
        if name in KEPT_HEADERS or name.startswith("ce-")
    }
    key = next((kept[name] for name in KEY_HEADERS if name in kept), "")
    return Delivery(
        route=route,
        source=clean(source),
        key=clean(key) or hashlib.blake2b(body, digest_size=16).hexdigest(),
        received_us=time.time_ns() // 1000,
        headers={name: clean(value) for name, value in kept.items()},
        body=body,
        lane=lane,
    )


def clean(text: str) -> str:
    """Replace what no store keeps as text."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def _headers(request: Request) -> Headers:
    return {name.decode("latin-1"): value for name, value in request.scope["headers"]}


def _unauthorized(context: RouteContext, route: str, request: Request) -> Response:
    sender = request.client.host if request.client else "unknown"
    context.rejections.add(route, sender, has_secret=bool(context.secrets.of_route(route)))
    return PlainTextResponse("unauthorized\n", 401, headers={"WWW-Authenticate": "Bearer"})


def _too_large(most_bytes: int) -> Response:
    return PlainTextResponse(f"more than {most_bytes} bytes\n", 413, headers={"Connection": "close"})


def _over_quota() -> Response:
    """Tell an SDK to send nothing for a while, as Sentry does."""
    limits = f"{RETRY_SECONDS}::key:quota, {ERRORS_ONLY}"
    return PlainTextResponse(
        "over the quota of the public key\n",
        429,
        headers={"Retry-After": str(RETRY_SECONDS), "X-Sentry-Rate-Limits": limits},
    )


def _send_again(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", 503, headers={"Retry-After": RETRY_AFTER_SECONDS})
