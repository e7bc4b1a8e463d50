"""Write the post-incident report, and draw its pictures, from the log alone.

The same log position gives the same bytes, on any machine, in any zone. What is not known is
said, with the command that would make it known. What people write by hand between its parts
stays when it is written again; what was typed into a part is shown, and never written over.
"""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.application import action_items, report_files
from tracker.application.provenance import provenance
from tracker.application.secret_warnings import warn_of_secrets
from tracker.application.session import Workspace
from tracker.cli.common import add_incident, add_reading, say, write_json
from tracker.cli.progress import waiting
from tracker.times import zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projections.review import Standing
    from projections.samples import Series
    from reports.context import Context, MetricPlan
    from reports.generated_regions import Apart
    from reports.post_incident import Document
    from tracker.application.verdicts import Compared
    from tracker.events.base import Recorded
    from tracker.incident import Incident

EXAMPLE = "example:  tracker report INC-42        tracker report INC-42 -o - | less"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to write it, and how."""
    add_incident(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="default INC-42.md (INC-42.html) here, pictures in INC-42/; - is stdout",
    )
    parser.add_argument(
        "--format",
        choices=("markdown", "html"),
        default="markdown",
        help="html is one page with its pictures in it",
    )
    parser.add_argument(
        "--template",
        choices=("guide", "google", "pagerduty"),
        help="whose headings (default: those of the file that is there, else guide)",
    )
    parser.add_argument("--pictures", choices=("svg", "png", "none"), help="default svg")
    parser.add_argument("--tz", metavar="ZONE", help="the zone of the timeline (default UTC)")
    parser.add_argument(
        "--diff", choices=("published",), help="what changed since it was last published; writes no file"
    )
    parser.add_argument(
        "--force", action="store_true", help="let the log win over what was typed into generated parts"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write it."""
    upto = workspace.cut()
    name = workspace.incident(arguments.incident, upto).id
    if arguments.diff:
        from tracker.cli import report_diff

        return report_diff.run(arguments, workspace, name, upto)
    aside = arguments.output == "-" or arguments.json
    if arguments.format == "html":
        from tracker.cli import report_html

        return report_html.run(arguments, workspace, name, upto)
    target = Path(arguments.output or f"{name}.md")
    found = None if aside else report_files.standing_at(target, name)
    held = found.attributes if found else {}
    template = arguments.template or held.get("template", "guide")
    with waiting("report"):
        written = document(
            workspace,
            name,
            upto,
            zone_name=arguments.tz or held.get("zone", "UTC"),
            suffix="png" if (arguments.pictures or held.get("pictures")) == "png" else "svg",
            template=template,
            with_pictures=arguments.pictures != "none" and not aside,
        )
    if aside:
        warn_of_secrets(written.markdown, "the report")
    if arguments.json:
        write_json({"incident": name, "template": template, "markdown": written.markdown})
        return 0
    if aside:
        sys.stdout.flush()
        sys.stdout.buffer.write(written.markdown.encode())
        return 0
    data = written.markdown.encode()
    if found is not None:
        data = report_files.renew(
            target,
            found,
            written.parts,
            force=arguments.force,
            as_it_was=lambda: as_it_was(workspace, found),
        )
    warn_of_secrets(data.decode("utf-8", "replace"), str(target))
    report_files.refuse_changed(target, found)
    report_files.put(target, data, written.pictures)
    print(target)
    for path in sorted(written.pictures):
        print(target.parent / path)
    if found is not None and found.by_hand:
        say(f"{target} keeps {report_files.hand_lines(found.by_hand)}")
    say(f"Next: read it aloud, then: tracker verify --report {target}")
    return 0


def as_it_was(workspace: Workspace, found: "Apart") -> dict[str, str]:
    """Return the parts of a report as the log had them at the position in its footer; none where that cannot be told."""
    footer = report_files.footer_of(found)
    if not footer or int(footer["position"]) > workspace.log.position:
        return {}
    if footer["log"] not in (None, workspace.log.id):
        return {}
    written = again(workspace, found, int(footer["position"]))
    return {part.name: part.text for part in written.parts}


def again(
    workspace: Workspace,
    found: "Apart",
    position: int,
    *,
    standing: "Standing | None" = None,
    with_pictures: bool = False,
) -> "Document":
    """Write a report that stands somewhere anew, in its own form, as of a position."""
    held = found.attributes
    return document(
        workspace,
        held["incident"],
        position,
        zone_name=held.get("zone", "UTC"),
        suffix="png" if held.get("pictures") == "png" else "svg",
        template=held["template"],
        standing=standing,
        with_pictures=with_pictures,
    )


def standing_of(workspace: Workspace, incident: "Incident", upto: int | None) -> "Standing":
    """Say where a report stands; all that it stands on is read only once it was published."""
    from projections.review import publications, standing

    if not publications(incident):
        return standing(incident, ())
    return gathered(workspace, incident.id, upto).standing


def save(written: "Document", target: Path) -> None:
    """Write a report and its pictures where none stands."""
    report_files.put(target, written.markdown.encode(), written.pictures)


def document(
    workspace: Workspace,
    name: str,
    upto: int | None,
    *,
    zone_name: str = "UTC",
    suffix: str = "svg",
    template: str = "guide",
    standing: "Standing | None" = None,
    with_pictures: bool = True,
) -> "Document":
    """Gather what the log holds of an incident up to a position, and write the report.

    `standing` says where the report stands, where that is not what the log says at that position:
    it is published by being written.
    """
    from reports.post_incident import write

    context = gathered(workspace, name, upto, zone_name=zone_name, suffix=suffix)
    if standing is not None:
        context = replace(context, standing=standing)
    return write(context, template=template, with_pictures=with_pictures)


def gathered(
    workspace: Workspace, name: str, upto: int | None, *, zone_name: str = "UTC", suffix: str = "svg"
) -> "Context":
    """Read all that the report stands on; its position is that of the last event used."""
    from projections.changes import changes
    from projections.durations import durations
    from projections.review import REVIEWS, standing
    from projections.silence import silences
    from projections.timeline import timeline
    from reports.context import Context, Provenance
    from tracker.application.procedure import measured, settled
    from tracker.application.verdicts import compared
    from tracker.events.samples import SourceCollected

    incident = workspace.incident(name, upto)
    facts = workspace.facts_of(incident, upto)
    # That the report was reviewed and published is no part of the story that it tells.
    entries = [each for each in timeline(facts, incident=incident) if not isinstance(each.fact, REVIEWS)]
    shown = {event for entry in entries for event in entry.evidence}
    actions, about_actions = action_items.relevant(workspace, incident, upto)
    as_of = max(each.recorded_at for each in [*facts, *about_actions])
    base = Context(
        incident=incident,
        entries=tuple(entries),
        changes=tuple(changes(facts)),
        durations=durations(incident, facts),
        metrics=(),
        collected=(),
        as_of=as_of,
        provenance=Provenance(0, "", "", "", {}),
        zone_name=zone_name,
        zone=zone(zone_name) if zone_name != "UTC" else UTC,
        picture_suffix=suffix,
        silences=tuple(each for each in silences(facts) if each.event in shown),
        actions=tuple(actions),
    )
    collected = _collected(workspace, incident, upto)
    plans, used = _metrics(workspace, base, upto)
    found = compared(workspace, incident, upto)
    used += facts + about_actions + collected + found.used
    procedure = settled(workspace, incident, upto, verdicts=found.rows, facts=facts, among=used)
    used += procedure.used
    used += redactions_of(workspace, used, upto)
    used.sort(key=lambda each: each.position)
    return replace(
        base,
        metrics=tuple(_with_normal(plan, found) for plan in plans),
        verdicts=tuple(found.rows),
        durations=measured(incident, facts, procedure.evidence),
        redacted=tuple({each.position: each for each in used if each.redacted is not None}.values()),
        rules=tuple(procedure.rules),
        standing=standing(incident, used),
        collected=tuple(each.event for each in collected if isinstance(each.event, SourceCollected)),
        provenance=provenance(workspace, name, used, upto),
    )


def redactions_of(workspace: Workspace, found: "Iterable[Recorded]", upto: int | None) -> "list[Recorded]":
    """Return what says of these events that they were redacted: the report says it, too."""
    return workspace.log.by_ids([each.redacted.event for each in found if each.redacted is not None], upto)


def _with_normal(plan: "MetricPlan", found: "Compared") -> "MetricPlan":
    """Add the healthy level and natural swing of a metric of one series, for its picture."""
    from projections.judgement.live import normal

    mine = [each for each in found.metrics if (each.service, each.metric) == (plan.service, plan.name)]
    return replace(plan, normal=normal(mine[0], healthy_to=found.healthy_until)) if len(mine) == 1 else plan


def _collected(workspace: Workspace, incident: "Incident", upto: int | None) -> "list[Recorded]":
    """Return what sources said of the incident's own span."""
    from tracker.events.base import Window

    start = incident.begins_at - timedelta(days=2)
    end = (incident.ends_at or datetime.max.replace(tzinfo=UTC) - timedelta(days=2)) + timedelta(days=1)
    return workspace.log.select([Window(f"collected:{name}", start, end) for name in incident.services], upto)


def _metrics(
    workspace: Workspace, context: "Context", upto: int | None
) -> "tuple[list[MetricPlan], list[Recorded]]":
    """Return the metrics that the log's settings and samples name, and the events that say so."""
    from reports.context import MetricPlan

    start, end = context.picture_span
    start = min(start, context.incident.begins_at - timedelta(hours=1))
    end = max(end, context.ends_at + timedelta(hours=1))
    plans: list[MetricPlan] = []
    used: list[Recorded] = []
    for service in context.incident.services:
        settings_of, event = configured_metrics(workspace, service, upto, context.incident.id)
        configured = settings_of.get("metrics", {})
        used += event
        sampled = [scope.partition("/")[2] for scope in workspace.log.scope_names(f"samples:{service}/")]
        for metric in dict.fromkeys([*configured, *sampled]):
            settings = configured.get(metric, {})
            series, chunks = workspace.samples_with_events(service, metric, start, end, upto)
            used += chunks
            if not series and metric not in configured:
                continue
            plans.append(
                MetricPlan(
                    service=service,
                    name=metric,
                    query=settings.get("query"),
                    unit=settings.get("unit") or next((each.unit for each in series if each.unit), None),
                    better=settings.get("better", "neither"),
                    threshold=settings.get("threshold"),
                    series=tuple(of_query(series, settings.get("query"))),
                )
            )
    return plans, used


def of_query(series: "list[Series]", query: str | None) -> "list[Series]":
    """Keep the series of the query that the settings name; of an older one only where it has none."""
    mine = [each for each in series if each.query == query]
    return mine or series


def configured_metrics(
    workspace: Workspace, service: str, upto: int | None, incident: str | None = None
) -> "tuple[dict[str, Any], list[Recorded]]":
    """Return a service's settings as the log has them for an incident, and the event that says so."""
    from tracker.events.housekeeping import SettingsChanged

    last = workspace.settings_recorded(service, upto, incident)
    if last is None or not isinstance(last.event, SettingsChanged):
        return {}, []
    return dict(last.event.settings), [last]
