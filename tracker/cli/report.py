"""Write the post-incident report, and draw its pictures, from the log alone.

The same log position gives the same bytes, on any machine, in any zone. What is not known is
said, with the command that would make it known.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.cli.common import add_incident, add_reading, say, write_json
from tracker.cli.progress import waiting
from tracker.cli.provenance import provenance
from tracker.cli.workspace import Workspace
from tracker.errors import BadInputError
from tracker.times import zone

if TYPE_CHECKING:
    from projections.samples import Series
    from reports.context import Context, MetricPlan
    from reports.post_incident import Document
    from tracker.cli.comparing import Compared
    from tracker.events.base import Recorded
    from tracker.incident import Incident

EXAMPLE = "example:  tracker report INC-42        tracker report INC-42 -o - | less"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to write it, and how."""
    add_incident(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="default INC-42.md here, pictures in INC-42/; - is stdout"
    )
    parser.add_argument("--format", choices=("markdown",), default="markdown")
    parser.add_argument("--pictures", choices=("svg", "png", "none"), default="svg")
    parser.add_argument("--tz", metavar="ZONE", help="the zone of the timeline (default UTC)")
    add_reading(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write it."""
    upto = workspace.cut()
    zone_name = arguments.tz or "UTC"
    name = workspace.incident(arguments.incident, upto).id
    to_stdout = arguments.output == "-"
    with waiting("report"):
        written = document(
            workspace,
            name,
            upto,
            zone_name=zone_name,
            suffix="png" if arguments.pictures == "png" else "svg",
            with_pictures=arguments.pictures != "none" and not to_stdout and not arguments.json,
        )
    if arguments.json:
        write_json({"incident": name, "markdown": written.markdown})
        return 0
    if to_stdout:
        sys.stdout.flush()
        sys.stdout.buffer.write(written.markdown.encode())
        return 0
    target = Path(arguments.output or f"{name}.md")
    save(written, target)
    print(target)
    for path in sorted(written.pictures):
        print(target.parent / path)
    say(f"Next: read it aloud, then: tracker verify --report {target}")
    return 0


def save(written: "Document", target: Path) -> None:
    """Write the text and the pictures beside it; the text comes last, so that it never names what is missing.

    Raises:
        BadInputError: If the place cannot be written.
    """
    hint = "Name another place: -o FILE"
    if target.is_dir():
        raise BadInputError(f"{target}: cannot be written: Is a directory", hint=hint)
    if not target.parent.is_dir():
        raise BadInputError(f"{target}: there is no folder {target.parent}", hint=f"mkdir -p {target.parent}")
    try:
        for path, data in written.pictures.items():
            picture = target.parent / path
            picture.parent.mkdir(exist_ok=True)
            picture.write_bytes(data)
        target.write_bytes(written.markdown.encode())
    except OSError as wrong:
        raise BadInputError(
            f"{wrong.filename or target}: cannot be written: {wrong.strerror}", hint=hint
        ) from wrong


def document(
    workspace: Workspace,
    name: str,
    upto: int | None,
    *,
    zone_name: str = "UTC",
    suffix: str = "svg",
    with_pictures: bool = True,
    names_log: bool = True,
) -> "Document":
    """Gather what the log holds of an incident up to a position, and write the report.

    Without `names_log` its footer is as it was before logs had an id.
    """
    from dataclasses import replace

    from reports.post_incident import write

    context = gathered(workspace, name, upto, zone_name=zone_name, suffix=suffix)
    if not names_log:
        context = replace(context, provenance=replace(context.provenance, log="", came=()))
    return write(context, with_pictures=with_pictures)


def gathered(
    workspace: Workspace, name: str, upto: int | None, *, zone_name: str = "UTC", suffix: str = "svg"
) -> "Context":
    """Read all that the report stands on; its position is that of the last event used."""
    from dataclasses import replace

    from projections.changes import changes
    from projections.durations import durations
    from projections.silence import silences
    from projections.timeline import timeline
    from reports.context import Context, Provenance
    from tracker.cli.comparing import compared
    from tracker.events.samples import SourceCollected

    incident = workspace.incident(name, upto)
    facts = workspace.facts_of(incident, upto)
    entries = timeline(facts, incident=incident)
    shown = {event for entry in entries for event in entry.evidence}
    as_of = max(each.recorded_at for each in facts)
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
    )
    collected = _collected(workspace, incident, upto)
    plans, used = _metrics(workspace, base, upto)
    found = compared(workspace, incident, upto)
    used += facts + collected + found.used
    return replace(
        base,
        metrics=tuple(_with_normal(plan, found) for plan in plans),
        verdicts=tuple(found.rows),
        collected=tuple(each.event for each in collected if isinstance(each.event, SourceCollected)),
        provenance=provenance(workspace, name, used, upto),
    )


def _with_normal(plan: "MetricPlan", found: "Compared") -> "MetricPlan":
    """Add the healthy level and natural swing of a metric of one series, for its picture."""
    from dataclasses import replace

    from projections.verdicts.live import normal

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
            if not series and metric not in configured:
                continue
            used += chunks
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
