"""What Prometheus knows: series, alerts of the past, rules, and how far back it sees.

A wrapper around prometheus-api-client, which alone would lose messages, retry
what cannot succeed, and give samples on chunk borders twice (decision 0005).
Nothing here becomes an event yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypedDict

from tracker.errors import BadInputError, SourceUnreachableError, UsageError
from tracker.ingest.prometheus.alerts import AlertSpan, fingerprint, spans, usual_spacing_seconds
from tracker.ingest.prometheus.http import PrometheusHttp
from tracker.ingest.prometheus.series import FetchedSeries, Merge, ceil_ms, selector
from tracker.ingest.prometheus.yaml import global_settings
from tracker.times import duration_seconds, from_ms

__all__ = ["AlertRule", "AlertSpan", "FetchedSeries", "PrometheusApi", "Retention", "fingerprint", "selector"]

Progress = Callable[[int, int], None]
"""Is told how many requests are done, and of how many."""

# Prometheus refuses more than 11,000 points for one series.
_POINTS = 10_000
_RAW_CHUNK = timedelta(hours=6)
_ALERT_CHUNK = timedelta(days=1)
_LOWEST = re.compile(r"^prometheus_tsdb_lowest_timestamp_seconds(?:\{[^}]*\})? (\S+)", re.MULTILINE)
_DEFAULT_INTERVAL_SECONDS = 60.0


@dataclass(frozen=True)
class Retention:
    """How far back Prometheus can see; None is what it does not tell."""

    oldest_at: datetime | None
    keeps_seconds: float | None


class AlertRule(TypedDict):
    """The definition under which an alert fires, as it is loaded now."""

    name: str
    expression: str
    for_seconds: float
    labels: dict[str, str]
    annotations: dict[str, str]
    group: str
    interval_seconds: float


class PrometheusApi:
    """One Prometheus, or anything that speaks its HTTP API.

    Not for use by two threads at once. Use it in a `with` block, or `close` it.

    Every method raises:
        SourceUnreachableError: If it does not answer, does not let us in, or is
            no Prometheus; the message names the URL and why.
        BadInputError: If it cannot read or answer a query.
    """

    def __init__(
        self,
        url: str,
        *,
        bearer_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        timeout_seconds: tuple[float, float] = (3.05, 30.0),
    ) -> None:
        self._http = PrometheusHttp(
            url,
            bearer_token=bearer_token,
            username=username,
            password=password,
            ca_file=ca_file,
            timeout_seconds=timeout_seconds,
        )
        self.url = self._http.url

    def __enter__(self) -> PrometheusApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connection."""
        self._http.close()

    @property
    def warnings(self) -> list[str]:
        """What Prometheus, or whoever stands before it, warned of so far, each once."""
        return list(self._http.warnings)

    def range(
        self,
        query: str,
        *,
        start: datetime,
        end: datetime,
        step_seconds: int,
        progress: Progress | None = None,
    ) -> list[FetchedSeries]:
        """Evaluate a query at every multiple of the step in [start, end).

        Absolute multiples, so that asking again gives the same instants. For
        charts and baselines: Prometheus fills a pause with the last sample for
        up to five minutes. `raw` shows pauses.

        Returns:
            Series ordered by labels; those without a sample are left out.
        """
        if step_seconds < 1:
            raise BadInputError(
                f"a step of {step_seconds} s is less than a second",
                hint="In tracker.toml, under [prometheus]: step_seconds = 15",
            )
        step_ms = step_seconds * 1000
        first_ms = -(-ceil_ms(start) // step_ms) * step_ms
        instants = range(first_ms, ceil_ms(end), step_ms)
        chunks = [instants[at : at + _POINTS] for at in range(0, len(instants), _POINTS)]
        found = Merge(self._http)
        for done, chunk in enumerate(chunks, start=1):
            found.add(
                self._http.query_range(
                    query, first_ms=chunk[0], last_ms=chunk[-1], step_seconds=step_seconds
                ),
                chunk[0],
                chunk[-1] + 1,
            )
            if progress:
                progress(done, len(chunks))
        return found.series()

    def raw(
        self,
        selector: str,
        *,
        start: datetime,
        end: datetime,
        chunk: timedelta = _RAW_CHUNK,
        progress: Progress | None = None,
    ) -> list[FetchedSeries]:
        """Return the samples as they were stored in [start, end), pauses and all.

        Args:
            selector: A metric with matchers, such as `up{job="shop"}`; no expression.
            start: The first instant.
            end: The first instant that is left out.
            chunk: The span of one request.
            progress: Is told after each request.
        """
        start_ms, end_ms = ceil_ms(start), ceil_ms(end)
        edges = [*range(start_ms, end_ms, round(chunk.total_seconds() * 1000)), end_ms]
        found = Merge(self._http)
        for done, (first_ms, next_ms) in enumerate(pairwise(edges), start=1):
            # Ranges are closed in Prometheus 2 and open to the left in 3: the mask makes them alike.
            query = f"{selector}[{next_ms - first_ms}ms]"
            found.add(self._http.query(query, at_ms=next_ms - 1), first_ms, next_ms)
            if progress:
                progress(done, len(edges) - 1)
        return found.series()

    def alert_spans(
        self,
        *,
        start: datetime,
        end: datetime,
        matcher: Mapping[str, str] | str | None = None,
        progress: Progress | None = None,
    ) -> list[AlertSpan]:
        """Return when which alert fired in [start, end), by start and then by labels.

        From raw samples: a range query would show an alert firing for five
        minutes after Prometheus died, and would close every shorter pause.

        Args:
            start: The first instant.
            end: The first instant that is left out.
            matcher: Labels that the alert must have, or matchers in PromQL: `service=~"shop.*"`.
            progress: Is told after each request.
        """
        firing = selector("ALERTS", {"alertstate": "firing"})
        if matcher:
            more = matcher if isinstance(matcher, str) else selector("", matcher)
            firing = firing.removesuffix("}") + "," + more.strip().removeprefix("{").removesuffix("}") + "}"
        found = self.raw(firing, start=start, end=end, chunk=_ALERT_CHUNK, progress=progress)
        if not found:
            return []
        loaded = {rule["name"]: rule["interval_seconds"] for rule in self.rules()}
        otherwise = self._global_seconds("evaluation_interval") or _DEFAULT_INTERVAL_SECONDS
        result: list[AlertSpan] = []
        for series in found:
            usual = usual_spacing_seconds(series.instants_ms)
            result += spans(
                series.labels,
                series.instants_ms,
                interval_seconds=usual or loaded.get(series.labels.get("alertname", "")) or otherwise,
                start_ms=ceil_ms(start),
                end_ms=ceil_ms(end),
            )
        return sorted(result, key=lambda span: (span.starts_at, sorted(span.labels.items())))

    def external_labels(self) -> dict[str, str]:
        """Return the labels that Prometheus adds to whatever leaves it.

        `ALERTS` has none of them; Alertmanager's fingerprint has them all, but for
        those that `alert_relabel_configs` drops. Empty when it keeps its configuration to itself.
        """
        return global_settings(self._config())[1]

    def rules(self) -> list[AlertRule]:
        """Return the alerting rules that are loaded now, in Prometheus' own order."""
        data = self._http.get("/api/v1/rules", {"type": "alert"}) or {}
        try:
            return [
                AlertRule(
                    name=rule["name"],
                    expression=rule["query"],
                    for_seconds=float(rule.get("duration") or 0),
                    labels=dict(rule.get("labels") or {}),
                    annotations=dict(rule.get("annotations") or {}),
                    group=group["name"],
                    interval_seconds=float(group.get("interval") or 0),
                )
                for group in data.get("groups") or []
                for rule in group.get("rules") or []
                if rule.get("type", "alerting") == "alerting"
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as odd:
            raise SourceUnreachableError(
                f"{self.url}/api/v1/rules is not what Prometheus answers: {odd!r}",
                hint=f"See for yourself: curl {self.url}/api/v1/rules",
            ) from odd

    def retention(self) -> Retention:
        """Return how far back it can see, for telling what is gone from what never was."""
        flags = self._http.get("/api/v1/status/flags") or {}
        limits = [flags.get("storage.tsdb.retention.time"), flags.get("storage.tsdb.retention")]
        given = [kept for kept in map(_seconds_or_none, limits) if kept]
        # Both zero is Prometheus' default, unless it is limited by size alone.
        default = 15 * 86_400.0 if "storage.tsdb.retention.time" in flags else None
        by_size = flags.get("storage.tsdb.retention.size", "0B") not in ("0B", "0", "")
        keeps_seconds = given[0] if given else (None if by_size else default)
        lowest = _LOWEST.search(self._http.text("/metrics") or "")
        oldest = float(lowest[1]) if lowest else 0.0
        # An empty store tells the largest number there is.
        known = 0 < oldest < 2**40
        return Retention(from_ms(round(oldest * 1000)) if known else None, keeps_seconds)

    def scrape_interval_seconds(self) -> float | None:
        """Return the global scrape interval, or None when it is not told; jobs may have their own."""
        return self._global_seconds("scrape_interval")

    def version(self) -> str | None:
        """Return the version, such as 2.42.0, or None when it is not told."""
        data = self._http.get("/api/v1/status/buildinfo")
        return str(data["version"]) if isinstance(data, dict) and data.get("version") else None

    def now(self) -> datetime:
        """Return the time on the server's clock."""
        result = self._http.query("time()")
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(result[1]))
        except (IndexError, TypeError, ValueError, OverflowError) as odd:
            raise SourceUnreachableError(
                f"{self.url} does not tell the time as Prometheus does",
                hint=f"See for yourself: curl '{self.url}/api/v1/query?query=time()'",
            ) from odd

    def _config(self) -> str:
        data = self._http.get("/api/v1/status/config")
        return str(data.get("yaml") or "") if isinstance(data, dict) else ""

    def _global_seconds(self, name: str) -> float | None:
        return _seconds_or_none(global_settings(self._config())[0].get(name))


def _seconds_or_none(text: str | None) -> float | None:
    """Read a Prometheus duration such as 1m30s or 2y; None for nothing, zero or an odd one."""
    if not text:
        return None
    years = re.match(r"(\d+)y", text)
    rest = text[years.end() :] if years else text
    try:
        total = (int(years[1]) * 365 * 86_400 if years else 0) + (duration_seconds(rest) if rest else 0)
    except UsageError:
        return None
    return float(total) or None
