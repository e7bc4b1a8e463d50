"""A real Prometheus that knows a given history from its first second on."""

import contextlib
import math
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from tests.servers.process import answers, end, program, start, start_on_a_free_port

Samples = Sequence[tuple[float, float]]
"""Unix seconds and values, in order of time."""

Series = tuple[str, Mapping[str, str], Samples]
"""A metric's name, its labels, its samples."""


@dataclass
class Prometheus:
    """A running server."""

    url: str
    folder: Path
    command: list[str] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def asked(self, question: str) -> int:
        """Return how often its API was asked: asked("query_range")."""
        counter = f'prometheus_http_requests_total{{code="200",handler="/api/v1/{question}"}} '
        with build_opener(ProxyHandler({})).open(f"{self.url}/metrics", timeout=120) as answer:
            lines = answer.read().decode().splitlines()
        return sum(int(line.removeprefix(counter)) for line in lines if line.startswith(counter))

    def stop(self) -> None:
        """End it now; a second time does nothing."""
        end(self.process)

    def start_again(self, series: Iterable[Series] = ()) -> None:
        """Start it at its old address with all that it knew, and with this: as if it had seen it meanwhile."""
        _write_history(self.folder, series)
        self.process = start(
            self.command, ready=answers(f"{self.url}/-/ready"), log=self.folder / "prometheus.log"
        )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def open_metrics(series: Iterable[Series]) -> str:
    """Write series as OpenMetrics text, samples of one name together, as the format demands."""
    lines: list[str] = []
    for name, family in groupby(sorted(series, key=lambda one: one[0]), key=lambda one: one[0]):
        lines.append(f"# TYPE {name} gauge")
        for _, labels, samples in family:
            inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
            lines += [f"{name}{{{inside}}} {float(value)!r} {instant:.3f}" for instant, value in samples]
    return "\n".join([*lines, "# EOF", ""])


def _write_history(folder: Path, series: Iterable[Series]) -> None:
    """Put a history into the blocks of a Prometheus that does not run."""
    series = list(series)
    if not any(samples for _, _, samples in series):
        return
    history = folder / "history.om"
    history.write_text(open_metrics(series), encoding="utf-8")
    # promtool reads the whole file once for each block: 59 s for a month in days, 6 s for one of 720 h.
    made = subprocess.run(
        [
            program("prometheus", "promtool"),
            *("tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=720h"),
            *(history, folder / "data"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise ValueError(f"promtool refused the history: {made.stdout}{made.stderr}")
    history.unlink()


@contextlib.contextmanager
def prometheus(
    tmp_path: Path,
    series: Iterable[Series] = (),
    *,
    extra_config: str | None = None,
    retention: str = "100y",
) -> Iterator[Prometheus]:
    """Start Prometheus with a history.

    The history is in its blocks before it starts: those added later are seen only after a minute.
    `extra_config` is YAML, put at the end of a configuration that scrapes nothing.
    """
    server = program("prometheus", "prometheus")
    folder = Path(tempfile.mkdtemp(prefix="prometheus-", dir=tmp_path))
    data = folder / "data"
    data.mkdir()

    _write_history(folder, series)
    config = folder / "prometheus.yml"
    config.write_text("global: {scrape_interval: 15s}\n" + (extra_config or ""), encoding="utf-8")

    def launch(port: int) -> Prometheus:
        url = f"http://127.0.0.1:{port}"
        command = [
            server,
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--storage.tsdb.retention.time={retention}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            "--log.level=warn",
        ]
        process = start(command, ready=answers(f"{url}/-/ready"), log=folder / "prometheus.log")
        return Prometheus(url, folder, command, process)

    running = start_on_a_free_port(launch)
    try:
        yield running
    finally:
        running.stop()


# A week that many tests share. Its instants are fixed, so that answers can be written down.

WEEK_START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK_END = WEEK_START + timedelta(days=7)
WEEK_STEP_SECONDS = 30
ALERTS_STEP_SECONDS = 15


@dataclass(frozen=True)
class Firing:
    """One time that an alert fired; the last sample of ALERTS is at `ends_at`."""

    alertname: str
    severity: str
    service: str
    starts_at: datetime
    ends_at: datetime


WEEK_FIRINGS = (
    Firing(
        "HighErrorRatio",
        "critical",
        "checkout",
        datetime(2026, 3, 4, 14, 2, 15, tzinfo=UTC),
        datetime(2026, 3, 4, 14, 45, tzinfo=UTC),
    ),
    Firing(
        "SlowAnswers",
        "warning",
        "search",
        datetime(2026, 3, 5, 9, 0, tzinfo=UTC),
        datetime(2026, 3, 5, 9, 20, tzinfo=UTC),
    ),
    Firing(
        "HighErrorRatio",
        "critical",
        "checkout",
        datetime(2026, 3, 6, 2, 30, tzinfo=UTC),
        datetime(2026, 3, 6, 2, 41, 30, tzinfo=UTC),
    ),
)

TROUBLE_BEFORE_ALERT = timedelta(seconds=90)
"""How long a metric is bad before its alert fires."""


def week_of_history() -> list[Series]:
    """Make a week of two services, checkout and search.

    `http_requests_total{service,code}` counts some 20 requests a second by day and half by night;
    1 in 1,000 fails, 80 in 1,000 in trouble. `http_latency_seconds{service}` is 0.2, in trouble 1.5.
    checkout's trouble is errors, search's is latency: see WEEK_FIRINGS.
    """
    start, end_ = WEEK_START.timestamp(), WEEK_END.timestamp()
    instants = [start + n * WEEK_STEP_SECONDS for n in range(int((end_ - start) // WEEK_STEP_SECONDS) + 1)]
    series: list[Series] = []
    for service in ("checkout", "search"):
        troubles = [
            ((one.starts_at - TROUBLE_BEFORE_ALERT).timestamp(), one.ends_at.timestamp(), one.alertname)
            for one in WEEK_FIRINGS
            if one.service == service
        ]
        good, bad, latency = [], [], []
        good_total = bad_total = 0.0
        for n, instant in enumerate(instants):
            trouble = {name for begun, over, name in troubles if begun <= instant < over}
            wave = math.sin(2 * math.pi * (instant - start) / 86_400 - math.pi / 2)
            requests = WEEK_STEP_SECONDS * (15 + 5 * wave)
            failing = 0.08 if "HighErrorRatio" in trouble else 0.001
            good_total += requests * (1 - failing)
            bad_total += requests * failing
            ripple = 0.01 * ((n * 7919) % 11 - 5) / 5
            good.append((instant, round(good_total, 3)))
            bad.append((instant, round(bad_total, 3)))
            latency.append((instant, round((1.5 if "SlowAnswers" in trouble else 0.2) + ripple, 4)))
        series += [
            ("http_requests_total", {"service": service, "code": "200"}, good),
            ("http_requests_total", {"service": service, "code": "500"}, bad),
            ("http_latency_seconds", {"service": service}, latency),
        ]
    alerts: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for one in WEEK_FIRINGS:
        seconds = int((one.ends_at - one.starts_at).total_seconds())
        alerts.setdefault((one.alertname, one.severity, one.service), []).extend(
            (one.starts_at.timestamp() + passed, 1.0) for passed in range(0, seconds + 1, ALERTS_STEP_SECONDS)
        )
    for (alertname, severity, service), samples in alerts.items():
        labels = {"alertname": alertname, "alertstate": "firing", "severity": severity, "service": service}
        series.append(("ALERTS", labels, samples))
    return series
