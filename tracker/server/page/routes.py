"""The routes of the page: who asks, what for, and the headers that keep it where it belongs."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from reports.charts import NARROW, draw
from reports.page import incident as incident_page
from reports.page import overview as overview_page
from reports.page.assets import TYPES, assets
from reports.page.facts import GROUPS, Heard, Since
from reports.page.layout import failure, not_found, opening
from reports.sections.pictures import pictures
from tracker.application.page import IncidentPage, PageReader
from tracker.errors import TrackerError
from tracker.inbox.queue import Inbox
from tracker.server.page.access import COOKIE, Access, Reader
from tracker.server.page.hub import Hub, TooManyError, Viewer
from tracker.server.page.reading import ReadingThread
from tracker.server.protocol import CUT

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_PICTURES = 64
_NOT_FOUND = "There is no such page.\n"

Endpoint = Callable[[Request], Awaitable[Response]]


class _Incidents(StringConvertor):
    """What an incident's number looks like: no other address is one of the page."""

    regex = "[A-Za-z][A-Za-z0-9]*-[0-9]{1,9}"


register_url_convertor("incident", _Incidents())


class Pages:
    """Answers for the page. Reports and pictures are made in a thread of their own: they take longer than an event may."""

    def __init__(
        self,
        make: Callable[[], PageReader],
        access: Access,
        inbox: Inbox,
        heard: Callable[[], list[Heard]],
        stopping: Callable[[], bool],
    ) -> None:
        self._access, self._inbox, self._heard = access, inbox, heard
        self._hub = Hub(make, stopping)
        self._writer = ReadingThread(make(), "page writer")
        self._pictures: dict[tuple[str, str, str, bool], bytes] = {}
        self._reports: dict[str, tuple[int, bytes]] = {}

    def routes(self, measured: Callable[[str, Endpoint], object]) -> list[Route]:
        """Return the routes, the most general last."""

        def route(path: str, name: str, endpoint: Endpoint) -> Route:
            return Route(path, measured(name, endpoint), methods=["GET"])  # type: ignore[arg-type]

        return [
            route("/", "page", self._guarded(self._overview, of_incident=False)),
            route("/assets/{name}", "asset", _asset),
            route("/{incident:incident}/events", "events", self._guarded(self._events)),
            route("/{incident:incident}/report", "report", self._guarded(self._report)),
            route("/{incident:incident}/pictures/{name}", "picture", self._guarded(self._picture)),
            route("/{incident:incident}.json", "page-json", self._guarded(self._json)),
            route("/{incident:incident}", "page", self._guarded(self._incident)),
        ]

    async def warm(self) -> None:
        """Read what will be looked at first."""
        await self._hub.warm()

    # ── who may ──────────────────────────────────────────────────────────────

    def _guarded(
        self, endpoint: Callable[[Request, Reader], Awaitable[Response]], *, of_incident: bool = True
    ) -> Endpoint:
        """Ask who it is before anything is read; a stranger is told the same of every address."""

        async def answer(request: Request) -> Response:
            response = await self._answer(request, endpoint, of_incident)
            response.headers.update(HEADERS)
            return response

        return answer

    async def _answer(
        self,
        request: Request,
        endpoint: Callable[[Request, Reader], Awaitable[Response]],
        of_incident: bool,
    ) -> Response:
        reader = self._access.reader(request)
        name = request.path_params.get("incident") if of_incident else None
        if reader is None or not reader.may_see(name):
            return PlainTextResponse(self._access.refused, 403)
        token = request.query_params.get("link")
        if token is not None and (opened := self._access.opened(token)) is not None:
            return self._exchanged(request, token, *opened)
        try:
            return await endpoint(request, reader)
        except TrackerError as trouble:
            return PlainTextResponse(f"{trouble.message}\n", 404)

    def _exchanged(self, request: Request, token: str, incident: str | None, seconds: float) -> Response:
        """Put a link into a cookie, so that it is in no address, no history and no header that goes on."""
        others = [(key, value) for key, value in request.query_params.multi_items() if key != "link"]
        path = quote(request.url.path) + (f"?{urlencode(others)}" if others else "")
        response = RedirectResponse(path, 303)
        cookie = SimpleCookie()
        name = f"{COOKIE}_{incident}" if incident else COOKIE
        cookie[name] = token
        morsel = {"path": "/", "max-age": int(seconds), "httponly": True, "samesite": "Lax"}
        for key, value in morsel.items():
            cookie[name][key] = value
        if self._access.secure:
            cookie[name]["secure"] = True
        response.headers.append("set-cookie", cookie[name].OutputString())
        return response

    # ── what is shown ────────────────────────────────────────────────────────

    async def _overview(self, request: Request, reader: Reader) -> Response:
        heard = self._heard()
        read = await self._hub.thread.do(lambda pages: pages.overview(self._inbox, heard))
        return HTMLResponse(overview_page.page(read))

    async def _incident(self, request: Request, reader: Reader) -> Response:
        name = request.path_params["incident"]
        typed = request.query_params.get("since")
        if typed or self._hub.knows(name):
            page = await self._hub.incident(name)
            try:
                since = await self._writer.do(lambda pages: pages.since(page, typed)) if typed else None
            except TrackerError as trouble:
                return PlainTextResponse(f"{trouble.message}\n{trouble.hint or ''}\n", 400)
            return StreamingResponse(_chunks(_written(request, page, since)), media_type="text/html")
        if not await self._hub.exists(name):
            return HTMLResponse(not_found(name), 404)
        return StreamingResponse(self._as_it_is_read(request, name), media_type="text/html")

    async def _as_it_is_read(self, request: Request, name: str) -> AsyncIterator[bytes]:
        """Send the head at once, and the page once it was read for the first time."""
        yield opening(name).encode()
        try:
            page = await self._hub.incident(name)
        except TrackerError as trouble:
            yield failure(trouble.message).encode()
            return
        before, rows, behind = _written(request, page)
        yield before.partition(b"</head>")[2]
        yield rows
        yield behind

    async def _json(self, request: Request, reader: Reader) -> Response:
        name = request.path_params["incident"]
        answer = await self._writer.do(lambda pages: pages.json(name))
        return Response(
            json.dumps(answer, ensure_ascii=False, indent=2) + "\n", media_type="application/json"
        )

    async def _report(self, request: Request, reader: Reader) -> Response:
        name = request.path_params["incident"]
        position = await self._writer.do(lambda pages: pages.position)
        known = self._reports.get(name)
        if known is None or known[0] != position:
            known = (position, await self._writer.do(lambda pages: pages.report(name)))
            self._reports = {name: known}
        return Response(known[1], media_type="text/html")

    async def _picture(self, request: Request, reader: Reader) -> Response:
        page = await self._hub.incident(request.path_params["incident"])
        name = request.path_params["name"]
        narrow = "narrow" in request.query_params
        key = (page.facts.incident.id, name, page.facts.pictured, narrow)
        drawn = self._pictures.get(key)
        if drawn is None:
            drawn = await self._writer.do(lambda _: _drawn(page, name, narrow=narrow))
            if drawn is None:
                return PlainTextResponse(_NOT_FOUND, 404)
            while len(self._pictures) >= _MOST_PICTURES:
                del self._pictures[next(iter(self._pictures))]
            self._pictures[key] = drawn
        return Response(drawn, media_type="image/svg+xml")

    async def _events(self, request: Request, reader: Reader) -> Response:
        name = request.path_params["incident"]
        await self._hub.incident(name)  # one that is not there is answered 404
        last = request.headers.get("last-event-id") or request.query_params.get("after")
        viewer = Viewer(
            reader.name,
            lambda: self._is_open_to(request, name),
            request.scope["state"].get(CUT, lambda: None),
        )
        try:
            self._hub.admit(viewer)
        except TooManyError:
            return PlainTextResponse("Too many pages are open.\n", 503, headers={"Retry-After": "10"})
        log = request.query_params.get("log")
        return _Stream(self._hub, viewer, self._hub.stream(name, viewer, _position(last), log))

    def _is_open_to(self, request: Request, name: str) -> bool:
        reader = self._access.reader(request)
        return reader is not None and reader.may_see(name)


class _Stream(StreamingResponse):
    """A stream that is counted for as long as its connection lasts."""

    def __init__(self, hub: Hub, viewer: Viewer, messages: AsyncIterator[bytes]) -> None:
        super().__init__(messages, media_type="text/event-stream")
        self._hub, self._viewer = hub, viewer
        self.headers["X-Accel-Buffering"] = "no"

    async def __call__(self, *connection: object) -> None:
        try:
            await super().__call__(*connection)  # type: ignore[arg-type]
        finally:
            self._hub.dismiss(self._viewer)


def _written(request: Request, page: IncidentPage, since: Since | None = None) -> tuple[bytes, bytes, bytes]:
    show = request.query_params.get("show")
    before, behind = incident_page.page(
        page.facts,
        page.parts,
        now=datetime.now(UTC),
        show=show if show in GROUPS else None,
        since=since,
    )
    return before.encode(), page.list_items, behind.encode()


def _position(typed: str | None) -> int | None:
    """Return the position that a reader has; what is none is one that no log has."""
    if not typed:
        return None
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else sys.maxsize


def _drawn(page: IncidentPage, name: str, *, narrow: bool) -> bytes | None:
    chart = pictures(page.facts.context, with_windows=True).get(name)
    if chart is None:
        return None
    return draw(chart, width=NARROW) if narrow else draw(chart)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    data = assets().get(name)
    if data is None:
        return PlainTextResponse(_NOT_FOUND, 404, headers=HEADERS)
    kept = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(data, media_type=TYPES[name[name.rindex(".") :]], headers=kept)


async def _chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
