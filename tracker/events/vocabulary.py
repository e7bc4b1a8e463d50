"""The values that fields of decisions may have; those of observations are free."""

from tracker.events.base import Event
from tracker.events.corrections import EventLinked
from tracker.events.incidents import (
    DETECTED_BY,
    MILESTONES,
    NOTE_KINDS,
    RESOLUTIONS,
    ROLES,
    SEVERITIES,
    STAGES,
    UNKNOWN,
    IncidentDeclared,
    IncidentResolved,
    MilestoneSet,
    NoteAdded,
    SeverityChanged,
    StageChanged,
)
from tracker.events.messages import (
    CHANNELS,
    MESSAGE_KINDS,
    REMINDER,
    MessageFailed,
    MessagePosting,
    MessagePrepared,
    MessagePrinted,
    MessageSent,
)
from tracker.events.reviews import TEMPLATES, ReportPublished

VALUES: dict[type[Event], dict[str, tuple[str, ...]]] = {
    IncidentDeclared: {"severity": (*SEVERITIES, UNKNOWN), "detected_by": DETECTED_BY},
    SeverityChanged: {"severity": SEVERITIES},
    StageChanged: {"stage": STAGES},
    NoteAdded: {"kind": NOTE_KINDS},
    MilestoneSet: {"milestone": MILESTONES},
    IncidentResolved: {"resolution": (*RESOLUTIONS, UNKNOWN)},
    EventLinked: {"role": ROLES},
    ReportPublished: {"template": TEMPLATES},
    **{
        message: {"kind": (*MESSAGE_KINDS, REMINDER)}
        for message in (MessagePrinted, MessagePosting, MessageSent, MessageFailed)
    },
    MessagePrepared: {"kind": (*MESSAGE_KINDS, REMINDER), "channel": CHANNELS},
}
