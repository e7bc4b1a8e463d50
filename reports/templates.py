"""The templates of a report: each is a table of headings and of the sections below them.

The facts are the same in all of them, and so is the code that words them. A new template is
one table here. Sections that a template has no place for come under its heading for the rest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from reports.context import Context
from reports.sections import (
    action_items,
    authors,
    course,
    detection,
    durations,
    fix,
    impact,
    lessons_learned,
    messages,
    metrics,
    prevention,
    procedure,
    report_status,
    resolution,
    root_cause,
    summary,
    timeline,
    trigger,
)

Lines = Callable[[Context], list[str]]


@dataclass(frozen=True)
class Block:
    """Lines, below a heading of their own where they have one; without lines there is no heading either."""

    lines: Lines
    heading: str | None = None

    def written(self, context: Context) -> list[str]:
        """Write it; headings inside it are one level deeper than its own."""
        written = self.lines(context)
        if not written or self.heading is None:
            return written
        return [
            f"### {self.heading}",
            "",
            *(f"#{line}" if line.startswith("###") else line for line in written),
        ]


@dataclass(frozen=True)
class Section:
    """One heading and the blocks below it; `name` is that of its region, which a file keeps for good."""

    heading: str
    blocks: tuple[Block, ...]
    name: str

    def written(self, context: Context) -> list[str]:
        """Write it with its heading; a timeline's says in which zone its times are."""
        zone = f" ({context.zone_name})" if self.heading.lower().endswith("timeline") else ""
        written = [f"## {self.heading}{zone}", ""]
        for block in self.blocks:
            if lines := block.written(context):
                written += [*lines, ""]
        return written[:-1]


@dataclass(frozen=True)
class Template:
    """The lines below the title, then sections."""

    head: Lines
    sections: tuple[Section, ...]


def _section(heading: str, *blocks: Lines | tuple[str, Lines], name: str | None = None) -> Section:
    made = (Block(block[1], block[0]) if isinstance(block, tuple) else Block(block) for block in blocks)
    plain = re.sub(r"[^a-z0-9]+", "-", heading.lower().replace("'", "")).strip("-")
    return Section(heading, tuple(made), name or plain)


APPENDICES = (
    _section("Appendix A: Whole timeline", timeline.whole, name="whole-timeline"),
    _section("Appendix B: Metrics", metrics.lines, name="metrics"),
    _section("Appendix C: Procedure", procedure.lines, name="procedure"),
    _section("Appendix D: How durations are measured", durations.lines, name="durations"),
)
"""What every template ends with: all facts, for whom the report is too short."""

TEMPLATES: dict[str, Template] = {
    "guide": Template(
        report_status.lines,
        (
            _section("Summary", summary.lines),
            _section("Impact", impact.lines),
            _section("Timeline", timeline.key_moments),
            _section("Root Cause", root_cause.lines),
            _section("Fix", fix.lines),
            _section("Prevention", prevention.lines),
            _section("Action Items", action_items.lines),
            _section("Lessons Learned", lessons_learned.under(lessons_learned.GUIDE)),
            *APPENDICES,
        ),
    ),
    "google": Template(
        authors.heading,
        (
            _section("Summary", summary.lines),
            _section("Impact", impact.lines),
            _section("Root Causes", root_cause.cause, root_cause.factors, root_cause.ruled_out),
            _section("Trigger", trigger.lines),
            _section("Resolution", resolution.lines),
            _section("Detection", detection.lines),
            _section("Action Items", action_items.lines, ("Prevention", prevention.lines)),
            _section("Lessons Learned", lessons_learned.under(lessons_learned.GOOGLE)),
            _section("Timeline", timeline.key_moments),
            *APPENDICES,
        ),
    ),
    "pagerduty": Template(
        report_status.lines,
        (
            _section("Overview", summary.lines),
            _section("What Happened", course.happened),
            _section("Contributing Factors", root_cause.lines),
            _section("Resolution", resolution.lines),
            _section("Impact", impact.lines),
            _section("Responders", authors.responders),
            _section("Timeline", timeline.key_moments),
            _section("How'd We Do?", lessons_learned.under(lessons_learned.PAGERDUTY)),
            _section("Action Items", action_items.lines, ("Prevention", prevention.lines)),
            _section("Messaging", ("Internal", messages.internal), ("External", messages.external)),
            *APPENDICES,
        ),
    ),
}
"""Each template by the name that `--template` takes."""
