"""The application without a process around it: an inbox that keeps in memory, and a secret for each route."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette

from tracker.inbox.queue import Delivery
from tracker.server.app import RouteContext, build
from tracker.server.committer import Committer
from tracker.server.protocol import BoundedProtocol
from tracker.server.quota import PublicQuota
from tracker.server.secrets import Secrets
from tracker.server.telemetry import Telemetry
from tracker.settings.schema import Serve

KEY = "k" * 32
SECRETS = Secrets(
    alertmanager="a", sentry_client="s", dsn_key=KEY, sentry_api="api", github="g", gitlab="l", events="e"
)


class Kept:
    """The part of an inbox that the door knows."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def put(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries += deliveries


def door(inbox: Any = None, serve: Serve | None = None) -> RouteContext:
    """Make a door whose inbox keeps in memory, and whose quota is that of `serve`."""
    telemetry = Telemetry()
    quota = PublicQuota(serve or Serve(), None, telemetry)
    return RouteContext(Committer(inbox or Kept()), SECRETS, quota, telemetry, lambda: None)


@contextlib.contextmanager
def listening(app: Starlette | None = None, inbox: Any = None) -> Iterator[int]:
    """Serve on a free port of loopback with the limits of `tracker serve`; gives the port."""
    server = uvicorn.Server(
        uvicorn.Config(
            app or build(door(inbox)),
            http=BoundedProtocol,
            port=0,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(120)
