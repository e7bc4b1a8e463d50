"""/openapi.json describes the routes that there are."""

import re

from starlette.applications import Starlette
from starlette.routing import Match, Route

from tests.server.doors import door
from tracker.server import openapi
from tracker.server.app import build

"""The routes of sentry-cli are described before they are there; once one is, all must be."""


def _routes(app: Starlette) -> list[Route]:
    return [route for route in app.routes if isinstance(route, Route)]


def _answered(app: Starlette, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method.upper(), "path": re.sub(r"\{\w+\}", "x", path), "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in _routes(app))


def test_every_operation_that_is_described_has_a_route() -> None:
    """
    Who calls what /openapi.json promises gets no 404 and no 405.
    """
    app = build(door())

    missing = [
        (each.method, each.path) for each in openapi.OPERATIONS if not _answered(app, each.method, each.path)
    ]

    assert missing == []


def test_every_route_is_described() -> None:
    """
    A route that is added and not described is found here. Preflights and HEAD go without saying.
    """

    def plain(path: str) -> str:
        return re.sub(r"\{\w+(:\w+)?\}", "{}", path).rstrip("/")

    described = {(each.method.upper(), plain(each.path)) for each in openapi.OPERATIONS}
    app = build(door())
    there = {
        (method, plain(route.path))
        for route in _routes(app)
        if not route.path.endswith(":path}")  # it takes the rest, whatever that is called
        for method in (route.methods or ())
        if method not in ("HEAD", "OPTIONS")
    }

    assert there - described == set()


def test_each_operation_names_schemes_that_are_defined() -> None:
    """
    What lets a sender in is described, and only /healthz, /readyz, /metrics and the description are open.
    """
    document = openapi.document()
    known = document["components"]["securitySchemes"]
    operations = [each for path in document["paths"].values() for each in path.values()]

    used = {name for each in operations for way in each.get("security", []) for name in way}

    assert used == set(known)
    open_ones = sorted(each["operationId"] for each in operations if "security" not in each)
    assert open_ones == ["get-healthz", "get-metrics", "get-openapi.json", "get-readyz"]
    assert len({each["operationId"] for each in operations}) == len(operations)
