"""The tables that are figures, not facts: what `tracker trends` and `tracker rules` answer, to the digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from projections.alert_rules import unwatched
from projections.frames.columns import JUDGED_RULES, TRENDS, UNWATCHED
from projections.frames.instants import instant
from reports.trends import says
from reports.wording.alert_rules import figures
from tracker.application.alert_rules import rules_of
from tracker.application.all_incidents import AllIncidents
from tracker.application.trends import span_of, trends
from tracker.log import Log
from tracker.settings.schema import Settings

if TYPE_CHECKING:
    import pandas as pd


class JudgedFrames:
    """The part of `Frames` that measures."""

    _log: Log
    _settings: Settings | None

    @property
    def known(self) -> AllIncidents:
        """All incidents as the log is now."""
        raise NotImplementedError

    def trends(
        self,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        *,
        services: Sequence[str] = (),
        by: str | None = None,
    ) -> pd.DataFrame:
        """One row is one figure of `tracker trends`, with the same columns as its JSON.

        `by` is service, severity, quarter or month; without `start` it is the last 90 days, as there.

        Raises:
            UsageError: If an instant names no zone, or the span is less than a day.
        """
        first, last = span_of(
            self._log,
            instant(start, "start") if start is not None else None,
            instant(end, "end") if end is not None else None,
        )
        found = trends(self._log, first, last, services=services, by=by).measures
        return TRENDS.frame({**asdict(figure), "says": says(figure)} for figure in found)

    def judged_rules(self) -> pd.DataFrame:
        """One row is one alert rule, judged by what it led to, as `tracker rules` says."""
        rules, _ = rules_of(self.known)
        return JUDGED_RULES.frame(figures(rule) for rule in rules)

    def unwatched_metrics(self) -> pd.DataFrame:
        """One row is a metric of tracker.toml with a threshold that no rule mentions whose definition was read."""
        _, defined = rules_of(self.known)
        newest = {(rule.name, rule.service): rule for rule in defined}.values()
        facts = self._settings.facts() if self._settings is not None else {}
        return UNWATCHED.frame(
            {"service": service, "metric": metric}
            for service in (self._settings.services if self._settings is not None else ())
            for metric in unwatched(facts[service]["metrics"], newest)
        )
