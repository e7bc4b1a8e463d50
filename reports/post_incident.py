"""The post-incident report: one incident at one position of the log, in markdown.

It is a function of what it is given: no clock, no store, no environment. The same position
gives the same bytes.
"""

from dataclasses import dataclass
from typing import Literal

from reports.charts import draw
from reports.context import Context
from reports.markdown import text
from reports.sections import SECTIONS
from reports.sections.metrics import pictures


@dataclass(frozen=True)
class Document:
    """The text, and its pictures by path relative to it."""

    markdown: str
    pictures: dict[str, bytes]


def write(context: Context, *, with_pictures: bool = True) -> Document:
    """Write the report and draw its pictures."""
    incident = context.incident
    written = [f"# {incident.id}: {text(incident.title)}", ""]
    for title, lines in SECTIONS:
        heading = f"Timeline ({context.zone_name})" if title == "Timeline" else title
        written += [f"## {heading}", "", *lines(context), ""]
    written += ["---", "", *_footer(context)]
    drawn: dict[str, bytes] = {}
    if with_pictures:
        kind: Literal["png", "svg"] = "png" if context.picture_suffix == "png" else "svg"
        drawn = {
            f"{incident.id}/{name}": draw(chart, format=kind) for name, chart in pictures(context).items()
        }
    return Document("\n".join(written) + "\n", drawn)


def _footer(context: Context) -> list[str]:
    where = context.provenance
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items())
    log = f"`{where.log}`, " if where.log else ""
    came = [
        f"It came in a bundle from log `{log_id}`, where it is {number}, at position {position} with head `{head}`; "
        "what was recorded since is this log's own."
        for log_id, number, position, head in where.came
    ]
    return [
        f"Log {log}position {where.position}, last event `{where.last_event}` with digest `{where.last_digest}`, "
        f"head `{where.head}`. Written by {versions}.",
        *came,
        "",
        "Nothing here was typed into the report: it was read from the log up to that position, and the same position "
        f"gives the same bytes. Check it: `tracker verify --report {context.incident.id}.md`",
    ]
