"""One connection to Prometheus: what may go wrong on the way, told in one line.

Everything goes through `PrometheusConnect` over a session of our own. What the
answers mean is in `tracker.ingest.prometheus.api`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from tracker.errors import BadInputError, SettingsError, SourceUnreachableError, TrackerError
from tracker.gc_pause import collector_paused
from tracker.times import from_ms

if TYPE_CHECKING:
    from requests import Response

T = TypeVar("T")

# Go's servers and most proxies cut a request line at 8 kB or a little above.
_QUERY_BYTES = 8_000
_GET_IN = (
    "Under [prometheus] in tracker.toml set bearer_token_env, or username and password_env,"
    " and export the variables they name"
)


class PrometheusHttp:
    """Asks one Prometheus and turns every trouble into a `TrackerError`.

    Not for use by two threads at once. Redirects are not followed: a login page
    is no answer, and a token is sent nowhere else.

    Raises:
        SettingsError: If the URL, the credentials or the CA file cannot be meant.
    """

    def __init__(
        self,
        url: str,
        *,
        bearer_token: str | None,
        username: str | None,
        password: str | None,
        ca_file: str | None,
        timeout_seconds: tuple[float, float],
    ) -> None:
        parts = _checked(url)
        if bearer_token and (username or password):
            raise SettingsError(
                "prometheus has both a bearer token and a password",
                hint="Keep either bearer_token_env, or username and password_env, in tracker.toml",
            )
        if bearer_token and not (bearer_token.isascii() and bearer_token.isprintable()):
            raise SettingsError(
                "prometheus' bearer token holds a line break or a letter that no header can carry",
                hint="Export the variable that bearer_token_env names again, without a trailing newline",
            )
        if ca_file and not Path(ca_file).is_file():
            raise SettingsError(
                f"prometheus' ca_file {ca_file} is no file", hint="Correct it in tracker.toml"
            )

        import requests
        from prometheus_api_client.prometheus_connect import PrometheusConnect
        from urllib3.util.retry import Retry

        # A password in the URL is used, but is not repeated in any message.
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        self.url = urlunsplit(bare).rstrip("/")
        self.warnings: list[str] = []
        self._timeout_seconds = timeout_seconds
        self._status = 0
        self._body = b""
        session = requests.Session()
        session.trust_env = False  # no .netrc and no proxy that nobody told us about
        session.max_redirects = 0
        session.verify = ca_file or True
        # Prometheus spends 0.7 s packing what takes 0.1 s to make: identity is 2.7 times faster.
        session.headers["Accept-Encoding"] = "identity"
        session.headers["User-Agent"] = "tracker"
        if bearer_token:
            session.headers["Authorization"] = f"Bearer {bearer_token}"
        elif username or parts.username:
            given = (username, password) if username else (parts.username, parts.password)
            session.auth = (given[0] or "", given[1] or "")
        session.hooks["response"].append(self._remember)
        self._session = session
        self._client = PrometheusConnect(
            url=self.url,
            session=session,
            timeout=timeout_seconds,  # type: ignore[arg-type]  # goes to requests, which takes pairs
            # The library would run a query that times out four times, and lose the message.
            retry=Retry(
                total=1,
                connect=1,
                read=0,
                backoff_factor=0.2,
                status_forcelist=(429, 502),
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
        )

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()

    def query(self, query: str, *, at_ms: int | None = None) -> list[Any]:
        """Return the `result` of an instant query, by default at the server's now."""
        params = {} if at_ms is None else {"time": seconds(at_ms)}
        return self._ask(lambda: self._client.custom_query(query, params=params), query)

    def query_range(self, query: str, *, first_ms: int, last_ms: int, step_seconds: int) -> list[Any]:
        """Return the `result` of a range query, both edges included."""
        # The library rounds its own edges to whole seconds; parameters win over them.
        params = {"start": seconds(first_ms), "end": seconds(last_ms)}
        return self._ask(
            lambda: self._client.custom_query_range(
                query, from_ms(first_ms), from_ms(last_ms), str(step_seconds), params=params
            ),
            query,
        )

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return `data` of another API path, or None where the server has no such path."""

        def fetch() -> Any:
            response = self._fetch(path, params)
            return response.json()["data"] if response.status_code == 200 else None

        return self._ask(fetch, None)

    def text(self, path: str) -> str | None:
        """Return the text of a path outside the API, or None where there is none."""

        def fetch() -> str | None:
            response = self._fetch(path, None)
            return response.text if response.status_code == 200 else None

        return self._ask(fetch, None)

    def _fetch(self, path: str, params: Mapping[str, str] | None) -> Response:
        response = self._session.get(
            f"{self.url}{path}", params=params, timeout=self._timeout_seconds, verify=self._session.verify
        )
        # VictoriaMetrics says 400 to paths that it does not know, most others 404.
        if response.status_code not in (200, 400, 404, 405, 501):
            raise self._refusal(None)
        return response

    def _remember(self, response: Response, *_: object, **__: object) -> None:
        """Keep what the library throws away: the status, the message and the warnings."""
        self._status = response.status_code
        content = response.content
        self._body = b"" if response.ok else content[:10_000]
        # Warnings stand after the data; parsing all of a large answer twice would cost.
        if response.ok and b'"warnings"' in content[-10_000:]:
            try:
                found = json.loads(content).get("warnings") or []
            except (ValueError, AttributeError):
                return
            for warning in found:
                self.warn(one_line(str(warning)))

    def warn(self, warning: str) -> None:
        """Keep a warning once, for the caller to show."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _ask(self, call: Callable[[], T], query: str | None) -> T:
        from prometheus_api_client.exceptions import PrometheusApiClientException
        from requests.exceptions import JSONDecodeError, RequestException

        if query is not None and len(query.encode()) > _QUERY_BYTES:
            raise BadInputError(
                f"the query {query[:60]!r}… has {len(query.encode())} bytes; no more than {_QUERY_BYTES} are sent",
                hint="Give it a name with a recording rule in Prometheus, and ask for that",
            )
        try:
            with collector_paused():
                return call()
        except PrometheusApiClientException as trouble:
            raise self._refusal(query) from trouble
        except JSONDecodeError as trouble:
            raise self.stranger() from trouble
        except RequestException as trouble:
            raise self._unreachable(trouble) from trouble
        except (KeyError, TypeError, AttributeError, ValueError) as trouble:
            raise self.stranger() from trouble

    def _refusal(self, query: str | None) -> TrackerError:
        """Say what an answer other than 200 means."""
        kind, why = self._complaint()
        if self._status in (401, 403):
            return SourceUnreachableError(
                f"prometheus at {self.url} does not let us in: HTTP {self._status} {why}".rstrip(),
                hint=_GET_IN,
            )
        if self._status in (400, 422) and kind and query is not None:
            why = why.removeprefix('invalid parameter "query": ')
            word = "read" if kind == "bad_data" else "answer"
            return BadInputError(
                f"prometheus cannot {word} the query {query}: {why}",
                hint=f"Try it: curl -sG {self.url}/api/v1/query --data-urlencode {shlex.quote('query=' + query)}",
            )
        if kind == "timeout" or self._status == 504:
            return SourceUnreachableError(
                f"prometheus at {self.url} gave up on a query: HTTP {self._status} {why}".rstrip(),
                hint="Ask for a shorter time or fewer series, or raise --query.timeout of Prometheus",
            )
        if self._status in (400, 404, 405, 422) and not kind:
            return self.stranger()
        return SourceUnreachableError(
            f"prometheus at {self.url} cannot answer now: HTTP {self._status} {why}".rstrip(),
            hint=self._look(),
        )

    def _complaint(self) -> tuple[str, str]:
        """Return Prometheus' kind of error ("" from anybody else) and the message."""
        try:
            body = json.loads(self._body)
            return str(body.get("errorType") or ""), one_line(str(body.get("error") or ""))
        except (ValueError, AttributeError):
            text = self._body.decode("utf-8", "replace")
            return "", "" if "<" in text else one_line(text)[:200]

    def stranger(self) -> SourceUnreachableError:
        """Return the error for an answer that Prometheus would not give."""
        return SourceUnreachableError(
            f"{self.url} answers (HTTP {self._status}), but not as Prometheus does",
            hint=f"Check url under [prometheus] in tracker.toml, its path prefix too: curl {self.url}/-/ready",
        )

    def _unreachable(self, trouble: Exception) -> SourceUnreachableError:
        from requests import exceptions as kinds

        hint = self._look()
        words = str(trouble)
        if isinstance(trouble, kinds.TooManyRedirects):
            response = trouble.response
            target = response.headers.get("Location", "") if response is not None else ""
            why = f"sends us on to {one_line(target)[:200]}"
            hint = "Set url under [prometheus] in tracker.toml to where Prometheus itself answers"
        elif isinstance(trouble, kinds.SSLError):
            why = "has no certificate that we trust: " + one_line(words.rpartition("SSLError(")[2])[
                :200
            ].rstrip(")'\"")
            hint = "Set ca_file under [prometheus] in tracker.toml to the CA that signed it"
        elif isinstance(trouble, kinds.ConnectTimeout):
            why = f"did not take a connection within {self._timeout_seconds[0]:g} s"
        elif isinstance(trouble, kinds.Timeout) or "Read timed out" in words:
            why = f"did not answer within {self._timeout_seconds[1]:g} s"
        elif "Connection refused" in words:
            why = "refused the connection"
        elif "resolve" in words or "not known" in words:
            why = "has a host name that cannot be found"
        elif isinstance(trouble, kinds.ConnectionError | kinds.ChunkedEncodingError):
            why = "broke the connection off"
        else:
            why = f"cannot be asked: {one_line(words)[:200]}"
        return SourceUnreachableError(f"prometheus at {self.url} {why}", hint=hint)

    def _look(self) -> str:
        return f"Is it up? curl {self.url}/-/ready"


def seconds(milliseconds: int) -> str:
    """Write an instant as Prometheus reads it, without going through a float."""
    sign = "-" if milliseconds < 0 else ""
    whole, rest = divmod(abs(milliseconds), 1000)
    return f"{sign}{whole}.{rest:03d}"


def one_line(text: str) -> str:
    """Fold line breaks and runs of blanks."""
    return " ".join(text.split())


def _checked(url: str) -> Any:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        shown = url.rpartition("@")[2]
        raise SettingsError(
            f"prometheus' url {shown!r} is no address to ask",
            hint='In tracker.toml, under [prometheus]: url = "http://127.0.0.1:9090"',
        )
    return parts
