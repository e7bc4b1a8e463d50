"""Replaying what a real Prometheus answered, through the client's own code.

Only the connection is replaced. The server's clock is the story's, and it has no later sample.
"""

import json
import lzma
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tracker.ingest.prometheus.api import PrometheusApi
from tracker.times import duration_seconds, to_ms

ADDRESS = "http://prometheus.shop.example:9090"


class RecordedPrometheus(PrometheusApi):
    """Answers from the file; a KeyError means that the query was not recorded."""

    def __init__(self, recording: Path, now: Callable[[], datetime]) -> None:
        self.url = ADDRESS
        self.warnings = []
        self._incomplete = []
        self._now = now
        self._recorded: dict[str, Any] = json.loads(lzma.decompress(recording.read_bytes()))

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def query(self, query: str, *, at_ms: int | None = None) -> list[Any]:
        """Return the clock's time, or the raw samples of `selector[span]`."""
        if query == "time()":
            now = self._now().timestamp()
            return [now, str(now)]
        selector, _, span = query.partition("[")
        last_ms = to_ms(self._now()) if at_ms is None else at_ms
        first_ms = last_ms - round(duration_seconds(span.removesuffix("]")) * 1000)
        return self._cut(self._recorded["query"][selector], first_ms, last_ms)

    def query_range(self, query: str, *, first_ms: int, last_ms: int, step_seconds: int) -> list[Any]:
        """Return the samples between the two, both included, at this step."""
        result = self._cut(self._recorded["query_range"][query], first_ms, last_ms)
        first = first_ms / 1000
        for series in result:
            series["values"] = [value for value in series["values"] if (value[0] - first) % step_seconds == 0]
        return [series for series in result if series["values"]]

    def data(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self._recorded["get"].get(path)

    def text(self, path: str, params: Mapping[str, str] | None = None) -> str | None:
        return self._recorded["text"].get(path)  # type: ignore[no-any-return]

    def _cut(self, result: list[dict[str, Any]], first_ms: int, last_ms: int) -> list[Any]:
        first, last = first_ms / 1000, min(last_ms, to_ms(self._now())) / 1000
        cut = [
            {**series, "values": [value for value in series["values"] if first <= value[0] <= last]}
            for series in result
        ]
        return [series for series in cut if series["values"]]
