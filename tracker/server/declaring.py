"""Declaring what the rule of `projections.auto_declare` says: only `tracker serve` does this."""

from collections.abc import Sequence

from projections.auto_declare import FRESH, Occurrence, rule, severity_of, title_of
from projections.incidents import number_of, ours
from tracker.application.auto_declare import pushed_of_late, rulings
from tracker.application.session import Recording, Session
from tracker.decisions import lifecycle
from tracker.errors import StoreAwayError, TrackerError
from tracker.events.base import BY_ITSELF, Decision, Incoming
from tracker.incident import Incident
from tracker.server.telemetry import Telemetry, report, tell
from tracker.times import Typed, utc

_ATTEMPTS = 20


class Declarer:
    """Declares by the rule, and remembers what it has said that it did not declare."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry
        self._said: set[str] = set()

    def owed(self) -> list[Incoming]:
        """Return the alerts of the last hour: the last server may have stopped between recording and declaring."""
        return pushed_of_late(self._session, FRESH)

    def declare(self, facts: Sequence[Incoming]) -> list[str]:
        """Declare, or open again, what the rule says; return the incidents.

        Raises:
            StoreAwayError: If the log cannot be asked or written; nothing is lost by asking again.
        """
        done: list[str] = []
        for ruling in rulings(self._session, facts):
            occurrence = ruling.occurrence
            if ruling.verdict == "too_old":
                self._say_too_old(occurrence)
            elif ruling.verdict != "covered":
                try:
                    done += self._carry_out(occurrence)
                except StoreAwayError:
                    raise
                except Exception as trouble:
                    # One that cannot be declared keeps no other from it.
                    self._telemetry.errors.labels("declare").inc()
                    why = trouble.message if isinstance(trouble, TrackerError) else repr(trouble)
                    tell("an incident was not declared", 40, alert=occurrence.alert.name, why=why)
                    report(trouble)
        return done

    def _say_too_old(self, occurrence: "Occurrence") -> None:
        if occurrence.key in self._said:
            return
        self._said.add(occurrence.key)
        tell(
            "would have declared an incident, had it been told in time",
            service=occurrence.service,
            alert=occurrence.alert.name,
            began_at=utc(occurrence.began_at),
        )

    def _carry_out(self, occurrence: "Occurrence") -> list[str]:
        """Ask the rule again, on all that is recorded by now: an occurrence before it may have opened one."""
        for _ in range(_ATTEMPTS):
            found = self._session.incident_summaries()
            ruling = rule(occurrence, ours(found), self._session.now)
            if ruling.verdict == "reopen" and ruling.incident is not None:
                done = self._reopen(occurrence, ruling.incident)
            elif ruling.verdict == "declare":
                done = self._open(occurrence, found)
            else:
                return []
            if done:
                return done
        return []

    def _reopen(self, occurrence: "Occurrence", name: str) -> list[str]:
        at = Typed(self._session.now, 0.001)
        why = f"{occurrence.alert.name} fired again at {utc(occurrence.began_at)}"

        def open_again(held: "Incident") -> Sequence[Decision]:
            if held.ends_at is None or held.merged_into is not None:
                return []
            return [lifecycle.reopen(held, by=BY_ITSELF, at=at, why=why, occurrence=occurrence.key)]

        if not self._session.decide(name, open_again).recorded:
            return []
        tell("reopened an incident", incident=name, why=why)
        return [name]

    def _open(self, occurrence: "Occurrence", found: "Sequence[Incident]") -> list[str]:
        alert, now = occurrence.alert, self._session.now
        number = max((number_of(each.id) for each in found), default=0) + 1
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
        recording: Recording = self._session.decide(name, lambda held: () if held.exists else decided)
        if not recording.recorded:
            return []
        self._telemetry.declared.inc()
        tell(
            "declared an incident",
            incident=name,
            service=occurrence.service,
            alert=alert.name,
            began_at=utc(occurrence.began_at),
        )
        return [name]
