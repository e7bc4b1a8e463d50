"""Columns of Python values or of numpy as Arrow arrays, by arro3, which deltalake brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tracker.lake.table import SAMPLES, Kind, Samples, Table

if TYPE_CHECKING:
    from arro3.core import Array, DataType, Schema
    from arro3.core import Table as ArrowTable


def data_type(kind: Kind) -> DataType:
    from arro3.core import DataType, Field

    text = DataType.string()
    types: Mapping[Kind, DataType] = {
        "text": text,
        "labels": text,
        "texts": DataType.list(Field("element", text, nullable=True)),
        "integer": DataType.int64(),
        "float": DataType.float64(),
        "boolean": DataType.bool(),
        "instant": DataType.timestamp("us", tz="UTC"),
        "date": DataType.date32(),
    }
    return types[kind]


def schema(kinds: Mapping[str, Kind]) -> Schema:
    from arro3.core import Field, Schema

    return Schema([Field(name, data_type(kind), nullable=True) for name, kind in kinds.items()])


def array(kind: Kind, values: Sequence[Any]) -> Array:
    """Lay out values of one kind; None is a null."""
    from arro3.core import Array, DataType, list_array

    if kind == "instant":
        return Array(values, type=DataType.int64()).cast(data_type(kind))
    if kind == "date":
        return Array(values, type=DataType.int32()).cast(data_type(kind))
    if kind == "texts":
        offsets = [0, *accumulate(len(texts) for texts in values)]
        texts = Array([text for row in values for text in row], type=DataType.string())
        lists = list_array(Array(offsets, type=DataType.int32()), texts)
        return lists.cast(data_type(kind))
    return Array(values, type=data_type(kind))


def arrow_table(table: Table) -> ArrowTable:
    from arro3.core import Table as ArrowTable

    columns: dict[str, Any] = {
        name: array(table.kinds[name], values) for name, values in table.columns.items()
    }
    return ArrowTable.from_pydict(columns, schema=schema(table.kinds))


def samples_table(samples: Samples) -> ArrowTable:
    """Lay out samples without making a Python value of each."""
    import numpy as np
    from arro3.core import Array
    from arro3.core import Table as ArrowTable

    chunk = Array(samples.chunk)
    columns: dict[str, Any] = {
        name: array("text", texts).take(chunk) for name, texts in samples.texts.items()
    }
    columns["position"] = Array(samples.positions[samples.chunk])
    columns["day"] = Array(samples.days.astype(np.int32)).cast(data_type("date"))
    columns["occurred_at"] = Array(samples.instants_ms * 1000).cast(data_type("instant"))
    columns["value"] = Array(samples.values)
    return ArrowTable.from_pydict({name: columns[name] for name in SAMPLES}, schema=schema(SAMPLES))
