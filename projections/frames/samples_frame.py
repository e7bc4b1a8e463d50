"""The table of samples: one row a sample, one text of labels a series."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from projections.samples import Series
from tracker.errors import UsageError
from tracker.log import Log
from tracker.settings.schema import Settings

if TYPE_CHECKING:
    import pandas as pd


def samples_frame(series: Sequence[Series], known_unit: str | None) -> pd.DataFrame:
    """Lay series out below each other; `known_unit` names the column of values where there are no series."""
    import numpy as np
    import pandas as pd

    units = {one.unit for one in series} or {known_unit}
    unit = units.pop() if len(units) == 1 else None
    lengths = [len(one.instants_ms) for one in series]
    instants_ms = np.concatenate([np.empty(0, np.int64), *(one.instants_ms for one in series)])
    values = np.concatenate([np.empty(0, np.float64), *(one.values for one in series)])

    def repeated(texts: Sequence[str]) -> pd.api.extensions.ExtensionArray:
        # One text for each series, repeated: building a million strings costs more than the samples.
        return pd.array(list(texts), dtype="string").repeat(lengths)

    return pd.DataFrame(
        {
            "occurred_at": pd.DatetimeIndex((instants_ms * 1000).astype("datetime64[us]")).tz_localize("UTC"),
            f"value_{unit}" if unit else "value": values,
            "series": repeated([labels_text(one.labels) for one in series]),
            "query": repeated([one.query for one in series]),
        }
    )


def labels_text(labels: Mapping[str, str]) -> str:
    """Write labels as Prometheus does."""

    def quoted(value: str) -> str:
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        return f'"{escaped}"'

    return "{" + ", ".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


def known_unit(log: Log, settings: Settings | None, service: str, metric: str) -> str | None:
    """Return a metric's unit for a span without samples.

    Raises:
        UsageError: If neither log nor settings know the metric.
    """
    services = settings.services if settings else {}
    configured = services[service].metrics.get(metric) if service in services else None
    here = f"{service}/{metric}"
    if configured is None and f"samples:{here}" not in log.scope_names(f"samples:{here}"):
        known = [scope.partition(":")[2] for scope in log.scope_names("samples:")]
        known += [f"{name}/{other}" for name, one in services.items() for other in one.metrics]
        near = ", ".join(difflib.get_close_matches(here, known, n=3, cutoff=0.0))
        raise UsageError(
            f"there is no metric {metric!r} of {service!r} in the log or the settings",
            hint=f"The nearest are: {near}" if near else "Collect some first: tracker collect INC",
        )
    if configured is not None and configured.unit:
        return configured.unit
    newest = log.latest(f"samples:{here}")
    return getattr(newest.event, "unit", None) if newest else None
