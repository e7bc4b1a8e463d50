"""Check each rule of the procedure, and what people wrote, against the log. Nothing is recorded.

Each rule is listed with its evidence; without evidence it is unknown, never met. A rule that is
late or missed, or a claim that the log contradicts, is a finding, and the exit code is 4. With
--text, the prose of that file is checked instead of the incident's notes and messages, and only
findings in it count, so a true report of a late fix passes. INC may be omitted if the file's title
names the incident; a file of no incident is checked against itself, without a log: durations that
do not agree with the times next to them, placeholders, garbled text.
"""

import argparse
import os
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from projections.claims.claim import Claim
from projections.incident_windows import Part
from projections.procedure.advice import advice
from projections.procedure.check import findings, waivers
from projections.procedure.evaluation import Evaluation, procedure
from projections.procedure.rule import RuleAnswer
from projections.verdicts import verdicts
from reports.wording import procedure as words
from tracker.application.claims import Checked, check_alone, check_claims
from tracker.application.dossier import dossier
from tracker.application.procedure import settings_differ
from tracker.application.session import Session
from tracker.application.verdicts import PARTS
from tracker.cli.common import add_display_zone, add_incident, add_reading, say, write_json, write_unfiltered
from tracker.cli.progress import waiting
from tracker.errors import BadInputError, UsageError
from tracker.events.base import handle_of
from tracker.incident import Incident, Status
from tracker.text.shell import word
from tracker.text.terminal import printable, table

EXAMPLE = "example:  tracker check INC-42        tracker check --text INC-42.md        tracker check . --json"
FOUND = 4
_TITLE = r"^#\s.*?\b[A-Za-z][A-Za-z0-9]*-\d+\b"
_COLOURS = {"met": "32", "late": "33", "missed": "31", "waived": "36", "unknown": "2", "not applicable": "2"}
_ASKED = ("late", "missed", "unknown", "waived")
"""The answers beside which what was asked is said: who did it knows what it was."""
_WIDTH = 100
_NARROWEST = 40
_ORDER = ("met", "late", "missed", "waived", "unknown", "not applicable")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser, optional=True)
    parser.add_argument("--text", metavar="FILE", help="check the prose of this file (- is stdin)")
    parser.add_argument(
        "--all",
        action="store_true",
        help="print every rule; without it, of an open incident what is late or due",
    )
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    text = read(arguments.text) if arguments.text else None
    typed = _named(arguments, session, text)
    if typed is None:
        return _alone(arguments, session, text or "")
    up_to = session.position_limit()
    incident = session.incident(typed, up_to)
    with waiting("check"):
        known = dossier(session, incident, up_to, parts=PARTS | Part.ACTIONS)
        found = procedure(known, verdicts(known).rows)
        where = _where(arguments.text) if arguments.text else ""
        checked = check_claims(session, known, text=text, where=where)
    claims = checked.claims
    count = len(claims) + (len(findings(found.rules)) if text is None else 0)
    if arguments.json:
        _write(incident, found, checked, count)
    else:
        is_short = incident.status is Status.OPEN and up_to is None and not arguments.all
        _print(session, incident, found, claims, up_to, arguments.text, is_short=is_short)
        if text is None:
            _close(session, incident, found, claims, count, up_to)
        else:
            _close_text(incident, found, claims, arguments.text)
    return FOUND if count else 0


def _alone(arguments: argparse.Namespace, session: Session, text: str) -> int:
    """Check a text of no incident against itself."""
    claims = check_alone(session, text, _where(arguments.text))
    if arguments.json:
        shown = [_described_claim(each) for each in claims]
        write_json({"incident": None, "findings": len(claims), "rules": [], "claims": shown, "notices": []})
        return FOUND if claims else 0
    _print_claims(claims)
    what = {0: "nothing in it contradicts", 1: "1 statement in it contradicts"}.get(
        len(claims), f"{len(claims)} statements in it contradict"
    )
    print(f"{printable(_where(arguments.text))}: {what} the rest of it; no incident was compared.")
    return FOUND if claims else 0


def read(name: str) -> str:
    """Return the text of a file, or of stdin.

    Raises:
        BadInputError: If it cannot be read, or is no text.
    """
    where = _where(name)
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as wrong:
        raise BadInputError(
            f"{where}: cannot be read: {wrong.strerror}", hint="Name a text file: --text INC-42.md"
        ) from wrong
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInputError(
            f"{where}: is not UTF-8 text: byte {wrong.start} is {data[wrong.start]:#04x}",
            hint="Save it as UTF-8 and try again",
        ) from wrong
    if "\0" in text:
        raise BadInputError(
            f"{where}: is not a text file: it contains NUL bytes", hint="Name a text file: --text INC-42.md"
        )
    return text


def _where(name: str) -> str:
    return "stdin" if name == "-" else name


def _named(arguments: argparse.Namespace, session: Session, text: str | None) -> str | None:
    """Return the incident that was typed, else the one that the text's title names; None if neither does."""
    if arguments.incident is None and text is not None and not re.search(_TITLE, text, re.MULTILINE):
        return None
    prefix = session.settings.tracker.prefix
    found = re.search(rf"^#\s.*?\b({re.escape(prefix)}-\d+)\b", text or "", re.MULTILINE | re.IGNORECASE)
    title = session.incident_id(found[1]) if found else None
    if arguments.incident is None:
        if text is None:
            raise UsageError(
                "which incident?",
                hint=f"tracker check {word(prefix)}-42, or tracker check . for the only open incident",
            )
        return title
    typed: str = arguments.incident
    if title is not None and typed != "." and session.incident_id(typed) != title:
        say(
            f"{_where(arguments.text)} is titled {title}, but is checked against {session.incident_id(typed)}, as you asked."
        )
    return typed


def _write(incident: "Incident", found: "Evaluation", checked: Checked, count: int) -> None:
    write_json(
        {
            "incident": incident.id,
            "findings": count,
            "detected_at": found.evidence.detected_at,
            "as_of": found.evidence.now,
            "rules": [described(each, incident) for each in found.rules],
            "claims": [_described_claim(each) for each in checked.claims],
            "notices": [_described_claim(each) for each in checked.notices],
        }
    )


def _described_claim(claim: Claim) -> dict[str, object]:
    found: dict[str, object] = {
        "claim": claim.claim,
        "where": claim.where,
        "log_says": claim.log_says,
        "evidence": claim.evidence,
        "key": claim.key,
        "line": claim.line,
    }
    return {**found, "asks": True} if claim.asks else found


def described(answer: "RuleAnswer", incident: "Incident") -> dict[str, object]:
    """Return a rule's JSON keys."""
    waiver = waivers(incident).get(answer.rule)
    return {
        "rule": answer.rule,
        "status": answer.status,
        "expected": words.expected(answer),
        "actual": words.actual(answer),
        "late_seconds": answer.late_seconds,
        "evidence": answer.evidence,
        "says": words.says(answer),
        "due_at": answer.due_at,
        "todo": words.todo(answer.next_step),
        "waived_by": waiver and getattr(waiver.event, "decided_by", None),
        "waived_why": waiver and getattr(waiver.event, "why", None),
    }


def _print(
    session: Session,
    incident: "Incident",
    found: "Evaluation",
    claims: "Sequence[Claim]",
    up_to: int | None,
    name: str | None,
    *,
    is_short: bool,
) -> None:
    """Print the claims, and the rules unless a text is checked; in short those that are late or due."""
    evidence = found.evidence
    print(f"{incident.id}  {printable(incident.title)}")
    if name is None:
        at = evidence.detected_at.astimezone(session.shown_zone)
        what = "the declaration" if evidence.detected_at == incident.declared_at else "detection"
        print(f"  limits run from {what} at {at:%Y-%m-%d %H:%M:%S %Z}")
        if evidence.back_at is not None:
            back = evidence.back_at.astimezone(session.shown_zone)
            print(f"  it came back: the limit of the fix runs from {back:%Y-%m-%d %H:%M:%S %Z}")
        rows = [("", "STATUS", "RULE", "WHAT HAPPENED")]
        shown = [each for each in found.rules if not is_short or _is_pressing(each)]
        rows += [_row(each, session, up_to) for each in shown]
        text = _wrapped(rows) if shown else "  nothing is late, and nothing is due by a time\n"
        write_unfiltered(_coloured(text) if _has_colour() else text)
        if len(shown) < len(found.rules):
            say(f"The other {len(found.rules) - len(shown)} rules: tracker check {incident.id} --all")
    if claims:
        print()
        _print_claims(claims)


def _print_claims(claims: "Sequence[Claim]") -> None:
    if claims:
        lines = [("", "KEY", "WHERE", "WRITTEN", "THE LOG SAYS")]
        lines += [
            (_handles(each.evidence), each.key, each.where, each.claim, each.log_says) for each in claims
        ]
        print(table(lines), end="")


def _is_pressing(answer: "RuleAnswer") -> bool:
    """Whether a rule is late, missed, or to be met by a time."""
    status = answer.status.value
    return status in ("late", "missed") or (answer.due_at is not None and status == "unknown")


def _row(answer: "RuleAnswer", session: Session, up_to: int | None) -> tuple[str, str, str, str]:
    says = words.says(answer)
    if answer.due_at is not None and answer.status.value != "met":
        due = answer.due_at.astimezone(session.shown_zone)
        over = up_to is None and session.now > answer.due_at
        says = f"{says} {'Was due' if over else 'Due'} {due:%Y-%m-%d %H:%M:%S %Z}."
    if answer.status.value in _ASKED:
        says = f"{says} Expected: {words.expected(answer)}."
    return _handles(answer.evidence), answer.status.value.replace("_", " "), answer.rule, says


def _wrapped(rows: list[tuple[str, str, str, str]]) -> str:
    """Lay the answers out, with what happened folded beside the rest; a command is not broken."""
    indent = "  ".join(" " * max(len(row[column]) for row in rows) for column in range(3)) + "  "
    width = max(shutil.get_terminal_size((_WIDTH, 24)).columns, len(indent) + _NARROWEST)
    lines: list[str] = []
    for line in table(rows).splitlines():
        head, says = line[: len(indent)], line[len(indent) :]
        folded = textwrap.wrap(says, width - len(indent), break_long_words=False, break_on_hyphens=False)
        lines += [
            f"{head}{folded[0] if folded else ''}".rstrip(),
            *(f"{indent}{each}" for each in folded[1:]),
        ]
    return "".join(f"{line}\n" for line in lines)


def _handles(evidence: Sequence[str]) -> str:
    """Name the first event, and how many more there are."""
    if not evidence:
        return ""
    return handle_of(evidence[0]) + (f" +{len(evidence) - 1}" if len(evidence) > 1 else "")


def _close(
    session: Session,
    incident: "Incident",
    found: "Evaluation",
    claims: "Sequence[Claim]",
    count: int,
    up_to: int | None,
) -> None:
    """Sum up, and say what to type next."""
    counted = Counter(each.status.value.replace("_", " ") for each in found.rules)
    parts = [f"{counted[name]} {name}" for name in _ORDER if counted[name]]
    if claims:
        parts.append(f"{len(claims)} claim{'s' if len(claims) > 1 else ''} contradicted by the log")
    told = {0: "no findings", 1: "1 finding"}.get(count, f"{count} findings")
    print(f"{', '.join(parts)}: {told}.")
    if up_to is not None:
        return
    evidence = found.evidence
    for each in advice(found.rules, evidence.now)[:3]:
        say(f"Next: {words.due(each)}")
    late = findings(found.rules)
    if late or claims:
        first = late[0].rule if late else claims[0].key
        say(f'If it does not count for {incident.id}: tracker waive {incident.id} {word(first)} --why "…"')
    if settings_differ(session):
        say("[procedure] in tracker.toml differs from the log; it takes effect with the next recorded event.")


def _close_text(incident: "Incident", found: "Evaluation", claims: "Sequence[Claim]", name: str) -> None:
    """Say how many claims of a text the log contradicts, and what may be done about them."""
    many = len(claims)
    what = (
        "no claim in it is"
        if not many
        else f"{many} claim{'' if many == 1 else 's'} in it {'is' if many == 1 else 'are'}"
    )
    print(f"{printable(_where(name))}: {what} contradicted by the log.")
    if many:
        say(f'To waive one: tracker waive {incident.id} {claims[0].key} --text {word(name)} --why "…"')
    if late := len(findings(found.rules)):
        say(
            f"The procedure has {late} finding{'' if late == 1 else 's'} of its own, which no report can fix: "
            f"tracker check {incident.id}"
        )


def _has_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(text: str) -> str:
    """Colour the statuses; widths were laid out before, so columns stay."""
    pattern = re.compile(rf"^(.{{0,12}}? *)({'|'.join(_COLOURS)})(?= )", re.MULTILINE)
    return pattern.sub(lambda m: f"{m[1]}\x1b[{_COLOURS[m[2]]}m{m[2]}\x1b[0m", text)
