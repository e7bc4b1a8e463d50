"""One question over HTTP, answered soon or not at all."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from tracker.errors import SettingsError, SourceUnreachableError

TIMEOUT_SECONDS = (2.0, 5.0)
#: To connect; and for each piece of the answer.
WHOLE_SECONDS = 6.0
MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Answer:
    """What came back; `json` is None where it is no JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(url: str, *, name: str, section: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET an address; a redirect is an answer, because a token is sent nowhere else.

    Raises:
        SettingsError: If the address is none, or a header cannot be sent.
        SourceUnreachableError: If nobody answers in time.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            f"{name}'s url {url.rpartition('@')[2][:100]!r} is no address to ask",
            hint=f"Correct url under [{section}] in tracker.toml",
        )
    if any(not (text.isascii() and text.isprintable()) for text in (headers or {}).values()):
        raise SettingsError(
            f"{name}'s token holds a line break or a letter that no header can carry",
            hint="Export it again, without a trailing newline",
        )
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"User-Agent": "tracker", **(headers or {})})
    hint = f"Is it up? curl -i {url}"
    shown = f"{name} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    give_up = time.monotonic() + WHOLE_SECONDS
    try:
        with session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
            body = b""
            for piece in response.iter_content(64 << 10):
                body += piece
                if len(body) > MAX_BYTES or time.monotonic() > give_up:
                    raise SourceUnreachableError(f"{shown} does not come to an end of its answer", hint=hint)
            return Answer(response.status_code, dict(response.headers), body)
    except requests.exceptions.SSLError as trouble:
        raise SourceUnreachableError(
            f"{shown} has no certificate that we trust",
            hint="Add the CA that signed it to the system's: update-ca-certificates",
        ) from trouble
    except (requests.RequestException, ValueError) as trouble:
        raise SourceUnreachableError(f"{shown} {_why(trouble)}", hint=hint) from trouble
    finally:
        session.close()


def _why(trouble: Exception) -> str:
    words = str(trouble)
    if isinstance(trouble, requests.ConnectTimeout):
        return f"did not take a connection within {TIMEOUT_SECONDS[0]:g} s"
    if isinstance(trouble, requests.Timeout) or "Read timed out" in words:
        return f"did not answer within {TIMEOUT_SECONDS[1]:g} s"
    if "Connection refused" in words:
        return "refused the connection"
    if "resolve" in words or "not known" in words:
        return "has a host name that cannot be found"
    return "broke the connection off" if isinstance(trouble, requests.ConnectionError) else "cannot be asked"


def unexpected_response(answer: Answer, *, name: str, url: str, section: str) -> SourceUnreachableError:
    """Return the error for an answer that the program would not give."""
    target = answer.headers.get("Location")
    if 300 <= answer.status < 400 and target:
        says = f"sends us on to {' '.join(target.split())[:200]}"
    elif answer.status >= 500 or answer.status == 429:
        says = f"cannot answer now: HTTP {answer.status}"
    else:
        says = f"answers (HTTP {answer.status}), but not as {name} does"
    return SourceUnreachableError(
        f"{url} {says}", hint=f"Check url under [{section}] in tracker.toml, its path too: curl -i {url}"
    )
