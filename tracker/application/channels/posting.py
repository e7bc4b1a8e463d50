"""One post to a channel, and what its answer means: what Slack, Teams and a webhook have in common.

The address of a channel is a secret: whoever has it can post. No message of ours repeats it.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from projections.messages import Message
from tracker.errors import SettingsError, SourceUnreachableError
from tracker.ingest.findings import Finding, broken, ok
from tracker.ingest.http import Answer as HttpAnswer
from tracker.ingest.http import HttpClient, Limits, NoAnswerError, retry_at
from tracker.settings.loading import secret
from tracker.text.shell import word

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 86_400.0
_SECRET_LENGTH = 8
"""A shorter part of an address is no secret."""
_TOO_EARLY = (408, 425, 429)


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
    """POSTED; REFUSED for good; not posted, try LATER; or UNKNOWN: it may have been posted.

    `is_odd` is an answer that the channel never gives: asking again would give it again. `body` is what was sent.
    """

    became: PostOutcome
    said: str
    retry_after_seconds: float | None = None
    is_odd: bool = False
    body: bytes = b""


Post = Callable[[Message], Answer]
"""Posts one message and says what became of it; raises nothing for problems on the way."""


class Channel(ABC):
    """One place that messages are posted to. Called with a message, it posts it once."""

    name: ClassVar[str]
    """The table of tracker.toml."""
    shown: ClassVar[str]
    setting: ClassVar[str] = "webhook_url_env"
    """The key that names the variable with the address."""
    content_type: ClassVar[str] = "application/json; charset=utf-8"

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._url, self._token = url, token
        self._limits = Limits(connect_seconds, answer_seconds, connect_seconds + answer_seconds, 1 << 20)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    @abstractmethod
    def body(self, message: Message) -> bytes:
        """Return what is posted."""

    @abstractmethod
    def problem_of(self, text: str) -> str | None:
        """Say why a text is not accepted; None if it is."""

    @abstractmethod
    def accepted(self, status: int, said: str) -> Answer:
        """Say what an answer of 2xx means."""

    def advice(self, status: int, said: str) -> str:
        """Say in words what an answer of 4xx means; nothing where its own words are all that is known."""
        return ""

    @property
    def repair(self) -> str:
        """What to do when it refuses for good."""
        return f"Set right what [{self.name}] {self.setting} names, and look again: tracker doctor"

    def probe(self) -> Finding:
        """Connect to the host; posting is the only real test, so nothing is sent."""
        import requests

        parts = urlsplit(self._url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        not_tried = "it is not tried, because that would post"
        if requests.utils.get_environ_proxies(self._url, no_proxy=None):
            return ok(self.name, f"a webhook at {host} is configured, through a proxy; {not_tried}")
        try:
            socket.create_connection((host, port), timeout=self._limits.connect_seconds).close()
        except OSError as away:
            problem = SourceUnreachableError(
                f"{self.shown} at {host}:{port} cannot be reached: {away.strerror or away}", hint=self.repair
            )
            return broken(self.name, problem)
        return ok(self.name, f"a webhook at {host} is configured and can be reached; {not_tried}")

    def __call__(self, message: Message) -> Answer:
        """Post a message once."""
        body = self.body(message)
        parts = urlsplit(self._url)
        server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        headers = {"Accept-Encoding": "identity", "Content-Type": self.content_type}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            # A connection of its own: one that was closed meanwhile would leave the outcome unknown.
            with HttpClient(
                server,
                name=self.shown,
                section=self.name,
                headers=headers,
                limits=self._limits,
                use_proxies=True,
            ) as http:
                answer = self._outcome(http.ask("POST", self._url, data=body))
        except NoAnswerError as failure:
            answer = Answer(_NOT_ANSWERED[failure.stage], f"{self.shown} {failure.reason}")
        return replace(answer, body=body)

    def _outcome(self, answer: HttpAnswer) -> Answer:
        status, said = answer.status, self._words_of(answer)
        shown = f" ({said})" if said else ""
        if 200 <= status < 300:
            return self.accepted(status, said)
        if status == 504:
            return Answer(PostOutcome.UNKNOWN, f"a gateway before {self.shown} gave up waiting (504)")
        if status in _TOO_EARLY or status >= 500:
            limited = (
                f"rate-limited by {self.shown} (429)"
                if status == 429
                else f"{self.shown} answered {status}{shown}"
            )
            return self.later(limited, answer)
        if 300 <= status < 400:
            return Answer(
                PostOutcome.REFUSED,
                f"redirected ({status}), which {self.shown} does not do; not followed",
            )
        known = self.advice(status, said)
        return Answer(
            PostOutcome.REFUSED, f"{self.shown} answered {status}{shown}{': ' if known else ''}{known}"
        )

    def later(self, said: str, answer: HttpAnswer) -> Answer:
        """Say that it is to be tried again, and not before the time that was asked for."""
        now = datetime.now(UTC)
        at = retry_at(answer.headers, now)
        wait_seconds = min(max((at - now).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS) if at else None
        return Answer(PostOutcome.LATER, said, wait_seconds)

    def _words_of(self, answer: HttpAnswer) -> str:
        """Return the answer's own words in a line; nothing where they repeat a part of the address or the token."""
        body = self.words(answer)
        line = " ".join("".join(char if char.isprintable() else " " for char in body).split())
        parts = urlsplit(self._url)
        values = [value for _, value in parse_qsl(parts.query)]
        secrets = [self._url, self._token, parts.query, *parts.path.split("/"), *values]
        if len(parts.path) > 1:
            secrets.append(parts.path)
        if any(
            part and (len(part) >= _SECRET_LENGTH or part == parts.path) and part in line for part in secrets
        ):
            return ""
        return line if len(line) <= 100 else line[:99] + "…"

    def words(self, answer: HttpAnswer) -> str:
        """Return what an answer says."""
        return answer.body[:500].decode("utf-8", "replace")


def address_of(variable: str | None, setting: str) -> str:
    """Return the address that a setting names.

    Raises:
        SettingsError: If the environment does not have it, or has something that is not an address.
    """
    url = (secret(variable) or "").strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError(
            f"{variable}, which {setting} names, is not the address of a webhook",
            hint=f"export {word(variable or 'URL')}=https://…   (@FILE reads it from a file)",
        )
    return url
