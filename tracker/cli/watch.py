"""Check whether a fix worked: every minute for ten minutes, then after an hour, then after a day.

Every check is recorded; a missed one is reported as a gap, not as a pass. It can be stopped and
started again. It stops at the first window that is worse (exit code 6) or not better (7). It exits
with 0 only when all metrics have recovered, and with 8 when there is not enough data.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.comparison import (
    CHECKS,
    MetricReading,
    MetricSeries,
    exit_code,
    overdue_after,
    read_metric,
)
from projections.verdicts import Verdicts
from reports.numbers import rounded_with_unit
from reports.wording import procedure as words
from reports.wording.verdict_phrases import SAID_BY_CODE, describe_checks, headline
from tracker.application.collect import sources
from tracker.application.procedure import due_items
from tracker.application.session import Session
from tracker.application.verdicts import compute_verdicts, record_verdicts
from tracker.cli.common import add_incident, add_recording, say, write_json
from tracker.cli.compare import described
from tracker.errors import BadInputError, TrackerError
from tracker.events.base import Recorded
from tracker.events.verdicts import CheckMade
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.text.terminal import printable
from tracker.times import spoken, utc

EXAMPLE = "example:  tracker watch INC-42        tracker watch . --until 10m && echo recovered"

UNTIL = {"10m": 600, "1h": 3_600, "1d": 86_400}
_LOOK = "%Y-%m-%dT%H:%M:%SZ"
#: The last two steps are not asked for yet, and a scrape comes before that.
PATIENCE = timedelta(minutes=3)
_STEPS_LATE = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "--change", metavar="EVENT", help="the deploy or rollback to watch (default: the last one)"
    )
    parser.add_argument(
        "--until", choices=tuple(UNTIL), default="1d", help="stop after this window (default 1d)"
    )
    parser.add_argument("--once", action="store_true", help="make only the check that is due now, then exit")
    add_recording(parser, at=False)


def run(arguments: argparse.Namespace, session: Session) -> int:
    incident = session.incident(arguments.incident)
    named = session.event(arguments.change, None, incident) if arguments.change else None
    found = compute_verdicts(session, incident, None, change=named)
    if not found.changes:
        _remind(session, incident.id, "Next: ")
        raise BadInputError(
            f"there is no deploy or rollback of {', '.join(incident.services)} to watch in {incident.id}",
            hint="Record it: tracker deploy finish SERVICE VERSION, then: tracker watch " + incident.id,
        )
    change = found.changes[-1]
    session.author  # noqa: B018 - refused now rather than at the first check
    what = f"{change.service} {change.version}"
    say(
        f"Watching {what} ({change.handle}), deployed {utc(change.finished_at or change.at)}; Ctrl-C stops; run it again to continue."
    )
    if not session.settings.prometheus.url:
        say(
            "No Prometheus is configured ([prometheus] url): only samples recorded by something else are used."
        )
    last = UNTIL[arguments.until]
    gaps: set[int] = set()
    while True:
        incident = session.incident(incident.id)
        found = _looked(session, incident, change, last, gaps)
        window, code = _answer(found, change, arguments.until)
        # Without a metric there is nothing to wait for.
        finished = window == arguments.until or code in (6, 7) or not _metrics_of(found, change)
        wait = None if arguments.once or finished else _next(session, change, last)
        if wait is None:
            return _finish(arguments, session, found, change, window, code)
        if wait > 15:
            say(f"  next check at {session.now + timedelta(seconds=wait):{_LOOK}}")
            _remind(session, incident.id)
        time.sleep(wait)


def _remind(session: Session, name: str, opening: str = "  ") -> None:
    """Say what else is due first, while nothing is to be seen yet or when all was."""
    for item in due_items(session, session.incident(name)):
        if item.next_step.code != "watch":
            say(f"{opening}{words.due(item)}")
            return


def _metrics_of(found: Verdicts, change: "ChangeRow") -> "list[MetricSeries]":
    return [each for each in found.metrics if each.service == change.service]


def _looked(
    session: Session, incident: "Incident", change: "ChangeRow", last: int, gaps: set[int]
) -> Verdicts:
    """Pull what is new, make the check that is due, and judge what is over; each of the `gaps` is said once."""
    trouble = _pull(session, incident, change)
    if trouble is not None:
        say(f"tracker: {trouble.message}")
    found = compute_verdicts(session, incident, None, change=_event(session, change))
    since = (session.now - (change.finished_at or change.at)).total_seconds()
    due = max((each for each in CHECKS if each <= min(since, last)), default=None)
    made = made_for(incident, change)
    if due is not None and due not in made and since < overdue_after(due):
        looks = _looks(found, change, session.now)
        _record(session, incident, change, due, looks)
        incident = session.incident(incident.id)
        made = made_for(incident, change)
        settling = {row.metric: row.settling_seconds for row in found.rows if row.change == change.event}
        _tell(since, looks, settling)
    missed = [each for each in CHECKS if each <= last and overdue_after(each) <= since and each not in made]
    if set(missed) - gaps:
        say(f"  missed checks, a gap: {describe_checks(missed)} after the change")
        gaps.update(missed)
    judged = record_verdicts(session, incident)
    if any(row.event == change.event for row in judged.changes):
        return judged
    return compute_verdicts(session, session.incident(incident.id), None, change=_event(session, change))


def _event(session: Session, change: "ChangeRow") -> "Recorded":
    return session.log.by_ids([change.event])[0]


def made_for(incident: "Incident", change: "ChangeRow") -> set[int]:
    """Return the checks of a change that were made, by when they were due."""
    return {
        step.event.due_seconds
        for step in incident.steps
        if isinstance(step.event, CheckMade)
        and step.retraction is None
        and step.event.change in change.evidence
    }


def _pull(session: Session, incident: "Incident", change: "ChangeRow") -> TrackerError | None:
    """Bring the samples of the configured metrics up to now."""
    settings = session.settings
    service = change.service or ""
    if not settings.prometheus.url or service not in settings.services:
        return None
    try:
        with sources.prometheus_api(session) as api:
            pulled = [
                sources.with_history(
                    session, api, service=service, name=name, metric=metric, start=incident.begins_at,
                    end=session.now,
                )
                for name, metric in settings.services[service].metrics.items()
            ]  # fmt: skip
    except TrackerError as trouble:
        return trouble
    return next((each.problem for each in pulled if each.problem is not None), None)


def _looks(found: Verdicts, change: "ChangeRow", now: datetime) -> "list[MetricReading]":
    healthy_to = min(found.healthy_until, change.started_at or change.at)
    return [read_metric(each, healthy_to=healthy_to, at=now) for each in _metrics_of(found, change)]


def _record(
    session: Session, incident: "Incident", change: "ChangeRow", due: int, looks: "Sequence[MetricReading]"
) -> None:
    check = CheckMade(
        occurred_at=session.now,
        decided_by=session.author,
        incident=incident.id,
        change=change.event,
        due_seconds=due,
        normal=tuple(each.metric for each in looks if each.normal),
        not_normal=tuple(each.metric for each in looks if each.normal is False),
        unknown=tuple(each.metric for each in looks if each.normal is None),
    )

    def decision(held: "Incident") -> "list[CheckMade]":
        # Another watch may have been faster: a check is made once.
        return [] if due in made_for(held, change) else [check]

    session.decide(incident.id, decision)


def _tell(since: float, looks: "Sequence[MetricReading]", settling: dict[str, float]) -> None:
    marks = {True: "normal", False: "NOT NORMAL", None: "cannot tell"}
    told = []
    for each in looks:
        value = rounded_with_unit(each.value, each.unit) if each.value is not None else "no data"
        early = each.normal is False and since < settling.get(each.metric, 0.0)
        told.append(f"{each.metric} {value} {marks[each.normal]}{' (still settling)' if early else ''}")
    settled = [each for each in looks if since >= settling.get(each.metric, 0.0)]
    states = {each.metric: each.normal for each in settled}
    so_far = _so_far(since, states)
    ending = f" ({so_far})" if so_far and len(settled) == len(looks) else ""
    say(f"{spoken(since - since % 1):>12} after: {'; '.join(told) or 'no metric is configured'}{ending}")


def _so_far(since: float, states: dict[str, bool | None]) -> str | None:
    """Say how it looks while the first window is not over; None where it cannot be told, or no longer matters."""
    length = UNTIL["10m"]
    if since >= length or not states or None in states.values():
        return None
    bad = sorted(metric for metric, normal in states.items() if not normal)
    how = f"not normal ({', '.join(bad)})" if bad else "normal"
    return f"so far {how}, {int(since // 60)} of {length // 60} min"


def _so_far_recorded(incident: "Incident", change: "ChangeRow", since: float) -> str | None:
    """Say the same by the last check that was recorded."""
    checks = [
        step.event
        for step in incident.own_steps
        if isinstance(step.event, CheckMade) and step.event.change in change.evidence
    ]
    if not checks:
        return None
    last = max(checks, key=lambda check: check.due_seconds)
    groups = ((last.normal, True), (last.not_normal, False), (last.unknown, None))
    return _so_far(since, {metric: normal for names, normal in groups for metric in names})


def _answer(found: Verdicts, change: "ChangeRow", until: str) -> tuple[str | None, int]:
    """Return the longest window that can be told, up to the one asked for, and the code that it gives."""
    for window in [each for each in reversed(UNTIL) if UNTIL[each] <= UNTIL[until]]:
        mine = [row for row in found.rows if row.change == change.event and row.window == window]
        closed = [row for row in mine if row.verdict not in ("pending", "no_data")]
        if closed and len(closed) == len(mine):
            return window, exit_code(mine)
        if closed and any(row.verdict == "no_data" for row in mine):
            return window, exit_code(mine)
    return None, 8


def _next(session: Session, change: "ChangeRow", last: int) -> float | None:
    """Return how many seconds to wait for the next check or verdict; None when there is none to wait for."""
    since = (session.now - (change.finished_at or change.at)).total_seconds()
    step_seconds = session.settings.prometheus.step_seconds
    patience = max(PATIENCE.total_seconds(), 60.0 + _STEPS_LATE * step_seconds)
    coming: list[float] = [each - since for each in CHECKS if each <= last and each > since]
    if coming:
        # A window's verdict comes a little after its last check, when the last samples are there.
        ended = max((each for each in UNTIL.values() if each <= since), default=None)
        waiting = ended is not None and since < ended + patience
        return min(coming[0], 15.0) if waiting else coming[0]
    return 15.0 if since < last + patience else None


def _finish(
    arguments: argparse.Namespace,
    session: Session,
    found: Verdicts,
    change: "ChangeRow",
    window: str | None,
    code: int,
) -> int:
    rows = [
        row for row in found.rows if row.change == change.event and (window is None or row.window == window)
    ]
    sentence = headline(rows)
    service = change.service or ""
    configured = session.settings.services.get(service)
    command = configured.rollback_command if configured else None
    # What undoes a rollback puts the broken version back.
    undone = change.kind == "rollback"
    advice = None
    if code in (6, 7) and not undone:
        advice = f"tracker run rollback {word(service)}" if command else None
    if arguments.json:
        made = sorted(made_for(session.incident(found.incident.id), change))
        write_json(
            {"incident": found.incident.id, "change": change.event, "window": window, "answer": SAID_BY_CODE[code].replace(" ", "_"),
             "says": sentence, "checks_made": made, "rollback": advice, "rows": [described(row) for row in rows]}
        )  # fmt: skip
        return code
    since = (session.now - (change.finished_at or change.at)).total_seconds()
    so_far = None
    if window is None:
        so_far = _so_far_recorded(session.incident(found.incident.id), change, since)
    print(printable(f"{so_far.capitalize() if so_far else SAID_BY_CODE[code].upper()}: {sentence}"))
    if code in (6, 7):
        if undone:
            say(
                f"{change.version} is the version that was rolled back to; another rollback would restore the bad version. Look for another cause: tracker changes {found.incident.id}"
            )
        elif command:
            say(f"Roll back: {advice}        (it runs: {command})")
        else:
            say(
                f'Roll back, and record it; name the command once in tracker.toml: [services.{service}] rollback_command = "…"'
            )
    elif code == 8:
        if rows and not any(row.baseline == "healthy" for row in rows):
            say(
                f"{change.version} was not deployed during {found.incident.id}, so it cannot have fixed it; watch another change: --change EVENT"
            )
        if not _metrics_of(found, change):
            say(f'Configure a metric in tracker.toml: [services.{service}.metrics.NAME] query = "…"')
        else:
            say(f"See what is missing: tracker compare {found.incident.id}")
    _remind(session, found.incident.id, "Next: ")
    return code


__all__ = ["made_for", "run"]
