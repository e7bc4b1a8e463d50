"""GitHub's webhooks tell of deploys, pushes, merges, releases and checks; each fact is the same however often it comes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import anything, changed, damaged, events, ids, payload, read_or_refused
from tracker.errors import BadInputError
from tracker.events.changes import (
    BranchSeen,
    CommitMade,
    DeployFailed,
    DeployFinished,
    DeployStarted,
    TestsFinished,
    VersionTagged,
)
from tracker.ingest.forges.facts import version_of
from tracker.ingest.forges.github import _READERS, read
from tracker.ingest.services import ServiceRule, ServiceRules

RULES = ServiceRules(
    (ServiceRule("shop-checkout", github_repository="Acme/Checkout"), ServiceRule("payments"))
)
FEED = payload("github_webhooks.jsonl")
BODIES = [json.loads(line) for line in FEED.splitlines()]
(
    PING,
    BRANCH_PUSH,
    MAIN_PUSH,
    TAG_PUSH,
    BRANCH_GONE,
    MERGED,
    WORKFLOW,
    CHECK,
    STATUS,
    DEPLOYMENT,
    IN_PROGRESS,
    SUCCESS,
    INACTIVE,
    RELEASE,
    ISSUE,
) = BODIES
KINDS = (
    *("ping", "push", "push", "push", "push", "pull_request", "workflow_run", "check_run", "status"),
    *("deployment", "deployment_status", "deployment_status", "deployment_status", "release", "issues"),
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


def test_a_feed_is_deploys_commits_merges_checks_and_tags() -> None:
    """
    Without any header: each body shows what it is. Reading it twice gives the same events.
    """
    found = read(FEED, where="feed", rules=RULES)

    assert [each.event.TOPIC for each in found] == [
        *("commit-made", "commit-made", "branch-seen"),
        *("commit-made", "commit-made", "commit-made", "branch-seen"),
        *("version-tagged", "commit-made"),
        *("tests-finished", "tests-finished", "tests-finished"),
        *("deploy-started", "deploy-started", "deploy-finished", "version-tagged"),
    ]
    assert ids(read(FEED + FEED, where="feed", rules=RULES)) == 2 * ids(found)


@pytest.mark.parametrize(("kind", "value"), list(zip(KINDS, BODIES, strict=True)))
def test_the_shape_of_a_body_says_what_its_header_would(kind: str, value: Any) -> None:
    """
    By argument, by headers beside the body, or by the shape alone: the same.
    """
    alone = ids(read(body(value), where="feed", rules=RULES))
    recorded = {"headers": {"X-GitHub-Event": kind, "X-Hub-Signature-256": "sha256=00"}, "body": value}

    assert ids(read(body(value), where="feed", rules=RULES, event_name=kind)) == alone
    assert ids(read(body(recorded), where="feed", rules=RULES)) == alone


def test_a_signed_body_counts_for_its_own_event_only() -> None:
    """
    The signature does not cover the header: under that of another event that is read it is refused.
    """
    bodies = {kind: value for kind, value in zip(KINDS, BODIES, strict=True) if kind in {"push", *_READERS}}

    assert len(bodies) > 5
    for kind, value in bodies.items():
        for other in bodies.keys() - {kind}:
            with pytest.raises(BadInputError, match=f"is the body of {kind}, not of {other}"):
                read(body(value), where="feed", rules=RULES, event_name=other)


def test_a_status_of_a_deployment_is_a_step_of_a_deploy() -> None:
    """
    At the status's own instant, in its environment, of the ref that looks like a version, with the log's address.
    """
    assert told(SUCCESS) == DeployFinished(
        occurred_at=at(44, 20),
        precision_seconds=1.0,
        source="github",
        service="shop-checkout",
        version="v1.2.1",
        environment="production",
        sha=MERGE_SHA,
        run_id="4001",
        url="https://github.com/acme/checkout/actions/runs/884001",
    )


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("queued", DeployStarted),
        ("pending", DeployStarted),
        ("in_progress", DeployStarted),
        ("success", DeployFinished),
        ("failure", DeployFailed),
        ("error", DeployFailed),
        ("inactive", None),
        ("waiting", None),
        ("something new", None),
    ],
)
def test_each_state_is_the_step_that_it_names(state: str, kind: type | None) -> None:
    """
    A deployment that was replaced, or waits for its approval, has taken no step.
    """
    found = events(read(body(changed(SUCCESS, deployment_status__state=state)), where="feed", rules=RULES))

    assert [type(each) for each in found] == ([kind] if kind else [])


def test_a_deployment_begins_when_it_is_made_unless_it_waits_in_github_actions() -> None:
    """
    A tool that makes one deploys at once; Actions makes it before the approval, and says by a status when it begins.
    """
    waiting = changed(DEPLOYMENT, deployment__creator={"login": "github-actions[bot]"})
    by_app = changed(DEPLOYMENT, deployment__performed_via_github_app={"slug": "github-actions"})

    assert told(DEPLOYMENT) == DeployStarted(
        occurred_at=at(39),
        precision_seconds=1.0,
        source="github",
        service="shop-checkout",
        version="v1.2.1",
        sha=MERGE_SHA,
        run_id="4001",
    )
    assert read(body(waiting), where="feed", rules=RULES) == []
    assert read(body(by_app), where="feed", rules=RULES) == []


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("v1.2.1", "v1.2.1"),
        ("1.2.1-rc.1", "1.2.1-rc.1"),
        ("2026.11.26", "2026.11.26"),
        ("checkout-v1.2.1", "checkout-v1.2.1"),
        ("checkout/v1.2.1", "checkout/v1.2.1"),
        ("checkout@1.2.1", "checkout@1.2.1"),
        ("refs/tags/v1.2.1", "v1.2.1"),
        ("main", MERGE_SHA[:7]),
        ("refs/heads/v2", MERGE_SHA[:7]),
        ("release/1.2", MERGE_SHA[:7]),
        ("hotfix/2-login", MERGE_SHA[:7]),
        ("hotfix-2", MERGE_SHA[:7]),
        (MERGE_SHA, MERGE_SHA[:7]),
        (MERGE_SHA[:10], MERGE_SHA[:10][:7]),
        (None, MERGE_SHA[:7]),
    ],
)
def test_a_version_is_a_tag_or_else_the_commit(ref: str | None, version: str) -> None:
    """
    What is deployed from a branch is another commit each time, so a branch's name is no version.
    """
    assert version_of(ref, MERGE_SHA) == version


def test_what_the_maker_of_a_deployment_wrote_beside_it_is_heard() -> None:
    """
    Its payload may name version and service, as an object or as the text of one: two services may share a repository.
    """
    rules = ServiceRules(
        (
            ServiceRule("checkout", github_repository="acme/checkout"),
            ServiceRule("worker", github_repository="acme/checkout"),
        )
    )
    said = {"version": "2026-11", "service": "worker"}

    for given_payload in (said, json.dumps(said)):
        (event,) = events(
            read(body(changed(SUCCESS, deployment__payload=given_payload)), where="feed", rules=rules)
        )
        assert (event.version, event.service) == ("2026-11", "worker")
    (plain,) = events(read(body(changed(SUCCESS, deployment__payload="")), where="feed", rules=rules))
    assert (plain.version, plain.service) == ("v1.2.1", "checkout")


def test_a_service_is_found_by_its_repository_or_by_its_name() -> None:
    """
    Capital letters do not matter; nobody's repository is kept without a service.
    """
    named = changed(SUCCESS, repository__full_name="acme/payments")
    loud = changed(SUCCESS, repository__full_name="ACME/CheckOut")
    nobodys = changed(SUCCESS, repository__full_name="acme/search")

    assert told(SUCCESS).service == told(loud).service == "shop-checkout"
    assert told(named).service == "payments"
    assert told(nobodys).service is None


def test_a_push_is_its_commits_and_where_the_branch_points() -> None:
    """
    With the instants, offsets and authors that git has, and the first paragraph as the subject.
    """
    found = events(read(body(BRANCH_PUSH), where="feed", rules=RULES))

    assert found[0] == CommitMade(
        occurred_at=at(31, 10),
        precision_seconds=1.0,
        utc_offset_minutes=60,
        source="github",
        service="shop-checkout",
        repository="checkout",
        sha="2a1b0c9d8e7f60718293a4b5c6d7e8f901234567",
        subject_line="Give connections back",
        author="Ada Lovelace",
        tree_sha="765432109f8e7d6c5b4a39281706f7e8d9c0b1a2",
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
    assert events(read(body(BRANCH_GONE), where="feed", rules=RULES)) == []


def test_each_commit_keeps_its_own_piece_of_the_push() -> None:
    """
    A push of a thousand commits is not kept a thousand times.
    """
    found = read(body(MAIN_PUSH), where="feed", rules=RULES)

    assert [json.loads(each.payload) for each in found[:3]] == MAIN_PUSH["commits"]
    assert json.loads(found[3].payload) == MAIN_PUSH


def test_a_tag_with_a_message_is_told_when_it_was_pushed() -> None:
    """
    Its own instant and author are not in a push; the clone that knows them is shown before it.
    """
    annotated = changed(TAG_PUSH, after="5d4e3f201b0a9c8d7e6f50413223344556677880")

    assert told(annotated) == VersionTagged(
        occurred_at=datetime.fromtimestamp(TAG_PUSH["repository"]["pushed_at"], UTC),
        source="github",
        service="shop-checkout",
        repository="checkout",
        name="v1.2.1",
        sha=MERGE_SHA,
    )


def test_a_merged_pull_request_is_a_merge_and_a_closed_one_nothing() -> None:
    """
    Told of its resulting commit, whether it was merged, squashed or rebased.
    """
    assert told(MERGED) == CommitMade(
        occurred_at=at(38, 11),
        precision_seconds=1.0,
        source="github",
        service="shop-checkout",
        repository="checkout",
        sha=MERGE_SHA,
        subject_line="Give connections back (#42)",
        author="ada",
        merged_from="hotfix/connections",
    )
    assert told(MERGED).is_merge
    assert read(body(changed(MERGED, pull_request__merged=False)), where="feed", rules=RULES) == []
    assert read(body(changed(MERGED, action="opened")), where="feed", rules=RULES) == []


def test_a_published_release_is_a_tag_of_a_commit_that_may_be_unknown() -> None:
    """
    GitHub names the branch that the tag would be made from, which is no commit.
    """
    assert told(RELEASE) == VersionTagged(
        occurred_at=at(46),
        precision_seconds=1.0,
        source="github",
        service="shop-checkout",
        repository="checkout",
        name="v1.2.1",
        tagger="ada",
    )
    assert told(changed(RELEASE, release__target_commitish=FIX_SHA)).sha == FIX_SHA
    assert read(body(changed(RELEASE, action="edited")), where="feed", rules=RULES) == []


def test_checks_that_are_over_are_test_runs_of_their_commit() -> None:
    """
    Workflows, checks and the statuses of other CIs; one that names no duration has none.
    """
    assert told(WORKFLOW) == TestsFinished(
        occurred_at=at(36, 5),
        precision_seconds=1.0,
        source="github",
        service="shop-checkout",
        sha=FIX_SHA,
        exit_code=0,
        command="tests",
        duration_seconds=165.0,
    )
    assert (told(CHECK).exit_code, told(CHECK).duration_seconds) == (1, 32.0)
    assert (told(STATUS).command, told(STATUS).duration_seconds) == ("ci/nightly", None)


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped", "neutral", "stale", "action_required", None])
def test_what_was_not_run_to_its_end_says_nothing_of_the_commit(conclusion: str | None) -> None:
    """
    Neither passed nor failed.
    """
    given_body = changed(WORKFLOW, workflow_run__conclusion=conclusion)

    assert read(body(given_body), where="feed", rules=RULES) == []
    assert read(body(changed(STATUS, state="pending")), where="feed", rules=RULES) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (changed(SUCCESS, deployment_status__created_at=...), "feed: it has no deployment_status.created_at"),
        (changed(SUCCESS, deployment_status__state=...), "feed: it has no deployment_status.state"),
        (changed(SUCCESS, deployment__id=""), "feed: it has no deployment.id"),
        (changed(SUCCESS, repository=...), "feed: it has no repository"),
        (changed(SUCCESS, deployment=None), "feed: it has no deployment"),
        (changed(MAIN_PUSH, commits__1__timestamp=7e20), "feed: commit 2 has timestamp 7e+20"),
        (
            changed(MAIN_PUSH, commits__0__id="abc"),
            "feed: commit 1 has id 'abc', which is not a commit's hash",
        ),
        (changed(MAIN_PUSH, commits={}), "feed: it has commits an object, which is not a list"),
        (changed(MERGED, pull_request__merged_at=None), "feed: it has no pull_request.merged_at"),
        (changed(WORKFLOW, workflow_run__head_sha=...), "feed: it has no workflow_run.head_sha"),
        ({"alerts": []}, "feed: it is not a webhook body of GitHub"),
        ("text", "feed: it is 'text', not a JSON object"),
    ],
)
def test_a_body_that_github_would_not_send_is_refused_with_its_place(value: Any, said: str) -> None:
    """
    File, record and field, and nothing of the feed is read.
    """
    with pytest.raises(BadInputError) as refused:
        read(body(value), where="feed", rules=RULES)

    assert refused.value.message.startswith(said)


@given(st.sampled_from(BODIES).flatmap(damaged), st.sampled_from([None, *dict.fromkeys(KINDS)]))
def test_a_damaged_body_is_read_or_refused(value: Any, kind: str | None) -> None:
    """
    Whatever stands in it, and whatever its header says.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES, event_name=kind))


@given(st.binary() | anything.map(body), st.sampled_from([None, *dict.fromkeys(KINDS)]))
def test_hostile_bytes_are_read_or_refused(data: bytes, kind: str | None) -> None:
    """
    No other exception than BadInputError.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES, event_name=kind))


@given(st.lists(st.sampled_from(FEED.splitlines()), min_size=1).flatmap(st.permutations))
def test_order_and_repetition_do_not_matter(lines: list[bytes]) -> None:
    """
    GitHub delivers in any order, and again when it is asked to: a fact's identity is its own.
    """
    together = set(ids(read(b"\n".join(lines), where="feed", rules=RULES)))

    assert together == {each for line in set(lines) for each in ids(read(line, where="feed", rules=RULES))}
