"""Record the demo's feeds anew: start real programs, let them speak, keep what they say.

    .venv/bin/python -m tests.demo.record tracker/demo/feeds

Needs prometheus, promtool, prometheus-alertmanager and git; sentry-sdk and psycopg come with
the project. Takes about 20 s. What came from which program stands in feeds/README.md,
which is written here, too. New recordings have new error ids, so the demo's head changes.
"""

import gzip
import json
import lzma
import os
import platform
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.demo import metrics
from tests.servers.alertmanager import alert, alertmanager
from tests.servers.prometheus import prometheus
from tests.servers.webhooks import Delivery, webhook_receiver
from tracker.demo.repository import clean_environment
from tracker.demo.settings import QUERIES
from tracker.ingest.prometheus.api import PrometheusApi

FIRED = datetime(2026, 1, 22, 14, 35, 15, tzinfo=UTC)
ENDED = datetime(2026, 1, 22, 15, 11, 15, tzinfo=UTC)
CHUNK_POINTS = 10_000

ALERT_RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "checkout",
            "interval": "15s",
            "rules": [
                {
                    "alert": "HighErrorRatio",
                    "expr": f"{QUERIES['error_ratio']} > 0.05",
                    "for": "2m",
                    "labels": {"severity": "critical", "service": "checkout"},
                    "annotations": {"summary": "more than 5 % of checkout's requests fail"},
                }
            ],
        }
    ]
}


def main() -> None:
    """Record all feeds into the folder that was named."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.demo.record OUT      (OUT: tracker/demo/feeds)")
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tracker-record-") as scratch:
        told = {
            "prometheus.json.xz": record_prometheus(Path(scratch), out / "prometheus.json.xz"),
            "alertmanager.jsonl": record_alertmanager(Path(scratch), out / "alertmanager.jsonl"),
            "sentry": record_sentry(out / "sentry"),
            "checkout.bundle": record_repository(Path(scratch), out),
        }
        told["deploys.jsonl"] = write_deploys(out)
    (out / "README.md").write_text(_readme(told), encoding="utf-8")
    for path in sorted(out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:>8}  {path}")


# ── Prometheus ───────────────────────────────────────────────────────────────


def record_prometheus(scratch: Path, path: Path) -> str:
    """Keep Prometheus' answers to all that `tracker collect` asks."""
    series = metrics.history()
    firing = series[-1][2]
    spoken = (firing[0][0], firing[-1][0] + metrics.STEP_SECONDS)
    if spoken != (FIRED.timestamp(), ENDED.timestamp()):
        raise SystemExit(f"the alert would fire from {spoken[0]} to {spoken[1]}; the story says otherwise")
    rules = scratch / "rules.yml"
    rules.write_text(json.dumps(ALERT_RULES), encoding="utf-8")
    extra = f"rule_files: [{rules}]\n"
    with prometheus(scratch, series, extra_config=extra) as server, PrometheusApi(server.url) as api:
        ranges = {query: _ranges(api, query) for query in QUERIES.values()}
        selector = 'ALERTS{alertstate="firing"}'
        span = round((metrics.LAST - metrics.FIRST).total_seconds()) + 1
        alerts = api.query(f"{selector}[{span}s]", at_ms=round(metrics.LAST.timestamp() * 1000))
        lowest = [
            line for line in (api.text("/metrics") or "").splitlines() if "lowest_timestamp_seconds" in line
        ]
        got = {name: api.data(name) for name in ("/api/v1/status/buildinfo", "/api/v1/status/config")}
        got["/api/v1/status/flags"] = {
            name: value for name, value in api.data("/api/v1/status/flags").items() if "retention" in name
        }
        wanted = len(ALERT_RULES["groups"][0]["rules"])
        _until(lambda: len(api.rules()) == wanted)
        got["/api/v1/rules"] = _without_state(api.data("/api/v1/rules", {"type": "alert"}))
    got["/api/v1/status/config"]["yaml"] = got["/api/v1/status/config"]["yaml"].replace(
        str(scratch), "/etc/prometheus"
    )
    recorded = {
        "query_range": ranges,
        "query": {selector: alerts},
        "get": got,
        "text": {"/metrics": "\n".join(lowest)},
    }
    text = json.dumps(recorded, separators=(",", ":"), ensure_ascii=False)
    # Half of what gzip makes of it: two weeks take no more room than a day did.
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    points = sum(len(one["values"]) for result in ranges.values() for one in result)
    return (
        f"Prometheus {got['/api/v1/status/buildinfo']['version']}, with a history that promtool put into its blocks "
        f"(`tests/demo/metrics.py`). The answers of `/api/v1/query_range` ({points} samples: the days of the story at "
        f"{metrics.STEP_SECONDS} s, the week before at 60 s, the week before that at 300 s), "
        "`/api/v1/query`, `/api/v1/rules` and `/api/v1/status/*` as they came; of the rules without the state that they "
        "were in while this was recorded, of the flags and `/metrics` the lines about retention."
    )


def _ranges(http: Any, query: str) -> list[Any]:
    """Ask for the days of the story in detail, and for the weeks before them as coarsely as `tracker collect` does."""
    week = metrics.FIRST - (metrics.FIRST - metrics.HISTORY_FIRST) / 2
    parts = [
        _range(http, query, metrics.HISTORY_FIRST, week - timedelta(seconds=300), 300),
        _range(http, query, week, metrics.FIRST - timedelta(seconds=60), 60),
        _range(http, query, metrics.FIRST, metrics.LAST, metrics.STEP_SECONDS),
    ]
    for result in zip(*parts, strict=True):
        result[0]["values"] += [value for part in result[1:] for value in part["values"]]
    return parts[0]


def _range(http: Any, query: str, start: datetime, end: datetime, step_seconds: int) -> list[Any]:
    """Ask as `PrometheusApi.range` does: no more points at once than Prometheus gives."""
    first, last = (round(at.timestamp() * 1000) for at in (start, end))
    instants = range(first, last + 1, step_seconds * 1000)
    result: list[Any] = []
    for at in range(0, len(instants), CHUNK_POINTS):
        chunk = instants[at : at + CHUNK_POINTS]
        found = http.query_range(query, first_ms=chunk[0], last_ms=chunk[-1], step_seconds=step_seconds)
        if not result:
            result = found
        else:
            for series, more in zip(result, found, strict=True):
                series["values"] += more["values"]
    if not result:
        raise SystemExit(f"Prometheus has nothing for {query}")
    return result


def _without_state(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the rules are doing now, months after the story."""
    for group in data["groups"]:
        group["file"] = "/etc/prometheus/rules.yml"
        for name in ("lastEvaluation", "evaluationTime"):
            group.pop(name, None)
        for rule in group["rules"]:
            for name in ("lastEvaluation", "evaluationTime", "state", "alerts", "health"):
                rule.pop(name, None)
    return data


# ── Alertmanager ─────────────────────────────────────────────────────────────


def record_alertmanager(scratch: Path, path: Path) -> str:
    """Keep three webhook bodies: it fires, it still fires, it is resolved; and another service's alert."""
    rule = ALERT_RULES["groups"][0]["rules"][0]
    annotations = rule["annotations"]
    labels = {"alertname": rule["alert"], "service": "checkout", "severity": rule["labels"]["severity"]}
    generator = {"generatorURL": "http://prometheus.shop.example:9090/graph?g0.expr=checkout&g0.tab=1"}
    with webhook_receiver() as receiver, alertmanager(scratch, receiver.url, repeat_interval="1s") as server:
        server.post(alert(labels, starts_at=FIRED, annotations=annotations) | generator)
        receiver.wait_for(2)
        server.post(alert(labels, starts_at=FIRED, ends_at=ENDED, annotations=annotations) | generator)
        _until(lambda: any(_status(one) == "resolved" for one in receiver.deliveries))
        bodies = {_status(one): one.body for one in receiver.deliveries}
        firing = [one.body for one in receiver.deliveries if _status(one) == "firing"]
        shown = subprocess.run(
            ["prometheus-alertmanager", "--version"], capture_output=True, text=True, check=True
        ).stdout.split()
    # The one change: the machine that recorded this has a name of no interest to anybody.
    here = f"{socket.gethostname()}:{server.url.rpartition(':')[2]}".encode()
    kept = [
        body.strip().replace(here, b"alertmanager.shop.example:9093")
        for body in (*firing[:2], bodies["resolved"])
    ]
    path.write_bytes(b"\n".join(kept) + b"\n")
    return (
        f"Alertmanager {shown[2]}: the bodies that its webhook received: firing, the repeat, resolved. "
        "The address that it gives itself was changed to alertmanager.shop.example."
    )


def _status(delivery: Delivery) -> str:
    return str(json.loads(delivery.body)["status"])


# ── Sentry's SDK ─────────────────────────────────────────────────────────────

APPLICATION = '''\
"""Card payments."""

import sentry_sdk
from psycopg_pool import ConnectionPool

pool: ConnectionPool


def pay(order_id: int, amount_cents: int) -> str | None:
    """Answer POST /payments; what goes wrong is 500 to the customer and an error to us."""
    try:
        return charge(order_id, amount_cents)
    except Exception as error:
        sentry_sdk.capture_exception(error)
        return None


def charge(order_id: int, amount_cents: int) -> str:
    """Charge a card, or tell why it was declined."""
    connection = pool.getconn()
    answer = ask_provider(connection, order_id, amount_cents)
    if answer.declined:
        return f"declined: {answer.reason}"
    connection.execute("UPDATE orders SET paid = true WHERE id = %s", [order_id])
    pool.putconn(connection)
    return "paid"
'''
FAILED_AT = (
    "14:32:41.207",
    "14:33:20.918",
    "14:34:02.440",
    "14:36:55.031",
    "14:44:12.876",
    "14:58:37.349",
    "15:09:15.602",
)


def record_sentry(folder: Path) -> str:
    """Let sentry-sdk report what psycopg's pool really raises, at the story's instants."""
    import linecache
    import logging

    import psycopg_pool
    import sentry_sdk
    from sentry_sdk.integrations.argv import ArgvIntegration
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.modules import ModulesIntegration

    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    payments = types.ModuleType("checkout.payments")
    with (
        psycopg_pool.ConnectionPool(
            "host=127.0.0.1 port=1 dbname=checkout",
            min_size=1,
            max_size=metrics.POOL_SIZE,
            timeout=5.0,
            open=True,
        ) as pool,
        webhook_receiver() as receiver,
    ):
        exec(compile(APPLICATION, "/srv/checkout/payments.py", "exec"), payments.__dict__)
        payments.__dict__["pool"] = pool
        lines = APPLICATION.splitlines(keepends=True)
        linecache.cache["/srv/checkout/payments.py"] = (
            len(APPLICATION),
            None,
            lines,
            "/srv/checkout/payments.py",
        )

        def at_its_instant(event: dict[str, Any], _: Any) -> dict[str, Any]:
            event["timestamp"] = f"2026-01-22T{event['tags'].pop('at')}Z"
            return event

        sentry_sdk.init(
            dsn=receiver.url.replace("://", "://tracker@") + "7",
            release="checkout@1.2.0",
            environment="production",
            server_name="checkout-6c9f7",
            before_send=at_its_instant,
            disabled_integrations=[DedupeIntegration(), ArgvIntegration(), ModulesIntegration()],
            auto_enabling_integrations=False,
            in_app_include=["checkout"],
            max_breadcrumbs=0,
            project_root="/srv",
            # Where brotli is installed the SDK prefers it, and what it then posts is not read here.
            _experiments={"transport_compression_algo": "gzip"},
        )
        threads = [
            threading.Thread(target=_charge, args=(sentry_sdk, payments, at, 48_210 + 37 * n))
            for n, at in enumerate(FAILED_AT)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        for thread in threads:
            thread.join()
        sentry_sdk.flush(10)
        deliveries = receiver.wait_for(len(FAILED_AT))
        sentry_sdk.get_client().close()
    told = []
    for delivery in deliveries:
        body = (
            gzip.decompress(delivery.body)
            if delivery.headers.get("content-encoding") == "gzip"
            else delivery.body
        )
        if b'"type":"event"' not in body:
            continue
        body = _as_of_the_service(body)
        event = json.loads(body.split(b"\n")[2])
        header, _, items = body.partition(b"\n")
        header = json.dumps(
            {**json.loads(header), "sent_at": event["timestamp"]}, separators=(",", ":")
        ).encode()
        told.append((event["timestamp"], header + b"\n" + items))
    if len(told) != len(FAILED_AT):
        raise SystemExit(f"sentry-sdk posted {len(told)} errors that can be read, not {len(FAILED_AT)}")
    for number, (_, body) in enumerate(sorted(told), start=1):
        (folder / f"{number}.envelope").write_bytes(body)
    return (
        f"sentry-sdk {version('sentry-sdk')} on Python {platform.python_version()}: the envelopes that it posted, unpacked, "
        f"about `PoolTimeout` as psycopg_pool {version('psycopg_pool')} raised it after waiting 5 s. "
        "Their timestamps and `sent_at` were set to the story's."
    )


def _as_of_the_service(body: bytes) -> bytes:
    """Put the libraries where the service would have them: the folder of this machine is of no interest to anybody."""
    header, item, event = body.split(b"\n")[:3]
    event = event.replace(
        sysconfig.get_path("purelib").encode(), b"/srv/checkout/.venv/lib/python3.11/site-packages"
    )
    described = {**json.loads(item), "length": len(event)}
    return b"\n".join([header, json.dumps(described, separators=(",", ":")).encode(), event]) + b"\n"


def _charge(sentry_sdk: Any, payments: types.ModuleType, at: str, order_id: int) -> None:
    with sentry_sdk.isolation_scope() as scope:
        scope.set_tag("at", at)
        scope.set_tag("service", "checkout")
        scope.set_transaction_name("POST /payments")
        payments.pay(order_id, 4_990)


# ── git ──────────────────────────────────────────────────────────────────────

BEN, DAN, EVA = (
    ("Ben Okafor", "ben@shop.example"),
    ("Dan Lind", "dan@shop.example"),
    ("Eva Sato", "eva@shop.example"),
)
PLAIN = '''\
"""Card payments."""


def charge(pool, order_id, amount_cents):
    """Charge a card, or tell why it was declined."""
    connection = pool.getconn()
    try:
        answer = ask_provider(connection, order_id, amount_cents)
        connection.execute("UPDATE orders SET paid = %s WHERE id = %s", [answer.paid, order_id])
        return answer.text
    finally:
        pool.putconn(connection)
'''
LEAKING = '''\
"""Card payments."""


def charge(pool, order_id, amount_cents):
    """Charge a card, or tell why it was declined."""
    connection = pool.getconn()
    try:
        answer = ask_provider(connection, order_id, amount_cents)
    except CardDeclined as declined:
        return f"declined: {declined.reason}"
    connection.execute("UPDATE orders SET paid = true WHERE id = %s", [order_id])
    pool.putconn(connection)
    return answer.text
'''
FIXED = LEAKING.replace(
    "    except CardDeclined as declined:\n",
    "    except CardDeclined as declined:\n        pool.putconn(connection)\n",
)


def record_repository(scratch: Path, out: Path) -> str:
    """Build the repository with the story's dates, and pack it into a bundle."""
    folder = scratch / "checkout"
    folder.mkdir()
    git = _Git(folder)
    git("init", "-q", "-b", "main")
    git.commit(
        "feat: take card payments", BEN, "2026-01-12T09:14:20", {"payments.py": PLAIN, "VERSION": "1.1.0\n"}
    )
    git("tag", "-a", "v1.1.0", "-m", "v1.1.0", at="2026-01-12T09:30:00", who=BEN)
    git("switch", "-q", "-c", "develop")
    git.commit("docs: say how to run the tests", EVA, "2026-01-19T16:40:02", {"README.md": "Run: pytest\n"})
    git.commit(
        "feat: tell customers why a card was declined", DAN, "2026-01-21T10:48:31", {"payments.py": LEAKING}
    )
    git.commit("chore: bump version to 1.2.0", DAN, "2026-01-22T13:27:10", {"VERSION": "1.2.0\n"})
    git("switch", "-q", "main")
    git("merge", "-q", "--no-ff", "develop", "-m", "release: v1.2.0", at="2026-01-22T13:52:44", who=DAN)
    git("tag", "-a", "v1.2.0", "-m", "v1.2.0", at="2026-01-22T13:53:05", who=DAN)
    git("switch", "-q", "develop")
    git.commit("feat: remember the last card", EVA, "2026-01-22T14:12:37", {"cards.py": "LAST = None\n"})
    git("switch", "-q", "-c", "hotfix/v1.2.1", "main")
    fix = git.commit(
        "fix: give the connection back when a card is declined",
        BEN,
        "2026-01-22T15:00:48",
        {"payments.py": FIXED},
    )
    bump = git.commit("chore: bump version to 1.2.1", BEN, "2026-01-22T15:01:22", {"VERSION": "1.2.1\n"})
    git("switch", "-q", "main")
    git(
        "merge",
        "-q",
        "--no-ff",
        "hotfix/v1.2.1",
        "-m",
        "merge: hotfix v1.2.1",
        at="2026-01-22T15:06:03",
        who=BEN,
    )
    git("tag", "-a", "v1.2.1", "-m", "v1.2.1", at="2026-01-22T15:06:20", who=BEN)
    git("switch", "-q", "develop")
    back = "merge: hotfix v1.2.1 to develop"
    git("merge", "-q", "--no-ff", "hotfix/v1.2.1", "-m", back, at="2026-01-22T15:33:12", who=BEN)
    git("switch", "-q", "main")
    git("bundle", "create", "-q", str((out / "checkout.bundle").absolute()), "--all")
    shas = {
        "v1.2.0": git("rev-parse", "v1.2.0^{commit}"),
        "v1.2.1": git("rev-parse", "v1.2.1^{commit}"),
        "fix": fix,
        "hotfix/v1.2.1": bump,
    }
    (out / "commits.json").write_text(json.dumps(shas, indent=2) + "\n", encoding="utf-8")
    return f"{git('--version')}: a repository with the story's dates, as `git bundle --all`; `commits.json` names its commits."


class _Git:
    """git in one folder, with nobody's settings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *words: str, at: str = "", who: tuple[str, str] = BEN) -> str:
        environment = clean_environment()
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": who[0], f"GIT_{role}_EMAIL": who[1]}
            if at:
                environment[f"GIT_{role}_DATE"] = f"{at}+00:00"
        done = subprocess.run(
            ["git", "-C", str(self._folder), *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"git {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def commit(self, subject: str, who: tuple[str, str], at: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")
        self("add", "--all")
        self("commit", "-q", "-m", subject, at=at, who=who)
        return self("rev-parse", "HEAD")


# ── deploys ──────────────────────────────────────────────────────────────────


def write_deploys(out: Path) -> str:
    """Word the deploys as CDEvents; no program that sends them is in reach."""
    shas = json.loads((out / "commits.json").read_text(encoding="utf-8"))
    told: Iterable[tuple[str, str, str, str]] = (
        (
            "2026-01-22T14:21:06.418Z",
            "checkout",
            "v1.2.0",
            f"github/shop/checkout@{shas['v1.2.0']}?tag=v1.2.0",
        ),
        ("2026-01-22T14:26:40.102Z", "search", "v3.8.0", "oci/search@v3.8.0"),
        (
            "2026-01-22T15:10:04.733Z",
            "checkout",
            "v1.2.1",
            f"github/shop/checkout@{shas['v1.2.1']}?tag=v1.2.1",
        ),
    )
    lines = [
        json.dumps(
            {
                "context": {
                    "specversion": "0.5.0",
                    "id": f"rollout-{at[11:19].replace(':', '')}",
                    "source": "argocd.shop.example",
                    "type": "dev.cdevents.service.deployed.0.3.0",
                    "timestamp": at,
                },
                "subject": {
                    "id": f"/production/{service}",
                    "content": {"environment": {"id": "production"}, "artifactId": f"pkg:{artifact}"},
                },
            }
        )
        for at, service, _, artifact in told
    ]
    (out / "deploys.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "Written by the script in the form of CDEvents 0.5 (`service.deployed`): the one feed that no program sent."


def _readme(told: dict[str, str]) -> str:
    lines = [
        "# The demo's feeds",
        "",
        "Recorded with `.venv/bin/python -m tests.demo.record tracker/demo/feeds`, which writes this page too.",
        "",
    ]
    lines += [f"- `{name}`: {words}" for name, words in told.items()]
    return "\n".join(lines) + "\n"


def _until(done: Callable[[], bool], *, timeout_seconds: float = 20.0) -> None:
    give_up = time.monotonic() + timeout_seconds
    while not done():
        if time.monotonic() > give_up:
            raise SystemExit("a server did not do in time what it should")
        time.sleep(0.05)


if __name__ == "__main__":
    os.environ.pop("GIT_DIR", None)
    main()
