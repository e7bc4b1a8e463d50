"""Receive what sources push, ask them for what they keep, and declare incidents by the services' rule.

202 means that a delivery is on disk. Alerts, errors, deploys and samples get into the log by
themselves; verdicts are recorded when their window is over. Ctrl-C, or SIGTERM, ends it
after what was received is on disk.
"""

import argparse

from tracker.application.session import Session
from tracker.server.main import serve

EXAMPLE = "example:  tracker serve        tracker serve --host 0.0.0.0 --port 8321"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8321, help="port to listen on (default 8321; 0: any free one)"
    )


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Serve until told to stop."""
    return serve(arguments, session)
