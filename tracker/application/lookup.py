"""Which incident, deploy or service is meant by what was typed."""

import difflib
import os
import re
from typing import TYPE_CHECKING

from projections.changes import changes, plain_version
from projections.incidents import open_ones, ours
from tracker.errors import BadInputError, UsageError
from tracker.events.base import Recorded, Window

if TYPE_CHECKING:
    from tracker.application.session import Session


def incident_id(session: "Session", typed: str) -> str:
    """Return the full id of the incident that was typed.

    Raises:
        UsageError: If it is none, or `.` is not exactly one.
    """
    if typed == ".":
        named = os.environ.get("TRACKER_INCIDENT")
        if not named:
            return _only_open(session)
        typed = named
    prefix = session.settings.tracker.prefix
    head, dash, number = typed.strip().rpartition("-")
    if number.isascii() and number.isdigit() and (not dash or head.upper() == prefix.upper()):
        return f"{prefix}-{int(number)}"
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*-[1-9]\d{0,8}", typed.strip()):
        # One that came in a bundle keeps the prefix of its log.
        for name in (typed.strip(), typed.strip().upper()):
            if session.log.latest(f"incident:{name}") is not None:
                return name
    raise UsageError(
        f"{typed!r} is not an incident", hint=f"Type {prefix}-42, 42, or . for the only open one"
    )


def _only_open(session: "Session") -> str:
    found = open_ones(session.incident_summaries())
    found = ours(found) or found
    if len(found) == 1:
        return found[0].id
    if not found:
        raise UsageError("there is no open incident", hint="See all: tracker list")
    names = "; ".join(f"{each.id} {each.title}" for each in found)
    raise UsageError(f"{len(found)} incidents are open: {names}", hint=f"Name one: {found[-1].id}")


def deploy(session: "Session", typed: str, up_to: int | None) -> "Recorded":
    """Return the last deploy or rollback of SERVICE@VERSION.

    Raises:
        BadInputError: If there is none.
    """
    service, _, version = typed.partition("@")
    names = dict.fromkeys((version, plain_version(version), "v" + plain_version(version)))
    scopes = [f"version:{service}@{name}" for name in names]
    rows = changes(session.log.select([Window(scope) for scope in scopes], up_to))
    if not rows:
        raise BadInputError(
            f"there is no deploy of {service} {version} in this log",
            hint=f"tracker changes --service {service}",
        )
    return session.log.by_ids([rows[-1].event])[0]


def service(session: "Session", typed: str) -> str:
    """Return the name of a configured service; anything goes where none is configured.

    Raises:
        BadInputError: If tracker.toml has services and this is none of them.
    """
    known = session.settings.services
    if not known or typed in known:
        return typed
    near = difflib.get_close_matches(typed, known, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise BadInputError(
        f"there is no service {typed!r} in {session.settings.path}",
        hint=f"{meant}Its services are: {', '.join(known)}; add [services.{typed}] if it is new",
    )
