"""The templates of a report: each is a table of headings and of the sections below them.

The facts are the same in all of them, and so is the code that words them. A new template is
one table here. Sections that a template has no place for come under its heading for the rest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from reports.context import Context
from reports.sections import (
    SECTIONS,
    action_items,
    authors,
    detection,
    impact,
    messages,
    prevention,
    report_status,
    resolution,
    retrospective,
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
    """One heading and the blocks below it."""

    heading: str
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The name of its region: the heading in small letters."""
        return re.sub(r"[^a-z0-9]+", "-", self.heading.lower().replace("'", "")).strip("-")

    def written(self, context: Context) -> list[str]:
        """Write it with its heading; the timeline's says in which zone its times are."""
        zone = f" ({context.zone_name})" if self.heading == "Timeline" else ""
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


def _section(heading: str, *blocks: Lines | tuple[str, Lines]) -> Section:
    made = (Block(block[1], block[0]) if isinstance(block, tuple) else Block(block) for block in blocks)
    return Section(heading, tuple(made))


_PLACED = frozenset(
    ("Summary", "Impact", "Timeline", "Root Cause", "Fix", "Prevention", "Action Items", "Lessons Learned")
)
"""Sections of the guide that the other templates have a place for under another heading."""


def _rest() -> tuple[tuple[str, Lines], ...]:
    return tuple((title, lines) for title, lines in SECTIONS if title not in _PLACED)


TEMPLATES: dict[str, Template] = {
    "guide": Template(report_status.lines, tuple(_section(title, lines) for title, lines in SECTIONS)),
    "google": Template(
        authors.heading,
        (
            _section("Summary", summary.story),
            _section("Impact", impact.lines),
            _section("Root Causes", root_cause.notes),
            _section("Trigger", trigger.lines),
            _section("Resolution", resolution.lines),
            _section("Detection", detection.lines),
            _section("Action Items", action_items.lines, ("Prevention", prevention.lines)),
            _section(
                "Lessons Learned",
                ("What went well", retrospective.well),
                ("What went wrong", retrospective.wrong),
                ("Where we got lucky", retrospective.lucky),
                ("What else we learned", retrospective.unsorted),
            ),
            _section("Timeline", timeline.lines),
            _section("Supporting information", ("Durations", summary.duration_table), *_rest()),
        ),
    ),
    "pagerduty": Template(
        report_status.lines,
        (
            _section("Overview", summary.overview),
            _section("What Happened", summary.happened, summary.duration_table),
            _section("Contributing Factors", root_cause.lines),
            _section("Resolution", resolution.lines),
            _section("Impact", impact.lines),
            _section("Responders", authors.responders),
            _section("Timeline", timeline.lines),
            _section(
                "How'd We Do?",
                ("What Went Well?", retrospective.well),
                ("What Didn't Go So Well?", retrospective.wrong),
                ("What Else We Learned", retrospective.unsorted),
            ),
            _section("Action Items", action_items.lines, ("Prevention", prevention.lines)),
            _section("Messaging", ("Internal", messages.internal), ("External", messages.external)),
            _section("Supporting Facts", *_rest()),
        ),
    ),
}
"""Each template by the name that `--template` takes."""
