"""What schemathesis is given describes the routes that there are."""

import re

from starlette.applications import Starlette
from starlette.routing import Match, Route

from tests.hostile import openapi
from tests.server.doors import door
from tracker.server.app import build


def _routes(app: Starlette) -> list[Route]:
    return [route for route in app.routes if isinstance(route, Route)]


def test_every_operation_that_is_described_has_a_route() -> None:
    """
    What is tried is answered with neither 404 nor 405.
    """
    app = build(door())

    def is_answered(method: str, path: str) -> bool:
        path = re.sub(r"\{\w+\}", "x", path)
        scope = {"type": "http", "method": method.upper(), "path": path, "headers": []}
        return any(route.matches(scope)[0] is Match.FULL for route in _routes(app))

    assert [each[:2] for each in openapi.OPERATIONS if not is_answered(*each[:2])] == []


def test_every_route_is_described() -> None:
    """
    A route that is added and not tried is found here. Preflights and HEAD go without saying.
    """

    def plain(path: str) -> str:
        return re.sub(r"\{\w+(:\w+)?\}", "{}", path).rstrip("/")

    described = {(each[0].upper(), plain(each[1])) for each in openapi.OPERATIONS}
    routes = {
        (method, plain(route.path))
        for route in _routes(build(door()))
        if not route.path.endswith(":path}")  # it takes the rest, whatever that is called
        for method in (route.methods or ())
        if method not in ("HEAD", "OPTIONS")
    }

    assert routes - described == set()
