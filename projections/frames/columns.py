"""The columns of each table, in their order; their types come from the annotations of what a row is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from projections.actions import ActionItem
from projections.changes import ChangeRow
from projections.messages import Message, State
from projections.similarity import Match
from projections.timeline_rows import Entry
from projections.trends.measures import Measure
from tracker.events.verdicts import CheckMade, Verdict, VerdictsGiven
from tracker.gc_pause import collector_paused
from tracker.incident import Incident, Status

if TYPE_CHECKING:
    import pandas as pd

_DTYPES = {
    datetime: "datetime64[us, UTC]",
    date: "datetime64[s]",
    str: "string",
    Status: "string",
    State: "string",
    float: "Float64",
    int: "Int64",
    bool: "boolean",
}
_BY_SUFFIX = {"_at": datetime, "_to": datetime, "_seconds": float, "_days": int}
"""The types of columns that no class has: names carry their unit."""
_LISTS = (
    "candidate_for",
    "fixed",
    "services",
    "files",
    "labels",
    "sources",
    "evidence",
    "would_have_prevented",
    "reasons",
    "open_actions",
)
"""Columns of tuples and dicts that no class has, or has in another form."""


class NoteRow:
    amended: bool


class CommitRow:
    lines_added: int | None
    lines_deleted: int | None
    is_merge: bool


class RuleRow:
    fired: int


class JudgedRow:
    fired: int
    led_to_incident: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    recall_n: int
    detection_n: int
    reset_n: int
    n: int
    after_customer: tuple[str, ...]
    incidents: tuple[str, ...]
    defined: bool


class Columns:
    """The columns of one table; a column that is no field of `classes` and has no unit in its name is a text."""

    def __init__(self, names: str, *classes: type) -> None:
        self.names = tuple(names.split())
        self._classes = classes

    def of(self, source: object) -> dict[str, Any]:
        """Return those columns that an object has as attributes."""
        return {name: getattr(source, name) for name in self.names if hasattr(source, name)}

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Lay rows out in these columns and types, whatever there is."""
        import pandas as pd

        with collector_paused():
            rows = list(rows)
        hints: dict[str, Any] = {}
        for one in reversed(self._classes):
            hints |= get_type_hints(one)
        return pd.DataFrame(
            {
                name: pd.Series([row.get(name) for row in rows], dtype=_dtype(name, hints.get(name)))
                for name in self.names
            }
        )


def _dtype(name: str, hint: Any) -> str:
    if name in _LISTS or name.startswith("said_"):
        return "object"
    if hint is None:
        hint = next((kind for suffix, kind in _BY_SUFFIX.items() if name.endswith(suffix)), str)
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return next((_DTYPES[kind] for kind in kinds if kind in _DTYPES), "object")


INCIDENTS = Columns(
    "incident title status severity services stage lead impact started_at detected_at declared_at confirmed_at"
    " mitigated_at ended_at resolved_at resolution detected_by declared_by resolved_by merged_into"
    " derived_started_at derived_detected_at root_cause",
    Incident,
)
TIMELINE = Columns(
    "occurred_at incident service kind title detail source by attributed_as attributed_by attributed_why recorded_at"
    " late_seconds precision_seconds amended handle event evidence",
    Entry,
)
CHANGES = Columns(
    "occurred_at service environment place kind status version previous_version title started_at finished_at"
    " duration_seconds by sha candidate_for said_caused said_fixed said_dismissed fixed sources handle event evidence",
    ChangeRow,
)
NOTES = Columns("occurred_at incident kind text by recorded_at amended handle event", NoteRow)
ERRORS = Columns(
    "occurred_at service incident project group title level culprit release environment source handle event"
)
COMMITS = Columns(
    "occurred_at service repository sha author title files lines_added lines_deleted is_merge merged_from source"
    " handle event",
    CommitRow,
)
RULES = Columns("name service expression for_seconds severity fired seen_at handle event", RuleRow)
CHECKS = Columns(
    "occurred_at incident change due_seconds normal not_normal unknown by handle event", CheckMade
)
MESSAGES = Columns(
    "prepared_at incident kind state text by sent_at eta_at recorded_at attempts reason via event", Message
)
PROCEDURE = Columns(
    "incident services severity rule status reason late_seconds due_at waived_by waived_why evidence"
)
ALERTS = Columns(
    "starts_at ends_at duration_seconds service incident name severity summary fingerprint labels sources handle event evidence"
)
ACTIONS = Columns(
    "due_on incident owner text state overdue_days due_said due_zone due_until_at added_at added_by done_at done_by"
    " proof would_have_prevented amended handle event",
    ActionItem,
)
COMPARISONS = Columns(
    "window_to incident service version metric unit window baseline verdict expected observed shift swing strength"
    " smallest_visible_change replays samples samples_expected recovered_at flags confounded_by cut_by reason window_from settling_seconds"
    " baseline_from baseline_to query inputs_hash judge_version judged_at change handle event",
    Verdict,
    VerdictsGiven,
)
DURATIONS = Columns(
    "incident services severity duration state duration_seconds at_least_seconds at_most_seconds from_at to_at formula"
)
SIMILAR = Columns("incident earlier score claimed reasons open_actions", Match)
TRENDS = Columns(
    "measure service severity period n open value low high unit method compared_with n_before change change_low"
    " change_high claim smallest_visible_change in_bursts incidents changes says",
    Measure,
)
JUDGED_RULES = Columns(
    "rule service fired led_to_incident precision precision_low precision_high recall recall_low recall_high"
    " recall_n detection_seconds detection_n reset_seconds reset_n n after_customer incidents defined says",
    JudgedRow,
)
UNWATCHED = Columns("service metric")
