"""Polling Bugsink: what its API says and what it does not; a real one answers in tests/cli/test_ingest_sentry.py."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, payload
from tests.ingest.sentry.test_api import Canned
from tracker.errors import BadInputError, SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Incoming, encode
from tracker.ingest.sentry import bugsink, webhook

START, END = datetime(2026, 3, 1, 14, tzinfo=UTC), datetime(2026, 3, 1, 15, tzinfo=UTC)
HOOK = json.loads(payload("bugsink_webhook.json"))
ISSUE = {
    name: value
    for name, value in HOOK.items()
    if name not in ("title", "project_name", "url", "alert_reason")
}
EVENTS = ["14:47:46.5", "14:47:45.903917", "14:46:00", "14:45:25.563977"]
ANSWERS: dict[str, Any] = {
    "projects": [{"id": 1, "name": "shop", "slug": "shop"}],
    "issues": [ISSUE],
    "events": [{"id": str(number), "ingested_at": f"2026-03-01T{at}Z"} for number, at in enumerate(EVENTS)],
    "releases": [
        {"id": "9", "project": 1, "version": "shop@1.4.2", "date_released": "2026-03-01T14:45:25.563977Z"}
    ],
}


def found(answers: Any, resolved: Mapping[str, datetime] | None = None) -> list[Incoming]:
    http: Any = Canned(answers)
    polled = bugsink.read(http, rules=RULES, start=START, end=END, resolved=lambda: resolved or {})
    return polled.found


def steps(answers: Any, resolved: Mapping[str, datetime] | None = None) -> list[IssueChanged]:
    return [each for each in events(found(answers, resolved)) if isinstance(each, IssueChanged)]


def test_an_issue_is_the_one_that_the_webhook_told_of() -> None:
    """
    NEW is created at the same instant, under the same name.
    """
    hook = json.dumps({**HOOK, "alert_reason": "NEW"}).encode()
    (told,) = events(webhook.read(hook, where="feed", rules=RULES))

    (created,) = steps(ANSWERS)

    assert created.subject() == told.subject()
    assert isinstance(told, IssueChanged)
    assert (created.title, created.service, created.short_id) == (told.title, told.service, told.short_id)


def test_an_issue_that_was_seen_resolved_came_back_with_the_next_error() -> None:
    """
    The webhook says REGRESSED at that error; polled later, when more have come, it is still that one.
    """
    told = events(webhook.read(json.dumps(HOOK).encode(), where="feed", rules=RULES))[0]
    later = changed(ANSWERS, issues__0__last_seen="2026-03-01T14:47:46.5Z")
    resolved = {HOOK["id"]: datetime(2026, 3, 1, 14, 46, tzinfo=UTC)}

    assert [each.action for each in steps(later)] == ["created"]
    assert [each.action for each in steps(later, resolved)] == ["created", "regressed"]
    assert steps(later, resolved)[1].subject() == told.subject()


def test_a_resolved_issue_reads_after_its_last_error() -> None:
    """
    With one error alone it was created then, too, and nobody resolves before that.
    """
    one = changed(ANSWERS, issues__0__is_resolved=True, issues__0__last_seen=ISSUE["first_seen"])

    created, resolved = steps(one)

    assert (created.action, resolved.action) == ("created", "resolved")
    assert timedelta() < resolved.occurred_at - created.occurred_at < timedelta(milliseconds=1)


def test_an_error_without_a_release_makes_none() -> None:
    """
    Bugsink keeps an empty one for it.
    """
    bare = changed(ANSWERS, releases__0__version="")

    assert len(found(bare)) == len(found(ANSWERS)) - 1


def test_bugsinks_test_message_is_no_issue() -> None:
    """
    Its settings have a button that sends one.
    """
    test = json.dumps({**HOOK, "alert_reason": "TEST"}).encode()

    assert webhook.read(test, where="feed", rules=RULES) == []


def test_only_a_bugsink_speaks_as_one() -> None:
    """
    Any other server has nothing there, or something else.
    """
    http: Any = Canned({"projects": {"next": None, "results": []}})

    assert bugsink.speaks(http)
    for other in ([], {}, {"detail": "no"}, "text"):
        assert not bugsink.speaks(Canned({"projects": other}))  # type: ignore[arg-type]


def test_a_server_that_answers_otherwise_is_told() -> None:
    """
    With where it is named.
    """
    with pytest.raises(SourceUnreachableError, match="does not answer as a Bugsink"):
        found({**ANSWERS, "releases": {}})


@given(answers=damaged(ANSWERS) | st.dictionaries(st.sampled_from(sorted(ANSWERS)), anything))
def test_whatever_is_answered_is_read_or_refused(answers: Any) -> None:
    """
    A broken server gives one line, and what is read can be stored.
    """
    refused: BadInputError | SourceUnreachableError | None = None
    read: list[Incoming] = []
    try:
        read = found(answers if isinstance(answers, dict) else {}, {HOOK["id"]: START})
    except (BadInputError, SourceUnreachableError) as trouble:
        refused = trouble
    if refused is not None:
        assert "\n" not in refused.message
        assert refused.hint
    for each in read:
        encode(each.event)
        assert each.payload


@given(data=st.data())
def test_the_order_of_lists_does_not_matter(data: st.DataObject) -> None:
    """
    Nor does it matter how often an entry is on them.
    """
    mixed = {
        name: value if name == "events" else data.draw(st.permutations(value * 2))
        for name, value in ANSWERS.items()
    }

    assert set(ids(found(mixed))) == set(ids(found(ANSWERS)))


@pytest.mark.parametrize("last", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_the_calendar_break_nothing(last: str) -> None:
    """
    Nothing lies behind the last instant there is.
    """
    far = changed(ANSWERS, issues__0__is_resolved=True, issues__0__last_seen=last)

    assert [each.action for each in steps(far)] in (["created"], [])
