"""Reading what claims in prose are held against: shared by check and publish."""

from dataclasses import replace
from datetime import UTC, timedelta

from projections.claims.check import claims, texts_of
from projections.claims.claim import Claim
from projections.claims.claim_facts import facts_of
from projections.claims.peaks import ASKED
from projections.claims.prose import Text
from reports.generated_regions import visible_text
from tracker.application.metric_settings import configured_metrics, of_query
from tracker.application.session import Session
from tracker.events.procedure import RuleWaived
from tracker.incident import Incident


def lint_claims(
    session: "Session",
    incident: "Incident",
    up_to: int | None,
    *,
    text: str | None = None,
    where: str = "",
) -> "list[Claim]":
    """Return what the log contradicts in an incident's notes and messages, or in `text` alone where it is given.

    Waived claims are left out.
    """
    return lint_claims_and_waived(session, incident, up_to, text=text, where=where)[0]


def lint_claims_and_waived(
    session: "Session",
    incident: "Incident",
    up_to: int | None,
    *,
    text: str | None = None,
    where: str = "",
) -> "tuple[list[Claim], list[Claim]]":
    """Return what stands against the prose, and what somebody waived of it with a reason."""
    typed = session.typed_zone
    zones = [typed] if typed is not None else list(dict.fromkeys((UTC, session.shown_zone)))
    facts = facts_of(incident, session.facts_of(incident, up_to), zones=zones, zone_known=typed is not None)
    texts = texts_of(facts) if text is None else [Text(visible_text(text), where or "stdin")]
    if any(ASKED.search(each.text) for each in texts):
        facts = replace(facts, peaks=_peaks(session, incident, up_to))
    found = claims(texts, facts)
    waived = {
        step.event.rule
        for step in incident.steps
        if isinstance(step.event, RuleWaived)
        and step.retraction is None
        and step.event.incident == incident.id
    }
    return [each for each in found if each.key not in waived], [each for each in found if each.key in waived]


def _peaks(
    session: "Session", incident: "Incident", up_to: int | None
) -> "dict[str, tuple[float, str | None]]":
    """Return the highest error ratio of each service while the incident lasted, in percent."""
    start = incident.begins_at - timedelta(minutes=15)
    end = (incident.ends_at or session.now) + timedelta(minutes=1)
    found: dict[str, tuple[float, str | None]] = {}
    for service in incident.services:
        configured = configured_metrics(session, service, up_to, incident.id)[0].get("metrics", {})
        for scope in session.log.scope_names(f"samples:{service}/"):
            metric = scope.partition("/")[2]
            settings = configured.get(metric, {})
            if "err" not in metric and "fail" not in metric:
                continue
            for series in of_query(
                session.samples(service, metric, start, end, up_to), settings.get("query")
            ):
                unit = settings.get("unit") or series.unit or ("ratio" if "ratio" in metric else None)
                values = [
                    float(value) for value in series.values if value == value and abs(value) != float("inf")
                ]
                if values and unit in ("ratio", "percent"):
                    highest = max(values) * (100 if unit == "ratio" else 1)
                    found[metric] = max(
                        found.get(metric, (highest, unit)), (highest, unit), key=lambda each: each[0]
                    )
    return found
