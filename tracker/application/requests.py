"""What can be asked to be recorded, as typed values.

The command line builds a request from argv, a page or an API from JSON, and the spool keeps it
until the store can be reached. `tracker.application.recording.record` carries it out.

Times are texts as people and programs write them (`14:45Z`, RFC 3339, `5m-ago`); None is now.
Incidents and events are named as they are typed: `INC-42`, `.`, a handle, `SERVICE@VERSION`.
"""

from typing import TypeAlias

import msgspec


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    by: str
    at: str | None = None


class DeclareIncident(_Request, frozen=True, kw_only=True):
    """Declare, or add to the open incident of one of these services unless `new`."""

    title: str
    services: tuple[str, ...]
    severity: str
    started: str | None = None
    detected: str | None = None
    detected_by: str | None = None
    impact: str | None = None
    lead: str | None = None
    new: bool = False


class AddNote(_Request, frozen=True, kw_only=True):
    incident: str
    text: str
    kind: str = "note"


class RecordImpact(_Request, frozen=True, kw_only=True):
    incident: str
    text: str
    affected: tuple[str, ...] = ()
    affected_from: str | None = None
    affected_to: str | None = None


class RecordChange(_Request, frozen=True, kw_only=True):
    """Record one step of a deploy or rollback: `change` is deploy or rollback, `step` is start, finish or fail."""

    change: str
    step: str
    service: str
    version: str
    environment: str = "production"
    sha: str | None = None
    url: str | None = None


class RecordEvent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Record an event that `tracker run` observed, in the encoding of the log."""

    topic: str
    state: bytes
    arrival: bytes = b""


class SetMilestone(_Request, frozen=True, kw_only=True):
    incident: str
    milestone: str
    until: str | None = None


class ChangeSeverity(_Request, frozen=True, kw_only=True):
    incident: str
    severity: str
    why: str


class ChangeLead(_Request, frozen=True, kw_only=True):
    incident: str
    lead: str


class ChangeStage(_Request, frozen=True, kw_only=True):
    incident: str
    stage: str


class AddService(_Request, frozen=True, kw_only=True):
    incident: str
    service: str


class RemoveService(_Request, frozen=True, kw_only=True):
    incident: str
    service: str


class ResolveIncident(_Request, frozen=True, kw_only=True):
    incident: str
    resolution: str = "fixed"


class ReopenIncident(_Request, frozen=True, kw_only=True):
    incident: str
    why: str


class MergeIncident(_Request, frozen=True, kw_only=True):
    incident: str
    into: str
    why: str


class LinkEvent(_Request, frozen=True, kw_only=True):
    incident: str
    event: str
    role: str | None = None
    why: str = ""


class UnlinkEvent(_Request, frozen=True, kw_only=True):
    """Take an event out of an incident; with `role`, take back only that role of one person."""

    incident: str
    event: str
    why: str
    role: str | None = None


class AmendEvent(_Request, frozen=True, kw_only=True):
    """Correct fields of an event; `at` is its new instant, None leaves it. An empty field becomes null."""

    event: str
    changes: dict[str, str | None]
    why: str


class RetractEvent(_Request, frozen=True, kw_only=True):
    event: str
    why: str


class AttachFile(_Request, frozen=True, kw_only=True):
    incident: str
    name: str
    content: bytes


class WaiveRule(_Request, frozen=True, kw_only=True):
    """Waive a rule of the procedure, or a claim by its key; `text` is a document whose claims have keys too."""

    incident: str
    rule: str
    why: str
    text: str | None = None
    where: str = ""


class AddAction(_Request, frozen=True, kw_only=True):
    incident: str
    text: str
    owner: str
    due: str


class CompleteAction(_Request, frozen=True, kw_only=True):
    action: str
    proof: str


Request: TypeAlias = (
    DeclareIncident
    | AddNote
    | RecordImpact
    | RecordChange
    | RecordEvent
    | SetMilestone
    | ChangeSeverity
    | ChangeLead
    | ChangeStage
    | AddService
    | RemoveService
    | ResolveIncident
    | ReopenIncident
    | MergeIncident
    | LinkEvent
    | UnlinkEvent
    | AmendEvent
    | RetractEvent
    | AttachFile
    | WaiveRule
    | AddAction
    | CompleteAction
)
