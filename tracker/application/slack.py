"""Slack's incoming webhook: one text out, one answer back, and what the answer means.

The webhook's address is a secret: whoever has it can post. It stands in no message of ours, so
what the HTTP library says of an error, which holds the address, is never repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tracker.errors import SettingsError
from tracker.settings.loading import secret
from tracker.settings.schema import Settings

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

LONGEST = 40_000
"""Slack cuts what is longer."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
_READ_BYTES = 500
_ADVICE = {
    "no_service": "the webhook was switched off or removed",
    "no_service_id": "the webhook's address is not whole",
    "no_team": "the workspace is gone",
    "team_disabled": "the workspace is disabled",
    "invalid_token": "the webhook's address is wrong",
    "channel_not_found": "its channel is gone",
    "channel_is_archived": "its channel is archived",
    "action_prohibited": "the workspace forbids it",
    "posting_to_general_channel_denied": "only some people may post there",
}


class PostOutcome(Enum):
    """What became of one post."""

    POSTED = "posted"
    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """POSTED; REFUSED for good; not posted, try LATER; or UNKNOWN: it may have been posted."""

    became: PostOutcome
    said: str
    retry_after_seconds: float | None = None


Post = Callable[[str], Answer]
"""Posts one text and says what became of it; raises nothing for trouble on the way."""


def configured(settings: Settings) -> Slack | None:
    """Return the webhook that tracker.toml names; None where it names none.

    Raises:
        SettingsError: If the environment does not have it, or what it has is no address.
    """
    name = settings.file.slack.webhook_url_env
    if name is None:
        return None
    url = (secret(name) or "").strip()
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError(
            f"{name}, which [slack] webhook_url_env names, is no address of a webhook",
            hint=f"export {name}=https://…   (Slack shows it under Incoming Webhooks; @FILE reads it from a file)",
        )
    return Slack(url)


def payload(text: str) -> dict[str, object]:
    """Return what is posted: every character stands for itself, and nothing is a command to Slack."""
    return {"text": escaped(text), "mrkdwn": False}


def escaped(text: str) -> str:
    """Write a text so that Slack shows these very characters: no mention, no link of somebody's making."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Slack:
    """One incoming webhook. Called with a text, it posts it once."""

    def __init__(
        self, url: str, *, connect_seconds: float = CONNECT_SECONDS, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._url = url
        self._timeout_seconds = (connect_seconds, answer_seconds)

    def __repr__(self) -> str:
        return "Slack(…)"

    def __call__(self, text: str) -> Answer:
        """Post a text once."""
        import requests
        from requests import exceptions as kinds
        from urllib3.exceptions import HTTPError

        try:
            with requests.Session() as session:
                response = session.post(
                    self._url,
                    json=payload(text),
                    timeout=self._timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                    auth=_nobody,
                    headers={"User-Agent": "tracker", "Accept-Encoding": "identity"},
                )
                return _read(response, self._url)
        except (kinds.ConnectTimeout, kinds.ProxyError):
            return Answer(PostOutcome.LATER, "Slack could not be reached in time")
        except kinds.SSLError as broken:
            if "CERTIFICATE_VERIFY_FAILED" in str(broken):
                return Answer(PostOutcome.LATER, "Slack's certificate was not accepted")
            return Answer(PostOutcome.UNKNOWN, "the connection to Slack broke before it answered")
        except kinds.ReadTimeout:
            return Answer(PostOutcome.UNKNOWN, f"Slack did not answer within {self._timeout_seconds[1]:g} s")
        except (kinds.InvalidURL, kinds.InvalidSchema, kinds.MissingSchema, kinds.InvalidProxyURL):
            return Answer(PostOutcome.REFUSED, "the webhook's address, or the proxy's, is none")
        except kinds.ConnectionError as broken:
            if _never_connected(broken):
                return Answer(PostOutcome.LATER, "Slack could not be reached")
            return Answer(PostOutcome.UNKNOWN, "the connection to Slack broke before it answered")
        except (kinds.RequestException, HTTPError):
            return Answer(PostOutcome.UNKNOWN, "Slack's answer could not be read")


def _nobody(request: PreparedRequest) -> PreparedRequest:
    """Keep a password for Slack's host in ~/.netrc out of it; proxies and certificates still count."""
    return request


def _never_connected(broken: Exception) -> bool:
    """Whether no byte of the request left: refused, no route, no such name."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    reason = broken.args[0] if broken.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, NewConnectionError)


def _read(response: Response, url: str) -> Answer:
    status = response.status_code
    body = response.raw.read(_READ_BYTES, decode_content=True).decode("utf-8", "replace")
    said = _said(body, url)
    if status == 200 and said == "ok":
        return Answer(PostOutcome.POSTED, "ok")
    if status == 200:
        return Answer(PostOutcome.UNKNOWN, f"the answer was 200, but not Slack's ok{_quoted(said)}")
    if status == 429:
        return Answer(PostOutcome.LATER, "Slack asked to wait (429)", _retry_after(response))
    if status == 504:
        return Answer(PostOutcome.UNKNOWN, "a gateway before Slack gave up waiting (504)")
    if status >= 500:
        return Answer(PostOutcome.LATER, f"Slack answered {status}{_quoted(said)}", _retry_after(response))
    if 300 <= status < 400:
        return Answer(PostOutcome.REFUSED, f"the answer was {status}, a redirect, which Slack does not send")
    known = f": {_ADVICE[said]}" if said in _ADVICE else ""
    return Answer(PostOutcome.REFUSED, f"Slack answered {status}{_quoted(said)}{known}")


def _said(body: str, url: str) -> str:
    """Return the answer's own words in a line; one that repeats the address is left out."""
    line = " ".join("".join(char if char.isprintable() else " " for char in body).split())
    path = urlsplit(url).path
    secrets = [url, *([path] if len(path) > 1 else []), *(part for part in path.split("/") if len(part) > 7)]
    if any(each in line for each in secrets):
        return ""
    return line if len(line) <= 100 else line[:99] + "…"


def _quoted(said: str) -> str:
    return f" ({said})" if said else ""


def _retry_after(response: Response) -> float | None:
    """Read Retry-After, which is seconds or a date; None where it is neither."""
    raw = (response.headers.get("Retry-After") or "").strip()
    if raw.isascii() and raw.isdigit():
        return float(min(int(raw[:9]), 86_400))
    try:
        at = parsedate_to_datetime(raw)
    except (TypeError, ValueError, IndexError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), 86_400.0)
