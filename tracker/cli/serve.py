"""Receive webhooks, poll the configured sources, and declare incidents according to auto_declare.

A delivery is answered with 202 once it is on disk. Alerts, errors, deploys and samples are then
recorded, and each verdict is recorded when its window closes. Ctrl-C or SIGTERM stops the server
after everything received is on disk.
"""

import argparse

from tracker.application.session import Session
from tracker.server.main import serve

EXAMPLE = "example:  tracker serve        tracker serve --host 0.0.0.0 --port 8321"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8321, help="port to listen on (default 8321; 0 means any free port)"
    )


def run(arguments: argparse.Namespace, session: Session) -> int:
    return serve(session, host=arguments.host, port=arguments.port)
