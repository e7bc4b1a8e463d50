"""GitLab's webhooks tell of deploys, pushes, tags, merges, pipelines and releases, in the same events as GitHub's."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import anything, changed, damaged, events, ids, payload, read_or_refused
from tracker.errors import BadInputError
from tracker.events.base import Arrival
from tracker.events.changes import (
    BranchSeen,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployStarted,
    TestsFinished,
    VersionTagged,
)
from tracker.ingest.forges.gitlab import read
from tracker.ingest.services import ServiceRule, ServiceRules

RULES = ServiceRules((ServiceRule("shop-checkout", gitlab_project="acme/checkout"), ServiceRule("payments")))
FEED = payload("gitlab_webhooks.jsonl")
BODIES = [json.loads(line) for line in FEED.splitlines()]
BRANCH_PUSH, MAIN_PUSH, TAG_PUSH, BRANCH_GONE, MERGED, PIPELINE, RUNNING, SUCCESS, RELEASE, ISSUE = BODIES
HOOKS = (
    *("Push Hook", "Push Hook", "Tag Push Hook", "Push Hook", "Merge Request Hook", "Pipeline Hook"),
    *("Deployment Hook", "Deployment Hook", "Release Hook", "Issue Hook"),
)
MERGE_SHA = "4c3d2e1f0a9b8c7d6e5f40312233445566778899"
FIX_SHA = "3b2c1d0e9f8071625344556677889900aabbccdd"


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def told(value: Any, **options: Any) -> Any:
    """Read one body that tells of one event."""
    (event,) = events(read(body(value), where="feed", rules=RULES, **options))
    return event


def at(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 1, 14, minute, second, tzinfo=UTC)


def test_a_feed_is_deploys_commits_merges_pipelines_and_tags() -> None:
    """
    Each body says what it is; reading it twice gives the same events.
    """
    found = read(FEED, where="feed", rules=RULES)

    assert [each.event.TOPIC for each in found] == [
        *("commit-made", "commit-made", "branch-seen"),
        *("commit-made", "commit-made", "commit-made", "branch-seen"),
        *("commit-made", "version-tagged", "commit-made"),
        *("tests-finished", "deploy-started", "deploy-finished", "version-tagged"),
    ]
    assert ids(read(FEED + FEED, where="feed", rules=RULES)) == 2 * ids(found)


@pytest.mark.parametrize(("hook", "value"), list(zip(HOOKS, BODIES, strict=True)))
def test_the_header_says_what_the_body_says(hook: str, value: Any) -> None:
    """
    By argument, by headers beside the body, or by the body alone: the same.
    """
    alone = ids(read(body(value), where="feed", rules=RULES))
    recorded = {"headers": {"X-Gitlab-Event": hook, "X-Gitlab-Token": "secret"}, "body": value}

    assert ids(read(body(value), where="feed", rules=RULES, event_name=hook)) == alone
    assert ids(read(body(value), where="feed", rules=RULES, event_name="System Hook")) == alone
    assert ids(read(body(recorded), where="feed", rules=RULES)) == alone


def test_a_deployment_is_a_step_of_a_deploy() -> None:
    """
    GitLab writes its instants with a space and an offset, and the whole commit only in an address.
    """
    assert told(SUCCESS) == DeployFinished(
        occurred_at=at(44, 20),
        precision_seconds=1.0,
        source="gitlab",
        service="shop-checkout",
        version="v1.2.1",
        environment="production",
        sha=MERGE_SHA,
        run_id="15",
        url="https://gitlab.example/acme/checkout/-/jobs/796",
    )
    older = changed(SUCCESS, ref=..., commit_url=...)
    assert (told(older).version, told(older).sha) == (MERGE_SHA[:7], None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("running", DeployStarted),
        ("success", DeployFinished),
        ("failed", DeployFailed),
        ("canceled", DeployFailed),
        ("blocked", None),
        ("created", None),
        ("skipped", None),
    ],
)
def test_each_status_is_the_step_that_it_names(status: str, kind: type | None) -> None:
    """
    What waits for its approval has taken no step.
    """
    found = events(read(body(changed(SUCCESS, status=status)), where="feed", rules=RULES))

    assert [type(each) for each in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    "written", ["2026-03-01 14:44:20 UTC", "2026-03-01T14:44:20Z", "2026-03-01T15:44:20.700+01:00"]
)
def test_an_instant_is_read_in_each_of_gitlabs_ways(written: str) -> None:
    """
    They all mean one deploy; thousandths are in some of them only, and are cut.
    """
    assert ids([*read(body(changed(SUCCESS, status_changed_at=written)), where="feed", rules=RULES)]) == ids(
        read(body(SUCCESS), where="feed", rules=RULES)
    )


def test_a_service_is_found_by_path_by_number_or_by_name() -> None:
    """
    A project's number outlives its renaming.
    """
    by_number = ServiceRules((ServiceRule("pay", gitlab_project="30"),))

    assert told(SUCCESS).service == "shop-checkout"
    assert told(changed(SUCCESS, project__path_with_namespace="other/payments")).service == "payments"
    assert events(read(body(SUCCESS), where="feed", rules=by_number))[0].service == "pay"  # type: ignore[attr-defined]
    assert told(changed(SUCCESS, project__path_with_namespace="other/search")).service is None


def test_a_push_is_its_commits_and_where_the_branch_points() -> None:
    """
    As GitHub's; a branch that is gone points nowhere.
    """
    found = events(read(body(BRANCH_PUSH), where="feed", rules=RULES))

    assert found[1] == CommitMade(
        occurred_at=at(33),
        precision_seconds=1.0,
        utc_offset_minutes=60,
        source="gitlab",
        service="shop-checkout",
        repository="checkout",
        sha=FIX_SHA,
        subject_line="Version 1.2.1",
        author="Ada Lovelace",
    )
    assert found[2] == BranchSeen(
        occurred_at=at(33),
        precision_seconds=1.0,
        utc_offset_minutes=60,
        source="git",
        service="shop-checkout",
        repository="checkout",
        name="hotfix/connections",
        sha=FIX_SHA,
    )
    assert read(body(BRANCH_GONE), where="feed", rules=RULES) == []


def test_a_tag_without_an_instant_is_told_when_its_webhook_came_and_not_from_a_file() -> None:
    """
    GitLab's body may name none. A file that is read years later says nothing of when the tag was pushed.
    """
    bare = changed(TAG_PUSH, commits=[])
    came = Arrival(via="webhook", received_at=at(40))

    assert told(bare, arrival=came) == VersionTagged(
        occurred_at=at(40),
        precision_seconds=60.0,
        source="gitlab",
        service="shop-checkout",
        repository="checkout",
        name="v1.2.1",
        sha=MERGE_SHA,
    )
    assert read(body(bare), where="feed", rules=RULES, arrival=Arrival(via="file", received_at=at(40))) == []
    assert events(read(body(TAG_PUSH), where="feed", rules=RULES, arrival=came))[1].occurred_at == at(38, 10)


def test_a_merged_request_is_a_merge_of_its_branch() -> None:
    """
    By its merge commit, else the squashed one, else (fast-forward) the branch's last.
    """
    assert told(MERGED) == CommitMade(
        occurred_at=at(38, 11),
        precision_seconds=1.0,
        source="gitlab",
        service="shop-checkout",
        repository="checkout",
        sha=MERGE_SHA,
        subject_line="Give connections back (!42)",
        author="Ada Lovelace",
        merged_from="hotfix/connections",
    )
    squashed = changed(
        MERGED, object_attributes__merge_commit_sha=None, object_attributes__squash_commit_sha="a" * 40
    )
    forwarded = changed(MERGED, object_attributes__merge_commit_sha=None)
    assert (told(squashed).sha, told(forwarded).sha) == ("a" * 40, FIX_SHA)
    assert told(forwarded).is_merge
    assert read(body(changed(MERGED, object_attributes__action="update")), where="feed", rules=RULES) == []


def test_a_pipeline_that_is_over_is_a_test_run_of_its_commit() -> None:
    """
    Canceled and running ones say nothing of it.
    """
    assert told(PIPELINE) == TestsFinished(
        occurred_at=at(36, 5),
        precision_seconds=1.0,
        source="gitlab",
        service="shop-checkout",
        sha=FIX_SHA,
        exit_code=0,
        command="tests",
        duration_seconds=165.0,
    )
    assert told(changed(PIPELINE, object_attributes__status="failed")).exit_code == 1
    unnamed = told(changed(PIPELINE, object_attributes__name=None, object_attributes__duration=None))
    assert (unnamed.command, unnamed.duration_seconds) == ("pipeline of hotfix/connections", 165.0)
    for status in ("canceled", "running", "skipped"):
        other = changed(PIPELINE, object_attributes__status=status)
        assert read(body(other), where="feed", rules=RULES) == []


def test_a_release_is_a_tag_of_its_commit() -> None:
    """
    When it was released; one that is edited or deleted is none.
    """
    assert told(RELEASE) == VersionTagged(
        occurred_at=at(46),
        precision_seconds=1.0,
        source="gitlab",
        service="shop-checkout",
        repository="checkout",
        name="v1.2.1",
        sha=MERGE_SHA,
    )
    assert read(body(changed(RELEASE, action="delete")), where="feed", rules=RULES) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (changed(SUCCESS, status_changed_at=...), "feed: it has no status_changed_at"),
        (
            changed(SUCCESS, status_changed_at="today"),
            "feed: it has status_changed_at 'today', which is not an",
        ),
        (changed(SUCCESS, status_changed_at="2026-99-01 14:44:20 UTC"), "feed: it has status_changed_at"),
        (changed(SUCCESS, deployment_id=None), "feed: it has no deployment_id"),
        (changed(SUCCESS, project=...), "feed: it has no project"),
        (
            changed(SUCCESS, commit_url=..., short_sha=..., ref=...),
            "feed: it has no commit_url, short_sha or ref",
        ),
        (changed(MAIN_PUSH, commits__2__timestamp=...), "feed: commit 3 has no timestamp"),
        (
            changed(MERGED, object_attributes__updated_at=...),
            "feed: it has no object_attributes.merged_at or updated_at",
        ),
        (
            changed(PIPELINE, object_attributes__finished_at=None),
            "feed: it has no object_attributes.finished_at",
        ),
        ({"alerts": []}, "feed: it is not a webhook body of GitLab"),
    ],
)
def test_a_body_that_gitlab_would_not_send_is_refused_with_its_place(value: Any, said: str) -> None:
    """
    File, record and field, and nothing of the feed is read.
    """
    with pytest.raises(BadInputError) as refused:
        read(body(value), where="feed", rules=RULES)

    assert refused.value.message.startswith(said)


@given(st.sampled_from(BODIES).flatmap(damaged), st.sampled_from([None, *dict.fromkeys(HOOKS)]))
def test_a_damaged_body_is_read_or_refused(value: Any, hook: str | None) -> None:
    """
    Whatever stands in it, and whatever its header says.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES, event_name=hook))


@given(st.binary() | anything.map(body), st.sampled_from([None, *dict.fromkeys(HOOKS)]))
def test_hostile_bytes_are_read_or_refused(data: bytes, hook: str | None) -> None:
    """
    No other exception than BadInputError.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES, event_name=hook))


@given(st.lists(st.sampled_from(FEED.splitlines()), min_size=1).flatmap(st.permutations))
def test_order_and_repetition_do_not_matter(lines: list[bytes]) -> None:
    """
    GitLab sends again what was not answered in time: a fact's identity is its own.
    """
    together = set(ids(read(b"\n".join(lines), where="feed", rules=RULES)))

    assert together == {each for line in set(lines) for each in ids(read(line, where="feed", rules=RULES))}
