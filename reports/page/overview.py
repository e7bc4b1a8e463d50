"""The first page: what is open, what was resolved lately, and whether `serve` hears what it should."""

from collections.abc import Sequence

from projections.procedure.advice import Advice
from reports.page.facts import Overview
from reports.page.layout import document, section, severity, table
from reports.page.markup import Html, element, joined
from reports.page.times import ago, left, minute
from reports.wording.durations import open_for
from reports.wording.procedure import todo, what_is_due
from reports.wording.silence import describe
from tracker.incident import Incident
from tracker.text.shortening import short

_MOST_DUE = 3


def page(overview: Overview) -> str:
    """Write the page."""
    main = joined(
        (
            element("h1", "Incidents"),
            section("open", "Open", _open(overview)),
            section("resolved", "Resolved last", _resolved(overview)),
            section("silent", "Silent sources", _silent(overview)),
            section("parked", "Parked deliveries", _parked(overview)),
            section("heard", "Heard last", _heard(overview)),
            element(
                "p",
                f"Read from the log at position {overview.position}, ",
                minute(overview.now, overview.zone),
                ".",
                class_="as-of",
            ),
        )
    )
    return document("Incidents", main)


def _open(overview: Overview) -> Html:
    if not overview.open:
        return element("p", "No incident is open.")
    return element("ul", *(_incident(overview, *each) for each in overview.open), class_="incidents")


def _incident(overview: Overview, incident: Incident, due: Sequence[Advice]) -> Html:
    since = incident.reopened_at or incident.begins_at
    return element(
        "li",
        element("h3", element("a", f"{incident.id}: {short(incident.title, 140)}", href=f"/{incident.id}")),
        element(
            "p",
            severity(incident.severity),
            " open since ",
            minute(since, overview.zone),
            ", for ",
            ago(since, overview.now),
            f", stage {incident.stage or 'not recorded'}, lead {incident.lead or 'not recorded'}",
        ),
        _due(overview, due),
    )


def _due(overview: Overview, due: Sequence[Advice]) -> Html:
    if not due:
        return element("p", "Nothing is due.")
    return element(
        "ul",
        *(
            element(
                "li",
                what_is_due(item),
                joined((": ", left(item.due_at, overview.now))) if item.due_at is not None else "",
                " ",
                element("code", todo(item.next_step) or ""),
            )
            for item in due[:_MOST_DUE]
        ),
        class_="due",
    )


def _resolved(overview: Overview) -> Html:
    if not overview.resolved:
        return element("p", "None yet.")
    items = []
    for incident, due in overview.resolved:
        assert incident.resolved_at is not None
        lasted = open_for(incident)
        items.append(
            element(
                "li",
                element(
                    "p",
                    element("a", f"{incident.id}: {short(incident.title, 140)}", href=f"/{incident.id}"),
                    " ",
                    severity(incident.severity),
                    " resolved ",
                    minute(incident.resolved_at, overview.zone),
                    f", after {lasted}" if lasted else "",
                ),
                _due(overview, due) if due else "",
            )
        )
    return element("ul", *items, class_="incidents")


def _silent(overview: Overview) -> Html:
    if not overview.silences:
        return element("p", "No source is silent.")
    return element("ul", *(element("li", describe(one)) for one in overview.silences))


def _parked(overview: Overview) -> Html:
    if not overview.parked:
        return element("p", "None: every delivery was parsed.")
    rows: list[list[object]] = [
        [one.number, one.route, one.source, minute(one.received_at, overview.zone), short(one.reason, 200)]
        for one in overview.parked
    ]
    return joined(
        (
            table(
                "Deliveries that could not be parsed", ["Number", "Route", "Source", "Received", "Why"], rows
            ),
            element("p", "Try again: ", element("code", "tracker inbox retry"), "."),
        )
    )


def _heard(overview: Overview) -> Html:
    if not overview.heard:
        return element("p", "Nothing was received since serve started, and no source is polled.")
    rows: list[list[object]] = [
        [
            one.source,
            joined((minute(one.at, overview.zone), ", ", ago(one.at, overview.now), " ago"))
            if one.at
            else "never",
            {True: "answers", False: "did not answer the last time", None: "sends by itself"}[one.up],
        ]
        for one in overview.heard
    ]
    return table("When each source was heard last", ["Source", "Last heard", "State"], rows)
