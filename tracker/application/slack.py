"""Slack's incoming webhook: one text out, one answer back, and what the answer means.

The webhook's address is a secret: whoever has it can post. No message of ours repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import urlsplit

from tracker.errors import SettingsError
from tracker.ingest.findings import Finding, ok
from tracker.ingest.http import Answer as HttpAnswer
from tracker.ingest.http import HttpClient, Limits, NoAnswerError, retry_at
from tracker.settings.loading import secret
from tracker.settings.schema import Settings
from tracker.text.shell import word

LONGEST = 40_000
"""Slack cuts what is longer."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 86_400.0
_ADVICE = {
    "no_service": "the webhook was disabled or removed",
    "no_service_id": "the webhook's address is incomplete",
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


_NOT_ANSWERED = {
    "address": PostOutcome.REFUSED,
    "connect": PostOutcome.LATER,
    "answer": PostOutcome.UNKNOWN,
}


@dataclass(frozen=True)
class Answer:
    """POSTED; REFUSED for good; not posted, try LATER; or UNKNOWN: it may have been posted."""

    became: PostOutcome
    said: str
    retry_after_seconds: float | None = None


Post = Callable[[str], Answer]
"""Posts one text and says what became of it; raises nothing for problems on the way."""


def configured(settings: Settings) -> Slack | None:
    """Return the webhook that tracker.toml names; None where it names none.

    Raises:
        SettingsError: If the environment does not have it, or has something that is not an address.
    """
    name = settings.file.slack.webhook_url_env
    if name is None:
        return None
    url = (secret(name) or "").strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError(
            f"{name}, which [slack] webhook_url_env names, is not the address of a webhook",
            hint=f"export {word(name)}=https://…   (Slack shows it under Incoming Webhooks; @FILE reads it from a file)",
        )
    return Slack(url)


def payload(text: str) -> dict[str, object]:
    """Return what is posted: every character stands for itself, and nothing is a command to Slack."""
    return {"text": escaped(text), "mrkdwn": False}


def escaped(text: str) -> str:
    """Write a text so that Slack shows these very characters: no mention, and no link of somebody's making."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Slack:
    """One incoming webhook. Called with a text, it posts it once."""

    def __init__(
        self, url: str, *, connect_seconds: float = CONNECT_SECONDS, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._url = url
        self._limits = Limits(connect_seconds, answer_seconds, connect_seconds + answer_seconds, 1 << 20)

    def __repr__(self) -> str:
        return "Slack(…)"

    def probe(self) -> Finding:
        """Name the host; posting is the only test there is, so it is not tried."""
        host = urlsplit(self._url).hostname
        return ok("slack", f"a webhook at {host} is configured; it is not tried, because that would post")

    def __call__(self, text: str) -> Answer:
        """Post a text once."""
        parts = urlsplit(self._url)
        server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        headers = {"Accept-Encoding": "identity"}
        try:
            # A connection of its own: one that Slack closed meanwhile would leave the outcome unknown.
            with HttpClient(
                server, name="Slack", section="slack", headers=headers, limits=self._limits, use_proxies=True
            ) as http:
                return _outcome(http.ask("POST", self._url, json=payload(text)), self._url)
        except NoAnswerError as failure:
            return Answer(_NOT_ANSWERED[failure.stage], f"Slack {failure.reason}")


def _outcome(answer: HttpAnswer, url: str) -> Answer:
    status, said = answer.status, _said(answer.body[:500].decode("utf-8", "replace"), url)
    shown = f" ({said})" if said else ""
    if status == 200 and said == "ok":
        return Answer(PostOutcome.POSTED, "ok")
    if status == 200:
        return Answer(PostOutcome.UNKNOWN, f"the answer was 200, but not Slack's ok{shown}")
    if status == 504:
        return Answer(PostOutcome.UNKNOWN, "a gateway before Slack gave up waiting (504)")
    if status == 429 or status >= 500:
        now = datetime.now(UTC)
        at = retry_at(answer.headers, now)
        wait_seconds = min(max((at - now).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS) if at else None
        limited = "rate-limited by Slack (429)" if status == 429 else f"Slack answered {status}{shown}"
        return Answer(PostOutcome.LATER, limited, wait_seconds)
    if 300 <= status < 400:
        return Answer(PostOutcome.REFUSED, f"redirected ({status}), which Slack does not do; not followed")
    known = f": {_ADVICE[said]}" if said in _ADVICE else ""
    return Answer(PostOutcome.REFUSED, f"Slack answered {status}{shown}{known}")


def _said(body: str, url: str) -> str:
    """Return the answer's own words in a line; nothing where they repeat a part of the address."""
    line = " ".join("".join(char if char.isprintable() else " " for char in body).split())
    path = urlsplit(url).path
    secrets = [url, *([path] if len(path) > 1 else []), *(part for part in path.split("/") if len(part) > 7)]
    if any(part in line for part in secrets):
        return ""
    return line if len(line) <= 100 else line[:99] + "…"
