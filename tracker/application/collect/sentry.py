"""Pulling Sentry, or a Bugsink, for a span: what its webhooks may have missed."""

from collections.abc import Mapping
from datetime import datetime

from tracker.application.collect.result import Pulled
from tracker.application.session import Session
from tracker.errors import SettingsError, TrackerError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Arrival, Observation
from tracker.ingest.sentry import api, bugsink
from tracker.ingest.sentry.api import Polled
from tracker.ingest.sentry.http import SentryHttp
from tracker.settings.loading import secret

DEFAULT_URL = "https://sentry.io"


def configured(session: "Session") -> bool:
    """Whether tracker.toml names a Sentry, or a Bugsink, to ask."""
    return bool(session.settings.file.sentry.url or session.settings.file.sentry.organization)


def sentry(session: "Session", service: str | None, start: datetime, end: datetime) -> list[Pulled]:
    """Ask for issues, releases, deploys and commits of a span, and record them; None is every service.

    It looks a day further back than `start`, since an issue may be resolved long after its
    last error. With an organization it is Sentry's API that is spoken, else Bugsink's.
    """
    pulled = Pulled("sentry", service, "issues and releases")
    try:
        polled = _asked(session, start, end)
        facts = [
            each
            for each in polled.found
            if service is None or (isinstance(each.event, Observation) and each.event.service == service)
        ]
    except TrackerError as trouble:
        pulled.problem = trouble
        return [pulled]
    pulled.found = len(facts)
    pulled.notes = polled.notes
    session.record(facts, pulled.recording)
    return [pulled]


def _asked(session: "Session", start: datetime, end: datetime) -> "Polled":
    settings = session.settings.file.sentry
    where = session.settings.path or "tracker.toml (there is none; tracker init writes one)"
    if not configured(session):
        raise SettingsError(
            f"{where} names no Sentry",
            hint='[sentry] organization = "acme" and token_env = "SENTRY_TOKEN", or name a FILE of envelopes or webhook bodies',
        )
    arrival = Arrival(via="poll", received_at=session.now)
    http = SentryHttp(settings.url or DEFAULT_URL, token=secret(settings.token_env))
    try:
        if settings.organization:
            return api.read(
                http,
                organization=settings.organization,
                rules=session.rules,
                start=start,
                end=end,
                arrival=arrival,
            )
        if not bugsink.speaks(http):
            raise SettingsError(
                f"{where}: [sentry] names no organization, and {http.url} is no Bugsink, or its token is not allowed in",
                hint='[sentry] organization = "acme"',
            )
        return bugsink.read(
            http,
            rules=session.rules,
            start=start,
            end=end,
            resolved=lambda: _resolved(session),
            arrival=arrival,
        )
    finally:
        http.close()


def _resolved(session: "Session") -> Mapping[str, datetime]:
    """Say of each issue whose last known step is "resolved" when that was."""
    steps: dict[str, IssueChanged] = {}
    for each in session.log.read_all(topics=("issue-changed",)):
        event = each.event
        if isinstance(event, IssueChanged) and event.action in ("created", "resolved", "regressed"):
            held = steps.get(event.issue_id)
            if held is None or _order(held) <= _order(event):
                steps[event.issue_id] = event
    return {key: event.occurred_at for key, event in steps.items() if event.action == "resolved"}


def _order(event: "IssueChanged") -> tuple[datetime, bool]:
    return event.occurred_at, event.action == "resolved"
