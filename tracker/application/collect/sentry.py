"""Collecting from Sentry, or a Bugsink, for a span: what its webhooks may have missed."""

from collections.abc import Mapping
from datetime import datetime

from tracker.application.collect import clients
from tracker.application.collect.result import CollectResult, recorded
from tracker.application.session import Session
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Incoming
from tracker.ingest.sentry import api, bugsink
from tracker.ingest.sentry.api import Polled


def configured(session: Session) -> bool:
    """Whether tracker.toml names a Sentry, or a Bugsink, to ask."""
    return bool(session.settings.file.sentry.url or session.settings.file.sentry.organization)


def sentry(session: Session, start: datetime, end: datetime) -> CollectResult:
    """Ask for the issues, releases, deploys and commits of a span, of all services.

    It looks a day further back than `start`, since an issue may be resolved long after its last
    error. With an organization it is Sentry's API that is spoken, else Bugsink's.
    """
    result = CollectResult("sentry", None, "issues and releases")

    def read() -> list[Incoming]:
        polled = _poll(session, start, end)
        result.notes = polled.notes
        return polled.found

    return recorded(session, result, read)


def _poll(session: Session, start: datetime, end: datetime) -> Polled:
    settings, rules = session.settings, session.rules
    arrival = Arrival(via="poll", received_at=session.now)
    organization = settings.file.sentry.organization
    with clients.sentry(settings) as client:
        if organization:
            return api.read(
                client, organization=organization, rules=rules, start=start, end=end, arrival=arrival
            )
        clients.require_bugsink(settings, client)
        resolved = lambda: _resolved(session)  # noqa: E731
        return bugsink.read(client, rules=rules, start=start, end=end, resolved=resolved, arrival=arrival)


def _resolved(session: Session) -> Mapping[str, datetime]:
    """Return each issue whose last known step is "resolved", with when that was."""
    last: dict[str, IssueChanged] = {}
    for record in session.log.read_all(topics=("issue-changed",)):
        event = record.event
        if isinstance(event, IssueChanged) and event.action in ("created", "resolved", "regressed"):
            known = last.get(event.issue_id)
            if known is None or _order(known) <= _order(event):
                last[event.issue_id] = event
    return {key: event.occurred_at for key, event in last.items() if event.action == "resolved"}


def _order(event: IssueChanged) -> tuple[datetime, bool]:
    return event.occurred_at, event.action == "resolved"
