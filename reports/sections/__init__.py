"""The sections of the post-incident report, in their order: one module each.

A new section is one module with `lines(context) -> list[str]` and one line in `SECTIONS`.
"""

from collections.abc import Callable

from reports.context import Context
from reports.sections import (
    action_items,
    fix,
    impact,
    lessons_learned,
    metrics,
    prevention,
    procedure,
    root_cause,
    summary,
    timeline,
)

SECTIONS: tuple[tuple[str, Callable[[Context], list[str]]], ...] = (
    ("Summary", summary.lines),
    ("Impact", impact.lines),
    ("Timeline", timeline.lines),
    ("Metrics", metrics.lines),
    ("Procedure", procedure.lines),
    ("Root Cause", root_cause.lines),
    ("Fix", fix.lines),
    ("Prevention", prevention.lines),
    ("Action Items", action_items.lines),
    ("Lessons Learned", lessons_learned.lines),
)
