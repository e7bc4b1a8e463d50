"""The claims about one incident: what its log contradicts in a text, or in its notes and messages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

from projections.claims.check import claims, texts_of
from projections.claims.claim import Claim
from projections.claims.claim_facts import claim_facts
from projections.claims.peaks import ASKED
from projections.claims.prose import Text
from projections.dossier import Dossier
from projections.procedure.check import waivers
from projections.verdicts import of_query
from tracker.events.base import Recorded
from tracker.incident import Incident

_PEAKS_BEFORE = timedelta(minutes=15)
_PEAKS_AFTER = timedelta(minutes=1)


def claims_of(
    dossier: Dossier,
    text: Text | None = None,
    *,
    zones: Sequence[tzinfo] = (UTC,),
    zone_known: bool = False,
) -> tuple[list[Claim], list[Claim]]:
    """Return what the log contradicts in a text, else in an incident's notes and messages; and what was waived of it."""
    facts = claim_facts(dossier, zones=zones, zone_known=zone_known)
    texts = texts_of(facts) if text is None else [text]
    if any(ASKED.search(each.text) for each in texts):
        facts = replace(facts, peaks=peaks(dossier)[0])
    waived = waivers(dossier.incident)
    found = claims(texts, facts)
    return [each for each in found if each.key not in waived], [each for each in found if each.key in waived]


def needs_samples(incident: Incident, text: str | None = None) -> bool:
    """Whether a text, else an incident's notes and messages, speak of a height that only samples can tell."""
    if text is not None:
        return bool(ASKED.search(text))
    return any(ASKED.search(getattr(step.event, "text", None) or "") for step in incident.steps)


def peaks(dossier: Dossier) -> tuple[dict[str, tuple[float, str | None]], list[Recorded]]:
    """Return the highest error ratio of each metric while the incident lasted, in percent; and the samples' events."""
    start = dossier.incident.begins_at - _PEAKS_BEFORE
    end = (dossier.incident.ends_at or dossier.now) + _PEAKS_AFTER
    found: dict[str, tuple[float, str | None]] = {}
    used: list[Recorded] = []
    for service in dossier.incident.services:
        configured = dossier.settings(service)[0].get("metrics", {})
        for metric in dossier.sampled.get(service, ()):
            settings = configured.get(metric, {})
            if "err" not in metric and "fail" not in metric:
                continue
            series, chunks = dossier.series(service, metric, start, end)
            used += chunks
            for one in of_query(series, settings.get("query")):
                unit = settings.get("unit") or one.unit or ("ratio" if "ratio" in metric else None)
                values = [
                    float(value) for value in one.values if value == value and abs(value) != float("inf")
                ]
                if values and unit in ("ratio", "percent"):
                    highest = max(values) * (100 if unit == "ratio" else 1)
                    found[metric] = max(
                        found.get(metric, (highest, unit)), (highest, unit), key=lambda at: at[0]
                    )
    return found, used
