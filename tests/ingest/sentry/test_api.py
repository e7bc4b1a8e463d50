"""Polling Sentry's REST API gives the facts that its webhooks and sentry-cli tell; the server is a fake."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, damaged, events, ids
from tests.servers.sentry import Failure, FakeSentry, endless_link, fake_sentry, glitchtips_link
from tracker.errors import BadInputError, SettingsError, SourceUnreachableError
from tracker.events.alerts import IssueChanged
from tracker.events.base import Event, Incoming, encode
from tracker.events.changes import CommitMade, DeployFinished, DeployStarted, ReleaseCreated, VersionReleased
from tracker.ingest.documents import Document, decoded
from tracker.ingest.http import Limits, RateLimitedError, retry_at
from tracker.ingest.sentry import api, cli, webhook
from tracker.ingest.sentry import client as sentry_client
from tracker.ingest.sentry.api import Polled
from tracker.ingest.sentry.client import SentryClient, next_cursor

DAY = datetime(2026, 3, 1, tzinfo=UTC)
START, END = DAY + timedelta(hours=14), DAY + timedelta(hours=15)
RATE_LIMITED = b'{"detail": "You are attempting to use this endpoint too frequently."}'


def issue(number: int = 4242, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "shortId": f"SHOP-{number}",
        "title": "KeyError: 'card'",
        "firstSeen": "2026-03-01T14:10:00.250000Z",
        "lastSeen": "2026-03-01T14:45:12.250117Z",
        "status": "unresolved",
        "substatus": "new",
        "level": "error",
        "count": "31",
        "userCount": 4,
        "permalink": f"https://sentry.io/organizations/acme/issues/{number}/",
        "project": {"id": "17", "slug": "shop", "name": "Shop"},
        "statusDetails": {},
        **fields,
    }


def release(version: str = "shop@1.5.0", **fields: Any) -> dict[str, Any]:
    return {
        "version": version,
        "shortVersion": version,
        "dateCreated": "2026-03-01T14:40:00.813579Z",
        "dateReleased": "2026-03-01T14:42:00Z",
        "url": None,
        "ref": None,
        "newGroups": 0,
        "commitCount": 1,
        "deployCount": 1,
        "lastDeploy": None,
        "projects": [{"slug": "shop", "name": "Shop", "id": 17}],
        "versionInfo": {"version": {"raw": version}},
        **fields,
    }


DEPLOY = {
    "id": "22257445",
    "environment": "production",
    "name": "deploy 42",
    "url": "https://ci.example/42",
    "dateStarted": "2026-03-01T14:43:00Z",
    "dateFinished": "2026-03-01T14:44:00.184396Z",
}
COMMIT = {
    "id": "0123456789abcdef0123456789abcdef01234567",
    "message": "Do not divide by an empty basket\n\nIt was empty.",
    "dateCreated": "2026-03-01T14:30:00Z",
    "author": {"name": "Ann", "email": "ann@example.com"},
    "repository": {"name": "acme/shop"},
}


@pytest.fixture
def fake() -> Iterator[FakeSentry]:
    """A Sentry with one release, its deploy and its commit, and no issue."""
    with fake_sentry(
        releases=[release()], deploys={"shop@1.5.0": [DEPLOY]}, commits={"shop@1.5.0": [COMMIT]}
    ) as server:
        yield server


def poll(fake: FakeSentry, *, start: datetime = START, end: datetime = END, token: str = "token") -> Polled:
    http = SentryClient(fake.url, token=token)
    try:
        return api.read(http, organization=fake.organization, rules=RULES, start=start, end=end)
    finally:
        http.close()


def of(polled: Polled, *kinds: type[Event]) -> list[Any]:
    return [each for each in events(polled.found) if isinstance(each, kinds)]


def asked(fake: FakeSentry, ending: str) -> int:
    return sum(path.endswith(ending) for path, _ in fake.asked)


# ── what is told ─────────────────────────────────────────────────────────────


def test_a_release_its_deploy_and_its_commit_are_told(fake: FakeSentry) -> None:
    """
    With their own instants, under the service of the release's project.
    """
    found = events(poll(fake).found)

    assert {type(each) for each in found} == {
        *(ReleaseCreated, VersionReleased, DeployStarted, DeployFinished, CommitMade),
    }
    assert {getattr(each, "service", None) for each in found} == {"checkout"}
    (commit,) = (each for each in found if isinstance(each, CommitMade))
    assert (commit.sha, commit.author, commit.repository, commit.subject_line) == (
        *(COMMIT["id"], "Ann", "shop", "Do not divide by an empty basket"),
    )


def test_a_deploy_is_the_one_that_sentry_cli_told_of(fake: FakeSentry) -> None:
    """
    A pipeline that tells the tracker and Sentry both is heard once.
    """
    body = json.dumps({name: DEPLOY[name] for name in DEPLOY if name != "id"}).encode()
    path = "/api/0/organizations/acme/releases/shop@1.5.0/deploys/"

    told = cli.read(body, where="feed", rules=RULES, method="POST", path=path)

    polled = poll(fake)
    assert len(told) == 2
    assert set(ids(told)) <= set(ids(polled.found))


def test_a_commit_is_the_one_that_sentry_cli_told_of(fake: FakeSentry) -> None:
    """
    One subject, though only the program knows which paths were changed.
    """
    body = {
        "commits": [
            {**COMMIT, "timestamp": COMMIT["dateCreated"], "author_name": "Ann", "repository": "shop"}
        ]
    }
    told = cli.read(
        json.dumps(body).encode(),
        where="feed",
        rules=RULES,
        method="PUT",
        path="/api/0/organizations/acme/releases/shop@1.5.0/",
    )

    (commit,) = of(poll(fake), CommitMade)

    assert commit.subject() == told[0].event.subject()


@pytest.mark.parametrize(
    ("action", "last_seen", "body"),
    [
        ("created", "2026-03-01T14:10:00.250000Z", {"substatus": "new"}),
        ("resolved", "2026-03-01T14:45:12.250117Z", {"status": "resolved", "substatus": None}),
    ],
)
def test_an_issue_is_the_one_that_the_webhook_told_of(
    fake: FakeSentry, action: str, last_seen: str, body: Any
) -> None:
    """
    Created when it was first seen; resolved, where the server has no history, after the last error.
    """
    fake.issues = [issue(**body)]
    fake.fails("/issues/4242/", Failure())
    hook = {"action": action, "data": {"issue": {**issue(**body), "lastSeen": last_seen}}}

    (told,) = webhook.read(json.dumps(hook).encode(), where="feed", rules=RULES, event_name="issue")

    assert told.event.subject() in [each.subject() for each in of(poll(fake), IssueChanged)]


def test_an_issues_history_tells_each_step_at_its_own_instant(fake: FakeSentry) -> None:
    """
    Resolved in a release and back again: the webhooks may have missed both.
    """
    fake.issues = [issue(substatus="regressed")]
    fake.details["4242"] = issue(
        activity=[
            {"type": "set_regression", "dateCreated": "2026-03-01T14:44:59Z", "data": {}},
            {"type": "note", "dateCreated": "2026-03-01T14:44:00Z", "data": {"text": "hm"}},
            {
                "type": "set_resolved_in_release",
                "dateCreated": "2026-03-01T14:43:00Z",
                "data": {"version": "shop@1.5.0"},
            },
            {"type": "first_seen", "dateCreated": "2026-03-01T14:10:00.25Z", "data": {}},
        ]
    )

    found = sorted(of(poll(fake), IssueChanged), key=lambda each: each.occurred_at)

    assert [(each.action, each.release) for each in found] == [
        *(("created", None), ("resolved", "shop@1.5.0"), ("regressed", None)),
    ]
    assert found[1].occurred_at == datetime(2026, 3, 1, 14, 43, tzinfo=UTC)


def test_a_step_is_told_the_same_while_errors_go_on(fake: FakeSentry) -> None:
    """
    Counts and the last error are no part of a step: else each poll would tell of a new one.
    """
    fake.issues = [issue()]
    before = ids(poll(fake).found)
    fake.issues = [issue(count="99", userCount=7, lastSeen="2026-03-01T14:59:00Z")]

    assert ids(poll(fake).found) == before


def test_an_old_release_that_is_deployed_again_is_told(fake: FakeSentry) -> None:
    """
    That is what a rollback looks like in Sentry. One that was not deployed since is not asked about.
    """
    old = {"dateCreated": "2025-01-01T00:00:00Z", "dateReleased": None, "commitCount": 0}
    again = {"id": "9", "environment": "production", "dateFinished": "2026-03-01T14:50:00Z"}
    fake.releases += [
        release("shop@1.4.2", **old, lastDeploy=again),
        release("shop@1.4.1", **old, lastDeploy={**again, "dateFinished": "2025-01-02T00:00:00Z"}),
    ]
    fake.deploys["shop@1.4.2"] = [again]

    found = of(poll(fake), DeployFinished)

    assert {each.version for each in found} == {"shop@1.5.0", "shop@1.4.2"}
    assert asked(fake, "/shop%401.4.1/deploys/") == 0


def test_what_lies_outside_of_the_span_is_left_to_other_spans(fake: FakeSentry) -> None:
    """
    A day before it is looked at, too: an issue may be resolved long after its last error.
    """
    fake.issues = [issue()]

    later = poll(fake, start=START + timedelta(days=3), end=END + timedelta(days=3))
    overlap = poll(fake, start=START + timedelta(hours=23), end=END + timedelta(hours=23))

    assert later.found == []
    assert of(overlap, IssueChanged)


# ── pages, limits, what is not offered ───────────────────────────────────────


@pytest.mark.parametrize("link", [None, glitchtips_link])
def test_all_pages_are_read_and_none_twice(fake: FakeSentry, link: Any) -> None:
    """
    Sentry's Link and GlitchTip's, which is a Python set; the next page that holds nothing is not asked for.
    """
    fake.page_size = 2
    fake.issues = [issue(number) for number in range(5)]
    if link:
        fake.link = link

    found = [each.issue_id for each in of(poll(fake), IssueChanged)]

    assert sorted(found) == ["0", "1", "2", "3", "4"]
    assert asked(fake, "/issues/") == 3


def test_it_stops_at_the_first_issue_that_is_older_than_the_span(fake: FakeSentry) -> None:
    """
    They come newest first: what follows is older still.
    """
    fake.page_size = 1
    fake.issues = [issue(number, lastSeen=f"2026-02-{28 - number:02d}T14:00:00Z") for number in range(20)]

    poll(fake)

    assert asked(fake, "/issues/") == 2


def test_pages_without_end_are_left_after_some(fake: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A server that always claims to have more does not hold us for ever.
    """
    monkeypatch.setattr(sentry_client, "MAX_PAGES", 7)
    fake.link, fake.page_size = endless_link, 1
    fake.issues = [issue()]

    poll(fake)

    assert asked(fake, "/issues/") == 7


def test_another_order_is_tried_where_sentrys_is_unknown(fake: FakeSentry) -> None:
    """
    GlitchTip answers 422 to sort=date.
    """
    fake.sorts = ("-last_seen",)
    fake.issues = [issue()]

    assert len(of(poll(fake), IssueChanged)) == 1


def test_what_is_not_offered_is_noted_once_and_the_rest_read(fake: FakeSentry) -> None:
    """
    GlitchTip answers 500 with a page to deploys and commits; there is no use in asking for each release.
    """
    fake.releases = [release(f"shop@1.5.{number}") for number in range(4)]
    fake.fails("/deploys/", Failure())
    fake.fails("/commits/", Failure(200))

    polled = poll(fake)

    assert len(of(polled, ReleaseCreated)) == 4
    assert polled.notes == [
        *(
            "deploys are not offered: it answered 500",
            "commits are not offered: it answered with a page, not with JSON",
        ),
    ]
    assert (asked(fake, "/deploys/"), asked(fake, "/commits/")) == (1, 1)


def test_a_server_that_offers_nothing_is_no_sentry(fake: FakeSentry) -> None:
    """
    Silence would read as: nothing happened.
    """
    fake.fails("/", Failure())

    with pytest.raises(SourceUnreachableError, match="offers nothing that Sentry does") as refused:
        poll(fake)
    assert "organization" in refused.value.hint


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_is_away_is_said_to_be_so(fake: FakeSentry, status: int) -> None:
    """
    A proxy's answer is no answer of Sentry's.
    """
    fake.fails("/releases/", Failure(status))

    with pytest.raises(SourceUnreachableError, match=str(status)):
        poll(fake)


def test_a_short_limit_is_waited_for(fake: FakeSentry) -> None:
    """
    Retry-After: 0 and one more try, instead of a gap.
    """
    fake.issues = [issue()]
    fake.fails("/issues/", Failure(429, RATE_LIMITED, {"Retry-After": "0"}), None)

    assert len(of(poll(fake), IssueChanged)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "Sun, 01 Mar 2099 14:45:00 GMT"},
        {"X-Sentry-Rate-Limit-Reset": "4076059500", "X-Sentry-Rate-Limit-Remaining": "0"},
    ],
)
def test_a_long_limit_says_when_to_come_again(fake: FakeSentry, headers: dict[str, str]) -> None:
    """
    The reconcile loop and the person both need the instant.
    """
    fake.fails("/issues/", Failure(429, RATE_LIMITED, headers))

    with pytest.raises(RateLimitedError, match=r"until 2099-03-01T14:45:00\.000Z") as limited:
        poll(fake)

    assert limited.value.retry_at == datetime(2099, 3, 1, 14, 45, tzinfo=UTC)
    assert limited.value.exit_code == 10
    assert asked(fake, "/issues/") == 1


def test_a_wrong_token_and_a_login_page_are_told_apart(fake: FakeSentry) -> None:
    """
    The token is sent nowhere else: a redirect is not followed.
    """
    with pytest.raises(SourceUnreachableError, match=r"rejected the credentials \(HTTP 401\)"):
        poll(fake, token="wrong")

    fake.fails("/", Failure(302, b"", {"Location": f"{fake.url}/auth/login/"}))
    with pytest.raises(SourceUnreachableError, match="redirects are not followed"):
        poll(fake)
    assert asked(fake, "/login/") == 0


def test_nobody_there_is_said_to_be_so() -> None:
    """
    One line, with what to type.
    """
    http = SentryClient("http://127.0.0.1:9", token=None)

    with pytest.raises(SourceUnreachableError, match="refused the connection"):
        api.read(http, organization="acme", rules=RULES, start=START, end=END)


@pytest.mark.parametrize(
    "url", ["", "sentry.io", "ftp://sentry.io", "https://ann:pw@sentry.io", "http://[::"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    """
    And a password in it is not repeated.
    """
    with pytest.raises(SettingsError) as refused:
        SentryClient(url, token=None)
    assert "pw" not in refused.value.message


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[{}]"])
def test_an_answer_that_claims_to_be_json_and_is_not_sentrys_is_bad_input(
    fake: FakeSentry, body: bytes
) -> None:
    """
    That is no missing offer but a broken answer, and nothing of it is read.
    """
    fake.fails("/releases/", Failure(200, body, {"Content-Type": "application/json"}))

    with pytest.raises(BadInputError):
        poll(fake)


def test_a_page_that_is_too_large_is_bad_input_and_a_slow_one_is_not(fake: FakeSentry) -> None:
    large = SentryClient(fake.url, token="token", limits=Limits(most_bytes=100))
    slow = SentryClient(fake.url, token="token", limits=Limits(whole_seconds=-1.0))

    with large, pytest.raises(BadInputError, match="more than"):
        large.document("/api/0/organizations/acme/releases/")
    with slow, pytest.raises(SourceUnreachableError, match="did not finish"):
        slow.document("/api/0/organizations/acme/releases/")


# ── every input ──────────────────────────────────────────────────────────────


class Canned:
    """A connection that answers from memory, so that thousands of answers can be tried."""

    url, hint = "http://sentry.example", "x"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def document(self, path: str, parameters: Any = None) -> Any:
        raw = json.dumps(self.answers.get(path.rstrip("/").rpartition("/")[2], {})).encode()
        return Document(decoded(raw, place="feed", hint="x"), raw, "feed")

    def pages(self, path: str, parameters: Any) -> Iterator[Any]:
        document = self.document(path)
        if not isinstance(document.value, list):
            raise sentry_client.NotOfferedError("no list")
        yield [entry.record("x", zone=UTC) for entry in document.elements("entry")]


ANSWERS = {
    "issues": [issue(1, substatus="regressed"), issue(2, status="resolved")],
    "1": issue(1, activity=[{"type": "set_regression", "dateCreated": "2026-03-01T14:44:59Z"}]),
    "2": issue(2, activity=None),
    "releases": [release()],
    "deploys": [DEPLOY],
    "commits": [COMMIT],
}


@given(answers=damaged(ANSWERS) | st.dictionaries(st.sampled_from(sorted(ANSWERS)), anything))
def test_whatever_is_answered_is_read_or_refused(answers: Any) -> None:
    """
    A broken server gives one line, and what is read can be stored.
    """
    http: Any = Canned(answers if isinstance(answers, dict) else {})
    refused: BadInputError | SourceUnreachableError | None = None
    found: list[Incoming] = []
    try:
        found = api.read(http, organization="acme", rules=RULES, start=START, end=END).found
    except (BadInputError, SourceUnreachableError) as trouble:
        refused = trouble
    if refused is not None:
        assert "\n" not in refused.message
        assert refused.hint
    for each in found:
        encode(each.event)
        assert each.payload


@given(data=st.data())
def test_the_order_of_lists_does_not_matter(data: st.DataObject) -> None:
    """
    Nor does it matter how often an entry is on them.
    """

    def found(answers: Any) -> set[str]:
        http: Any = Canned(answers)
        return set(ids(api.read(http, organization="acme", rules=RULES, start=START, end=END).found))

    mixed = {
        name: data.draw(st.permutations(value * 2)) if isinstance(value, list) else value
        for name, value in ANSWERS.items()
    }

    assert found(mixed) == found(ANSWERS)


@given(text=st.text(max_size=80) | st.text(alphabet="<>;,=\"relnxtcusorpv{}' ", max_size=80))
def test_no_header_breaks_the_reader(text: str) -> None:
    """
    Link, Retry-After and X-Sentry-Rate-Limit-Reset say anything.
    """
    next_cursor(text, {"next": text})
    retry_at({"Retry-After": text}, DAY)
    retry_at({"X-Sentry-Rate-Limit-Reset": text}, DAY)
