"""A `tracker serve` for each test that asks for one."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.serving import TrackerServer, tracker_server

CHECKOUT = """
[services.checkout]
sentry_projects = ["1"]
alert_labels = { service = "checkout" }
"""


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., TrackerServer]]:
    """Start any number of servers: make_server(toml, alertmanager=..., running=False)."""
    with contextlib.ExitStack() as servers:

        def make(toml: str = CHECKOUT, **options: Any) -> TrackerServer:
            return servers.enter_context(tracker_server(tmp_path, toml, **options))

        yield make


@pytest.fixture
def server(make_server: Callable[..., TrackerServer]) -> TrackerServer:
    """A server that knows the service checkout."""
    return make_server()
