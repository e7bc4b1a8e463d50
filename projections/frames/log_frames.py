"""One log as tables: a method for each, which reads what it needs, asks the projection and lays out its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from projections.actions import actions
from projections.comparison import latest_verdicts
from projections.dossier import Dossier
from projections.frames import fact_rows, tables
from projections.frames.columns import (
    ACTIONS,
    ALERTS,
    CHANGES,
    CHECKS,
    COMMITS,
    COMPARISONS,
    DURATIONS,
    ERRORS,
    INCIDENTS,
    MESSAGES,
    NOTES,
    PROCEDURE,
    RULES,
    SIMILAR,
    TIMELINE,
)
from projections.frames.instants import instant
from projections.frames.judged_frames import JudgedFrames
from projections.frames.samples_frame import known_unit, samples_frame
from projections.incident_windows import Part
from projections.samples import between, merge
from projections.timeline import entries, timeline
from reports.wording.durations import formula
from reports.wording.timeline import detail, title
from tracker.application.all_incidents import AllIncidents
from tracker.application.dossier import dossier_of
from tracker.application.similar import similar
from tracker.errors import StoreError, UsageError
from tracker.events.base import REGISTRY, Decision, Observation, Window
from tracker.events.corrections import effective
from tracker.events.samples import AlertRuleSeen, MetricSampled, SourceCollected
from tracker.incident import Incident, fold, number_of
from tracker.log import Log
from tracker.settings.schema import Settings
from tracker.settings.store_address import SCHEMES
from tracker.times import utc

if TYPE_CHECKING:
    import pandas as pd

_NOT_IN_TIMELINE = (MetricSampled, SourceCollected, AlertRuleSeen)


class Frames(JudgedFrames):
    """One log, opened for reading. Use it in a `with` block, or `close` it."""

    def __init__(self, store: str, settings: Settings | None = None, *, log: Log | None = None) -> None:
        if (
            log is None
            and not store.startswith(SCHEMES)
            and not (Path(store).is_file() and Path(store).stat().st_size)
        ):
            raise StoreError(
                f"there is no log in {store} yet", hint="Record something first, or look at: tracker demo"
            )
        self._settings = settings
        self._log = log or Log(store)
        self._last: AllIncidents | None = None

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._log.close()

    def incidents(self) -> pd.DataFrame:
        """One row is one incident, by number; those merged into another are rows too.

        A milestone that was said to lie between two instants shows the earlier one;
        `durations` keeps both ends. `started_at` and `detected_at` are what people said; `derived_started_at` and
        `derived_detected_at` are what durations are measured from: that, else the onset that the judge found
        or the first alert. `root_cause` is the last note of that kind.
        """
        known = self.known
        return INCIDENTS.frame(
            {
                **INCIDENTS.of(incident),
                **{f"{name}_at": milestone.at for name, milestone in incident.milestones.items()},
                "incident": incident.id,
                "status": incident.status.value,
                "derived_started_at": started.instant if (started := known.started(incident)) else None,
                "derived_detected_at": detected.instant if (detected := known.detected(incident)) else None,
                "root_cause": tables.root_cause(incident),
            }
            for incident in known.incidents
        )

    def timeline(self, incident: str | int | None = None) -> pd.DataFrame:
        """One row is one row of `tracker timeline`, in the order in which things happened.

        With an incident (`INC-42`, `42`): its decisions and the facts that belong to it. Without
        one: everything, and `incident` names the incident whose decision a row is. Facts that
        several sources reported are one row, with all of them in `evidence`. `late_seconds` is how
        long after it happened a row was recorded; NA under a minute.
        """
        one = self._incident(incident) if incident is not None else None
        if one is not None:
            rows_of = timeline(self._dossier(one))
        else:
            kinds = [
                name
                for name, kind in REGISTRY.items()
                if issubclass(kind, Observation | Decision) and kind not in _NOT_IN_TIMELINE
            ]
            rows_of = entries(effective(self._log.read_all(kinds)).values())
        rows = []
        for entry in rows_of:
            row = TIMELINE.of(entry) | {"title": title(entry), "detail": detail(entry)}
            row["incident"] = one.id if one else getattr(entry.fact, "incident", None)
            if (link := entry.attribution) is not None:
                row |= {
                    "attributed_as": link.role,
                    "attributed_by": link.by,
                    "attributed_why": link.why or None,
                }
            rows.append(row)
        return TIMELINE.frame(rows)

    def changes(self) -> pd.DataFrame:
        """One row is one deploy, rollback or merge of any service, oldest first.

        `occurred_at` is when it finished, else failed, else began. `candidate_for` names the incidents
        that began within an hour after it, by time alone, as far as it went to production; `said_caused`, `said_fixed` and
        `said_dismissed` those of which a person said so. `fixed` are the incidents that it ended, as their durations
        take it: linked as the fix, else the last deploy before recovery. `duration_seconds` is from its start to its finish,
        else as its source measured it.
        """
        return CHANGES.frame(fact_rows.changes(self.known))

    def alerts(self) -> pd.DataFrame:
        """One row is one occurrence of one alert, by its start.

        What several sources reported of it is one row. `ends_at` is NaT while nobody reported that it stopped.
        An end whose start no report has is no row.
        """
        return ALERTS.frame(fact_rows.alerts(self.known))

    def samples(self, service: str, metric: str, start: datetime | str, end: datetime | str) -> pd.DataFrame:
        """One row is one sample of one series, from `start` up to, and without, `end`.

        The values are in `value_<unit>` (`value_ratio`, `value_seconds`, `value_per_second`, …), or in
        `value` where the metric names no unit, or its series different ones. They are as Prometheus had them: a NaN
        is a sample that is no number, and an instant with no sample has no row; what a source answered only in part is
        left out. `series` are the labels as
        Prometheus writes them, `query` is what was asked. Rows are sorted by query, series and instant.

        `start` and `end` are aware datetimes, pandas Timestamps, or RFC 3339 texts.

        Raises:
            UsageError: If they name no zone, `end` is not after `start`, or neither log nor settings know
                such a metric.
            LogNotWholeError: If the stored columns are not those that were recorded.
        """
        first, last = instant(start, "start"), instant(end, "end")
        if last <= first:
            raise UsageError(f"end ({utc(last)}) is not after start ({utc(first)})", hint="Swap them")
        unit = known_unit(self._log, self._settings, service, metric)
        # No chunk spans more than a day: what reaches into the span begins a day before it at most.
        recorded = self._log.select([Window(f"samples:{service}/{metric}", first - timedelta(days=1), last)])
        chunks = [
            each
            for each in recorded
            if isinstance(each.event, MetricSampled)
            and each.event.last_at >= first
            and not each.event.partial
        ]
        payloads = self._log.payloads([chunk.position for chunk in chunks])
        series = merge((chunk, payloads.get(chunk.position, b"")) for chunk in chunks)
        return samples_frame([between(one, first, last) for one in series], unit)

    def durations(self) -> pd.DataFrame:
        """One row is one duration of one incident, with the formula that gave it.

        Where `state` is `recorded` it is `duration_seconds`; where it is `uncertain` it lies between
        `at_least_seconds` and `at_most_seconds`; else it is `pending`, `not_applicable` or `invalid` (its end
        lies before its start) and has no number. None of these is zero.
        """
        known = self.known
        return DURATIONS.frame(
            {
                "incident": incident.id,
                "services": incident.services,
                "severity": incident.severity,
                "duration": name,
                "state": duration.state,
                "duration_seconds": duration.seconds,
                "at_least_seconds": duration.at_least,
                "at_most_seconds": duration.at_most,
                "from_at": duration.from_,
                "to_at": duration.to,
                "formula": formula(duration),
            }
            for incident in known.incidents
            for name, duration in known.durations(incident).items()
        )

    def comparisons(self) -> pd.DataFrame:
        """One row for each verdict as it was recorded when its window closed, oldest window first.

        Recorded by `collect` and `watch`; `tracker compare` judges again. `expected`, `observed`, `shift`,
        `swing` and `smallest_visible_change` are in the metric's unit.
        """
        rows = [
            {
                **COMPARISONS.of(event),
                **COMPARISONS.of(verdict),
                "incident": incident.id,
                "window_to": event.occurred_at,
                "judged_at": recorded.recorded_at,
                "handle": recorded.handle,
                "event": recorded.id,
            }
            for incident in self._incidents()
            for recorded, event, verdict in latest_verdicts(incident.steps).values()
        ]
        rows.sort(key=lambda row: (row["window_to"], row["change"], row["metric"], row["baseline"]))
        return COMPARISONS.frame(rows)

    def actions(self) -> pd.DataFrame:
        """One row is one action item, what is to be done first, by the day it is due.

        `state` is `open`, `overdue` or `done` as the log's last event was recorded: a notebook that is run
        again later gives the same of the same log. `due_until_at` is when the day of `due_on` ends in `due_zone`.
        `would_have_prevented` names the later incidents of which a person said so.
        """
        now = self._log.recorded_at(self._log.position)
        rows = []
        for item in actions(self._log.select([Window("actions")])):
            status = item.standing(now or item.added_at)
            rows.append(
                {
                    **ACTIONS.of(item),
                    "due_on": item.due_on.isoformat(),
                    "due_until_at": item.due_until,
                    "state": status.state,
                    "overdue_days": status.overdue_days,
                    "would_have_prevented": tuple(link.incident for link in item.prevented),
                }
            )
        return ACTIONS.frame(rows)

    def notes(self) -> pd.DataFrame:
        """One row is one note of an incident, with its kind: note, hypothesis, root-cause, fix, prevention, lesson, impact."""
        return NOTES.frame(tables.notes(self.known))

    def errors(self) -> pd.DataFrame:
        """One row is one error that an SDK or Sentry reported; `group` is the same for repeats of one error."""
        return ERRORS.frame(tables.errors(self.known))

    def commits(self) -> pd.DataFrame:
        """One row is one commit; `files` are what it changed, empty where its source did not name them."""
        return COMMITS.frame(tables.commits(self.known))

    def rules(self) -> pd.DataFrame:
        """One row is one alert rule of a service as it was last seen, also one that never fired.

        An alert that fired and whose rule no source reported is a row without expression. A rule without a service
        is for all of them, and `fired` counts all its alerts.
        """
        return RULES.frame(tables.rules(self.known))

    def checks(self) -> pd.DataFrame:
        """One row is one check of the metrics after a change, as `tracker watch` recorded it."""
        return CHECKS.frame(tables.checks(self.known))

    def messages(self) -> pd.DataFrame:
        """One row is one message to the team; `sent_at` is NaT where it was not posted."""
        return MESSAGES.frame(tables.messages(self.known))

    def procedure(self) -> pd.DataFrame:
        """One row is one rule of the procedure and one incident: met, late, missed, waived, unknown or not_applicable.

        `reason` is the code of the answer; `tracker check` says it in words.
        """
        return self.procedure_of(self.known.incidents)

    def procedure_of(self, incidents: Sequence[Incident]) -> pd.DataFrame:
        """Return the rows of `procedure` of these incidents only."""
        return PROCEDURE.frame(tables.procedure_rows(self.known, incidents))

    def similar(self) -> pd.DataFrame:
        """One row is an incident and an earlier one that has something in common with it, as `tracker similar` says.

        Only where `claimed` is true was it the same thing again; the others are the nearest there were.
        `open_actions` are the texts of the earlier one's action items that were open when the later one began.
        """
        return SIMILAR.frame(
            {
                **SIMILAR.of(repeat.match),
                "incident": one.incident,
                "earlier": repeat.match.id,
                "reasons": tuple(repeat.match.reasons),
                "open_actions": tuple(item.text for item in repeat.open_actions),
            }
            for one in similar(self._log)
            for repeat in one.repeats
        )

    @property
    def known(self) -> AllIncidents:
        """All incidents as the log is now: it may have grown since the last question."""
        if self._last is None or self._last.position != self._log.position:
            self._last = AllIncidents(self._log)
        return self._last

    def _incidents(self) -> list[Incident]:
        return self.known.incidents

    def _incident(self, typed: str | int) -> Incident:
        name = str(typed).strip().upper()
        if not name.isdigit():
            incident = fold(name, self._log.incident(name))
            if incident.exists:
                return incident
        known = self._incidents()
        same = [incident for incident in known if name.isdigit() and number_of(incident.id) == int(name)]
        if len(same) == 1:
            return same[0]
        newest = ", ".join(incident.id for incident in known[-10:]) or "none"
        raise UsageError(f"there is no incident {typed!r} in this log", hint=f"The newest are: {newest}")

    def _dossier(self, incident: Incident) -> Dossier:
        now = self._log.recorded_at(self._log.position) or incident.begins_at
        return dossier_of(self._log, incident, None, now, parts=Part.STORY | Part.WORK)
