"""The tracker's own metrics and its own words: what its Prometheus scrapes and its operator reads."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tracker.errors import SettingsError, TrackerError

LOGGER = logging.getLogger("tracker.serve")


class Telemetry:
    """Every metric of one server, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "tracker_http_requests_total", "Requests answered.", ("route", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "tracker_http_request_duration_seconds",
            "From the request's first byte to its answer.",
            ("route",),
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
            registry=registry,
        )
        self.kept = Counter("tracker_inbox_kept_total", "Deliveries put on disk.", registry=registry)
        self.waiting = Gauge(
            "tracker_inbox_waiting", "Deliveries that are not worked up yet.", registry=registry
        )
        self.parked = Gauge(
            "tracker_inbox_parked", "Deliveries that could not be understood.", registry=registry
        )
        self.oldest_seconds = Gauge(
            "tracker_inbox_oldest_age_seconds", "Age of the oldest delivery that waits.", registry=registry
        )
        self.recorded = Counter(
            "tracker_events_recorded_total", "Events that were new to the log.", registry=registry
        )
        self.known = Counter(
            "tracker_events_known_total", "Events that the log had already.", registry=registry
        )
        self.polled_at = Gauge(
            "tracker_source_last_success_timestamp_seconds",
            "When a source last answered.",
            ("source",),
            registry=registry,
        )
        self.source_up = Gauge(
            "tracker_source_up", "Whether a source answered the last time.", ("source",), registry=registry
        )
        self.open_incidents = Gauge(
            "tracker_open_incidents", "Incidents that are not over.", registry=registry
        )
        self.declared = Counter(
            "tracker_incidents_declared_total",
            "Incidents that the tracker declared itself.",
            registry=registry,
        )
        self.errors = Counter(
            "tracker_errors_total", "Work that failed and is tried again.", ("work",), registry=registry
        )

    def guarded(self, work: str, does: Callable[[], object]) -> None:
        """Do one piece of work that is done again later, whatever becomes of it now."""
        try:
            does()
        except TrackerError as trouble:
            self.errors.labels(work).inc()
            tell(f"{work}: trying again later", 30, why=trouble.message)
        except Exception as bug:
            self.errors.labels(work).inc()
            report(bug)

    def polled(self, source: str, answered: bool) -> None:
        """Note whether a source answered."""
        self.source_up.labels(source).set(answered)
        if answered:
            self.polled_at.labels(source).set(time.time())


class _Json(logging.Formatter):
    """One JSON object a line: at, level, what happened, and whatever was given with it."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "says": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said, enc_hook=str).decode()


def begin_logging() -> None:
    """Send the server's words to stderr, a JSON object a line; uvicorn's own only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    for name, level in (("tracker.serve", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def tell(says: str, level: int = logging.INFO, **fields: object) -> None:
    """Log one thing that happened."""
    LOGGER.log(level, says, extra={"fields": fields})


def report(bug: BaseException) -> None:
    """Log a bug with its traceback, and send it to the tracker's own Sentry; trouble with a name is no bug."""
    if isinstance(bug, TrackerError):
        return
    LOGGER.error("a bug", exc_info=bug)
    if "sentry_sdk" in sys.modules:
        sys.modules["sentry_sdk"].capture_exception(bug)


def report_own_errors(host: str, port: int) -> None:
    """Send the tracker's own bugs to TRACKER_SENTRY_DSN, if there is one.

    Raises:
        SettingsError: If it is no DSN, or names this very server: its errors would go round in circles.
    """
    dsn = os.environ.get("TRACKER_SENTRY_DSN")
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.utils import BadDsn, Dsn

    try:
        parsed = Dsn(dsn)
    except BadDsn as wrong:
        raise SettingsError(
            f"TRACKER_SENTRY_DSN is no DSN: {wrong}",
            hint="export TRACKER_SENTRY_DSN=https://key@host/1, or unset it",
        ) from wrong
    if parsed.port == port and _is_here(parsed.host, host):
        raise SettingsError(
            "TRACKER_SENTRY_DSN names this very server: its own errors would come back to it without end",
            hint="Name another Sentry, or: unset TRACKER_SENTRY_DSN",
        )
    # Breadcrumbs would hold the address of Slack's webhook, and local variables the secrets of the routes.
    sentry_sdk.init(
        dsn=dsn,
        auto_enabling_integrations=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        include_local_variables=False,
    )


def _is_here(named: str, host: str) -> bool:
    """Whether a host is this machine: one of its addresses can be bound here, 0.0.0.0 and its like too."""
    if named in {"localhost", host, socket.gethostname()}:
        return True
    try:
        found = {(each[0], str(each[4][0])) for each in socket.getaddrinfo(named, None)}
    except (OSError, UnicodeError):
        return False
    return any(_can_bind(family, address) for family, address in found)


def _can_bind(family: int, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
