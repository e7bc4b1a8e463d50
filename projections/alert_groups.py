"""Alerts of one name that fire together: one row, with the labels that tell them apart."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.alert_spans import Row
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.corrections import Effective

FOLD_WITHIN = timedelta(minutes=5)
"""Alerts of one name that began, or ended, so soon after the first of them are one row."""

_BY = ("pod", "instance", "host", "node", "container")
"""The labels that people know their machines by, the first that tells all apart is enough."""
_MOST_LABELS = 3
_DIGITS = re.compile(r"([0-9]{1,18})")

_Labels = dict[str, Mapping[str, str]]
"""The labels of each alert, by its fingerprint."""


@dataclass(frozen=True)
class FoldedRow:
    """One row of `count` alerts; `labels` are those that tell them apart, with their values.

    `lasted_seconds` is how long each of those that ended had fired, the shortest first; not of one without a start.
    """

    shown: Effective
    witnesses: tuple[Effective, ...]
    count: int
    labels: Mapping[str, tuple[str, ...]]
    lasted_seconds: tuple[float, ...] = ()


def folded(rows: Iterable[Row]) -> list[FoldedRow]:
    """Fold the rows of alerts of one name, service and severity that begin, or end, together."""
    of_name: dict[tuple[object, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda each: each.shown.order):
        event = _alert(row)
        of_name.setdefault((event.name, event.service), []).append(row)
    found: list[FoldedRow] = []
    for same in of_name.values():
        labels: _Labels = {_alert(row).fingerprint: _alert(row).labels for row in same}
        names = _telling(labels)
        found += [_folded(together, names) for together in _together(same)]
    return found


def _alert(row: Row) -> AlertFired | AlertResolved:
    event = row.shown.event
    assert isinstance(event, AlertFired | AlertResolved)
    return event


def _together(rows: Sequence[Row]) -> list[list[Row]]:
    """Group rows of one kind near the first of them; an alert that flaps is no group of alerts."""
    groups: list[list[Row]] = []
    current: dict[tuple[object, ...], tuple[list[Row], datetime, set[str]]] = {}
    for row in rows:
        event = _alert(row)
        kind = (event.TOPIC, event.severity, event.again_after is not None)
        last = current.get(kind)
        if last is None or event.occurred_at - last[1] > FOLD_WITHIN or event.fingerprint in last[2]:
            last = current[kind] = ([], event.occurred_at, set())
            groups.append(last[0])
        last[0].append(row)
        last[2].add(event.fingerprint)
    return groups


def _telling(labels: _Labels) -> tuple[str, ...]:
    """Return the names of the labels that tell alerts apart: one where one does, else some of those that differ."""
    if len(labels) < 2:
        return ()
    every = {name for each in labels.values() for name in each}
    differing = {name for name in every if len({each.get(name) for each in labels.values()}) > 1}
    ordered = [*(name for name in _BY if name in differing), *sorted(differing.difference(_BY))]
    alone = next(
        (name for name in ordered if len({each.get(name) for each in labels.values()}) == len(labels)), None
    )
    return (alone,) if alone else tuple(ordered[:_MOST_LABELS])


def _natural(value: str) -> list[tuple[int, str]]:
    """Order values as people count: pod-2 before pod-10."""
    return [
        (int(part), "") if part.isdecimal() and part.isascii() else (0, part) for part in _DIGITS.split(value)
    ]


def _folded(rows: Sequence[Row], names: Sequence[str]) -> FoldedRow:
    own = [_alert(row).labels for row in rows]
    values = {
        name: tuple(sorted({labels[name] for labels in own if name in labels}, key=_natural))
        for name in names
    }
    return FoldedRow(
        shown=rows[0].shown,
        witnesses=tuple(witness for row in rows for witness in row.witnesses),
        count=len(rows),
        labels={name: given for name, given in values.items() if given},
        lasted_seconds=tuple(
            sorted(
                (event.occurred_at - event.started_at).total_seconds()
                for row in rows
                if isinstance(event := _alert(row), AlertResolved) and event.has_start
            )
        ),
    )
