"""What `tracker doctor` looks at: one module for each kind of thing, `look(examination)` in each.

A look yields findings as it makes them, so that one that hangs loses only what was to come.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from tracker.application.diagnosis.finding import Examination, Finding

Look = Callable[[Examination], Iterator[Finding]]

LOOKS = (
    *("secrets", "store", "waiting", "prometheus", "alertmanager", "sentry", "forges", "repositories"),
    *("slack", "itself"),
)
"""In the order in which their findings are told; settings come before them all."""


def look_of(name: str) -> Look:
    """Return the look of one module."""
    look: Look = import_module(f"tracker.application.diagnosis.{name}").look
    return look
