"""One connection to Prometheus: prometheus-api-client over our HTTP client (decision 5).

What the answers mean is in `tracker.ingest.prometheus.api`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from tracker.errors import BadInputError, SettingsError, SourceUnreachableError, TrackerError
from tracker.gc_pause import collector_paused
from tracker.ingest.http import HttpClient, Limits, one_line
from tracker.text.shell import word
from tracker.times import from_ms

T = TypeVar("T")

LIMITS = Limits(most_bytes=40 << 20)
"""A million samples are some 30 MB, and no query is answered with more."""

# Go's servers and most proxies cut a request line at 8 kB or a little above.
_QUERY_BYTES = 8_000
# VictoriaMetrics writes isPartial: false into each of its answers.
_REMARKS = re.compile(rb'"(?:warnings|infos)"\s*:\s*\[|"isPartial"\s*:\s*true')
_HARMLESS = "PromQL info:"
# VictoriaMetrics says 400 to paths that it does not know, most others 404.
_NO_SUCH_PATH = (400, 404, 405, 501)


class PrometheusClient(HttpClient):
    """Asks one Prometheus; every problem is a `TrackerError`."""

    def __init__(
        self,
        url: str,
        *,
        bearer_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        if bearer_token and (username or password):
            raise SettingsError(
                "Prometheus has both a bearer token and a password",
                hint="Keep either bearer_token_env, or username and password_env, in tracker.toml",
            )
        # Prometheus spends 0.7 s packing what takes 0.1 s to make: identity is 2.7 times faster.
        headers = {"Accept-Encoding": "identity"}
        if bearer_token:
            headers["Authorization"] = f"Bearer {bearer_token}"
        before, at, host = url.rpartition("@")
        scheme, _, in_url = before.partition("://")
        if at and not bearer_token and not username:
            username, _, password = in_url.partition(":")
            username, password = unquote(username), unquote(password)
        super().__init__(
            f"{scheme}://{host}" if at else url,
            name="Prometheus",
            section="prometheus",
            headers=headers,
            basic_auth=(username, password or "") if username and not bearer_token else None,
            access_hint="Under [prometheus] in tracker.toml set bearer_token_env, or username and password_env,"
            " and export the variables they name",
            ca_file=ca_file,
            ready_path="/-/ready",
            limits=limits,
        )
        from prometheus_api_client.prometheus_connect import PrometheusConnect
        from urllib3.util.retry import Retry

        self.warnings: list[str] = []
        self._incomplete: list[str] = []
        self._client = PrometheusConnect(
            url=self.url,
            session=self.session,
            timeout=self.timeout,  # type: ignore[arg-type]  # goes to requests, which takes pairs
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

    def query(self, query: str, *, at_ms: int | None = None) -> list[Any]:
        """Return the `result` of an instant query, by default at the server's now."""
        params = {} if at_ms is None else {"time": seconds(at_ms)}
        return self._result(query, lambda: self._client.custom_query(query, params=params))

    def query_range(self, query: str, *, first_ms: int, last_ms: int, step_seconds: int) -> list[Any]:
        """Return the `result` of a range query, both edges included."""
        # The library rounds its own edges to whole seconds; parameters win over them.
        params = {"start": seconds(first_ms), "end": seconds(last_ms)}
        return self._result(
            query,
            lambda: self._client.custom_query_range(
                query, from_ms(first_ms), from_ms(last_ms), str(step_seconds), params=params
            ),
        )

    def data(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return `data` of another API path, or None where the server has no such path."""
        if self.text(path, params) is None:
            return None
        try:
            data = self.answer.json["data"]
        except (KeyError, TypeError) as other:
            raise self.unexpected() from other
        self._keep_remarks()
        return data

    def text(self, path: str, params: Mapping[str, str] | None = None) -> str | None:
        """Return the text of a path, or None where the server has no such path."""
        answer = self.get(path, params)
        if answer.status not in (200, *_NO_SUCH_PATH):
            raise self._refusal(None)
        return answer.body.decode("utf-8", "replace") if answer.status == 200 else None

    def warn(self, warning: str) -> None:
        """Keep a warning once, for the caller to show."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def take_incomplete(self) -> tuple[str, ...]:
        """Return, once, in which words the answers since the last call were reported as incomplete."""
        reported, self._incomplete = tuple(dict.fromkeys(self._incomplete)), []
        return reported

    def mark_incomplete(self, why: str) -> None:
        """Keep that an answer is not whole."""
        self.warn(why)
        self._incomplete.append(why)

    def _result(self, query: str, call: Callable[[], list[Any]]) -> list[Any]:
        from prometheus_api_client.exceptions import PrometheusApiClientException

        if (size := len(query.encode())) > _QUERY_BYTES:
            raise BadInputError(
                f"the query {query[:60]!r}… has {size} bytes; no more than {_QUERY_BYTES} are sent",
                hint="Give it a name with a recording rule in Prometheus, and ask for that",
            )
        try:
            with collector_paused():
                result = self.run(call)
        except PrometheusApiClientException as refused:
            raise self._refusal(query) from refused
        except (KeyError, TypeError, AttributeError, RecursionError) as other:
            raise self.unexpected() from other
        self._keep_remarks()
        return result

    def _keep_remarks(self) -> None:
        """Keep what the library drops: Thanos and VictoriaMetrics report beside the data that an answer is partial."""
        body = self.answer.body
        # Parsing all of a large answer twice would cost.
        if not _REMARKS.search(body) or not isinstance(answer := self.answer.json, dict):
            return
        for warning in _texts(answer.get("warnings")):
            # Before they had a field of their own, remarks on a query stood among the warnings.
            (self.warn if warning.startswith(_HARMLESS) else self.mark_incomplete)(warning)
        for info in _texts(answer.get("infos")):
            self.warn(info)
        if answer.get("isPartial") is True:
            self.mark_incomplete("the answer is partial (isPartial)")

    def _refusal(self, query: str | None) -> TrackerError:
        status, (kind, why) = self.answer.status, self._complaint()
        if status in (400, 422) and kind and query is not None:
            why = why.removeprefix('invalid parameter "query": ')
            done = "read" if kind == "bad_data" else "answer"
            return BadInputError(
                f"Prometheus cannot {done} the query {query}: {why}",
                hint=f"Try it: curl -sG {word(self.url)}/api/v1/query --data-urlencode {word('query=' + query)}",
            )
        if kind == "timeout" or status == 504:
            return SourceUnreachableError(
                f"Prometheus at {self.url} gave up on a query (HTTP {status}: {why})",
                hint="Ask for a shorter time or fewer series, or raise --query.timeout of Prometheus",
            )
        return self.refusal(why)

    def _complaint(self) -> tuple[str, str]:
        """Return Prometheus' kind of error ("" from any other server) and the message."""
        body = self.answer.json
        if isinstance(body, dict):
            return str(body.get("errorType") or ""), one_line(str(body.get("error") or ""))
        text = self.answer.body[:10_000].decode("utf-8", "replace")
        return "", "" if "<" in text else one_line(text)[:200]


def _texts(value: object) -> list[str]:
    return [one_line(str(text)) for text in value] if isinstance(value, list) else []


def seconds(milliseconds: int) -> str:
    """Write an instant as Prometheus reads it, without going through a float."""
    sign = "-" if milliseconds < 0 else ""
    whole, rest = divmod(abs(milliseconds), 1000)
    return f"{sign}{whole}.{rest:03d}"
