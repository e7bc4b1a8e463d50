"""Carrying out requests: each is turned into decisions or facts, and appended to the log."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tracker.application import requests
from tracker.application.recording.outcome import Outcome
from tracker.application.session import Session

HANDLERS: dict[type, str] = {
    requests.DeclareIncident: "declaration:declare",
    requests.AddNote: "notes:add_note",
    requests.RecordImpact: "notes:record_impact",
    requests.AttachFile: "notes:attach_file",
    requests.RecordChange: "changes:record_change",
    requests.RecordEvent: "changes:record_event",
    requests.SetMilestone: "incidents:set_milestone",
    requests.ChangeSeverity: "incidents:change_severity",
    requests.ChangeLead: "incidents:change_lead",
    requests.ChangeStage: "incidents:change_stage",
    requests.AddService: "incidents:add_service",
    requests.RemoveService: "incidents:remove_service",
    requests.ResolveIncident: "incidents:resolve",
    requests.ReopenIncident: "incidents:reopen",
    requests.MergeIncident: "incidents:merge",
    requests.LinkEvent: "links:link_event",
    requests.UnlinkEvent: "links:unlink_event",
    requests.AmendEvent: "corrections:amend_event",
    requests.RetractEvent: "corrections:retract_event",
    requests.WaiveRule: "waivers:waive_rule",
    requests.AddAction: "action_items:add",
    requests.CompleteAction: "action_items:complete",
}
"""Where each request is carried out; looked up when it is made, so that a note does not load the linter."""


def record(session: Session, request: requests.Request) -> Outcome:
    """Carry out a request.

    Raises:
        TrackerError: If it is refused, or the store is away; nothing is recorded then.
    """
    module, name = HANDLERS[type(request)].split(":")
    handler: Callable[[Session, Any], Outcome] = getattr(import_module(f"{__name__}.{module}"), name)
    return handler(session, request)
