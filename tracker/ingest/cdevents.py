"""CDEvents, in their own form and inside of CloudEvents: deploys, rollbacks, incidents of others.

Types carry versions that change with every release of the specification, so they are
known by `dev.cdevents.<subject>.<predicate>` alone. What is not known is left out.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from tracker.events.alerts import OutsideIncidentReported
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.ingest.documents import Moment, Record, decoded, documents
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
class _Told:
    """One event, whichever form it came in."""

    record: Record
    predicate: str
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


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "cdevents",
    arrival: Arrival = Arrival(),  # noqa: B008  (it is frozen)
) -> list[Incoming]:
    """Read events from one document, a list of them (a batch), or JSON lines.

    The events' source is their own `source`; the keyword stands in where that is empty.

    Raises:
        BadInputError: If an event that we want lacks its time, its id or its version, or
            if something is no event at all; nothing is read then.
    """
    found: list[Incoming] = []
    for document in documents(data, where=where, hint=HINT):
        for element in document.elements("event"):
            event = _event(element.record(HINT), rules, source)
            if event is not None:
                found.append(Incoming(event=event, arrival=arrival, payload=element.raw))
    return found


def _event(
    record: Record, rules: ServiceRules, source: str
) -> DeployFinished | RollbackFinished | OutsideIncidentReported | None:
    context = record.maybe_record("context")
    kind = (context or record).text("type")
    match = _TYPE.match(kind)
    if match is None:
        return None
    about, predicate = match[1], match[2]
    if about == "service" and predicate in _CHANGES:
        return _change(_told(record, context, predicate, source), rules)
    if about == "incident" and predicate in _INCIDENT_STEPS:
        return _incident(_told(record, context, predicate, source), rules)
    return None


def _told(record: Record, context: Record | None, predicate: str, source: str) -> _Told:
    if context is not None:
        subject = record.record("subject")
        return _Told(
            record=record,
            predicate=predicate,
            id=context.text("id"),
            source=context.maybe_text("source") or source,
            moment=context.moment("timestamp"),
            subject_id=subject.text("id"),
            content=_content(subject),
        )
    data = _data(record)
    inner = data.maybe_record("context")
    subject_given = data.maybe_record("subject")
    moment = (inner.maybe_moment("timestamp") if inner else None) or record.maybe_moment("time")
    if moment is None:
        raise record.missing("time")
    return _Told(
        record=record,
        predicate=predicate,
        id=(inner.maybe_text("id") if inner else None) or record.text("id"),
        source=(inner.maybe_text("source") if inner else None) or record.maybe_text("source") or source,
        moment=moment,
        subject_id=subject_given.text("id") if subject_given else record.text("subject"),
        content=_content(subject_given) if subject_given else data,
    )


def _content(subject: Record) -> Record:
    return subject.maybe_record("content") or Record({}, subject.place, subject.hint, "subject.content.")


def _data(record: Record) -> Record:
    """Find what a CloudEvent carries: an object, its JSON as a text, or that in base 64."""
    value: Any = record.fields.get("data")
    packed = record.maybe_text("data_base64")
    if value is None and packed is not None:
        try:
            value = decoded(
                base64.b64decode(packed, validate=True), place=f"{record.place} has data", hint=HINT
            )
        except (binascii.Error, ValueError) as wrong:
            raise record.problem("has data_base64 that is not base 64") from wrong
    elif isinstance(value, str):
        value = decoded(value.encode("utf-8", "replace"), place=f"{record.place} has data", hint=HINT)
    if not isinstance(value, dict):
        raise record.problem("has no data, or data that is not an object")
    return Record(value, record.place, record.hint, "data.")


def _change(told: _Told, rules: ServiceRules) -> DeployFinished | RollbackFinished:
    named = told.content.maybe_text("artifactId")
    if named is None:
        raise told.content.missing("artifactId, which names the version")
    artifact = read_artifact(named)
    if not artifact.version or "\x00" in artifact.version:
        raise told.content.wrong("artifactId", "a purl with a version, such as pkg:oci/checkout@v1.2.1")
    service = rules.for_name(_last_part(told.subject_id)) or rules.for_name(artifact.name)
    return _CHANGES[told.predicate](
        occurred_at=told.moment.at,
        precision_seconds=told.moment.precision_seconds,
        utc_offset_minutes=told.moment.utc_offset_minutes,
        source=told.source,
        service=service,
        version=artifact.version,
        environment=_environment(told.content) or "production",
        sha=artifact.sha,
        run_id=told.id,
    )


def _incident(told: _Told, rules: ServiceRules) -> OutsideIncidentReported:
    service = _id_of(told.content, "service")
    return OutsideIncidentReported(
        occurred_at=told.moment.at,
        precision_seconds=told.moment.precision_seconds,
        utc_offset_minutes=told.moment.utc_offset_minutes,
        source=told.source,
        service=rules.for_name(_last_part(service)) if service else None,
        outside_id=told.subject_id,
        status=told.predicate,
        title=told.content.maybe_text("description") or f"incident {told.subject_id}",
        environment=_environment(told.content),
        url=told.content.maybe_text("ticketURI") or told.content.maybe_text("uri"),
        artifact=told.content.maybe_text("artifactId"),
    )


def _id_of(content: Record, name: str) -> str | None:
    """Read a reference {id, source}, or the id alone, as some senders write it."""
    if isinstance(content.fields.get(name), str):
        return content.maybe_text(name)
    reference = content.maybe_record(name)
    return reference.maybe_text("id") if reference else None


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
