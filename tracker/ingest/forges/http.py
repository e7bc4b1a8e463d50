"""Asking the API of a forge for its lists: page after page, within limits, and trouble in words.

Nothing is followed anywhere else than the configured address, because the token goes along.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from tracker.errors import SettingsError, SourceUnreachableError
from tracker.ingest.documents import Document, documents
from tracker.times import from_us, utc

TIMEOUT = (3.05, 30.0)
MAX_PAGES = 50
"""The most pages of one list that are asked for; at 100 a page."""

MAX_BYTES = 32 << 20
"""The largest answer that is read."""

_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel="?next"?', re.ASCII | re.IGNORECASE)
_LATEST_S = 253_402_300_799


class ForgeApi:
    """The API of one forge; `close` it, or use it in a `with`.

    `name` is the forge's, for words; `token_name` where its token stands, `hint` what to type
    to see for oneself.

    Raises:
        SettingsError: If the address is none, or the token cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        headers: Mapping[str, str],
        token_name: str | None,
        now: datetime,
        hint: str,
    ) -> None:
        self.url = _checked(url, name)
        self._name = name
        self._token_name = token_name
        self._now = now
        self._hint = hint
        if not all(text.isascii() and text.isprintable() for text in headers.values()):
            raise SettingsError(
                f"the token in {token_name} holds a line break or a letter that no header can carry",
                hint=f"Export {token_name} again, without a trailing newline",
            )
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": "tracker", **headers})

    def __enter__(self) -> "ForgeApi":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[list[Document]]:
        """Give one list page by page, each as its elements; whoever has enough stops asking.

        Raises:
            SourceUnreachableError: If it does not answer, does not let us in, tells us to
                wait, or does not come to an end.
            BadInputError: If an answer is no list.
        """
        address = f"{self.url}{path}?{urlencode(parameters)}"
        for _ in range(MAX_PAGES):
            answer, body = self._get(address)
            (whole,) = documents(body, where=address, hint=self._hint)[:1]
            yield whole.elements("record")
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return
            address = self._within(urljoin(address, following[1]))
        raise SourceUnreachableError(
            f"{self.url}{path} goes on after {MAX_PAGES} pages", hint="Ask for less: --from T --to T"
        )

    def _within(self, address: str) -> str:
        """Refuse a next page that lies elsewhere: the token would go there."""
        ours = urlsplit(self.url)
        theirs = urlsplit(address)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise SourceUnreachableError(
                f"{self.url} sends us to {theirs.scheme}://{theirs.netloc} for the next page, which is not followed",
                hint="Write the address that it calls itself into tracker.toml",
            )
        return address

    def _get(self, address: str) -> tuple[requests.Response, bytes]:
        try:
            with self._session.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
                body = b""
                for chunk in answer.iter_content(1 << 16):
                    body += chunk
                    if len(body) > MAX_BYTES:
                        break
        except requests.RequestException as away:
            raise SourceUnreachableError(
                f"{self.url} does not answer: {type(away).__name__}", hint=self._hint
            ) from away
        self._refuse(answer, address)
        if len(body) > MAX_BYTES:
            raise SourceUnreachableError(
                f"{address} answered with more than {MAX_BYTES >> 20} MiB", hint=self._hint
            )
        if body.lstrip()[:1] != b"[":
            kind = answer.headers.get("Content-Type", "").partition(";")[0] or "something"
            raise SourceUnreachableError(
                f"{address} answered with {kind} instead of a list",
                hint=f"Is {self.url} the address of {self._name}'s API? A proxy or a sign-in page may stand before it",
            )
        return answer, body

    def _refuse(self, answer: requests.Response, address: str) -> None:
        """Turn whatever is not 200 into a sentence."""
        status = answer.status_code
        if status == 200:
            return
        if status == 429 or (status == 403 and _is_limit(answer)):
            again = self._again(answer)
            when = f"; again from {utc(again)} on" if again else ""
            more = "" if self._token_name else "; a token is allowed more: token_env in tracker.toml"
            raise SourceUnreachableError(
                f"{self._name} tells us to wait (rate limit, {status}){when}",
                hint=f"Run it again then{more}",
            )
        if status == 401:
            said = f"the token in {self._token_name}" if self._token_name else "us without a token"
            raise SourceUnreachableError(
                f"{self._name} does not let in {said} (401)",
                hint="Make a new one, and export it under the name that token_env has in tracker.toml",
            )
        if status in (403, 404):
            raise SourceUnreachableError(
                f"{address.partition('?')[0]} answered {status}: it is not there, or the token may not see it",
                hint="Check its name in tracker.toml, and that the token may read deployments",
            )
        if 300 <= status < 400:
            target = answer.headers.get("Location", "elsewhere")
            raise SourceUnreachableError(
                f"{address.partition('?')[0]} sends us to {target} ({status}), which is not followed",
                hint="If it was renamed, write its new name into tracker.toml",
            )
        raise SourceUnreachableError(f"{address.partition('?')[0]} answered {status}", hint=self._hint)

    def _again(self, answer: requests.Response) -> datetime | None:
        """Return when we may ask again, where it says so in seconds from now or since 1970."""
        waiting = answer.headers.get("Retry-After", "")
        if re.fullmatch(r"\d{1,7}", waiting, re.ASCII):
            return self._now + timedelta(seconds=int(waiting))
        for name in ("X-RateLimit-Reset", "RateLimit-Reset"):
            reset = answer.headers.get(name, "")
            if re.fullmatch(r"\d{1,12}", reset, re.ASCII) and int(reset) <= _LATEST_S:
                return from_us(int(reset) * 1_000_000)
        return None


def _is_limit(answer: requests.Response) -> bool:
    return "Retry-After" in answer.headers or answer.headers.get("X-RateLimit-Remaining") == "0"


def _checked(url: str, name: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or "@" in parts.netloc:
        raise SettingsError(
            f"[{name.lower()}] url {url!r} is no address of a server",
            hint=f'url = "https://HOST" under [{name.lower()}]; the token goes into the variable that token_env names',
        )
    return url.rstrip("/")
