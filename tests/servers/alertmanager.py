"""A real Alertmanager that sends to one webhook, and soon."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from tests.servers.process import answers, end, program, start, start_on_a_free_port
from tests.servers.webhooks import Receiver

_DIRECT = build_opener(ProxyHandler({}))


def alert(
    labels: Mapping[str, str],
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Word one alert as Prometheus would send it; `ends_at` in the past resolves it."""
    worded: dict[str, Any] = {"labels": dict(labels), "annotations": dict(annotations or {})}
    if starts_at:
        worded["startsAt"] = starts_at.isoformat()
    if ends_at:
        worded["endsAt"] = ends_at.isoformat()
    return worded


@dataclass
class Alertmanager:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)
    receiver: Receiver | None = None

    def post(self, *alerts: Mapping[str, Any]) -> None:
        """Hand alerts over, as Prometheus does."""
        request = Request(
            f"{self.url}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _DIRECT.open(request, timeout=120):
            pass

    def stop(self) -> None:
        """End it now; a second time does nothing."""
        end(self.process)


@contextlib.contextmanager
def alertmanager(
    tmp_path: Path,
    webhook_url: str,
    *,
    token: str | None = None,
    group_by: Sequence[str] = ("alertname", "service"),
    group_wait: str = "10ms",
    group_interval: str = "100ms",
    repeat_interval: str = "1h",
    max_alerts: int = 0,
) -> Iterator[Alertmanager]:
    """Start Alertmanager with one receiver, a webhook; with `token` it presents it as a Bearer."""
    server = program("prometheus-alertmanager", "prometheus-alertmanager", "alertmanager")
    folder = Path(tempfile.mkdtemp(prefix="alertmanager-", dir=tmp_path))
    webhook: dict[str, Any] = {"url": webhook_url, "send_resolved": True, "max_alerts": max_alerts}
    if token:
        webhook["http_config"] = {"authorization": {"type": "Bearer", "credentials": token}}
    config = folder / "alertmanager.yml"
    # JSON is YAML.
    config.write_text(
        json.dumps(
            {
                "route": {
                    "receiver": "webhook",
                    "group_by": list(group_by),
                    "group_wait": group_wait,
                    "group_interval": group_interval,
                    "repeat_interval": repeat_interval,
                },
                "receivers": [{"name": "webhook", "webhook_configs": [webhook]}],
            }
        )
    )

    def launch(port: int) -> Alertmanager:
        url = f"http://127.0.0.1:{port}"
        process = start(
            [
                server,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            ready=answers(f"{url}/-/ready"),
            log=folder / "alertmanager.log",
        )
        return Alertmanager(url, process)

    running = start_on_a_free_port(launch)
    try:
        yield running
    finally:
        running.stop()
