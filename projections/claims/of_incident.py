"""The claims about one incident: what its log contradicts in a text, or in its notes and messages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from projections.claims.check import check_texts, texts_of
from projections.claims.claim import Finding
from projections.claims.facts import Facts
from projections.claims.gathering import facts_of
from projections.claims.peaks import ASKED
from projections.claims.prose import Text
from projections.dossier import Dossier
from projections.incident_windows import Part
from projections.outages import outages
from projections.procedure.check import waivers
from projections.verdicts import of_query
from tracker.events.base import Recorded
from tracker.incident import Incident

_BEFORE = timedelta(minutes=15)
_AFTER = timedelta(minutes=1)
Heights = dict[str, tuple[tuple[float, ...], str | None]]


def claims_of(
    dossier: Dossier, text: Text | None = None, *, zones: Sequence[tzinfo] = (UTC,), zone_known: bool = False
) -> tuple[list[Finding], list[Finding]]:
    """Return what the log contradicts in a text, else in an incident's notes and messages; and what was waived of it."""
    facts = facts_of(dossier, zones=zones, zone_known=zone_known)
    texts = texts_of(facts) if text is None else [text]
    if Part.METRICS in dossier.parts and any(ASKED.search(each.text) for each in texts):
        facts = replace(facts, peaks=peaks(dossier)[0])
    waived = waivers(dossier.incident)
    found = check_texts(texts, facts)
    return [each for each in found if each.key not in waived], [each for each in found if each.key in waived]


def claims_alone(text: Text, *, zones: Sequence[tzinfo] = (UTC,), now: datetime) -> list[Finding]:
    """Return where a text without an incident contradicts itself."""
    return check_texts([text], Facts((), zones=tuple(zones), now=now))


def needs_samples(incident: Incident, text: str | None = None) -> bool:
    """Whether a text, else an incident's notes and messages, speak of a height that only samples can tell."""
    if text is not None:
        return bool(ASKED.search(text))
    return any(ASKED.search(getattr(step.event, "text", None) or "") for step in incident.steps)


def peaks(dossier: Dossier) -> tuple[Heights, list[Recorded]]:
    """Return the highest value of each metric while the incident lasted and in each outage, shares in percent; and the samples' events."""
    incident = dossier.incident
    end = (incident.ends_at or dossier.now) + _AFTER
    starts = [one.start.earliest for one in outages(incident) if one.start]
    first = incident.begins_at - _BEFORE
    bounds = [each.timestamp() * 1000 for each in (first, *starts, end)]
    found: Heights = {}
    used: list[Recorded] = []
    for service in incident.services:
        configured = dossier.settings(service)[0].get("metrics", {})
        for metric in dossier.sampled.get(service, ()):
            settings = configured.get(metric, {})
            series, chunks = dossier.series(service, metric, first, end)
            used += chunks
            for one in of_query(series, settings.get("query")):
                unit = settings.get("unit") or one.unit or ("ratio" if "ratio" in metric else None)
                failing = "err" in metric or "fail" in metric
                scale = 100.0 if unit == "ratio" else 1.0
                if unit in ("ratio", "percent") and not failing:
                    continue
                pairs = zip(one.instants_ms.tolist(), one.values.tolist(), strict=True)
                values = [(at, v * scale) for at, v in pairs if v == v and abs(v) != float("inf")]
                heights = [
                    max((v for at, v in values if low <= at < high), default=None)
                    for low, high in pairwise(bounds)
                ]
                if values:
                    found[metric] = (
                        tuple(
                            dict.fromkeys(h for h in (max(v for _, v in values), *heights) if h is not None)
                        ),
                        unit,
                    )
    return found, used
