"""The one HTTP client below every source: session, limits, redirects, rate limits, and failures in a sentence.

What an answer means is for the client of each source to say. Credentials go to the configured
address only: no redirect is followed, and neither `.netrc` nor a proxy of the environment is
used (for Slack the proxy is).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from tracker.errors import SettingsError, SourceUnreachableError
from tracker.text.shell import word
from tracker.times import from_us, utc

if TYPE_CHECKING:
    from requests import Response

T = TypeVar("T")
Stage = Literal["address", "connect", "answer"]

MAX_PAGES = 50
"""The most pages of one list that are read."""
MOST_VALUES = 3_000_000
"""The most values in one answer: `[],` are three bytes, and a list of 64 once they are parsed."""

_RESETS = ("X-RateLimit-Reset", "RateLimit-Reset", "X-Sentry-Rate-Limit-Reset")
_LONGEST_WAIT_SECONDS = 1e9
_LATEST_S = 253_402_300_799


@dataclass(frozen=True)
class Limits:
    """How long to wait for a connection, for the next piece of an answer and for all of it; and its size."""

    connect_seconds: float = 3.05
    read_seconds: float = 30.0
    whole_seconds: float = 40.0
    most_bytes: int = 32 << 20


LIMITS = Limits()
QUICK = Limits(connect_seconds=2.0, read_seconds=5.0, whole_seconds=6.0, most_bytes=4 << 20)
"""For a check that a person waits for."""


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever its status. The names of `headers` ignore upper and lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_rate_limit(self) -> bool:
        """Whether the server was asked too often, which GitHub says with 403 as well."""
        spent = self.headers.get("X-RateLimit-Remaining", self.headers.get("RateLimit-Remaining")) == "0"
        return self.status == 429 or (self.status == 403 and (spent or "Retry-After" in self.headers))


class NoAnswerError(SourceUnreachableError):
    """No whole answer came. `reason` names no address.

    `stage` is "address" where nothing can ever be sent, "connect" where nothing was sent, and
    "answer" where the server may have received the request.
    """

    def __init__(
        self, server: str, reason: str, *, stage: Stage, hint: str, is_too_large: bool = False
    ) -> None:
        super().__init__(f"{server} {reason}", hint=hint)
        self.reason, self.stage, self.is_too_large = reason, stage, is_too_large


class RateLimitedError(SourceUnreachableError):
    """The server was asked too often; `retry_at` is when to ask again, where it said so."""

    def __init__(self, message: str, *, retry_at: datetime | None, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at


class _LimitError(Exception):
    """An answer that is too large or too slow; the text is the reason."""


class _TooLargeError(_LimitError):
    """An answer that is too large."""


class HttpClient:
    """One server and the credentials for it. Close it, or use it in a `with`; not for two threads at once.

    `section` is the table of tracker.toml that configures it, `secret_name` the environment
    variable with its credentials, `ready_path` what to ask with curl to see whether it is up.

    Raises:
        SettingsError: If the address or the credentials cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        section: str,
        headers: Mapping[str, str] | None = None,
        basic_auth: tuple[str, str] | None = None,
        secret_name: str | None = None,
        access_hint: str = "",
        ca_file: str | None = None,
        ready_path: str = "",
        limits: Limits = LIMITS,
        use_proxies: bool = False,
    ) -> None:
        self.name, self.section, self.secret_name = name, section, secret_name
        self.access_hint = access_hint or f"Renew what [{section}] in tracker.toml names, and export it again"
        self.limits, self.timeout = limits, (limits.connect_seconds, limits.read_seconds)
        self.url = base_url(url, section)
        self.ready_path = ready_path
        self.hint = f"Is it up? curl -i {word(self.url + ready_path)}"
        if not all(text.isascii() and text.isprintable() for text in (headers or {}).values()):
            raise SettingsError(
                f"the token for {name} holds a line break or a character that no header can carry",
                hint=f"Export {secret_name or 'it'} again, without a trailing newline",
            )
        if ca_file and not Path(ca_file).is_file():
            raise SettingsError(
                f"[{section}] ca_file {ca_file} is not a file", hint="Correct it in tracker.toml"
            )
        import requests

        self.session = requests.Session()
        self.session.trust_env = use_proxies
        # With an `auth` of its own, requests does not look for a password in .netrc.
        self.session.auth = basic_auth or (lambda request: request)
        self.session.verify = ca_file or True
        self.session.headers.update({"User-Agent": "tracker", **(headers or {})})
        self.session.hooks["response"].append(self._receive)
        self.session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        self.answer = Answer(self.url, 0, {}, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.session.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Answer:
        """Return the answer to one question, whatever its status: a redirect is an answer, too."""
        return self.ask("GET", f"{self.url}{path}", params=dict(parameters or {}))

    def object_with(self, *names: str) -> dict[str, Any]:
        """Return the last answer as what it must be: a JSON object with these fields.

        Raises:
            SourceUnreachableError: If it is something else.
        """
        value = self.answer.json
        if self.answer.status != 200:
            raise self.refusal()
        if not isinstance(value, dict) or not value.keys() >= set(names):
            raise self.unexpected()
        return value

    def ask(self, method: str, url: str, **options: Any) -> Answer:
        self.run(lambda: self.session.request(method, url, timeout=self.timeout, **options))
        return self.answer

    def run(self, call: Callable[[], T]) -> T:
        """Make a call that uses the session.

        Raises:
            NoAnswerError: If no whole answer comes within the limits.
        """
        from requests.exceptions import InvalidJSONError, RequestException
        from urllib3.exceptions import HTTPError

        try:
            return call()
        except InvalidJSONError as unexpected:
            raise self.unexpected() from unexpected
        except (RequestException, HTTPError, _LimitError) as failure:
            reason, stage = self._why(failure)
            raise NoAnswerError(
                f"{self.name} at {self.url}",
                reason,
                stage=stage,
                hint=f"Set ca_file under [{self.section}] in tracker.toml"
                if "not trusted" in reason
                else self.hint,
                is_too_large=isinstance(failure, _TooLargeError),
            ) from failure

    def check_pages(self, path: str, total_bytes: int) -> None:
        """Refuse a list whose pages, each of which is small enough, are too large together.

        Raises:
            SourceUnreachableError: If they are.
        """
        if total_bytes > 2 * self.limits.most_bytes:
            raise SourceUnreachableError(
                f"{self.name} at {self.url}{path} answered with more than {self.limits.most_bytes >> 19} MiB in its pages",
                hint="Ask for less: --from T --to T",
            )

    def refusal(self, why: str = "") -> SourceUnreachableError:
        """Return the error for the last answer, whose status is not 200; `why` is the server's own message."""
        answer, server = self.answer, f"{self.name} at {self.url}"
        said = f"(HTTP {answer.status}{': ' if why else ''}{why})"
        if answer.is_rate_limit:
            at = retry_at(answer.headers, datetime.now(UTC))
            more = "" if self.secret_name else f"; a token raises the limit: [{self.section}] token_env"
            return RateLimitedError(
                f"rate-limited by {server}{f' until {utc(at)}' if at else ''} {said}",
                retry_at=at,
                hint=f"Try again {'after ' + utc(at) if at else 'in some minutes'}{more}",
            )
        if answer.status in (401, 403):
            token = f"the token in {self.secret_name}" if self.secret_name else "the credentials"
            return SourceUnreachableError(f"{server} rejected {token} {said}", hint=self.access_hint)
        if 300 <= answer.status < 400:
            target = one_line(answer.headers.get("Location", ""))[:200] or "another address"
            return SourceUnreachableError(
                f"{answer.url.partition('?')[0]} redirected to {target} {said}; redirects are not followed",
                hint=f"Set url under [{self.section}] in tracker.toml to where {self.name} itself answers",
            )
        if answer.status >= 500:
            return SourceUnreachableError(f"{server} cannot answer now {said}", hint=self.hint)
        return self.unexpected()

    def unexpected(self) -> SourceUnreachableError:
        """Return the error for the last answer, which this kind of server does not give."""
        kind = self.answer.headers.get("Content-Type", "").partition(";")[0]
        status = f"HTTP {self.answer.status}{', ' if kind else ''}{kind}"
        return SourceUnreachableError(
            f"{self.answer.url.partition('?')[0]} answered ({status}), but not as {self.name} does",
            hint=f"Check url under [{self.section}] in tracker.toml, its path too: curl -i {word(self.answer.url)}",
        )

    def _receive(self, response: Response, *_: object, **__: object) -> None:
        """Read the body within the limits, whoever asked: requests knows no such limits."""
        give_up = time.monotonic() + self.limits.whole_seconds - response.elapsed.total_seconds()
        body = bytearray()
        try:
            # Not iter_content: that waits until a piece is full, however slowly it drips.
            while piece := response.raw.read1(1 << 18, decode_content=True):
                body += piece
                if len(body) > self.limits.most_bytes:
                    raise _TooLargeError(f"answered with more than {self.limits.most_bytes >> 20} MiB")
                if time.monotonic() > give_up:
                    raise _LimitError(f"did not finish its answer within {self.limits.whole_seconds:g} s")
        except BaseException:
            response.close()
            raise
        # Each value but the first of a list or an object follows one of these.
        if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise _TooLargeError(f"answered with more than {MOST_VALUES:,} values")
        response._content = bytes(body)  # where requests itself keeps what it has read
        self.answer = Answer(response.url, response.status_code, response.headers, response._content)

    def _why(self, failure: Exception) -> tuple[str, Stage]:
        """Say why no answer came, and how far it got. What the library says is not repeated: it has the address."""
        from requests import exceptions as kinds
        from urllib3 import exceptions as causes

        words = str(failure)
        cause = failure.args[0] if failure.args else None
        cause = cause.reason if isinstance(cause, causes.MaxRetryError) else cause
        if isinstance(failure, _LimitError):
            return words, "answer"
        if "CERTIFICATE_VERIFY_FAILED" in words:
            said = one_line(words.rpartition("CERTIFICATE_VERIFY_FAILED]")[2])[:200].rstrip(")'\"")
            return f"has a certificate that is not trusted: {said}", "connect"
        if isinstance(
            failure, kinds.InvalidURL | kinds.InvalidSchema | kinds.MissingSchema | kinds.InvalidProxyURL
        ):
            return "has an address, or a proxy, that cannot be used", "address"
        if isinstance(failure, kinds.ConnectTimeout | kinds.ProxyError):
            return f"did not accept a connection within {self.limits.connect_seconds:g} s", "connect"
        if isinstance(cause, causes.NameResolutionError):
            return "has a host name that cannot be resolved", "connect"
        if isinstance(cause, causes.NewConnectionError):
            return "refused the connection" if "refused" in words else "could not be reached", "connect"
        if isinstance(failure, kinds.Timeout | causes.ReadTimeoutError) or "Read timed out" in words:
            return f"did not answer within {self.limits.read_seconds:g} s", "answer"
        if isinstance(failure, kinds.ContentDecodingError | causes.DecodeError):
            return "sent an answer that cannot be unpacked", "answer"
        return "broke the connection off", "answer"


def base_url(url: str, section: str) -> str:
    """Check the address of a server.

    Raises:
        SettingsError: If it is not one of HTTP; a password in it is not repeated.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"[{section}] url {url.rpartition('@')[2][:100]!r} is not an HTTP address without credentials",
            hint=f'Under [{section}] in tracker.toml: url = "https://HOST"; credentials have keys of their own',
        )
    return url.rstrip("/")


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when a rate limit ends: Retry-After in seconds or as a date, else a vendor's instant of reset."""
    after = (headers.get("Retry-After") or "").strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", after, re.ASCII):
            return now + timedelta(seconds=min(float(after), _LONGEST_WAIT_SECONDS))
        if after:
            at = parsedate_to_datetime(after)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    for name in _RESETS:
        reset = (headers.get(name) or "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", reset, re.ASCII) and float(reset) <= _LATEST_S:
            return from_us(round(float(reset) * 1_000_000))
    return None


def one_line(text: str) -> str:
    """Fold line breaks and runs of blanks."""
    return " ".join(text.split())
