"""What Prometheus knows: series, alerts of the past, rules, and how far back it sees.

Nothing here becomes an event yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from tracker.errors import BadInputError, SettingsError, UsageError
from tracker.ingest.findings import Finding, broken, ok, warning
from tracker.ingest.prometheus.alerts import AlertSpan, spans, usual_spacing_seconds
from tracker.ingest.prometheus.client import PrometheusClient
from tracker.ingest.prometheus.series import FetchedSeries, Merge, ceil_ms
from tracker.ingest.prometheus.yaml import global_settings
from tracker.text.shell import word
from tracker.times import duration_seconds, from_ms, spoken

Progress = Callable[[int, int], None]
"""Called with the number of requests that are done, and of all."""

# Prometheus refuses more than 11,000 points for one series.
_POINTS = 10_000
_RAW_CHUNK = timedelta(hours=6)
_ALERT_CHUNK = timedelta(days=1)
_LOWEST = re.compile(r"^prometheus_tsdb_lowest_timestamp_seconds(?:\{[^}]*\})? (\S+)", re.MULTILINE)
_DEFAULT_INTERVAL_SECONDS = 60.0
_BASELINE = timedelta(days=15)
"""How far back a 1-day verdict compares."""
_CLOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Retention:
    """How far back Prometheus can see; None is unknown."""

    oldest_at: datetime | None
    keeps_seconds: float | None


class AlertRule(msgspec.Struct, frozen=True):
    """The definition under which an alert fires, as it is loaded now."""

    name: str
    expression: str = msgspec.field(name="query")
    for_seconds: float = msgspec.field(name="duration", default=0.0)
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    type: str = "alerting"


class _Group(msgspec.Struct):
    rules: list[AlertRule] = []
    interval: float = 0.0


class _Groups(msgspec.Struct):
    groups: list[_Group] = []


class PrometheusApi(PrometheusClient):
    """One Prometheus, or anything that speaks its HTTP API.

    Every method raises:
        SourceUnreachableError: If it does not answer, rejects the credentials, or is
            not Prometheus; the message names the URL and why.
        BadInputError: If it cannot read or answer a query.
    """

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

        Absolute multiples, so that asking again gives the same instants. For charts and
        baselines: Prometheus fills a pause with the last sample for up to five minutes.
        `raw` shows pauses. Series are ordered by labels; those without a sample are left out.
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
        return self._merged(
            [(chunk[0], chunk[-1] + 1) for chunk in chunks],
            lambda first_ms, next_ms: self.query_range(
                query, first_ms=first_ms, last_ms=next_ms - 1, step_seconds=step_seconds
            ),
            progress,
        )

    def raw(
        self, selector: str, *, start: datetime, end: datetime, chunk: timedelta = _RAW_CHUNK
    ) -> list[FetchedSeries]:
        """Return the samples as they were stored in [start, end), pauses and all.

        `selector` is a metric with matchers, such as `up{job="shop"}`, not an expression;
        `chunk` is the span of one request.
        """
        start_ms, end_ms = ceil_ms(start), ceil_ms(end)
        edges = [*range(start_ms, end_ms, round(chunk.total_seconds() * 1000)), end_ms]
        # Ranges are closed in Prometheus 2 and open to the left in 3: the merge cuts both alike.
        return self._merged(
            list(pairwise(edges)),
            lambda first_ms, next_ms: self.query(f"{selector}[{next_ms - first_ms}ms]", at_ms=next_ms - 1),
        )

    def _merged(
        self,
        windows: Sequence[tuple[int, int]],
        ask: Callable[[int, int], list[Any]],
        progress: Progress | None = None,
    ) -> list[FetchedSeries]:
        merge = Merge(self)
        for done, (first_ms, next_ms) in enumerate(windows, start=1):
            merge.add(ask(first_ms, next_ms), first_ms, next_ms)
            if progress:
                progress(done, len(windows))
        return merge.series()

    def alert_spans(self, *, start: datetime, end: datetime) -> list[AlertSpan]:
        """Return when which alert fired in [start, end), by start and then by labels.

        From raw samples: a range query would show an alert firing for five
        minutes after Prometheus died, and would close every shorter pause.
        """
        firing = self.raw('ALERTS{alertstate="firing"}', start=start, end=end, chunk=_ALERT_CHUNK)
        if not firing:
            return []
        loaded = {rule.name: group.interval for group in self._groups() for rule in group.rules}
        otherwise = self._global_seconds("evaluation_interval") or _DEFAULT_INTERVAL_SECONDS
        result: list[AlertSpan] = []
        for series in firing:
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
        return [rule for group in self._groups() for rule in group.rules if rule.type == "alerting"]

    def _groups(self) -> list[_Group]:
        try:
            return msgspec.convert(self.data("/api/v1/rules", {"type": "alert"}) or {}, _Groups).groups
        except msgspec.ValidationError as other:
            raise self.unexpected() from other

    def retention(self) -> Retention:
        """Return how far back it can see, to distinguish expired data from data that never existed."""
        flags = self.data("/api/v1/status/flags") or {}
        limits = [flags.get("storage.tsdb.retention.time"), flags.get("storage.tsdb.retention")]
        given = [kept for kept in map(_seconds_or_none, limits) if kept]
        # Both zero is Prometheus' default, unless it is limited by size alone.
        default = 15 * 86_400.0 if "storage.tsdb.retention.time" in flags else None
        by_size = flags.get("storage.tsdb.retention.size", "0B") not in ("0B", "0", "")
        keeps_seconds = given[0] if given else (None if by_size else default)
        lowest = _LOWEST.search(self.text("/metrics") or "")
        oldest = float(lowest[1]) if lowest else 0.0
        # An empty store reports the largest number there is.
        known = 0 < oldest < 2**40
        return Retention(from_ms(round(oldest * 1000)) if known else None, keeps_seconds)

    def version(self) -> str | None:
        """Return the version, such as 2.42.0, or None where it is unknown."""
        data = self.data("/api/v1/status/buildinfo")
        return str(data["version"]) if isinstance(data, dict) and data.get("version") else None

    def now(self) -> datetime:
        """Return the time on the server's clock."""
        result = self.query("time()")
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(result[1]))
        except (IndexError, TypeError, ValueError, OverflowError) as other:
            raise self.unexpected() from other

    def _config(self) -> str:
        data = self.data("/api/v1/status/config")
        return str(data.get("yaml") or "") if isinstance(data, dict) else ""

    def _global_seconds(self, name: str) -> float | None:
        return _seconds_or_none(global_settings(self._config())[0].get(name))

    def probe(self, queries: Mapping[str, str], clock: Callable[[], datetime]) -> Iterator[Finding]:
        """Check that it answers, its clock, how far back it sees, and that each named query gives a series now."""
        before = clock()
        theirs = self.now()
        ahead_seconds = (theirs - before - (clock() - before) / 2).total_seconds()
        version, kept = self.version() or "unknown", self.retention()
        since = f", has samples since {kept.oldest_at:%Y-%m-%d %H:%MZ}" if kept.oldest_at else ""
        keeps = f", keeps {spoken(kept.keeps_seconds)}" if kept.keeps_seconds else ""
        yield ok("prometheus", f"{self.url} answers: version {version}{keeps}{since}")
        if abs(ahead_seconds) > _CLOCK_SECONDS:
            side = "ahead of" if ahead_seconds > 0 else "behind"
            yield warning(
                "prometheus",
                f"its clock is {spoken(abs(ahead_seconds))} {side} ours",
                "See which is wrong, there and here: timedatectl",
            )
        if kept.keeps_seconds is not None and kept.keeps_seconds < _BASELINE.total_seconds():
            yield warning(
                "prometheus",
                f"it keeps {spoken(kept.keeps_seconds)}; verdicts over a day compare with {_BASELINE.days} days",
                f"--storage.tsdb.retention.time={_BASELINE.days}d, or collect soon after each incident",
            )
        good = 0
        for name, query in queries.items():
            try:
                problem = self._probe_query(query, theirs)
            except BadInputError as wrong:
                yield broken("prometheus", SettingsError(f"{name}: {wrong.message}", hint=wrong.hint))
                continue
            if problem:
                typed = f"curl -sG {word(self.url)}/api/v1/query --data-urlencode {word('query=' + query)}"
                yield warning("prometheus", f"{name} {problem}", f"Try it: {typed}")
            good += not problem
        if good:
            yield ok(
                "prometheus",
                f"{good} configured {'query gives' if good == 1 else 'queries give'} a series now",
            )

    def _probe_query(self, query: str, now: datetime) -> str:
        """Say what is wrong with what a query gives; nothing where it is a number."""
        import numpy as np

        start, end = now - timedelta(minutes=1), now + timedelta(seconds=1)
        found = self.range(query, start=start, end=end, step_seconds=15)
        if not found:
            return "gives no series now"
        finite = any(np.isfinite(series.values).any() for series in found)
        return "" if finite else "gives no number now (0 / 0, perhaps)"


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
