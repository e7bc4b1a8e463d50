"""Write a message to the team from the log, post it to Slack, or record one that was posted by hand.

Without --send and --sent the message is only printed, ready to paste. With --send it is recorded,
posted, and the outcome recorded. `tracker message --send` alone posts what is still in the outbox.
"""

import argparse
import re
from datetime import datetime, timedelta

from projections.changes import ChangeRow, in_production
from projections.dossier import Dossier, Part
from projections.durations import durations
from projections.messages import State
from projections.timeline import timeline
from projections.updates import promised
from reports.messages import Draft, write
from tracker.application import message_delivery
from tracker.application.dossier import dossier
from tracker.application.outbox import deliver
from tracker.application.secret_warnings import secret_notices
from tracker.application.session import Session
from tracker.application.slack import Slack
from tracker.cli.common import add_display_zone, add_recording, answer, say, write_json
from tracker.cli.progress import waiting
from tracker.decisions.messages import checked, posted_by_hand
from tracker.errors import SourceUnreachableError, UsageError
from tracker.events.messages import MESSAGE_KINDS
from tracker.incident import Incident
from tracker.text.mojibake import mojibake_notices
from tracker.times import Typed, duration_seconds, parse, utc

EXAMPLE = """examples:
  tracker message INC-42 initial --eta 15m --send
  tracker message . update --eta 14:55Z --sent
  tracker message INC-42 resolved"""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "incident",
        metavar="INC",
        nargs="?",
        help="INC-42, 42, or . for the only open incident; omitted with --send alone",
    )
    parser.add_argument("kind", nargs="?", choices=MESSAGE_KINDS, help="which message")
    parser.add_argument("--eta", metavar="T", help="promised time: 15m (from now), 14:55Z, 14:55+01:00")
    parser.add_argument("--text", metavar="TEXT", help="your own text instead of the template")
    parser.add_argument("--contact", metavar="NAME", help="contact person (default: the lead)")
    parser.add_argument("--send", action="store_true", help="post it to Slack and record the outcome")
    parser.add_argument(
        "--sent", action="store_true", help="record that it was posted by hand (--at for the time)"
    )
    add_display_zone(parser)
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.send and arguments.sent:
        raise UsageError(
            "message: --send posts it, --sent records that it was posted", hint="Give only one of them"
        )
    if arguments.incident is None:
        if not arguments.send:
            raise UsageError(
                "message: which incident?",
                hint="tracker message INC initial   ·   tracker message . update",
            )
        return _deliver_all(arguments, session)
    if arguments.kind is None:
        raise UsageError(
            f"message: which kind? {', '.join(MESSAGE_KINDS)}",
            hint=f"tracker message {arguments.incident} update",
        )
    if arguments.at and not arguments.sent:
        raise UsageError(
            "message: --at is the time at which it was posted by hand", hint="Add --sent, or omit --at"
        )
    slack = message_delivery.webhook(session) if arguments.send else None
    incident = session.incident(arguments.incident)
    known = dossier(session, incident, parts=Part.STORY | Part.WORK)
    at = session.instant(arguments.at, incident)
    eta = _eta(arguments.eta, at, session)
    draft = _draft(arguments, session, known, at.at, eta)
    text = plain_text(_text(arguments, draft, eta))
    if slack is not None or not arguments.sent:
        say(*secret_notices(text, "the message", before="it is posted"))
    again = "Type it again; to correct a sent one: tracker amend EVENT --text TEXT --why garbled"
    say(*mojibake_notices(text, "the message", again))
    if slack is not None:
        return _send(arguments, session, incident, known.changes, text, eta, slack)
    if arguments.sent:
        return _sent(arguments, session, incident, known.changes, text, eta, at)
    return _print(arguments, draft, text)


def _eta(typed: str | None, at: Typed, session: Session) -> datetime | None:
    """Read what is promised: a duration from the message on, or the clock time that is nearest to it."""
    if typed is None:
        return None
    raw = typed.strip()
    try:
        eta = at.at + timedelta(seconds=duration_seconds(raw))
    except OverflowError as too_long:
        raise UsageError(f"--eta: {raw!r} is too far in the future", hint="--eta 20m") from too_long
    except UsageError:
        half = timedelta(hours=12)
        if raw == "now":
            return at.at
        if raw.endswith("-ago"):
            return parse(raw, now=session.now, option="--eta").at
        eta = parse(
            raw,
            now=at.at + half,
            default_zone=session.typed_zone,
            earliest=at.at - half,
            option="--eta",
            allow_future=True,
        ).at
    if eta.year >= 9000:
        raise UsageError(f"--eta: {raw!r} is too far in the future", hint="--eta 20m")
    say(f"--eta {raw} is {utc(eta)}")
    return eta


def _draft(
    arguments: argparse.Namespace,
    session: Session,
    known: Dossier,
    at: datetime,
    eta: datetime | None,
) -> "Draft":
    incident = known.incident
    before = promised(incident)
    if eta is None and before is not None and before.eta is not None and before.eta > at:
        eta = before.eta
    metrics = [
        (service, metric)
        for service in incident.services
        for metric in known.settings(service)[0].get("metrics", {})
    ]
    return Draft(
        incident=incident,
        entries=timeline(known),
        changes=in_production(known.own_changes),
        durations=durations(known),
        metrics=metrics,
        at=at,
        eta=eta,
        contact=arguments.contact,
        zone=session.shown_zone,
    )


def _text(arguments: argparse.Namespace, draft: "Draft", eta: datetime | None) -> str:
    given: str | None = arguments.text
    # Refused before it is written: what makes no sense has no template either.
    checked(draft.incident, arguments.kind, "…" if given is None else plain_text(given), at=draft.at, eta=eta)
    return write(arguments.kind, draft) if given is None else given


def plain_text(text: str) -> str:
    """Keep lines, drop what drives a terminal or turns the direction of what is read."""
    kept = (char for char in text.replace("\t", " ") if char == "\n" or not _CONTROL.match(char))
    return "".join(kept)


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
        f"Nothing was posted or recorded. If you post it by hand: tracker message {incident.id} {arguments.kind} --sent"
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
        lines.append(f"There is no lead: tracker lead {incident.id} NAME, or --contact NAME")
    rollbacks = [row for row in draft.changes if row.kind == "rollback" and row.service in incident.services]
    if arguments.kind == "rollback" and not rollbacks:
        lines.append(f"No rollback is recorded: tracker rollback start {incident.services[0]} VERSION")
    return lines


def _send(
    arguments: argparse.Namespace,
    session: Session,
    incident: Incident,
    changes: list[ChangeRow],
    text: str,
    eta: datetime | None,
    slack: Slack,
) -> int:
    kind = arguments.kind
    try:
        with waiting("posting"):
            posting = message_delivery.post(session, incident, kind, text, eta, slack)
    finally:
        message_delivery.record_missed(session, incident.id, changes)
    for other in posting.others:
        say(f"{other.message.incident}: the {other.message.kind} message that waited: {other.said}")
    message = posting.message
    assert message.sent_at is not None
    at = utc(message.sent_at)
    if posting.repeated:
        told = f"{incident.id}: this very {kind} message was already posted at {at}; it was not posted again"
    else:
        promise = f", promising {utc(message.eta)}" if message.eta else ""
        told = f"{incident.id}: {kind} message posted to Slack at {at} by {message.by}{promise}"
    return answer(
        arguments, posting.recording, told, {"incident": incident.id, **message_delivery.described(message)}
    )


def _deliver_all(arguments: argparse.Namespace, session: Session) -> int:
    for option in ("eta", "text", "contact", "at"):
        if getattr(arguments, option) is not None:
            raise UsageError(
                f"message: --{option} is for a message, and --send alone posts what waits",
                hint="tracker message INC initial --send",
            )
    slack = message_delivery.webhook(session)
    with waiting("posting"):
        delivered = deliver(session.log, slack)
    if arguments.json:
        outbox = [
            {"incident": one.message.incident, **message_delivery.described(one.message), "says": one.said}
            for one in delivered
        ]
        write_json({"outbox": outbox})
    elif not delivered:
        say("The outbox is empty.")
    for one in [] if arguments.json else delivered:
        say(f"{one.message.incident}: {one.message.kind} message: {one.said}")
    return 0 if all(one.state is State.SENT for one in delivered) else SourceUnreachableError.exit_code


def _sent(
    arguments: argparse.Namespace,
    session: Session,
    incident: "Incident",
    changes: "list[ChangeRow]",
    text: str,
    eta: datetime | None,
    at: Typed,
) -> int:
    by, kind = session.author, arguments.kind
    recording = session.decide(
        incident.id, lambda held: [posted_by_hand(held, kind, text, by=by, at=at, eta=eta)]
    )
    message_delivery.record_missed(session, incident.id, changes)
    promise = f", promising {utc(eta)}" if eta else ""
    said = f"{incident.id}: {kind} message posted by hand at {utc(at.at)} by {by}{promise}"
    keys = {"incident": incident.id, "kind": kind, "text": text, "eta": eta, "sent_at": at.at}
    return answer(arguments, recording, said, keys)
