"""CDEvents, in their own form and inside of CloudEvents: deploys, rollbacks, incidents of others.

Types carry versions that change with every release of the specification, so they are
known by `dev.cdevents.<subject>.<predicate>` alone. What is not known is left out.
"""

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from tracker.events.alerts import OutsideIncidentReported
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, decoded, records
from tracker.ingest.services import ServiceRules

HINT = "Give CloudEvents or CDEvents as JSON, one on each line; compare one with docs/sources.md"

_TYPE = re.compile(r"dev\.cdevents\.([a-z]+)\.([a-z]+)(?:\.|$)", re.ASCII)
_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
_CHANGES: Final[dict[str, type[DeployFinished] | type[RollbackFinished]]] = {
    "deployed": DeployFinished,
    "upgraded": DeployFinished,
    "rolledback": RollbackFinished,
}
_INCIDENT_STEPS = ("detected", "reported", "resolved")


@dataclass(frozen=True)
class _Cdevent:
    """One event, whichever form it came in."""

    id: str
    source: str
    moment: Moment
    subject_id: str
    content: Record


@dataclass(frozen=True)
class Artifact:
    """What an artifactId says: a version as people call it, a name, a commit."""

    version: str
    name: str | None = None
    sha: str | None = None


def read(data: bytes, *, where: str, rules: ServiceRules, arrival: Arrival = NO_ARRIVAL) -> list[Incoming]:
    """Read events from one document, a list of them (a batch), or JSON lines.

    The events' source is their own `source`, or "cdevents" where that is empty.

    Raises:
        BadInputError: If an event that we want lacks its time, its id or its version, or
            if something is no event at all; nothing is read then.
    """
    found: list[Incoming] = []
    for record in records(data, where=where, hint=HINT, kind="event"):
        match = _TYPE.match((record.maybe_record("context") or record).text("type"))
        about, step = match.groups() if match else ("", "")
        if about == "service" and step in _CHANGES:
            change = _change(_cdevent(record), step, rules)
            found.append(Incoming(event=change, arrival=arrival, payload=record.raw))
        elif about == "incident" and step in _INCIDENT_STEPS:
            incident = _incident(_cdevent(record), step, rules)
            found.append(Incoming(event=incident, arrival=arrival, payload=record.raw))
    return found


def _cdevent(record: Record) -> _Cdevent:
    if record.fields.get("context") is not None:
        subject = record.record("subject")
        return _Cdevent(
            id=record.text("context.id"),
            source=record.maybe_text("context.source") or "cdevents",
            moment=record.moment("context.timestamp"),
            subject_id=subject.text("id"),
            content=subject.inner("content"),
        )
    data = _data(record)
    within = data.maybe_record("subject")
    moment = data.maybe_moment("context.timestamp") or record.maybe_moment("time")
    if moment is None:
        raise record.missing("time")
    return _Cdevent(
        id=data.maybe_text("context.id") or record.text("id"),
        source=data.maybe_text("context.source") or record.maybe_text("source") or "cdevents",
        moment=moment,
        subject_id=within.text("id") if within else record.text("subject"),
        content=within.inner("content") if within else data,
    )


def _data(record: Record) -> Record:
    """Find what a CloudEvent carries: an object, its JSON as a text, or that in base 64."""
    value: Any = record.fields.get("data")
    packed = record.maybe_text("data_base64")
    place = f"{record.place} has data"
    if value is None and packed is not None:
        try:
            value = decoded(base64.b64decode(packed, validate=True), place=place, hint=HINT)
        except (binascii.Error, ValueError) as wrong:
            raise record.problem("has data_base64 that is not base 64") from wrong
    elif isinstance(value, str):
        value = decoded(value.encode("utf-8", "replace"), place=place, hint=HINT)
    if not isinstance(value, dict):
        raise record.problem("has no data, or data that is not an object")
    return replace(record, fields=value, path="data.", raw=b"")


def _change(event: _Cdevent, step: str, rules: ServiceRules) -> DeployFinished | RollbackFinished:
    named = event.content.maybe_text("artifactId")
    if named is None:
        raise event.content.missing("artifactId, which names the version")
    artifact = read_artifact(named)
    if not artifact.version or "\x00" in artifact.version:
        raise event.content.wrong("artifactId", "a purl with a version, such as pkg:oci/checkout@v1.2.1")
    return _CHANGES[step](
        **event.moment.fields,
        source=event.source,
        service=rules.for_name(_last_part(event.subject_id)) or rules.for_name(artifact.name),
        version=artifact.version,
        environment=_environment(event.content) or "production",
        sha=artifact.sha,
        run_id=event.id,
    )


def _incident(event: _Cdevent, step: str, rules: ServiceRules) -> OutsideIncidentReported:
    content, service = event.content, _id_of(event.content, "service")
    return OutsideIncidentReported(
        **event.moment.fields,
        source=event.source,
        service=rules.for_name(_last_part(service)) if service else None,
        outside_id=event.subject_id,
        status=step,
        title=content.maybe_text("description") or f"incident {event.subject_id}",
        environment=_environment(content),
        url=content.maybe_text("ticketURI") or content.maybe_text("uri"),
        artifact=content.maybe_text("artifactId"),
    )


def _id_of(content: Record, name: str) -> str | None:
    """Read a reference {id, source}, or the id alone, as some senders write it."""
    if isinstance(content.fields.get(name), str):
        return content.maybe_text(name)
    return content.maybe_text(f"{name}.id")


def _environment(content: Record) -> str | None:
    named = _id_of(content, "environment")
    return _last_part(named) if named else None


def _last_part(path: str) -> str:
    """Return the name at the end of /clusterA/namespaceB/checkout."""
    return path.rstrip("/").rpartition("/")[2] or path


def read_artifact(text: str) -> Artifact:
    """Read what is deployed out of a package URL, or out of an image's name.

    A tag is what people call a version, a digest is not: the qualifier `tag` comes before
    the version. Without either, the whole text is the version.
    """
    if not text.startswith("pkg:"):
        name, at, digest = text.partition("@")
        image, colon, tag = name.rpartition("/")[2].partition(":")
        version = tag if colon and tag else digest if at and digest else text
        return Artifact(version, image if colon or at else _last_part(text), _sha(digest or tag))
    path, _, query = text.removeprefix("pkg:").partition("#")[0].partition("?")
    before, at, version = path.rpartition("@")
    if not at:
        before, version = path, ""
    version = unquote(version)
    # Not parse_qsl: that makes a space of the plus in v1.2.1+build5.
    tags = [unquote(each.removeprefix("tag=")) for each in query.split("&") if each.startswith("tag=")]
    return Artifact(tags[0] if tags and tags[0] else version, unquote(_last_part(before)), _sha(version))


def _sha(version: str) -> str | None:
    return version if _SHA.fullmatch(version) else None
