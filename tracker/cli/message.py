"""Tell the team: write a message from the log, post it to Slack, or record what was posted by hand.

Without --send and --sent it only prints the message, to paste. With --send it is recorded, then
posted, and what became of it is recorded; `tracker message --send` alone posts what still waits.
"""

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tracker.cli.common import add_display_zone, add_recording, say, write_json
from tracker.cli.progress import waiting
from tracker.cli.workspace import Recording, Workspace
from tracker.errors import SettingsError, SourceUnreachableError, UsageError
from tracker.events.messages import MESSAGE_KINDS
from tracker.times import Typed, duration_seconds, parse, utc

if TYPE_CHECKING:
    from projections.messages import Message
    from reports.messages import Draft
    from tracker.events.base import Decision, Incoming, Recorded
    from tracker.incident import Incident
    from tracker.slack import Slack

EXAMPLE = """examples:
  tracker message INC-42 initial --eta 15m --send
  tracker message . update --eta 14:55Z --sent
  tracker message INC-42 resolved"""

TWICE_WITHIN = timedelta(minutes=1)
"""The very same message typed again so soon is a key pressed twice."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take which message of which incident, and what becomes of it."""
    parser.add_argument(
        "incident",
        metavar="INC",
        nargs="?",
        help="INC-42, 42, or . for the only open one; not for --send alone",
    )
    parser.add_argument("kind", nargs="?", choices=MESSAGE_KINDS)
    parser.add_argument("--eta", metavar="T", help="what it promises: 15m from now, 14:55Z, 14:55+01:00")
    parser.add_argument("--text", metavar="TEXT", help="these words instead of the template")
    parser.add_argument("--contact", metavar="NAME", help="who answers questions (default: the lead)")
    parser.add_argument("--send", action="store_true", help="post it to Slack, and record that")
    parser.add_argument("--sent", action="store_true", help="record that it was posted by hand (--at: when)")
    add_display_zone(parser)
    add_recording(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write it, and post or record it."""
    if arguments.send and arguments.sent:
        raise UsageError("message: --send posts it, --sent says that it was posted", hint="Give one of them")
    if arguments.incident is None:
        if not arguments.send:
            raise UsageError(
                "message: of which incident?",
                hint="tracker message INC initial   ·   tracker message . update",
            )
        return _deliver_all(arguments, workspace)
    if arguments.kind is None:
        raise UsageError(
            f"message: which one? {', '.join(MESSAGE_KINDS)}",
            hint=f"tracker message {arguments.incident} update",
        )
    if arguments.at and not arguments.sent:
        raise UsageError(
            "message: --at says when it was posted by hand", hint="Add --sent, or leave --at out"
        )
    slack = _slack(workspace) if arguments.send else None
    incident = workspace.incident(arguments.incident)
    facts = workspace.facts_of(incident)
    at = workspace.instant(arguments.at, incident)
    eta = _eta(arguments.eta, at, workspace)
    draft = _draft(arguments, workspace, incident, facts, at.at, eta)
    text = plain_text(_text(arguments, draft, eta))
    if slack is not None:
        return _send(arguments, workspace, incident, facts, text, eta, slack)
    if arguments.sent:
        return _sent(arguments, workspace, incident, facts, text, eta, at)
    return _print(arguments, draft, text)


def _slack(workspace: Workspace) -> "Slack":
    from tracker.slack import configured

    slack = configured(workspace.settings)
    if slack is None:
        where = workspace.settings.path or "tracker.toml"
        raise SettingsError(
            f"{where} names no Slack to post to",
            hint='Add to it: [slack] webhook_url_env = "SLACK_URL", then: export SLACK_URL=…   '
            "(or post it by hand and record it: --sent)",
        )
    return slack


def _eta(typed: str | None, at: Typed, workspace: Workspace) -> datetime | None:
    """Read what is promised: a duration from the message on, or the clock time that is nearest to it."""
    if typed is None:
        return None
    raw = typed.strip()
    try:
        eta = at.at + timedelta(seconds=duration_seconds(raw))
    except OverflowError as too_long:
        raise UsageError(f"--eta: {raw!r} is too far away", hint="--eta 20m") from too_long
    except UsageError:
        half = timedelta(hours=12)
        if raw == "now" or raw.endswith("-ago"):
            return parse(raw, now=workspace.now, option="--eta").at
        eta = parse(
            raw,
            now=at.at + half,
            default_zone=workspace.typed_zone,
            earliest=at.at - half,
            option="--eta",
            allow_future=True,
        ).at
    if eta.year >= 9000:
        raise UsageError(f"--eta: {raw!r} is too far away", hint="--eta 20m")
    say(f"--eta {raw} is {utc(eta)}")
    return eta


def _draft(
    arguments: argparse.Namespace,
    workspace: Workspace,
    incident: "Incident",
    facts: "list[Recorded]",
    at: datetime,
    eta: datetime | None,
) -> "Draft":
    from projections.changes import changes
    from projections.durations import durations
    from projections.timeline import timeline
    from projections.updates import promised
    from reports.messages import Draft
    from tracker.cli.report import configured_metrics

    before = promised(incident)
    if eta is None and before is not None and before.eta is not None and before.eta > at:
        eta = before.eta
    metrics = [
        (service, metric)
        for service in incident.services
        for metric in configured_metrics(workspace, service, None)[0].get("metrics", {})
    ]
    return Draft(
        incident=incident,
        entries=timeline(facts, incident=incident),
        changes=changes(facts),
        durations=durations(incident, facts),
        metrics=metrics,
        at=at,
        eta=eta,
        contact=arguments.contact,
        zone=workspace.shown_zone,
    )


def _text(arguments: argparse.Namespace, draft: "Draft", eta: datetime | None) -> str:
    from reports.messages import write
    from tracker.decisions_on_messages import checked

    given: str | None = arguments.text
    # Refused before it is written: what makes no sense has no template either.
    checked(draft.incident, arguments.kind, "…" if given is None else plain_text(given), at=draft.at, eta=eta)
    return write(arguments.kind, draft) if given is None else given


def plain_text(text: str) -> str:
    """Keep lines, drop what drives a terminal."""
    lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
    return "\n".join(
        "".join(char for char in line if not (ord(char) < 32 or 127 <= ord(char) < 160)) for line in lines
    )


def _print(arguments: argparse.Namespace, draft: "Draft", text: str) -> int:
    incident = draft.incident
    eta = draft.eta if arguments.kind != "resolved" else None
    if arguments.json:
        write_json({"incident": incident.id, "kind": arguments.kind, "text": text, "eta": eta})
        return 0
    print(text)
    for line in _not_known(arguments, draft):
        say(line)
    say(
        f"Nothing was posted or recorded. Posted by hand? tracker message {incident.id} {arguments.kind} --sent"
    )
    return 0


def _not_known(arguments: argparse.Namespace, draft: "Draft") -> list[str]:
    """Say what the template lacks, with the command that would make it known."""
    incident = draft.incident
    if arguments.text is not None:
        return []
    lines = []
    if incident.impact is None:
        lines.append(
            f'The impact is not recorded: tracker note {incident.id} "who is affected" --kind impact'
        )
    if incident.lead is None and not arguments.contact:
        lines.append(f"Nobody leads: tracker lead {incident.id} NAME, or --contact NAME")
    rollbacks = [row for row in draft.changes if row.kind == "rollback" and row.service in incident.services]
    if arguments.kind == "rollback" and not rollbacks:
        lines.append(f"No rollback is recorded: tracker rollback start {incident.services[0]} VERSION")
    return lines


def _sent(
    arguments: argparse.Namespace,
    workspace: Workspace,
    incident: "Incident",
    facts: "list[Recorded]",
    text: str,
    eta: datetime | None,
    at: Typed,
) -> int:
    from tracker.decisions_on_messages import posted_by_hand

    by, kind = workspace.who, arguments.kind
    recording = workspace.decide(
        incident.id, lambda held: [posted_by_hand(held, kind, text, by=by, at=at, eta=eta)]
    )
    _miss(workspace, incident.id, facts)
    promise = f", promising {utc(eta)}" if eta else ""
    said = f"{incident.id}: {kind} message posted by hand at {utc(at.at)} by {by}{promise}"
    return workspace.answer(
        recording, said, {"incident": incident.id, "kind": kind, "text": text, "eta": eta, "sent_at": at.at}
    )


def _send(
    arguments: argparse.Namespace,
    workspace: Workspace,
    incident: "Incident",
    facts: "list[Recorded]",
    text: str,
    eta: datetime | None,
    slack: "Slack",
) -> int:
    from projections.messages import State
    from projections.updates import messages_of
    from tracker.decisions_on_messages import prepare
    from tracker.events.base import Arrival, Incoming
    from tracker.outbox import VIA, deliver
    from tracker.slack import LONGEST, escaped

    by, kind, at = workspace.who, arguments.kind, workspace.instant(None)
    longest = LONGEST - (len(escaped(text)) - len(text))

    def same(held: "Incident") -> "Message | None":
        """Return the very same message if it waits, or was posted a moment ago."""
        for each in messages_of(held):
            waits = each.state in (State.WAITING, State.POSTING) and each.via == VIA
            fresh = each.sent_at is not None and abs(at.at - each.sent_at) < TWICE_WITHIN
            if (each.kind, each.text) == (kind, text) and (waits or fresh):
                return each
        return None

    def decision(held: "Incident") -> "list[Decision | Incoming]":
        if same(held) is not None:
            return []
        decided = prepare(held, kind, text, by=by, at=at, eta=eta, longest=longest)
        return [Incoming(event=decided, arrival=Arrival(via=VIA))]

    recording = workspace.decide(incident.id, decision, Recording())
    held = workspace.incident(incident.id)
    twice = None if recording.recorded else same(held)
    name = recording.recorded[0] if recording.recorded else twice.event if twice else ""
    with waiting("posting"):
        done = deliver(workspace.log, slack)
    _miss(workspace, incident.id, facts)
    for each in done:
        if each.message.event != name:
            say(f"{each.message.incident}: the {each.message.kind} message that waited: {each.said}")
    mine = next(each for each in messages_of(workspace.incident(incident.id)) if each.event == name)
    said = next((each.said for each in done if each.message.event == name), "")
    if mine.state is not State.SENT:
        raise _not_posted(mine, said)
    assert mine.sent_at is not None
    if twice is not None and twice.state is State.SENT:
        recording.known += (name,)
        said = f"{incident.id}: this very {kind} message was posted at {utc(mine.sent_at)} already; nothing was posted again"
    else:
        recording.recorded += (mine.sent_event or "",)
        promise = f", promising {utc(mine.eta)}" if mine.eta else ""
        said = (
            f"{incident.id}: {kind} message posted to Slack at {utc(mine.sent_at)}, says {mine.by}{promise}"
        )
    return workspace.answer(recording, said, {"incident": incident.id, **described(mine)})


def _miss(workspace: Workspace, name: str, facts: "list[Recorded]") -> None:
    """Record what was promised before and did not come: `tracker serve` may not be running."""
    from tracker.outbox import record_missed_etas

    incident = workspace.incident(name)
    if record_missed_etas(workspace.log, incident, facts, workspace.now).recorded:
        say(f"{name}: an earlier ETA was missed, and that is recorded: tracker timeline {name}")


def _deliver_all(arguments: argparse.Namespace, workspace: Workspace) -> int:
    from projections.messages import State
    from tracker.outbox import deliver

    for option in ("eta", "text", "contact", "at"):
        if getattr(arguments, option) is not None:
            raise UsageError(
                f"message: --{option} is for a message, and --send alone posts what waits",
                hint="tracker message INC initial --send",
            )
    slack = _slack(workspace)
    with waiting("posting"):
        done = deliver(workspace.log, slack)
    if arguments.json:
        write_json(
            {
                "outbox": [
                    {"incident": each.message.incident, **described(each.message), "says": each.said}
                    for each in done
                ]
            }
        )
    elif not done:
        say("Nothing waits in the outbox.")
    else:
        for each in done:
            say(f"{each.message.incident}: {each.message.kind} message: {each.said}")
    return 0 if all(each.state is State.SENT for each in done) else SourceUnreachableError.exit_code


def _not_posted(message: "Message", said: str) -> SourceUnreachableError:
    from projections.messages import State

    name = f"tracker message {message.incident} {message.kind}"
    what = f"the {message.kind} message of {message.incident}"
    why = said or message.reason or ""
    if message.state is State.UNSURE:
        return SourceUnreachableError(
            f"{what} may have been posted, or not: {why}",
            hint=f"Look in the channel. If it is there: {name} --sent   If it is not: {name} --send",
        )
    if message.state in (State.WAITING, State.POSTING):
        return SourceUnreachableError(
            f"{what} is not posted yet: {why}",
            hint=f"tracker serve posts it, or: tracker message --send   By hand instead: {name} --sent",
        )
    return SourceUnreachableError(
        f"{what} was not posted: {why}",
        hint=f"Set right what [slack] webhook_url_env names and type it again, or post it by hand: {name} --sent",
    )


def described(message: "Message") -> dict[str, Any]:
    """Return a message as JSON keys."""
    return {
        "event": message.event,
        "kind": message.kind,
        "state": message.state,
        "text": message.text,
        "by": message.by,
        "by_hand": message.by_hand,
        "prepared_at": message.prepared_at,
        "sent_at": message.sent_at,
        "eta": message.eta,
        "attempts": message.attempts,
        "retry_at": message.retry_at,
        "reason": message.reason,
    }
