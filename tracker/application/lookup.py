"""What a person typed, turned into the incident, deploy or service that is meant."""

import difflib
import os
import re
from collections.abc import Callable, Sequence

from projections.changes import changes, in_production
from projections.incidents import incidents, open_ones, ours
from projections.places import Production
from projections.versions import plain_version
from tracker.errors import BadInputError, UsageError
from tracker.events.base import Recorded, Window
from tracker.incident import MOST_DIGITS, Incident
from tracker.log import Log
from tracker.settings.schema import Settings
from tracker.text.shell import command
from tracker.text.shortening import short


def incident_summaries(log: Log, up_to: int | None = None) -> list[Incident]:
    """Return every incident with its lifecycle only: title, services, open or resolved.

    Its notes, milestones and the like are not read: an incident costs three events, not all of its own.
    """
    return incidents(log.select([Window("incidents")], up_to))


def incident_id(log: Log, settings: Settings, typed: str, still_due: Callable[[], Sequence[Incident]]) -> str:
    """Return the full id of the incident that was typed; `still_due` returns resolved ones of which something is due.

    Raises:
        UsageError: If it is not an incident's, or `.` is not exactly one.
    """
    if typed == ".":
        named = os.environ.get("TRACKER_INCIDENT")
        if not named:
            return _only_open(log, still_due)
        typed = named
    typed = typed.strip()
    prefix = settings.tracker.prefix
    head, dash, number = typed.rpartition("-")
    is_number = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    if is_number and (not dash or head.upper() == prefix.upper()):
        return f"{prefix}-{int(number)}"
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*-[1-9]\d{0,8}", typed):
        # One that was imported from a bundle keeps the prefix of its log.
        for name in (typed, typed.upper()):
            if log.latest(f"incident:{name}") is not None:
                return name
    raise UsageError(
        f"{short(typed, 60)!r} is not an incident",
        hint=f"Type {prefix}-42, 42, or . (the only open one, else the only one with something due)",
    )


def _only_open(log: Log, still_due: Callable[[], Sequence[Incident]]) -> str:
    still_open = open_ones(incident_summaries(log))
    meant = ours(still_open) or still_open or list(still_due())
    if len(meant) == 1:
        return meant[0].id
    if not meant:
        raise UsageError(
            "there is no open incident, and nothing is due of a resolved one", hint="See all: tracker list"
        )
    names = "; ".join(f"{incident.id} {incident.title}" for incident in meant)
    what = "incidents are open" if still_open else "incidents are resolved and have something due"
    raise UsageError(f"{len(meant)} {what}: {names}", hint=f"Name one: {meant[-1].id}")


def deploy(
    log: Log, settings: Settings, typed: str, up_to: int | None, incident: Incident | None = None
) -> Recorded:
    """Return the last deploy or rollback of SERVICE@VERSION; of an incident the last that began before its end.

    Raises:
        BadInputError: If there is none.
    """
    service_name, _, version = typed.partition("@")
    names = dict.fromkeys((version, plain_version(version), "v" + plain_version(version)))
    production: Production = {name: service.production for name, service in settings.services.items()}
    windows = [Window(f"version:{service_name}@{name}") for name in names]
    rows = changes(log.select(windows, up_to), production)
    if not rows:
        raise BadInputError(
            f"there is no deploy of {service_name} {version} in this log",
            hint=command("tracker", "changes", "--service", service_name),
        )
    row = rows[-1]
    if incident is not None:
        ends = incident.ends_at
        live = in_production(rows) or rows
        before = [row for row in live if ends is None or (row.started_at or row.at) <= ends]
        # What was deployed only after its end is nearest to it where it came first.
        row = before[-1] if before else live[0]
    return log.by_ids([row.event])[0]


def service(settings: Settings, typed: str) -> str:
    """Return the name of a configured service; any name is accepted where none is configured.

    Raises:
        BadInputError: If tracker.toml has services and this is not one of them.
    """
    known = settings.services
    if not known or typed in known:
        return typed
    near = difflib.get_close_matches(typed, known, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise BadInputError(
        f"there is no service {typed!r} in {settings.path}",
        hint=f"{meant}Its services are: {', '.join(known)}; add [services.{typed}] if it is new",
    )
