"""One connection to a server that speaks Sentry's REST API, or Bugsink's: pages, limits, trouble.

What the answers mean is in `tracker.ingest.sentry.api` and `tracker.ingest.sentry.bugsink`.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

import msgspec

from tracker.errors import BadInputError, SettingsError, SourceUnreachableError
from tracker.ingest.documents import Document, decoded
from tracker.times import from_us, utc

MAX_PAGES = 50
"""The most pages of one list; a server whose pages go in circles must not hold us."""

MAX_BYTES = 32 << 20
"""The most bytes of one page."""

LONGEST_WAIT_SECONDS = 5.0
"""How long a rate limit may keep us waiting before we give up and say when to come again."""

LONGEST_ANSWER_SECONDS = 120.0
"""How long one page may take, however steadily it drips."""

_TRIES = 3
_AWAY = (502, 503, 504)
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_ATTRIBUTE = re.compile(r"(\w+)=\"([^\"]*)\"")
_LET_IN = (
    "Let [sentry] token_env name a variable with a token for Sentry's API"
    " (event:read, project:read, org:read, project:releases) or of Bugsink"
)
_HINT = "See what it answers: curl -H 'Authorization: Bearer …' "
_LATEST_S = 253_402_300_799


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class NotOfferedError(Exception):
    """This server does not have what was asked for; the message says what it answered."""


class RateLimitedError(SourceUnreachableError):
    """The server asks us to come again later; `retry_at` is when, where it said so."""

    def __init__(self, message: str, *, hint: str, retry_at: datetime | None) -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at


class SentryHttp:
    """Asks one server and turns every trouble into a `TrackerError`.

    Redirects are not followed: a login page is no answer, and a token is sent nowhere
    else. Pages are followed by their cursor alone, never by the address in a link. Not for
    use by two threads at once.

    Raises:
        SettingsError: If the URL or the token cannot be meant.
    """

    def __init__(
        self, url: str, *, token: str | None, timeout_seconds: tuple[float, float] = (3.05, 30.0)
    ) -> None:
        parts = _checked(url)
        if token and not (token.isascii() and token.isprintable()):
            raise SettingsError(
                "sentry's token holds a line break or a letter that no header can carry",
                hint="Export the variable that [sentry] token_env names again, without a trailing newline",
            )
        import requests

        self.url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc and no proxy that nobody told us about
        self._session.headers["User-Agent"] = "tracker"
        self._session.headers["Accept"] = "application/json"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Document:
        """Return one answer.

        Raises:
            NotOfferedError: If the server does not have it.
            SourceUnreachableError: If it is away, does not know our token, or limits us for long.
            BadInputError: If it says JSON and sends something else.
        """
        return self._page(path, parameters or {})[0]

    def pages(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[list[Document]]:
        """Return a list page by page; it ends where the server says so, or after MAX_PAGES.

        Raises:
            NotOfferedError: As `get` does, and so for the rest.
        """
        asked = dict(parameters)
        seen = {asked.get("cursor")}
        for _ in range(MAX_PAGES):
            document, cursor = self._page(path, asked)
            value = document.value
            if isinstance(value, dict) and isinstance(value.get("results"), list):
                document = _results(document)
            elif not isinstance(value, list):
                raise NotOfferedError("no list")
            yield document.elements("entry")
            if cursor is None or cursor in seen:
                return
            seen.add(cursor)
            asked["cursor"] = cursor

    def _page(self, path: str, parameters: Mapping[str, str | int]) -> tuple[Document, str | None]:
        answer = self._patiently(path, parameters)
        place = f"{self.url}{path}"
        status = answer.status
        if 300 <= status < 400:
            raise NotOfferedError(f"it sends us elsewhere ({status})")
        if status == 401:
            raise SourceUnreachableError(f"{place} does not know our token (401)", hint=_LET_IN)
        if status == 403:
            raise NotOfferedError("our token does not allow it (403)")
        if status in _AWAY:
            raise SourceUnreachableError(f"{place} answered {status}", hint=f"{_HINT}{place}")
        if status != 200:
            raise NotOfferedError(f"it answered {status}")
        if "json" not in answer.headers.get("Content-Type", ""):
            raise NotOfferedError("it answered with a page, not with JSON")
        raw = answer.body
        document = Document(decoded(raw, place=place, hint=f"{_HINT}{place}"), raw, place)
        return document, next_cursor(answer.headers.get("Link"), document.value)

    def _patiently(self, path: str, parameters: Mapping[str, str | int]) -> _Answer:
        for attempt in range(1, _TRIES + 1):
            answer = self._once(path, parameters)
            if answer.status != 429:
                return answer
            now = datetime.now(UTC)
            retry_at = wait_until(answer.headers, now)
            wait_seconds = (retry_at - now).total_seconds() if retry_at else LONGEST_WAIT_SECONDS + 1
            if attempt == _TRIES or wait_seconds > LONGEST_WAIT_SECONDS:
                break
            time.sleep(max(wait_seconds, 0.0))
        when = f"until {utc(retry_at)}" if retry_at else "and does not say for how long"
        raise RateLimitedError(
            f"{self.url} lets us ask no more {when}",
            hint=f"Try again {'after ' + utc(retry_at) if retry_at else 'in some minutes'}",
            retry_at=retry_at,
        )

    def _once(self, path: str, parameters: Mapping[str, str | int]) -> _Answer:
        import requests

        place = f"{self.url}{path}"
        try:
            with self._session.get(
                place,
                params=dict(parameters),
                timeout=self._timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = bytearray()
                give_up = time.monotonic() + LONGEST_ANSWER_SECONDS
                for piece in answer.iter_content(1 << 16):
                    body += piece
                    if len(body) > MAX_BYTES:
                        raise BadInputError(
                            f"{place} answered with more than {MAX_BYTES} bytes", hint=f"{_HINT}{place}"
                        )
                    if time.monotonic() > give_up:
                        raise SourceUnreachableError(
                            f"{place} took more than {LONGEST_ANSWER_SECONDS:.0f} s to answer",
                            hint=f"{_HINT}{place}",
                        )
                return _Answer(answer.status_code, answer.headers, bytes(body))
        except requests.RequestException as away:
            raise SourceUnreachableError(
                f"{self.url} does not answer: {type(away).__name__}", hint=f"curl {place}"
            ) from away


def next_cursor(link: str | None, value: object) -> str | None:
    """Find the cursor of the next page: in the header Link, else in the body's `next`; None at the end.

    The header is searched, not parsed: GlitchTip sends it as Python writes a set. Sentry has
    a next page always, and says whether anything is on it.
    """
    for address, rest in _LINK.findall(link or ""):
        attributes = dict(_ATTRIBUTE.findall(rest))
        if attributes.get("rel") == "next":
            if attributes.get("results") == "false":
                return None
            return attributes.get("cursor") or _cursor_in(address)
    following = value.get("next") if isinstance(value, dict) else None
    return _cursor_in(following) if isinstance(following, str) else None


def _cursor_in(address: str) -> str | None:
    try:
        return parse_qs(urlsplit(address).query).get("cursor", [None])[0]
    except ValueError:
        return None


def wait_until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Read when a rate limit ends: Retry-After in seconds or as a date, else X-Sentry-Rate-Limit-Reset."""
    retry_after = (headers.get("Retry-After") or "").strip()
    try:
        if retry_after and not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", retry_after, re.ASCII):
            at = parsedate_to_datetime(retry_after)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        if retry_after:
            return from_us(round((now.timestamp() + float(retry_after)) * 1_000_000))
        reset = (headers.get("X-Sentry-Rate-Limit-Reset") or "").strip()
        seconds = float(reset) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", reset, re.ASCII) else -1.0
        return from_us(round(seconds * 1_000_000)) if 0 <= seconds <= _LATEST_S else None
    except (ValueError, OverflowError, TypeError):
        return None


def _results(document: Document) -> Document:
    raw = bytes(msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])["results"])
    return Document(document.value["results"], raw, document.where)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            f"sentry's url {url.rpartition('@')[2]!r} is no address",
            hint='[sentry] url = "https://sentry.io"',
        )
    if parts.username or parts.password:
        raise SettingsError(
            "sentry's url holds a name or a password",
            hint="Leave only the address there, and let [sentry] token_env name the variable with the token",
        )
    return parts
