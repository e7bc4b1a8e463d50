"""Sentry's webhooks tell of errors, issues and metric alerts; each fact is the same however often it comes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, payload, read_or_refused
from tracker.errors import BadInputError
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen, IssueChanged
from tracker.ingest.sentry.webhook import read
from tracker.ingest.services import ServiceRule, ServiceRules

EVENT_ALERT, ISSUE, METRIC_ALERT, LEGACY, BUGSINK = (
    json.loads(payload(name))
    for name in (
        "sentry_event_alert.json",
        "sentry_issue.json",
        "sentry_metric_alert.json",
        "sentry_legacy_plugin.json",
        "bugsink_webhook.json",
    )
)
LAST_SEEN = datetime(2026, 3, 1, 14, 45, 12, 250117, tzinfo=UTC)


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def told(value: Any, **options: Any) -> Any:
    """Read one body that tells of one event."""
    (event,) = events(read(body(value), where="feed", rules=RULES, **options))
    return event


def test_an_issue_alert_is_the_error_that_it_was_raised_for() -> None:
    """
    The instant is the error's own, the group Sentry's issue, the project its short name.
    """
    assert told(EVENT_ALERT) == ErrorSeen(
        occurred_at=LAST_SEEN,
        precision_seconds=1e-6,
        source="sentry",
        service="checkout",
        project="shop",
        error_id="9f0c4b1d2e3a4c5d8e7f60718293a4b5",
        title="KeyError: 'card'",
        culprit="POST /checkout",
        release="shop@1.4.2",
        environment="production",
        group="issue:4242",
        url="https://sentry.io/organizations/acme/issues/4242/events/9f0c4b1d2e3a4c5d8e7f60718293a4b5/",
        tags={"environment": "production", "level": "error", "service": "checkout"},
    )


def test_an_error_of_a_project_without_service_is_that_of_its_tag() -> None:
    """
    A project that several services share says which one in a tag.
    """
    rules = ServiceRules((ServiceRule("payments"), ServiceRule("checkout")))

    (found,) = read(body(EVENT_ALERT), where="feed", rules=rules)

    assert isinstance(found.event, ErrorSeen)
    assert found.event.service == "checkout"


def test_a_project_is_known_by_its_number_too() -> None:
    """
    Without an address there is only the number.
    """
    rules = ServiceRules((ServiceRule("payments", sentry_projects=("17",)),))
    bare = changed(EVENT_ALERT, data__event__url=..., data__event__tags=None)

    (found,) = read(body(bare), where="feed", rules=rules)

    assert isinstance(found.event, ErrorSeen)
    assert (found.event.project, found.event.service) == ("17", "payments")


def test_every_error_is_read_like_one_that_raised_an_alert() -> None:
    """
    error.created carries the same object under another name.
    """
    created = {**EVENT_ALERT, "action": "created", "data": {"error": EVENT_ALERT["data"]["event"]}}

    assert told(created) == told(EVENT_ALERT)


def test_the_legacy_plugin_tells_of_the_same_error() -> None:
    """
    Both ways name the error's id: they are one subject.
    """
    legacy = told(LEGACY)

    assert isinstance(legacy, ErrorSeen)
    assert legacy.subject() == told(EVENT_ALERT).subject()
    assert legacy.occurred_at == datetime(2026, 3, 1, 14, 45, 12, 250000, tzinfo=UTC)
    assert (legacy.group, legacy.service) == ("issue:4242", "checkout")


def test_an_issue_that_came_back_is_told_as_regressed() -> None:
    """
    Sentry says "unresolved" and means it came back; its count is a text.
    """
    assert told(ISSUE) == IssueChanged(
        occurred_at=LAST_SEEN,
        precision_seconds=1e-6,
        source="sentry",
        service="checkout",
        project="shop",
        issue_id="4242",
        action="regressed",
        title="KeyError: 'card'",
        short_id="SHOP-7",
        level="error",
        status="unresolved",
        first_seen_at=datetime(2026, 2, 27, 8, tzinfo=UTC),
        event_count=31,
        user_count=4,
        url="https://sentry.io/organizations/acme/issues/4242/",
    )


@pytest.mark.parametrize(
    ("action", "substatus", "ours"),
    [
        ("unresolved", "escalating", "escalated"),
        ("unresolved", "ongoing", "unresolved"),
        ("ignored", "archived_until_escalating", "archived"),
        ("archived", None, "archived"),
        ("resolved", None, "resolved"),
        ("assigned", "ongoing", "assigned"),
    ],
)
def test_actions_are_told_in_words_that_people_use(action: str, substatus: str | None, ours: str) -> None:
    """
    The substatus says which kind of unresolved it is.
    """
    assert told(changed(ISSUE, action=action, data__issue__substatus=substatus)).action == ours


def test_an_issue_is_created_when_it_was_first_seen() -> None:
    """
    The first error made the issue, whenever the webhook came.
    """
    assert told(changed(ISSUE, action="created")).occurred_at == datetime(2026, 2, 27, 8, tzinfo=UTC)


def test_an_action_is_as_old_as_the_history_of_the_issue_says() -> None:
    """
    Where the body has the history, its instant is better than that of the last error.
    """
    history = [
        {"type": "set_resolved", "dateCreated": "2026-03-01T15:02:00Z"},
        {"type": "note", "dateCreated": "2026-03-01T15:09:00Z"},
        {"type": "set_resolved", "dateCreated": "2026-02-28T09:00:00Z"},
    ]
    resolved = changed(ISSUE, action="resolved", data__issue__activity=history)
    in_release = changed(ISSUE, action="resolved", data__issue__statusDetails={"inRelease": "shop@1.4.3"})

    assert told(resolved).occurred_at == datetime(2026, 3, 1, 15, 2, tzinfo=UTC)
    assert told(in_release).occurred_at == LAST_SEEN
    assert told(in_release).release == "shop@1.4.3"


def test_a_metric_alert_fires_at_its_own_start() -> None:
    """
    It began before it was detected, and long before the webhook.
    """
    fired = told(METRIC_ALERT)

    assert fired == AlertFired(
        occurred_at=datetime(2026, 3, 1, 14, 43, tzinfo=UTC),
        precision_seconds=1e-6,
        source="sentry",
        service="checkout",
        name="Many errors in checkout",
        fingerprint="sentry-metric-alert:9",
        severity="critical",
        labels={"alertname": "Many errors in checkout", "project": "shop"},
        annotations={
            "summary": "Critical: Many errors in checkout",
            "description": "940 events in the last 10 minutes",
        },
        generator_url="https://sentry.io/organizations/acme/alerts/9/",
    )


def test_a_resolved_metric_alert_has_its_start_and_its_end() -> None:
    """
    The webhook that said it fired may have been lost: Sentry does not repeat it.
    """
    over = changed(
        METRIC_ALERT,
        action="resolved",
        data__metric_alert__date_closed="2026-03-01T15:01:00Z",
        data__description_title="Resolved: Many errors in checkout",
    )

    fired, resolved = events(read(body(over), where="feed", rules=RULES))

    assert isinstance(resolved, AlertResolved)
    assert resolved.occurred_at == datetime(2026, 3, 1, 15, 1, tzinfo=UTC)
    assert resolved.started_at == fired.occurred_at == told(METRIC_ALERT).occurred_at
    assert fired.subject() == told(METRIC_ALERT).subject()
    assert resolved.severity == "critical"


def test_bugsink_tells_of_issues_in_its_own_words() -> None:
    """
    NEW, REGRESSED and UNMUTED become what Sentry's actions become.
    """
    regressed = told(BUGSINK)

    assert isinstance(regressed, IssueChanged)
    assert regressed.occurred_at == datetime(2026, 3, 1, 14, 47, 45, 903917, tzinfo=UTC)
    assert (regressed.action, regressed.short_id, regressed.service) == ("regressed", "SHOP-2", "checkout")
    assert (regressed.project, regressed.status, regressed.event_count) == ("shop", "unresolved", 3)
    new = told(changed(BUGSINK, alert_reason="NEW"))
    assert (new.action, new.occurred_at) == ("created", new.first_seen_at)
    assert told(changed(BUGSINK, alert_reason="UNMUTED")).action == "unmuted"


@pytest.mark.parametrize(
    ("event_name", "value"),
    [
        ("comment", {"action": "created", "data": {"comment": "looking", "issue_id": 4242}}),
        ("installation", {"action": "created", "data": {"installation": {"uuid": "x"}}}),
        ("seer", {"action": "root_cause_completed", "data": {"run_id": 1}}),
        ("metric_alert", changed(METRIC_ALERT, action="snoozed")),
    ],
)
def test_what_tells_nothing_of_production_gives_no_events(event_name: str, value: Any) -> None:
    """
    An authentic body of another kind is no error, named or not.
    """
    assert read(body(value), where="feed", rules=RULES, event_name=event_name) == []
    assert read(body(value), where="feed", rules=RULES) == []


@pytest.mark.parametrize(
    ("event_name", "value"),
    [
        ("event_alert", EVENT_ALERT),
        ("issue", ISSUE),
        ("metric_alert", METRIC_ALERT),
    ],
)
def test_a_body_shows_what_it_is(event_name: str, value: Any) -> None:
    """
    A file has no headers: with and without the name it is read the same.
    """
    assert told(value) == told(value, event_name=event_name)


def test_a_signed_body_counts_for_its_own_resource_only() -> None:
    """
    The signature does not cover the header: under that of another resource it is refused.
    """
    with pytest.raises(BadInputError, match="is the body of issue, not of metric_alert"):
        told(ISSUE, event_name="metric_alert")
    with pytest.raises(BadInputError, match="is the body of metric_alert, not of issue"):
        told(METRIC_ALERT, event_name="issue")


@pytest.mark.parametrize(
    "value", [EVENT_ALERT, ISSUE, METRIC_ALERT], ids=["event_alert", "issue", "metric_alert"]
)
def test_who_sent_it_and_for_whom_is_no_part_of_the_fact(value: Any) -> None:
    """
    Two integrations deliver the same fact under their own installation.
    """
    other = changed(value, installation={"uuid": "00000000"}, actor={"type": "user", "id": 3, "name": "Ada"})

    assert ids(read(body(other), where="feed", rules=RULES)) == ids(
        read(body(value), where="feed", rules=RULES)
    )


def test_bodies_are_kept_byte_for_byte_line_by_line() -> None:
    """
    A spool is one body on each line; each event holds its own.
    """
    lines = [body(EVENT_ALERT), body(ISSUE), body(BUGSINK)]

    found = read(b"\n".join(lines) + b"\n", where="spool", rules=RULES)

    assert [each.payload for each in found] == lines
    assert read(body(EVENT_ALERT), where="feed", rules=RULES)[0].payload == body(EVENT_ALERT)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"text": "hello"},
            "feed: it is not a webhook body of Sentry or Bugsink: it has no action with data",
        ),
        ([EVENT_ALERT, 3], "feed: body 2 is 3, not a JSON object"),
        (changed(EVENT_ALERT, data__event__event_id=...), "feed: it has no data.event.event_id"),
        (
            changed(EVENT_ALERT, data__event__datetime=..., data__event__timestamp=...),
            "feed: it has no data.event.datetime or timestamp",
        ),
        (
            changed(EVENT_ALERT, data__event__datetime=..., data__event__timestamp=1e300),
            "feed: it has data.event.timestamp 1e+300, which is not a number",
        ),
        (
            changed(ISSUE, data__issue__count="many"),
            "feed: it has data.issue.count 'many', which is not a whole number",
        ),
        (changed(ISSUE, data__issue__id=...), "feed: it has no data.issue.id"),
        (changed(METRIC_ALERT, action="resolved"), "feed: it has no data.metric_alert.date_closed"),
        (changed(LEGACY, event__event_id=...), "feed: it has no event.id"),
    ],
)
def test_a_broken_body_says_which_field(value: Any, said: str) -> None:
    """
    The whole way to the field is named.
    """
    with pytest.raises(BadInputError) as refused:
        read(body(value), where="feed", rules=RULES)

    assert refused.value.message == said
    assert "--event" in refused.value.hint


@given(st.binary(max_size=300), st.sampled_from([None, "issue", "event_alert", "comment"]))
def test_any_bytes_are_read_or_refused(data: bytes, event_name: str | None) -> None:
    """
    No bytes make a bug.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES, event_name=event_name))


@given(anything, st.sampled_from([None, "issue", "event_alert", "metric_alert", "error"]))
def test_any_json_is_read_or_refused(value: Any, event_name: str | None) -> None:
    """
    No JSON makes a bug.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES, event_name=event_name))


@given(st.sampled_from([EVENT_ALERT, ISSUE, METRIC_ALERT, LEGACY, BUGSINK]).flatmap(damaged))
def test_any_damage_is_read_or_refused(value: Any) -> None:
    """
    A real body with anything in one place makes no bug either.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES))
