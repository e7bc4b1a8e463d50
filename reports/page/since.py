"""What is new on the page of an incident since somebody looked: the lines of `tracker show --since`."""

from collections.abc import Mapping
from urllib.parse import quote

from projections.since import NewRow
from reports.page.facts import IncidentFacts, Since
from reports.page.markup import Html, element, joined
from reports.page.row import key_of, words
from reports.page.times import moment
from reports.wording import since as since_words
from tracker.events.corrections import Correction


def query(since: Since | None) -> str:
    """Write what keeps it in the address of another filter."""
    return f"&since={quote(since.typed, safe='')}" if since else ""


def lines(facts: IncidentFacts, since: Since) -> Html:
    """List what is new, each line with its handle, which leads to the row that it is or that it corrects."""
    name = facts.incident.id
    keys = {event: key_of(entry) for entry in facts.entries for event in entry.evidence}
    left = since_words.left(since.news)
    return joined(
        (
            element(
                "p",
                since_words.heading(name, since.news, since.read_as),
                " ",
                element("a", "Show all as usual", href=f"/{name}#timeline"),
            ),
            element("ul", *(_line(facts, row, keys) for row in since.news.rows), class_="since"),
            element("p", left) if left else "",
        )
    )


def _line(facts: IncidentFacts, row: NewRow, keys: Mapping[str, str]) -> Html:
    entry = row.entry
    fact = entry.fact
    key = keys.get(fact.target if isinstance(fact, Correction) else entry.event)
    what, besides = words(facts.incident, entry)
    return element(
        "li",
        element("a", entry.handle, href=f"#{key}") if key else element("span", entry.handle),
        " ",
        moment(entry.recorded_at, facts.context.zone),
        f" {entry.by or entry.source}: {since_words.beginning(row)}{what}",
        element("span", f" {besides}", class_="detail") if besides else "",
    )
