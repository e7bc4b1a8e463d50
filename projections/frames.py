"""What the log holds, as pandas tables for notebooks: the only projection that opens a log.

    from projections import frames

    with frames.open("tracker.toml") as log:
        log.incidents()

Each table says what one row is. Instants are timezone-aware and in UTC, a duration carries
its unit in its column's name, and what is unknown is NaT or NA: absence is not zero. Columns
and their types are the same for an empty answer. Texts are pandas strings, lists are tuples
(`explode` makes rows of them), labels are dicts. Corrections are applied, and retracted events are left out.
Nothing is ever appended, and no table reads more samples than its span needs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projections.actions import actions
from projections.alert_spans import spans
from projections.attachment import linked_ids, windows
from projections.changes import candidate, changes
from projections.comparison import latest_verdicts
from projections.deduplication import deduplicate
from projections.durations import durations
from projections.incidents import incidents, number_of
from projections.samples import between, merge
from projections.timeline import timeline
from reports.wording.timeline import detail, title
from tracker.errors import StoreError, UsageError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import REGISTRY, Decision, Observation, Recorded, Window
from tracker.events.corrections import Correction, Effective, effective
from tracker.events.samples import AlertRuleSeen, MetricSampled, SourceCollected
from tracker.incident import Incident, fold
from tracker.log import Log
from tracker.settings.loading import find, load
from tracker.settings.schema import FILE_NAME, Settings
from tracker.times import utc

if TYPE_CHECKING:
    import pandas as pd


_URL_SCHEMES = ("postgresql://", "postgres://")

_INSTANT = "datetime64[us, UTC]"
_DAY = "datetime64[s]"
_TEXT, _SECONDS, _WHOLE, _YES_NO, _LIST = "string", "Float64", "Int64", "boolean", "object"

_INCIDENTS = {
    "incident": _TEXT,
    "title": _TEXT,
    "status": _TEXT,
    "severity": _TEXT,
    "services": _LIST,
    "stage": _TEXT,
    "lead": _TEXT,
    "impact": _TEXT,
    "started_at": _INSTANT,
    "detected_at": _INSTANT,
    "declared_at": _INSTANT,
    "confirmed_at": _INSTANT,
    "mitigated_at": _INSTANT,
    "ended_at": _INSTANT,
    "resolved_at": _INSTANT,
    "resolution": _TEXT,
    "detected_by": _TEXT,
    "declared_by": _TEXT,
    "resolved_by": _TEXT,
    "merged_into": _TEXT,
}
_TIMELINE = {
    "occurred_at": _INSTANT,
    "incident": _TEXT,
    "service": _TEXT,
    "kind": _TEXT,
    "title": _TEXT,
    "detail": _TEXT,
    "source": _TEXT,
    "by": _TEXT,
    "attributed_as": _TEXT,
    "attributed_by": _TEXT,
    "attributed_why": _TEXT,
    "recorded_at": _INSTANT,
    "late_seconds": _SECONDS,
    "precision_seconds": _SECONDS,
    "amended": _YES_NO,
    "handle": _TEXT,
    "event": _TEXT,
    "evidence": _LIST,
}
_CHANGES = {
    "occurred_at": _INSTANT,
    "service": _TEXT,
    "environment": _TEXT,
    "kind": _TEXT,
    "status": _TEXT,
    "version": _TEXT,
    "previous_version": _TEXT,
    "title": _TEXT,
    "started_at": _INSTANT,
    "finished_at": _INSTANT,
    "duration_seconds": _SECONDS,
    "by": _TEXT,
    "sha": _TEXT,
    "candidate_for": _LIST,
    "said_caused": _LIST,
    "said_fixed": _LIST,
    "said_dismissed": _LIST,
    "sources": _LIST,
    "handle": _TEXT,
    "event": _TEXT,
    "evidence": _LIST,
}
_ALERTS = {
    "starts_at": _INSTANT,
    "ends_at": _INSTANT,
    "duration_seconds": _SECONDS,
    "service": _TEXT,
    "name": _TEXT,
    "severity": _TEXT,
    "summary": _TEXT,
    "fingerprint": _TEXT,
    "labels": _LIST,
    "sources": _LIST,
    "handle": _TEXT,
    "event": _TEXT,
    "evidence": _LIST,
}
_ACTIONS = {
    "due_on": _DAY,
    "incident": _TEXT,
    "owner": _TEXT,
    "text": _TEXT,
    "state": _TEXT,
    "overdue_days": _WHOLE,
    "due_said": _TEXT,
    "due_zone": _TEXT,
    "due_until_at": _INSTANT,
    "added_at": _INSTANT,
    "added_by": _TEXT,
    "done_at": _INSTANT,
    "done_by": _TEXT,
    "proof": _TEXT,
    "would_have_prevented": _LIST,
    "amended": _YES_NO,
    "handle": _TEXT,
    "event": _TEXT,
}
_VERDICT_FIELDS = (
    *("metric", "unit", "baseline", "verdict", "expected", "observed", "shift", "swing", "strength"),
    *("smallest_visible_change", "replays", "samples", "samples_expected", "recovered_at", "flags"),
    *("reason", "query", "baseline_from", "baseline_to", "inputs_hash"),
)
_COMPARISONS = {
    "window_to": _INSTANT,
    "incident": _TEXT,
    "service": _TEXT,
    "version": _TEXT,
    "metric": _TEXT,
    "unit": _TEXT,
    "window": _TEXT,
    "baseline": _TEXT,
    "verdict": _TEXT,
    "expected": _SECONDS,
    "observed": _SECONDS,
    "shift": _SECONDS,
    "swing": _SECONDS,
    "strength": _SECONDS,
    "smallest_visible_change": _SECONDS,
    "replays": _WHOLE,
    "samples": _WHOLE,
    "samples_expected": _WHOLE,
    "recovered_at": _INSTANT,
    "flags": _LIST,
    "reason": _TEXT,
    "window_from": _INSTANT,
    "settling_seconds": _SECONDS,
    "baseline_from": _INSTANT,
    "baseline_to": _INSTANT,
    "query": _TEXT,
    "inputs_hash": _TEXT,
    "judge_version": _TEXT,
    "judged_at": _INSTANT,
    "change": _TEXT,
    "handle": _TEXT,
    "event": _TEXT,
}
_DURATIONS = {
    "incident": _TEXT,
    "severity": _TEXT,
    "duration": _TEXT,
    "state": _TEXT,
    "duration_seconds": _SECONDS,
    "at_least_seconds": _SECONDS,
    "at_most_seconds": _SECONDS,
    "from_at": _INSTANT,
    "to_at": _INSTANT,
    "formula": _TEXT,
}


def open(path: str | Path = FILE_NAME) -> Frames:  # noqa: A001 - the name that notebooks rely on
    """Open a log for reading.

    `path` is a tracker.toml, a folder that holds one, a SQLite log, or a postgresql:// address.
    Left out, tracker.toml is looked for in the current folder and upwards. Where a tracker.toml
    is read, TRACKER_STORE wins over the store that it names, as it does on the command line.

    Raises:
        UsageError: If there is no such file, or the folder holds no tracker.toml.
        StoreError: If there is no log yet: a notebook does not make one.
    """
    if str(path).startswith(_URL_SCHEMES):
        return Frames(str(path))
    place = Path(path).expanduser()
    if place.is_dir():
        if not (place / FILE_NAME).is_file():
            raise UsageError(f"the folder {place} holds no {FILE_NAME}", hint="Make one with: tracker init")
        place = place / FILE_NAME
    elif not place.exists():
        above = find(Path.cwd()) if place == Path(FILE_NAME) else None
        if above is None:
            raise UsageError(
                f"there is no {place} in {Path.cwd()}",
                hint="Name a tracker.toml, its folder, or a log; or make one to look at: tracker demo",
            )
        place = above
    if place.suffix != ".toml":
        return Frames(str(place))
    settings = load(str(place))
    return Frames(settings.store, settings)


class Frames:
    """One log, opened for reading. Use it in a `with` block, or `close` it."""

    def __init__(self, store: str, settings: Settings | None = None) -> None:
        if not store.startswith(_URL_SCHEMES) and not (Path(store).is_file() and Path(store).stat().st_size):
            raise StoreError(
                f"there is no log in {store} yet", hint="Record something first, or look at: tracker demo"
            )
        self._settings = settings
        self._log = Log(store)

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._log.close()

    def incidents(self) -> pd.DataFrame:
        """One row is one incident, by number; those merged into another are rows too.

        A milestone that was said to lie between two instants shows the earlier one;
        `durations` keeps both ends.
        """
        rows = []
        for each in self._incidents():
            said = {f"{name}_at": milestone.at for name, milestone in each.milestones.items()}
            own = {name: getattr(each, name) for name in _INCIDENTS if hasattr(each, name)}
            rows.append({**own, **said, "incident": each.id, "status": each.status.value})
        return _frame(_INCIDENTS, rows)

    def timeline(self, incident: str | int | None = None) -> pd.DataFrame:
        """One row is one row of `tracker timeline`, in the order in which things happened.

        With an incident (`INC-42`, `42`): its decisions and the facts that belong to it. Without
        one: everything, and `incident` names the incident whose decision a row is. Facts that
        several sources told are one row, with all of them in `evidence`. `late_seconds` is how
        long after it happened a row was recorded; NA under a minute.
        """
        if incident is not None:
            found = self._incident(incident)
            entries = timeline(self._facts_of(found), incident=found)
        else:
            unseen = (MetricSampled, SourceCollected, AlertRuleSeen)
            kinds = [
                name
                for name, kind in REGISTRY.items()
                if issubclass(kind, Observation | Decision) and kind not in unseen
            ]
            found = None
            entries = timeline(self._log.read_all(kinds))
        rows = []
        for entry in entries:
            row = {name: getattr(entry, name, None) for name in _TIMELINE}
            row |= {"title": title(entry), "detail": detail(entry)}
            row["incident"] = found.id if found else getattr(entry.fact, "incident", None)
            if entry.attribution is not None:
                said = entry.attribution
                row |= {
                    "attributed_as": said.role,
                    "attributed_by": said.by,
                    "attributed_why": said.why or None,
                }
            rows.append(row)
        return _frame(_TIMELINE, rows)

    def changes(self) -> pd.DataFrame:
        """One row is one deploy, rollback or merge of any service, oldest first.

        `occurred_at` is when it finished, else failed, else began. `candidate_for` names the incidents
        that began within an hour after it, by time alone; `said_caused`, `said_fixed` and
        `said_dismissed` those of which a person said so. `duration_seconds` is from its start to its finish, else as its source measured it.
        """
        incidents = self._incidents()
        said: dict[tuple[str, str], list[str]] = {}
        for each in incidents:
            for link in each.links.values():
                if link.linked and link.role:
                    said.setdefault((link.target, link.role), []).append(each.id)
        rows = []
        for change in changes(self._log.select([Window("changes")])):
            row = {name: getattr(change, name, None) for name in _CHANGES}
            row["occurred_at"] = change.at
            row["duration_seconds"] = _seconds(change.started_at, change.finished_at)
            if row["duration_seconds"] is None:
                row["duration_seconds"] = getattr(change.fact, "duration_seconds", None)
            row["candidate_for"] = tuple(
                each.id for each in incidents if candidate(change, each.id, each.begins_at) is not None
            )
            for role in ("caused", "fixed", "dismissed"):
                named = [name for target in change.evidence for name in said.get((target, role), ())]
                row[f"said_{role}"] = tuple(dict.fromkeys(named))
            rows.append(row)
        return _frame(_CHANGES, rows)

    def alerts(self) -> pd.DataFrame:
        """One row is one occurrence of one alert, by its start.

        What several sources told of it is one row. `ends_at` is NaT while nobody said that it stopped.
        """
        kinds = [AlertFired.TOPIC, AlertResolved.TOPIC, *_corrections()]
        living = [each for each in effective(self._log.read_all(kinds)).values() if each.retraction is None]
        facts = [each for each in living if isinstance(each.event, AlertFired | AlertResolved)]
        rows = []
        for span in spans(deduplicate(facts)):
            witnesses = [each for side in (span.fired, span.resolved) for one in side for each in one[1]]
            shown = (span.fired or span.resolved)[0][0]
            event: Any = shown.event
            starts, ends = span.starts_at, span.ends_at
            rows.append(
                {
                    "starts_at": starts,
                    "ends_at": ends,
                    "duration_seconds": _seconds(starts, ends),
                    "service": event.service,
                    "name": event.name,
                    "severity": event.severity,
                    "summary": event.annotations.get("summary"),
                    "fingerprint": event.fingerprint,
                    "labels": dict(event.labels),
                    "sources": tuple(sorted({_source(each) for each in witnesses})),
                    "handle": shown.handle,
                    "event": shown.id,
                    "evidence": tuple(dict.fromkeys(each.id for each in witnesses)),
                }
            )
        return _frame(_ALERTS, rows)

    def samples(self, service: str, metric: str, start: datetime | str, end: datetime | str) -> pd.DataFrame:
        """One row is one sample of one series, from `start` up to, and without, `end`.

        The values are in `value_<unit>` (`value_ratio`, `value_seconds`, `value_per_second`, …), or in
        `value` where the metric names no unit, or its series different ones. They are as Prometheus had them: a NaN
        is a sample that is no number, and an instant with no sample has no row. `series` are the labels as
        Prometheus writes them, `query` is what was asked. Rows are sorted by query, series and instant.

        `start` and `end` are aware datetimes, pandas Timestamps, or RFC 3339 texts.

        Raises:
            UsageError: If they name no zone, `end` does not lie after `start`, or neither log nor settings know
                such a metric.
            LogNotWholeError: If the stored columns are not those that were recorded.
        """
        import numpy as np
        import pandas as pd

        first, last = _instant(start, "start"), _instant(end, "end")
        if last <= first:
            raise UsageError(f"end ({utc(last)}) does not lie after start ({utc(first)})", hint="Swap them")
        unit = self._known_unit(service, metric)
        # No chunk spans more than a day: what reaches into the span begins a day before it at most.
        window = Window(f"samples:{service}/{metric}", first - timedelta(days=1), last)
        found = self._log.select([window])
        chunks = [
            each for each in found if isinstance(each.event, MetricSampled) and each.event.last_at >= first
        ]
        payloads = self._log.payloads([each.position for each in chunks])
        series = [
            between(each, first, last)
            for each in merge((each, payloads.get(each.position, b"")) for each in chunks)
        ]
        units = {each.unit for each in series} or {unit}
        name = units.pop() if len(units) == 1 else None
        lengths = [len(each.instants_ms) for each in series]
        instants = np.concatenate([np.empty(0, np.int64), *(each.instants_ms for each in series)])
        return pd.DataFrame(
            {
                "occurred_at": pd.DatetimeIndex((instants * 1000).astype("datetime64[us]")).tz_localize(
                    "UTC"
                ),
                f"value_{name}" if name else "value": np.concatenate(
                    [np.empty(0, np.float64), *(each.values for each in series)]
                ),
                "series": _repeated([_labels(each.labels) for each in series], lengths),
                "query": _repeated([each.query for each in series], lengths),
            }
        )

    def durations(self) -> pd.DataFrame:
        """One row is one duration of one incident, with the formula that gave it.

        Where `state` is `recorded` it is `duration_seconds`; where it is `uncertain` it lies between
        `at_least_seconds` and `at_most_seconds`; else it is `pending`, `not_applicable` or `invalid` (its end
        lies before its start) and has no number. None of these is zero.
        """
        rows = []
        for incident in self._incidents():
            for name, found in durations(incident, self._facts_of(incident)).items():
                rows.append(
                    {
                        "incident": incident.id,
                        "severity": incident.severity,
                        "duration": name,
                        "state": found.state,
                        "duration_seconds": found.seconds,
                        "at_least_seconds": found.at_least,
                        "at_most_seconds": found.at_most,
                        "from_at": found.from_,
                        "to_at": found.to,
                        "formula": found.formula,
                    }
                )
        return _frame(_DURATIONS, rows)

    def comparisons(self) -> pd.DataFrame:
        """One row for each verdict as it was recorded when its window closed, oldest window first.

        Said by `collect` and `watch`; `tracker compare` judges anew. `expected`, `observed`, `shift`,
        `swing` and `smallest_visible_change` are in the metric's unit.
        """
        rows = []
        for incident in self._incidents():
            for recorded, event, verdict in latest_verdicts(
                [step.recorded for step in incident.steps]
            ).values():
                rows.append(
                    {
                        "incident": incident.id,
                        "service": event.service,
                        "change": event.change,
                        "version": event.version,
                        "window": event.window,
                        "window_from": event.window_from,
                        "window_to": event.occurred_at,
                        "settling_seconds": event.settling_seconds,
                        "judge_version": event.judge_version,
                        "judged_at": recorded.recorded_at,
                        "handle": recorded.handle,
                        "event": recorded.id,
                        **{name: getattr(verdict, name) for name in _VERDICT_FIELDS},
                    }
                )
        rows.sort(key=lambda row: (row["window_to"], row["change"], row["metric"], row["baseline"]))
        return _frame(_COMPARISONS, rows)

    def actions(self) -> pd.DataFrame:
        """One row is one action item, what is to be done first, by the day it is due.

        `state` is `open`, `overdue` or `done` as the log's last event was recorded: a notebook that is run
        again later says the same of the same log. `due_until_at` is when the day of `due_on` ends in `due_zone`.
        `would_have_prevented` names the later incidents of which a person said so.
        """
        now = self._log.recorded_at(self._log.position)
        rows = []
        for item in actions(self._log.select([Window("actions")])):
            standing = item.standing(now or item.added_at)
            rows.append(
                {
                    **{name: getattr(item, name, None) for name in _ACTIONS},
                    "due_on": item.due_on.isoformat(),
                    "due_until_at": item.due_until,
                    "state": standing.state,
                    "overdue_days": standing.overdue_days,
                    "would_have_prevented": tuple(said.incident for said in item.prevented),
                }
            )
        return _frame(_ACTIONS, rows)

    def _incidents(self) -> list[Incident]:
        names = [each.id for each in incidents(self._log.select([Window("incidents")]))]
        return incidents(self._log.select([Window(f"incident:{name}") for name in names]))

    def _incident(self, typed: str | int) -> Incident:
        name = str(typed).strip().upper()
        if not name.isdigit():
            found = fold(name, self._log.incident(name))
            if found.exists:
                return found
        known = self._incidents()
        same = [each for each in known if name.isdigit() and number_of(each.id) == int(name)]
        if len(same) == 1:
            return same[0]
        listed = ", ".join(each.id for each in known[-10:]) or "none"
        raise UsageError(f"there is no incident {typed!r} in this log", hint=f"Its newest are: {listed}")

    def _facts_of(self, incident: Incident) -> list[Recorded]:
        wanted = [Window(f"incident:{incident.id}"), *windows(incident)]
        return self._log.select(wanted, ids=linked_ids(incident))

    def _known_unit(self, service: str, metric: str) -> str | None:
        """Return the unit that the settings name, for a span without samples; refuse what nobody knows."""
        services = self._settings.services if self._settings else {}
        configured = services[service].metrics.get(metric) if service in services else None
        here = f"{service}/{metric}"
        held = [scope.partition(":")[2] for scope in self._log.scope_names(f"samples:{here}")]
        if configured is None and here not in held:
            known = [scope.partition(":")[2] for scope in self._log.scope_names("samples:")]
            known += [f"{name}/{each}" for name, one in services.items() for each in one.metrics]
            near = difflib.get_close_matches(here, known, n=3, cutoff=0.0)
            raise UsageError(
                f"neither the log nor the settings know a metric {metric!r} of {service!r}",
                hint="The nearest are: " + ", ".join(near)
                if near
                else "Collect some first: tracker collect INC",
            )
        if configured is not None and configured.unit:
            return configured.unit
        newest = self._log.latest(f"samples:{here}")
        return getattr(newest.event, "unit", None) if newest else None


def _corrections() -> list[str]:
    return [name for name, kind in REGISTRY.items() if issubclass(kind, Correction)]


def _source(fact: Effective) -> str:
    return str(getattr(fact.event, "source", ""))


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None


def _labels(labels: Mapping[str, str]) -> str:
    def quoted(value: str) -> str:
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        return f'"{escaped}"'

    return "{" + ", ".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


def _repeated(texts: Sequence[str], lengths: Sequence[int]) -> Any:
    import pandas as pd

    # One text for each series, repeated: building a million strings costs more than the samples.
    return pd.array(list(texts), dtype="string").repeat(lengths)


def _frame(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Lay rows out in these columns and types, whatever there is."""
    import pandas as pd

    held = list(rows)
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in held], dtype=kind) for name, kind in columns.items()}
    )


def _instant(value: object, name: str) -> datetime:
    """Read an instant that names its zone.

    Raises:
        UsageError: If it names none, or is no instant.
    """
    suggestion = "2026-03-01T14:45Z"
    read = value
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value.strip())
        except ValueError as wrong:
            raise UsageError(f"{name}: {value!r} is not an instant", hint=f'Type "{suggestion}"') from wrong
        suggestion = f"{read.isoformat(timespec='minutes' if not read.second else 'auto')}Z"
    elif value != value:
        raise UsageError(
            f"{name} is {value}: it is not known", hint="Give an instant, or drop the rows without one"
        )
    if not isinstance(read, datetime):
        raise UsageError(
            f"{name}: {value!r} is {type(value).__name__}, not an instant", hint=f'Type "{suggestion}"'
        )
    if read.utcoffset() is None:
        hint = f'Type "{suggestion}" for UTC'
        if not isinstance(value, str):
            hint = f'Give it one: .replace(tzinfo=UTC), or type "{read:%Y-%m-%dT%H:%M:%S}Z"'
        raise UsageError(f"{name}: {str(value)!r} has no time zone", hint=hint)
    moved = read.astimezone(UTC)
    # A pandas Timestamp may hold nanoseconds, which instants here do not.
    return datetime(
        *(moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second, moved.microsecond),
        tzinfo=UTC,
    )
