"""The tracker's own metrics, log lines and error reports."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tracker.errors import SettingsError, TrackerError
from tracker.text.hidden import visible_json

LOGGER = logging.getLogger("tracker.serve")


class Telemetry:
    """Every metric of one server, in a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.requests = counter("tracker_http_requests_total", "Requests answered.", ("route", "status"))
        self.request_seconds = Histogram(
            "tracker_http_request_duration_seconds",
            "From the request's first byte to its answer.",
            ("route",),
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
            registry=registry,
        )
        self.kept = counter("tracker_inbox_kept_total", "Deliveries put on disk.")
        self.waiting = gauge("tracker_inbox_waiting", "Deliveries that are not processed yet.")
        self.parked = gauge("tracker_inbox_parked", "Deliveries that could not be parsed.")
        self.oldest_seconds = gauge(
            "tracker_inbox_oldest_age_seconds", "Age of the oldest delivery that waits."
        )
        self.public_refused = counter(
            "tracker_public_refused_total", "Envelopes of the public DSN key that were refused.", ("reason",)
        )
        self.recorded = counter("tracker_events_recorded_total", "Events that were new to the log.")
        self.known = counter("tracker_events_known_total", "Events that the log had already.")
        self.polled_at = gauge(
            "tracker_source_last_success_timestamp_seconds", "When a source last answered.", ("source",)
        )
        self.source_up = gauge("tracker_source_up", "Whether a source answered the last time.", ("source",))
        self.open_incidents = gauge("tracker_open_incidents", "Open incidents.")
        self.declared = counter(
            "tracker_incidents_declared_total", "Incidents that the tracker declared itself."
        )
        self.polls: dict[str, tuple[float | None, bool]] = {}
        """When each polled source last answered, and whether it did the last time."""
        self.posted = counter("tracker_messages_posted_total", "Messages posted.", ("channel",))
        self.not_posted = counter(
            "tracker_messages_not_posted_total", "Messages given up, or of unknown outcome.", ("channel",)
        )
        self.errors = counter("tracker_errors_total", "Failed work that is retried.", ("work",))

    def guarded(self, work: str, does: Callable[[], object]) -> None:
        """Do one piece of work that is repeated later, so that a failure is only logged."""
        try:
            does()
        except TrackerError as trouble:
            self.errors.labels(work).inc()
            log_line(f"{work} failed; retrying later", 30, why=trouble.message)
        except Exception as bug:
            self.errors.labels(work).inc()
            report_bug(bug)

    def polled(self, source: str, answered: bool) -> None:
        self.source_up.labels(source).set(answered)
        self.polls[source] = (time.time() if answered else self.polls.get(source, (None, False))[0], answered)
        if answered:
            self.polled_at.labels(source).set(time.time())


class _Json(logging.Formatter):
    """One JSON object a line: at, level, says, and the fields of the line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "says": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return visible_json(msgspec.json.encode(fields, enc_hook=str).decode())


def start_logging() -> None:
    """Log to stderr, a JSON object a line; of uvicorn's own lines only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    for name, level in (("tracker.serve", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def log_line(says: str, level: int = logging.INFO, **fields: object) -> None:
    LOGGER.log(level, says, extra={"fields": fields})


def report_bug(bug: BaseException) -> None:
    """Log a bug with its traceback, and send it to the tracker's own Sentry; a TrackerError is no bug."""
    if isinstance(bug, TrackerError):
        return
    LOGGER.error("a bug", exc_info=bug)
    if "sentry_sdk" in sys.modules:
        sys.modules["sentry_sdk"].capture_exception(bug)


def start_error_reports(host: str, port: int) -> None:
    """Send the tracker's own bugs to TRACKER_SENTRY_DSN, if it is set.

    Raises:
        SettingsError: If it is not a DSN, or names this server, whose errors would be reported in a loop.
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
            f"TRACKER_SENTRY_DSN is not a DSN: {wrong}",
            hint="export TRACKER_SENTRY_DSN=https://key@host/1, or unset it",
        ) from wrong
    if parsed.port == port and _is_here(parsed.host, host):
        raise SettingsError(
            "TRACKER_SENTRY_DSN names this server: its own errors would be reported to it in a loop",
            hint="Name another Sentry, or: unset TRACKER_SENTRY_DSN",
        )
    # Breadcrumbs would contain the address of Slack's webhook, and local variables the secrets of the routes.
    sentry_sdk.init(
        dsn=dsn,
        auto_enabling_integrations=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        include_local_variables=False,
    )


def _is_here(named: str, host: str) -> bool:
    """Whether a host is this machine: one of its addresses can be bound here, including 0.0.0.0."""
    if named in {"localhost", host, socket.gethostname()}:
        return True
    try:
        addresses = {(info[0], str(info[4][0])) for info in socket.getaddrinfo(named, None)}
    except (OSError, UnicodeError):
        return False
    return any(_can_bind(family, address) for family, address in addresses)


def _can_bind(family: int, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
