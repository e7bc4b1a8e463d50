"""The post-incident report: one incident at one position of the log, in markdown.

It is a function of what it is given: no clock, no store, no environment. The same position
gives the same bytes.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from reports.charts import NARROW, Chart, draw
from reports.context import Context
from reports.generated_regions import Part, render
from reports.markdown import command, link, text
from reports.sections.pictures import pictures
from reports.templates import TEMPLATES


@dataclass(frozen=True)
class Document:
    """The generated parts, and the pictures by path relative to the text, with what they were drawn from."""

    parts: tuple[Part, ...]
    pictures: dict[str, bytes]
    charts: dict[str, Chart] = field(compare=False)

    @cached_property
    def page_pictures(self) -> dict[str, tuple[bytes, bytes]]:
        """Each picture for a desk and for a phone: a page has both, and shows one."""
        return {
            path: (drawn, draw(self.charts[path], format=_format(path), width=NARROW))
            for path, drawn in self.pictures.items()
        }

    @property
    def markdown(self) -> str:
        """The text, as long as nobody edits it."""
        return render(self.parts)


def write(context: Context, *, template: str = "guide", with_pictures: bool = True) -> Document:
    """Write the report and draw its pictures; without them the text is the same, with its links."""
    incident = context.incident
    chosen = TEMPLATES[template]
    written = [(section.name, section.written(context)) for section in chosen.sections]
    written.append(("footer", _footer(context)))
    made = {
        "incident": incident.id,
        "template": template,
        "zone": context.zone_name,
        "pictures": context.pictures,
        **({"folder": link(context.folder)} if context.folder else {}),
        "parts": ",".join(name for name, _ in written),
    }
    title = [f"# {incident.id}: {text(incident.title)}", "", *chosen.head(context)]
    parts = (
        Part("head", _between_blank_lines(title), made),
        *(Part(name, _between_blank_lines(lines)) for name, lines in written),
    )
    charts: dict[str, Chart] = {}
    if with_pictures and context.pictures != "none":
        charts = {f"{context.picture_folder}/{name}": chart for name, chart in pictures(context).items()}
    drawn = {path: draw(chart, format=_format(path)) for path, chart in charts.items()}
    return Document(parts, drawn, charts)


def _format(path: str) -> Literal["png", "svg"]:
    return "png" if path.endswith(".png") else "svg"


def _between_blank_lines(lines: list[str]) -> str:
    """Leave an empty line next to the marks: some renderers take what touches them for HTML."""
    return "\n".join(["", *lines, "", ""])


def _footer(context: Context) -> list[str]:
    where = context.provenance
    versions = ", ".join(f"{name} {version}" for name, version in where.versions.items())
    log = f"`{where.log}`, " if where.log else ""
    came = [
        f"It was imported in a bundle from log `{log_id}`, where it is {number}, at position {position} with head `{head}`; "
        "later events were recorded here."
        for log_id, number, position, head in where.came
    ]
    return [
        "---",
        "",
        f"Log {log}position {where.position}, last event `{where.last_event}` with digest `{where.last_digest}`, "
        f"head `{where.head}`. Written by {versions}.",
        *came,
        "",
        "The generated parts are derived from the log up to that position, and the same position gives the same bytes. "
        "What is between them was written by hand. "
        f"Verify it: {command('verify', '--report', f'{context.incident.id}.md')}",
    ]
