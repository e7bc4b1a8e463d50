"""Declaring incidents by the rule of `projections.auto_declare`: only `tracker serve` does this."""

from collections.abc import Sequence

from projections.auto_declare import FRESH, Occurrence, rule, severity_of, title_of
from projections.incidents import ours
from tracker.application.auto_declare import pushed_of_late, rulings
from tracker.application.session import Session
from tracker.decisions import lifecycle
from tracker.errors import StoreAwayError, TrackerError
from tracker.events.base import BY_ITSELF, Decision, Incoming
from tracker.incident import Incident, number_of
from tracker.server.telemetry import Telemetry, log_line, report_bug
from tracker.times import Typed, utc

_ATTEMPTS = 20


class Declarer:
    """Declares by the rule, and logs each occurrence that was too old for it once."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._logged: set[str] = set()

    def recent_alerts(self) -> list[Incoming]:
        """Return the alerts of the last hour: the last server may have stopped between recording and declaring."""
        return pushed_of_late(self._session, FRESH)

    def declare(self, facts: Sequence[Incoming]) -> list[str]:
        """Declare or reopen what the rule says; return the incidents.

        Raises:
            StoreAwayError: If the log cannot be read or written; call again later.
        """
        incidents: list[str] = []
        for ruling in rulings(self._session, facts):
            occurrence = ruling.occurrence
            if ruling.verdict == "too_old":
                self._log_too_old(occurrence)
            elif ruling.verdict != "covered":
                try:
                    incidents += self._carry_out(occurrence)
                except StoreAwayError:
                    raise
                except Exception as trouble:
                    # One that cannot be declared must not prevent the others.
                    self._telemetry.errors.labels("declare").inc()
                    why = trouble.message if isinstance(trouble, TrackerError) else repr(trouble)
                    log_line("an incident was not declared", 40, alert=occurrence.alert.name, why=why)
                    report_bug(trouble)
        return incidents

    def _log_too_old(self, occurrence: Occurrence) -> None:
        if occurrence.key in self._logged:
            return
        self._logged.add(occurrence.key)
        log_line(
            "would have declared an incident if the alert had arrived in time",
            service=occurrence.service,
            alert=occurrence.alert.name,
            began_at=utc(occurrence.began_at),
        )

    def _carry_out(self, occurrence: Occurrence) -> list[str]:
        """Apply the rule again, on all that is recorded by now: an earlier occurrence may have opened an incident."""
        for _ in range(_ATTEMPTS):
            summaries = self._session.incident_summaries()
            ruling = rule(occurrence, ours(summaries), self._session.now)
            if ruling.verdict == "reopen" and ruling.incident is not None:
                incidents = self._reopen(occurrence, ruling.incident)
            elif ruling.verdict == "declare":
                incidents = self._open(occurrence, summaries)
            else:
                return []
            if incidents:
                return incidents
        return []

    def _reopen(self, occurrence: Occurrence, name: str) -> list[str]:
        at = Typed(self._session.now, 0.001)
        why = f"{occurrence.alert.name} fired again at {utc(occurrence.began_at)}"

        def reopen(incident: Incident) -> Sequence[Decision]:
            if incident.ends_at is None or incident.merged_into is not None:
                return []
            return [lifecycle.reopen(incident, by=BY_ITSELF, at=at, why=why, occurrence=occurrence.key)]

        if not self._session.decide(name, reopen).recorded:
            return []
        log_line("reopened an incident", incident=name, why=why)
        return [name]

    def _open(self, occurrence: Occurrence, summaries: Sequence[Incident]) -> list[str]:
        alert, now = occurrence.alert, self._session.now
        number = max((number_of(summary.id) for summary in summaries), default=0) + 1
        name = f"{self._session.settings.tracker.prefix}-{number}"
        decided = lifecycle.declare(
            name,
            title=title_of(alert),
            services=(occurrence.service,),
            severity=severity_of(alert),
            by=BY_ITSELF,
            at=Typed(now, 0.001),
            detected=Typed(min(occurrence.began_at, now), alert.precision_seconds),
            detected_by="alert",
            occurrence=occurrence.key,
        )
        recording = self._session.decide(name, lambda incident: () if incident.exists else decided)
        if not recording.recorded:
            return []
        self._telemetry.declared.inc()
        log_line(
            "declared an incident",
            incident=name,
            service=occurrence.service,
            alert=alert.name,
            began_at=utc(occurrence.began_at),
        )
        return [name]
