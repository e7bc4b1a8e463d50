"""Write a message to the team from the log, post it to its channels, or record one that was posted by hand.

Without --send and --sent the message is printed, ready to paste, and kept: --sent records that very
text, the last one of its kind, or the one that a handle names. With --send it is recorded, posted,
and the outcome recorded. `tracker message --send` alone posts what is still in the outbox.
"""

import argparse
import re
import sys
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.incident_windows import Part
from projections.messages import State, sent
from projections.updates import messages_of
from reports.messages import Draft, write
from reports.wording.channels import shown_channel, shown_channels
from tracker.application import message_delivery, message_facts, printed_messages
from tracker.application.channels.posting import Channel
from tracker.application.dossier import dossier
from tracker.application.message_draft import draft_of
from tracker.application.outbox import deliver
from tracker.application.printed_messages import PrintedMessage
from tracker.application.secret_warnings import secret_notices
from tracker.application.session import Recording, Session
from tracker.cli.common import add_display_zone, add_incident, add_recording, answer, say, write_json
from tracker.cli.progress import waiting
from tracker.decisions.messages import checked
from tracker.errors import SourceUnreachableError, UsageError
from tracker.events.messages import MESSAGE_KINDS
from tracker.events.plausible import LATEST_PLANNED
from tracker.incident import Incident
from tracker.text.mojibake import mojibake_notices
from tracker.text.shell import command, word
from tracker.times import Typed, duration_seconds, parse, utc

EXAMPLE = """examples:
  tracker message INC-42 initial --eta 15m --send
  tracker message . update --eta 14:55Z
  tracker message . --sent 7f1dmbv
  tracker message INC-42 resolved"""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser, optional=True, also="; omitted with --send alone")
    parser.add_argument("kind", nargs="?", choices=MESSAGE_KINDS, help="which message")
    parser.add_argument("--eta", metavar="T", help="promised time: 15m (from now), 14:55Z, 14:55+01:00")
    parser.add_argument("--text", metavar="TEXT", help="your own text instead of the template")
    parser.add_argument("--contact", metavar="NAME", help="contact person (default: the lead)")
    parser.add_argument(
        "--send",
        action="store_true",
        help="post it to every channel that tracker.toml names, and record the outcomes",
    )
    parser.add_argument(
        "--sent",
        metavar="HANDLE",
        nargs="?",
        const="",
        help="record that it was posted by hand (--at for the time): the text that was printed last, "
        "or the one of this handle; - reads it from stdin",
    )
    add_display_zone(parser)
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.sent in MESSAGE_KINDS and arguments.kind is None:
        arguments.kind, arguments.sent = arguments.sent, ""
    is_sent = arguments.sent is not None
    if arguments.send and is_sent:
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
    if arguments.kind is None and not arguments.sent:
        raise UsageError(
            f"message: which kind? {', '.join(MESSAGE_KINDS)}",
            hint=f"tracker message {word(arguments.incident)} update",
        )
    if arguments.at and not is_sent:
        raise UsageError(
            "message: --at is the time at which it was posted by hand", hint="Add --sent, or omit --at"
        )
    channels = message_delivery.channels_of(session) if arguments.send else None
    incident = session.incident(arguments.incident)
    known = dossier(session, incident, parts=Part.STORY | Part.WORK)
    at = session.instant(arguments.at, incident)
    if is_sent and (posted := _posted(arguments, session, incident, at)) is not None:
        return _record_sent(arguments, session, incident, known.changes, posted, at)
    eta = _eta(arguments.eta, at, session)
    draft = draft_of(session, known, at.at, eta, arguments.contact)
    text = plain_text(_text(arguments, draft, eta))
    secrets = secret_notices(text, "the message", before="it is posted")
    if not is_sent:
        say(*secrets)
    _warn_of_mojibake(text)
    if channels is not None:
        return _send(arguments, session, incident, known.changes, text, eta, channels)
    if is_sent:
        posted = PrintedMessage("", arguments.kind, text, eta, at.at)
        if arguments.text is None and not arguments.json:
            print(text)
        return _record_sent(arguments, session, incident, known.changes, posted, at)
    return _print(arguments, session, draft, text, is_kept=not secrets)


def _warn_of_mojibake(text: str) -> None:
    again = "Type it again; to correct a sent one: tracker amend EVENT --text TEXT --why garbled"
    say(*mojibake_notices(text, "the message", again))


def _posted(
    arguments: argparse.Namespace, session: Session, incident: Incident, at: Typed
) -> PrintedMessage | None:
    """Return the text that a person posted, as far as it is known: printed before, named, or on stdin."""
    if arguments.sent == "-":
        text = plain_text(sys.stdin.read()).strip()
        _warn_of_mojibake(text)
        kind = arguments.kind or _usual_kind(incident)
        return PrintedMessage("", kind, text, _eta(arguments.eta, at, session), at.at)
    if arguments.sent:
        if arguments.kind or _typed_options(arguments) or arguments.text is not None:
            raise UsageError(
                "message: --sent HANDLE names a text that was printed; a kind and options are for a new one",
                hint=command("tracker", "message", incident.id, "--sent", arguments.sent),
            )
        return printed_messages.named(session, incident, arguments.sent)
    if arguments.text is not None:
        return None
    return printed_messages.last_printed(incident, arguments.kind, _typed_options(arguments), at)


def _usual_kind(incident: Incident) -> str:
    if incident.resolved_at is not None:
        return "resolved"
    return "update" if sent(messages_of(incident)) else "initial"


def _typed_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the options that a template depends on."""
    options = {name: getattr(arguments, name) for name in ("eta", "contact", "tz")}
    return {name: value for name, value in options.items() if value is not None}


def _as_typed(arguments: argparse.Namespace, incident: Incident) -> list[str]:
    """Return the command as it was typed, without --send and --sent."""
    options = {**_typed_options(arguments), "text": arguments.text, "by": arguments.by}
    given = [word for name, value in options.items() if value is not None for word in (f"--{name}", value)]
    return ["tracker", "message", incident.id, arguments.kind, *given]


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
    if eta > LATEST_PLANNED:
        raise UsageError(f"--eta: {raw!r} is too far in the future", hint="--eta 20m")
    say(f"--eta {raw} is {utc(eta)}")
    return eta


def _text(arguments: argparse.Namespace, draft: "Draft", eta: datetime | None) -> str:
    given: str | None = arguments.text
    # Refused before it is written: what makes no sense has no template either.
    checked(draft.incident, arguments.kind, "…" if given is None else plain_text(given), at=draft.at, eta=eta)
    return write(arguments.kind, draft) if given is None else given


def plain_text(text: str) -> str:
    """Keep lines, drop what drives a terminal or turns the direction of what is read."""
    kept = (char for char in text.replace("\t", " ") if char == "\n" or not _CONTROL.match(char))
    return "".join(kept)


def _print(
    arguments: argparse.Namespace, session: Session, draft: "Draft", text: str, *, is_kept: bool
) -> int:
    """Print a text, and keep it, so that it can be recorded as sent."""
    incident, kind = draft.incident, arguments.kind
    eta = draft.eta if kind != "resolved" else None
    if not arguments.json:
        print(text, flush=True)
    typed = _typed_options(arguments)
    handle = printed_messages.keep(session, incident, kind, text, eta, typed) if is_kept else None
    if arguments.json:
        answer = {"incident": incident.id, "kind": kind, "text": text, "eta": eta, "handle": handle}
        write_json(answer)
        return 0
    for line in _not_known(arguments, draft):
        say(line)
    words = ["tracker", "message", incident.id, "--sent", handle] if handle else None
    again = command(*(words or [*_as_typed(arguments, incident)[:4], "--sent", "-"]))
    where = "" if handle else " and paste it there"
    say(f"Nothing was posted. If you post it by hand, record it: {again}{where}")
    return 0


def _not_known(arguments: argparse.Namespace, draft: "Draft") -> list[str]:
    """Say what the template lacks, with the command that would make it known."""
    incident = draft.incident
    if arguments.text is not None:
        return []
    lines = []
    if incident.impact is None:
        lines.append(f'The impact is not recorded: tracker impact {incident.id} "who is affected"')
    if incident.lead is None and not arguments.contact:
        lines.append(f"There is no lead: tracker lead {incident.id} NAME, or --contact NAME")
    rollbacks = [row for row in draft.changes if row.kind == "rollback" and row.service in incident.services]
    if arguments.kind == "rollback" and not rollbacks:
        lines.append(f"No rollback is recorded: tracker rollback start {word(incident.services[0])} VERSION")
    return lines


def _send(
    arguments: argparse.Namespace,
    session: Session,
    incident: Incident,
    changes: list[ChangeRow],
    text: str,
    eta: datetime | None,
    channels: dict[str, Channel],
) -> int:
    kind = arguments.kind
    try:
        with waiting("posting"):
            again = command(*_as_typed(arguments, incident), "--send")
            posting = message_delivery.post(session, incident, kind, text, eta, channels, again=again)
    finally:
        message_delivery.record_missed(session, incident.id, changes)
    for other in posting.others:
        say(
            f"{other.message.incident}: the {other.message.kind} message that waited for {shown_channel(other.message.channel)}: {other.said}"
        )
    message = posting.message
    assert message.sent_at is not None
    at = utc(message.sent_at)
    if posting.repeated:
        told = f"{incident.id}: this very {kind} message was already posted at {at}; it was not posted again"
    else:
        promise = f", promising {utc(message.eta)}" if message.eta else ""
        names = shown_channels(one.channel for one in posting.copies)
        told = f"{incident.id}: {kind} message posted to {names} at {at} by {message.by}{promise}"
    keys = {
        "incident": incident.id,
        **message_facts.described(message),
        "channels": [message_facts.described_channel(one) for one in posting.copies],
    }
    return answer(arguments, posting.recording, told, keys)


def _deliver_all(arguments: argparse.Namespace, session: Session) -> int:
    for option in ("eta", "text", "contact", "at"):
        if getattr(arguments, option) is not None:
            raise UsageError(
                f"message: --{option} is for a message, and --send alone posts what waits",
                hint="tracker message INC initial --send",
            )
    channels = message_delivery.channels_of(session)
    with waiting("posting"):
        delivered = deliver(session.log, channels)
    if arguments.json:
        outbox = [
            {"incident": one.message.incident, **message_facts.described(one.message), "says": one.said}
            for one in delivered
        ]
        write_json({"outbox": outbox})
    elif not delivered:
        say("The outbox is empty.")
    for one in [] if arguments.json else delivered:
        say(
            f"{one.message.incident}: {one.message.kind} message to {shown_channel(one.message.channel)}: {one.said}"
        )
    return 0 if all(one.state is State.SENT for one in delivered) else SourceUnreachableError.exit_code


def _record_sent(
    arguments: argparse.Namespace,
    session: Session,
    incident: Incident,
    changes: list[ChangeRow],
    posted: PrintedMessage,
    at: Typed,
) -> int:
    before = printed_messages.already_sent(incident, posted) if posted.event else None
    if before is not None:
        recording, sent_at, by = Recording(known=(posted.event,)), before, session.author
    else:
        recording = printed_messages.record_sent(session, incident, posted, at)
        sent_at, by = at.at, session.author
    message_delivery.record_missed(session, incident.id, changes)
    promise = f", promising {utc(posted.eta)}" if posted.eta else ""
    said = f"{incident.id}: {posted.kind} message posted by hand at {utc(sent_at)} by {by}{promise}"
    if before is not None:
        said = f"{incident.id}: this {posted.kind} message was already recorded as posted at {utc(sent_at)}"
    elif posted.event:
        said += f"; its text is the one printed at {utc(posted.printed_at)} ({posted.handle})"
    keys = {
        "incident": incident.id, "kind": posted.kind, "text": posted.text, "eta": posted.eta, "sent_at": sent_at
    }  # fmt: skip
    return answer(arguments, recording, said, keys)
