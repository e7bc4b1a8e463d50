"""The page of one incident: on the first screen what somebody needs who was just woken, the evidence below."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from projections.changes import ChangeRow
from reports.html import fragment
from reports.page import since as since_lines
from reports.page.facts import GROUPS, IncidentFacts, Since
from reports.page.layout import definitions, document, section, severity
from reports.page.markup import Html, element, joined, text
from reports.page.times import ago, left, minute
from reports.sections import impact, metrics, pictures, procedure
from reports.wording.changes import version_name
from reports.wording.durations import open_for
from reports.wording.metrics import after_change_in_words
from reports.wording.procedure import todo, what_is_due
from reports.wording.text import counted
from tracker.incident import Incident, Status
from tracker.text.shortening import short
from tracker.times import utc

_LONGEST_TITLE, _LONGEST_NAME = 110, 60
_MOST_SERVICES = 3
_ROWS = Html("\0")
"""Where the rows come; no text has it, as it is written out there."""
_LONGEST_SENTENCE = 150


def regions(facts: IncidentFacts) -> dict[str, Html]:
    """Write the parts that are replaced as a whole when the log says more."""
    context = facts.context
    addresses = {
        f"{context.incident.id}/{name}": f"/{context.incident.id}/pictures/{name}?at={facts.pictured}"
        for name in pictures.pictures(context)
    }
    main = pictures.main_metric(context)
    measured = [*(pictures.picture(context, main) if main else []), *metrics.lines(context)]
    return {
        "now": first_screen(facts, facts.now),
        "impact": _markdown(impact.lines(context)),
        "metrics": _markdown(measured, addresses),
        "procedure": joined((_due(facts), _markdown(procedure.lines(context)))),
        "related": _related(facts),
    }


def page(
    facts: IncidentFacts,
    parts: Mapping[str, Html],
    *,
    now: datetime,
    show: str | None = None,
    since: Since | None = None,
) -> tuple[str, str]:
    """Write what comes before the rows of the timeline, and what behind; `parts` were written when the log was read."""
    incident = facts.incident
    main = joined(
        (
            element("div", first_screen(facts, now), id="now", data_region="now"),
            section("impact", "Impact", parts["impact"]),
            section("metrics", "Metrics", parts["metrics"]),
            _timeline(facts, show, since),
            section("procedure", "Procedure", parts["procedure"]),
            section("related", "Related and similar incidents", parts["related"]),
            element(
                "p",
                element("a", "The report", href=f"/{incident.id}/report"),
                " · ",
                element("a", "As JSON", href=f"/{incident.id}.json"),
            ),
        )
    )
    live = {
        "data_events": f"/{incident.id}/events",
        "data_position": facts.position,
        "data_log": facts.log,
        "data_now": utc(now),
    }
    before, _, behind = document(f"{incident.id}: {incident.title}", main, live=live).partition(_ROWS)
    return before, behind


def first_screen(facts: IncidentFacts, now: datetime) -> Html:
    """Write what, how severe, since when, who leads, what runs, what was changed last, and what is due next."""
    incident, zone = facts.incident, facts.context.zone
    shown = short(incident.title, _LONGEST_TITLE)
    return joined(
        (
            element("h1", f"{incident.id}: {shown}"),
            element("p", severity(incident.severity), " ", _state(facts, now), class_="state"),
            definitions(
                [
                    ("Stage", short(incident.stage or "not recorded", _LONGEST_NAME)),
                    ("Lead", short(incident.lead or "not recorded", _LONGEST_NAME)),
                    ("Running", _running(facts)),
                    ("Last change", _last_change(facts)),
                    ("Due next", _next(facts, now)),
                ]
            ),
            element(
                "p",
                "Read from the log at position ",
                element("span", facts.position, class_="position"),
                ", ",
                minute(facts.now, zone),
                ".",
                class_="as-of",
            ),
        )
    )


def _state(facts: IncidentFacts, now: datetime) -> Html:
    incident, zone = facts.incident, facts.context.zone
    if incident.status is Status.MERGED:
        return joined(("merged into ", element("a", incident.merged_into, href=f"/{incident.merged_into}")))
    if incident.resolved_at is not None:
        lasted = open_for(incident)
        return joined(
            (
                f"resolved ({incident.resolution}) " if incident.resolution else "resolved ",
                minute(incident.resolved_at, zone),
                f" by {incident.resolved_by or 'unknown'}" + (f", after {lasted}" if lasted else ""),
            )
        )
    since = incident.reopened_at or incident.begins_at
    again = "open again since " if incident.reopened_at is not None else "open since "
    return joined((again, minute(since, zone), ", for ", ago(since, now)))


def _running(facts: IncidentFacts) -> Html:
    """Write the version that runs of each service."""
    if len(facts.running) == 1:
        service, change = next(iter(facts.running.items()))
        return joined((f"{service} ", _version(facts, change)))
    shown = list(facts.running.items())[:_MOST_SERVICES]
    more = len(facts.running) - len(shown)
    written = [element("li", f"{service} ", _version(facts, change)) for service, change in shown]
    if more:
        written.append(element("li", f"and {counted(more, 'more service')}"))
    return element("ul", *written) if written else text("unknown: no service is recorded")


def _version(facts: IncidentFacts, change: ChangeRow | None) -> Html:
    if change is None:
        return text("version unknown: no deploy is recorded")
    name = element("strong", short(version_name(change.version), _LONGEST_NAME))
    return joined((name, " since ", minute(change.finished_at or change.at, facts.context.zone)))


def _last_change(facts: IncidentFacts) -> Html:
    change = facts.last_change
    if change is None:
        return text("no deploy or rollback is recorded")
    what = "rollback to" if change.kind == "rollback" else "deploy of"
    ended = {"started": "in progress since", "finished": "at"}.get(change.status, f"{change.status} at")
    rows = [one for one in facts.context.verdicts if one.change in change.evidence]
    verdict = after_change_in_words(rows, facts.context.name_of) if rows else "not judged yet"
    return joined(
        (
            short(f"{what} {change.service} {version_name(change.version)}", _LONGEST_TITLE),
            f", {ended} ",
            minute(change.at, facts.context.zone),
            ": ",
            element("strong", short(verdict, _LONGEST_SENTENCE)),
        )
    )


def _next(facts: IncidentFacts, now: datetime) -> Html:
    """Write what is most urgent, with its command."""
    if not facts.due:
        return text("nothing")
    item = facts.due[0]
    command = todo(item.next_step) or ""
    when = joined((": ", left(item.due_at, now))) if item.due_at is not None else ""
    return joined(
        (
            text(short(what_is_due(item), _LONGEST_SENTENCE)),
            when,
            element(
                "span",
                element("code", command, id="command"),
                element("button", "Copy", type="button", data_copy="command", aria_label="Copy the command"),
                class_="command",
            ),
        )
    )


def _due(facts: IncidentFacts) -> Html:
    """List all that is due."""
    if not facts.due:
        return element("p", "Nothing is due.")
    return element(
        "ul",
        *(
            element(
                "li",
                text(what_is_due(item)),
                joined((": ", left(item.due_at, facts.now))) if item.due_at is not None else "",
                " ",
                element("code", todo(item.next_step) or ""),
            )
            for item in facts.due
        ),
        class_="due",
    )


def _timeline(facts: IncidentFacts, show: str | None, since: Since | None) -> Html:
    name = facts.incident.id
    links = [(None, "All"), *((group, group.capitalize()) for group in GROUPS)]
    query = since_lines.query(since)
    chosen = element(
        "nav",
        *(
            element(
                "a",
                label,
                href=f"/{name}?show={group}{query}#timeline" if group else f"/{name}?{query[1:]}#timeline",
                aria_current="true" if group == show else None,
                data_show=group or "all",
            )
            for group, label in links
        ),
        aria_label="Filter the timeline",
        class_="filter",
    )
    return element(
        "section",
        element("h2", "Timeline", id="timeline"),
        chosen,
        since_lines.lines(facts, since) if since else "",
        element("ol", _ROWS, id="rows", class_=f"show-{show or 'all'}"),
        element("p", "Nothing is recorded yet.", class_="none") if not facts.entries else "",
        aria_labelledby="timeline",
    )


def _related(facts: IncidentFacts) -> Html:
    incident = facts.incident
    linked = [*incident.merged_from, *([incident.merged_into] if incident.merged_into else [])]
    written = [
        *(element("p", "Merged with ", _link(name), ".") for name in linked),
        _list("Of the same services about this time:", [_described(one) for one in facts.related]),
        _list(
            "Similar earlier incidents:",
            [
                joined(
                    (
                        _link(match.id),
                        " (the same again)" if match.claimed else " (nearest)",
                        ": ",
                        "; ".join(match.reasons),
                    )
                )
                for match in facts.similar
            ],
        ),
    ]
    return joined(written) if any(written) else element("p", "None is recorded.")


def _list(title: str, items: Sequence[Html]) -> Html:
    return (
        joined((element("p", title), element("ul", *(element("li", one) for one in items))))
        if items
        else Html()
    )


def _described(incident: Incident) -> Html:
    return joined((_link(incident.id), f" {incident.title} ({incident.severity}, {incident.status.value})"))


def _link(name: str) -> Html:
    return element("a", name, href=f"/{name}")


def _markdown(lines: Sequence[str], addresses: Mapping[str, str] | None = None) -> Html:
    return Html(fragment("\n".join(lines), addresses or {}))
