"""A row of the timeline as an item of a list."""

import hashlib
from dataclasses import dataclass
from datetime import tzinfo

from projections.timeline_rows import Entry
from reports.context import named
from reports.page.facts import GROUPS
from reports.page.markup import Html, element
from reports.page.times import moment
from reports.wording.headlines.incidents import note_label
from reports.wording.timeline import detail, title
from tracker.events import alerts, changes, silence
from tracker.events.base import Decision, Event
from tracker.events.incidents import NoteAdded
from tracker.events.verdicts import CheckMade, VerdictsGiven
from tracker.incident import Incident
from tracker.times import spoken, to_us

OTHER = "other"
_BEFORE_1970 = 1 << 58
_MODULES = {alerts.__name__: "alerts", silence.__name__: "alerts", changes.__name__: "changes"}


def group_of(fact: Event) -> str:
    """Say by which filter a row is found."""
    if isinstance(fact, VerdictsGiven | CheckMade):
        return "verdicts"
    return _MODULES.get(type(fact).__module__, "people" if isinstance(fact, Decision) else OTHER)


@dataclass(frozen=True)
class Row:
    """A row as it is sent.

    `version` changes whenever anything of it does, `position` is that of its first event. Rows are in the order of
    `order`, and of `key` where that is the same: a page puts one where it belongs whichever others it has.
    """

    key: str
    order: str
    html: Html
    version: str
    position: int
    redacted: bool


def key_of(entry: Entry) -> str:
    """Return the name of a row in the document."""
    return f"e-{entry.event}"


def row(incident: Incident, zone: tzinfo, entry: Entry) -> Row:
    """Write a row of an incident."""
    group = group_of(entry.fact)
    assert group in (*GROUPS, OTHER)
    what, besides = words(incident, entry)
    marks = [
        *(["amended"] if entry.amended else []),
        *(["redacted"] if entry.redacted is not None else []),
        *([f"recorded {spoken(entry.late_seconds)} late"] if entry.late_seconds is not None else []),
        *([f"from log {entry.from_log}"] if entry.from_log is not None else []),
    ]
    said = entry.attribution
    why = f": {said.why}" if said and said.why else ""
    content = (
        moment(entry.occurred_at, zone, entry.precision_seconds),
        " ",
        element("span", group if group != OTHER else "record", class_="kind"),
        " ",
        element("span", what, class_="what"),
        element("span", f" {besides}", class_="detail") if besides else "",
        element("strong", f" {said.role}, says {said.by}{why}", class_="role") if said and said.role else "",
        *(element("em", f" {mark}", class_="mark") for mark in marks),
        " ",
        element("span", entry.by or entry.source, class_="by"),
        " ",
        element(
            "a", entry.handle, href=f"#{key_of(entry)}", class_="handle", aria_label=f"Event {entry.handle}"
        ),
    )
    shown = "".join(content)
    order = _order(entry)
    version = hashlib.sha256(f"{order}{shown}".encode()).hexdigest()[:12]
    item = element("li", Html(shown), id=key_of(entry), class_=group, data_v=version, data_order=order)
    return Row(key_of(entry), order, item, version, entry.position, entry.redacted is not None)


def words(incident: Incident, entry: Entry) -> tuple[str, str | None]:
    """Return what happened, and what is said besides; of a long note its beginning is not said twice."""
    besides = detail(entry)
    if isinstance(entry.fact, NoteAdded) and besides and entry.redacted is None:
        return named(incident, note_label(entry.fact) + besides, entry.service), None
    return named(incident, title(entry), entry.service), besides


def _order(entry: Entry) -> str:
    """Write the place of a row in the one total order so that it sorts as a text."""
    if not entry.order:
        return ""
    at, turn, told, rank, ancestors, _ = entry.order
    return "".join(_sortable(number) for number in (to_us(at) + _BEFORE_1970, turn, *told, rank, ancestors))


def _sortable(number: int) -> str:
    """Write a number with how many digits it has in front, so that a longer one comes later."""
    digits = f"{number:x}"
    return f"{len(digits):x}{digits}"
