"""The table of samples: one row a sample, one text of labels a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from projections.samples import Series

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
