"""Every kind of event, a module for each subject; importing this registers all of them.

A new kind is one class in the module of its subject, with its topic, a builder in
`tests/builders.py` and its stored form in `tests/wire/`.
"""

from tracker.events import (  # noqa: F401
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
