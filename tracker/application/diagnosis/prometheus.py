"""Prometheus: does it answer, how far back does it see, and does each configured query give a series?"""

import shlex
from collections.abc import Iterator
from datetime import timedelta

from tracker.application.diagnosis.asking import TIMEOUT_SECONDS
from tracker.application.diagnosis.finding import (
    Examination,
    Finding,
    broken,
    lacks,
    not_configured,
    ok,
    usable_secret,
    warning,
    wrong_setting,
)
from tracker.errors import BadInputError, SettingsError, TrackerError
from tracker.ingest.prometheus.api import PrometheusApi
from tracker.times import spoken

NEEDED = timedelta(days=15)
"""What a 1-day verdict is held against."""
CLOCK_SECONDS = 5.0
_LOOK_BACK = timedelta(minutes=1)


def look(examination: Examination) -> Iterator[Finding]:
    """Look at it, then at each metric."""
    configured = examination.settings.prometheus
    if not configured.url:
        if any(service.metrics for service in examination.settings.services.values()):
            yield wrong_setting(
                "prometheus",
                "metrics are configured, and no Prometheus to ask for them",
                '[prometheus] url = "http://127.0.0.1:9090"',
            )
            return
        yield not_configured("prometheus")
        return
    if lacks(configured.bearer_token_env) or lacks(configured.password_env):
        yield warning("prometheus", "not asked: its secret is missing", "See above")
        return
    ca_file = configured.ca_file
    try:
        with PrometheusApi(
            configured.url,
            bearer_token=usable_secret(configured.bearer_token_env),
            username=configured.username,
            password=usable_secret(configured.password_env),
            ca_file=str(examination.settings.folder / ca_file) if ca_file else None,
            timeout_seconds=TIMEOUT_SECONDS,
        ) as api:
            yield from _server(api, examination)
            yield from _metrics(api, examination)
    except TrackerError as trouble:
        yield broken("prometheus", trouble)


def _server(api: "PrometheusApi", examination: Examination) -> Iterator[Finding]:
    before = examination.now()
    theirs = api.now()
    ours = before + (examination.now() - before) / 2
    version = api.version()
    kept = api.retention()
    since = f", has samples since {kept.oldest_at:%Y-%m-%d %H:%MZ}" if kept.oldest_at else ""
    keeps = f", keeps {spoken(kept.keeps_seconds)}" if kept.keeps_seconds else ""
    yield ok("prometheus", f"{api.url} answers: version {version or 'not told'}{keeps}{since}")
    ahead = (theirs - ours).total_seconds()
    if abs(ahead) > CLOCK_SECONDS:
        yield warning(
            "prometheus",
            f"its clock is {spoken(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} ours",
            "See which is wrong, there and here: timedatectl",
        )
    if kept.keeps_seconds is not None and kept.keeps_seconds < NEEDED.total_seconds():
        yield warning(
            "prometheus",
            f"it keeps {spoken(kept.keeps_seconds)}; verdicts over a day are held against {NEEDED.days} days",
            f"--storage.tsdb.retention.time={NEEDED.days}d, or collect soon after each incident",
        )


def _metrics(api: "PrometheusApi", examination: Examination) -> Iterator[Finding]:
    import numpy as np

    good = 0
    now = api.now()
    for service, settings in examination.settings.services.items():
        for name, metric in settings.metrics.items():
            try:
                found = api.range(
                    metric.query, start=now - _LOOK_BACK, end=now + timedelta(seconds=1), step_seconds=15
                )
            except BadInputError as trouble:
                yield broken(
                    "prometheus", SettingsError(f"{service}/{name}: {trouble.message}", hint=trouble.hint)
                )
                continue
            asking = f"Try it: curl -sG {api.url}/api/v1/query --data-urlencode {shlex.quote('query=' + metric.query)}"
            if not found:
                yield warning("prometheus", f"{service}/{name} gives no series now", asking)
            elif not any(np.isfinite(each.values).any() for each in found):
                yield warning("prometheus", f"{service}/{name} gives no number now (0 / 0, perhaps)", asking)
            else:
                good += 1
    if good:
        yield ok(
            "prometheus", f"{good} configured {'query gives' if good == 1 else 'queries give'} a series now"
        )
