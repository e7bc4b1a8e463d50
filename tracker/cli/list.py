"""List the incidents, newest first. `tracker` alone lists the open ones and what is due next."""

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tracker.cli.common import add_json, printable, table, write_json
from tracker.cli.workspace import Workspace
from tracker.times import duration_seconds, spoken, utc

if TYPE_CHECKING:
    from projections.updates import UpdateDue
    from tracker.incident import Incident

EXAMPLE = "example:  tracker list --open"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to leave out."""
    parser.add_argument("--open", action="store_true", help="only those that are not over")
    parser.add_argument("--service", metavar="S", help="only those of this service")
    parser.add_argument("--due", action="store_true", help=argparse.SUPPRESS)
    add_json(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Print them."""
    from projections.incidents import open_ones, ours

    found = workspace.standing()
    if arguments.open or arguments.due:
        found = open_ones(found)
    if arguments.service:
        found = [each for each in found if arguments.service in each.services]
        if not found:
            workspace.asked_service(arguments.service)
    found = workspace.whole(found)
    found.reverse()
    if arguments.json:
        write_json({"incidents": [described(each) for each in found]})
        return 0
    if not found:
        what = "no open incident" if arguments.open or arguments.due else "no incident"
        whose = f" of {arguments.service}" if arguments.service else ""
        print(f"There is {what}{whose} in {workspace.settings.store.rsplit('@', 1)[-1]}.")
        print('Declare one: tracker declare "what is broken" --service NAME --severity critical')
        print("See how it works: tracker demo")
        return 0
    rows = []
    for each in found:
        until = each.resolved_at or workspace.now
        lasted = spoken((until - each.begins_at).total_seconds())
        state = (
            each.resolution or each.status.value if each.resolved_at else f"open {each.stage or ''}".strip()
        )
        title = printable(each.title) + (" (imported)" if each.imported else "")
        rows.append((each.id, each.severity, state, utc(each.begins_at)[:16] + "Z", lasted, title))
    print(table(rows), end="")
    if arguments.due:
        for each in ours(found):
            reminder = message_due(workspace, each)
            if reminder is not None:
                print(f"{each.id}: {reminder}")
            print(f"{each.id}: {next_step(each)}")
    return 0


def message_owed(
    workspace: Workspace, incident: "Incident", upto: int | None = None
) -> "tuple[UpdateDue | None, datetime]":
    """Return the message that an incident owes next, and the instant that counts as now.

    Looking back, [procedure] is what it was then and now is the incident's last event: nothing ticks.
    """
    from projections.updates import update_due
    from tracker.events.housekeeping import SettingsChanged

    procedure: dict[str, Any] = msgspec.to_builtins(workspace.settings.procedure)
    now = workspace.now
    if upto is not None:
        last = workspace.settings_recorded(None, upto, incident.id)
        if last is not None and isinstance(last.event, SettingsChanged):
            procedure |= last.event.settings.get("procedure", {})
        now = max(step.recorded.recorded_at for step in incident.steps)
    owed = update_due(
        incident,
        alert_team_within=timedelta(seconds=duration_seconds(procedure["alert_team_within"])),
        update_every=timedelta(seconds=duration_seconds(procedure["update_every"])),
    )
    return owed, now


def message_due(workspace: Workspace, incident: "Incident", upto: int | None = None) -> str | None:
    """Say when the team is to hear next of an incident, and what to type; None of one that is over."""
    owed, now = message_owed(workspace, incident, upto)
    if owed is None or incident.imported:
        return None
    late = owed.overdue_seconds(now)
    when = f"in {spoken(-late)}" if late < 0 else f"{spoken(late)} ago" if late >= 1 else "now"
    what = "the team was not alerted yet; due" if owed.kind == "initial" else "next update to the team due"
    return f"{what} {when}: tracker message {incident.id} {owed.kind}"


def described(incident: "Incident") -> dict[str, object]:
    """Return an incident's own facts as JSON keys."""
    return {
        "incident": incident.id,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "services": incident.services,
        "stage": incident.stage,
        "lead": incident.lead,
        "impact": incident.impact,
        "declared_at": incident.declared_at,
        "declared_by": incident.declared_by,
        "detected_by": incident.detected_by,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "resolution": incident.resolution,
        "merged_into": incident.merged_into,
        "merged_from": incident.merged_from,
        "milestones": {
            name: {"at": milestone.at, "until": milestone.until, "by": milestone.by, "event": milestone.event}
            for name, milestone in incident.milestones.items()
        },
    }


def next_step(incident: "Incident") -> str:
    """Say what would help most, from what is not recorded yet."""
    if incident.started_at is None:
        return f"say when it began: tracker milestone {incident.id} started --at T"
    if incident.lead is None:
        return f"say who leads: tracker lead {incident.id} NAME"
    if incident.impact is None:
        return f'say who is affected: tracker note {incident.id} "…" --kind impact'
    return f"when it is over: tracker resolve {incident.id}"
