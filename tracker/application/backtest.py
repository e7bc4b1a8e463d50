"""Backtesting a proposed alert: which services have its metric, their samples, and the incidents to compare with."""

import difflib
from datetime import UTC, datetime

from projections.alert_expression import AlertExpression
from projections.backtest import Backtest, backtest
from projections.firings import service_firings
from tracker.application.session import Session
from tracker.errors import UsageError
from tracker.events.samples import MetricSampled
from tracker.text.shell import word

ALL_TIME = datetime(1970, 1, 3, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def backtest_alert(
    session: Session, alert: AlertExpression, service: str | None, up_to: int | None
) -> tuple[Backtest, datetime]:
    """Evaluate an alert on the log's samples of one service or of all, and compare it with the log's incidents.

    Returned with the instant up to which the log was read.

    Raises:
        UsageError: If no service has the metric.
    """
    units = _configured_units(session, alert.metric)
    services = _services_with(session, alert, service, up_to)
    fired = [
        service_firings(alert, name or None, series, unit=units.get(name))
        for name in services
        if (series := session.samples(name, alert.metric, *ALL_TIME, up_to))
    ]
    position = session.log.position if up_to is None else up_to
    known_at = session.log.recorded_at(position) or session.now
    answer = backtest(
        alert,
        fired,
        session.incidents(up_to),
        until=known_at,
        services=[name for name in services if name],
        only_service=service is not None,
    )
    return answer, known_at


def _configured_units(session: Session, metric: str) -> dict[str, str | None]:
    services = session.settings.services
    return {name: one.metrics[metric].unit for name, one in services.items() if metric in one.metrics}


def _services_with(
    session: Session, alert: AlertExpression, service: str | None, up_to: int | None
) -> list[str]:
    """Return the services that have the metric, in the log or in tracker.toml.

    Raises:
        UsageError: If none has; names the metrics that there are.
    """
    metric = alert.metric
    sampled = _sampled(session, up_to)
    having = sorted(
        {name for name, other in sampled if other == metric} | set(_configured_units(session, metric))
    )
    if service is not None:
        session.asked_service(service)
    if having and service is None:
        return having
    if service in having:
        return [service]
    if having:
        own = sorted({other for name, other in sampled if name == service})
        names = ", ".join(name or "(no service)" for name in having)
        raise UsageError(
            f"{service} has no metric {metric}; these services have it: {names}",
            hint=f"Metrics of {service} in the log: {', '.join(own)}" if own else "Leave out --service",
        )
    configured = {name for one in session.settings.services.values() for name in one.metrics}
    known = sorted({other for _, other in sampled} | configured)
    if not known:
        raise UsageError(
            f"the log has no samples of {metric}, nor of any other metric",
            hint="Fetch some: tracker collect INC, or: tracker ingest prometheus --from 7d-ago --to now",
        )
    near = difflib.get_close_matches(metric, known, n=1)
    meant = (
        f"Did you mean: tracker backtest {word(alert.text.replace(metric, near[0], 1))} · " if near else ""
    )
    raise UsageError(
        f"there is no metric {metric!r} in this log", hint=f"{meant}The metrics are: {', '.join(known)}"
    )


def _sampled(session: Session, up_to: int | None) -> list[tuple[str, str]]:
    """Return service and metric of all samples in the log; a scope's name may be cut, an event's fields are not."""
    newest = (session.log.latest(scope, up_to) for scope in session.log.scope_names("samples:"))
    return [
        (one.event.service or "", one.event.metric)
        for one in newest
        if one and isinstance(one.event, MetricSampled)
    ]
