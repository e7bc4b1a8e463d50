"""What schemathesis loads: it signs each request where it should, and counts the answers."""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import requests
import schemathesis
from requests.auth import AuthBase

from tests.hostile.target import authentic, route_of

_seen: "Counter[int]" = Counter()


class Signed(AuthBase):
    """Lets every request in: the secret of its route, or the signature of its body."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        route = route_of(urlsplit(request.url or "").path)
        body = request.body or b""
        if route is not None and isinstance(body, bytes | str):
            raw = body.encode() if isinstance(body, str) else body
            for name, value in authentic(route, raw).items():
                request.headers[name] = value.decode()
        return request


if os.environ["HOSTILE_LET_IN"] == "1":
    schemathesis.auth.set_from_requests(Signed())


@schemathesis.serializer("application/x-sentry-envelope")
def _envelope(context: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def after_call(context: object, case: object, response: "schemathesis.Response") -> None:
    status = response.status_code
    if status == 503 and not any(name.lower() == "retry-after" for name in response.headers):
        status = 599
    _seen[status] += 1


@atexit.register
def _tell() -> None:
    Path(os.environ["HOSTILE_SEEN"]).write_text(json.dumps(_seen))
