"""Every kind of event, and what they have in common.

A new kind is one class in the module of its subject, with its topic, a builder in
`tests/builders.py` and its stored form in `tests/wire/`.
"""

from tracker.events import (
    actions,
    alerts,
    bundles,
    changes,
    corrections,
    housekeeping,
    incidents,
    messages,
    procedure,
    reviews,
    samples,
    silence,
    verdicts,
)
from tracker.events.base import (
    REGISTRY,
    Arrival,
    Decision,
    Event,
    Incoming,
    Observation,
    Recorded,
    decode,
    encode,
    event_id,
)

__all__ = [
    "REGISTRY",
    "Arrival",
    "Decision",
    "Event",
    "Incoming",
    "Observation",
    "Recorded",
    "actions",
    "alerts",
    "bundles",
    "changes",
    "corrections",
    "decode",
    "encode",
    "event_id",
    "housekeeping",
    "incidents",
    "messages",
    "procedure",
    "reviews",
    "samples",
    "silence",
    "verdicts",
]
