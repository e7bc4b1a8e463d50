"""A metrics source that says of its own answers that they are not whole: what VictoriaMetrics and Thanos do in a cluster."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.stubs import Said, saying

STEP = 15


class PartialSource:
    """It answers `error_ratio`, which is 0.001, and 0.4 from `begins` to `ends`; `mode` says how odd its answers are.

    hole: that time is missing, with warnings. wrong: the trouble is not in the sum, with isPartial and no warning.
    histograms: instead of values. beside: histograms beside the wrong values. extra: a series that is none, with
    warnings. infos: a remark on a whole answer. whole: nothing.
    """

    def __init__(self, begins: datetime, ends: datetime) -> None:
        self._begins, self._ends = begins.timestamp(), ends.timestamp()
        self.mode = "whole"
        self.ranges_asked = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        with saying(self._answer) as url:
            yield url

    def _answer(self, path: str, headers: Mapping[str, str]) -> Said:
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        more: dict[str, Any] = {}
        data: dict[str, Any] = {"resultType": "vector", "result": []}
        if parts.path.endswith("/query_range"):
            self.ranges_asked += 1
            data = {"resultType": "matrix", "result": self._series(asked)}
            more = {
                "hole": {"warnings": ["store 10.1.2.3:10901: deadline exceeded"]},
                "extra": {"warnings": ["store 10.1.2.3:10901: deadline exceeded"]},
                "wrong": {"isPartial": True},
                "infos": {"infos": ["PromQL info: metric might not be a counter"]},
            }.get(self.mode, {})
        elif parts.path.endswith("/query") and "time()" in asked["query"]:
            data = {"resultType": "scalar", "result": [time.time(), str(time.time())]}
        elif parts.path.endswith("/rules"):
            data = {"groups": []}
        elif not parts.path.endswith("/query"):
            return 404, {}, b"no such path"
        # As VictoriaMetrics has it: what is odd stands before the data.
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps({"status": "success", **more, "data": data}).encode(),
        )

    def _series(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        start, end, step = (float(asked[name].rstrip("s")) for name in ("start", "end", "step"))
        stamps = [start + number * step for number in range(int((end - start) // step) + 1)]
        burns = {stamp for stamp in stamps if self._begins <= stamp < self._ends}
        hidden = self.mode in ("wrong", "beside")
        values = [
            [
                stamp,
                repr(
                    (0.4 if stamp in burns and not hidden else 0.001) * (1 + 0.03 * (stamp // STEP % 7 - 3))
                ),
            ]
            for stamp in stamps
            if self.mode != "hole" or stamp not in burns
        ]
        histograms = [
            [stamp, {"count": "12", "sum": "3.5", "buckets": [[0, "0.1", "0.2", "12"]]}] for stamp in stamps
        ]
        if self.mode == "histograms":
            return [{"metric": {}, "histograms": histograms}]
        if self.mode == "beside":
            return [{"metric": {}, "values": values, "histograms": histograms}]
        extra = [{"metric": {"replica": "b"}, "values": values}] if self.mode == "extra" else []
        return [{"metric": {}, "values": values}, *extra]
