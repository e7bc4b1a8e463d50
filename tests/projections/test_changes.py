"""Deploys and rollbacks, each once, with what ran before."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.changes import candidate, changes, steps
from projections.deduplication import deduplicate
from projections.timeline import entries
from reports.wording.changes import suspicion
from tests.builders import (
    amended,
    at,
    commit,
    deploy,
    deploy_failed,
    deploy_interrupted,
    deploy_start,
    event_id,
    merge_commit,
    recorded,
    retracted,
    rollback,
    rollback_failed,
    rollback_interrupted,
    rollback_start,
)
from tracker.events.base import Arrival, Incoming
from tracker.events.corrections import effective, not_retracted


def rows(*events):
    return changes(recorded(*events))


def brief(*events):
    return [(row.kind, row.version, row.previous_version) for row in rows(*events)]


def test_start_and_end_are_one_change():
    """
    With both instants; the row is named by its end.
    """
    [row] = rows(deploy_start(1), deploy(4, sha="abc"))

    assert (row.status, row.started_at, row.finished_at, row.at, row.sha) == (
        "finished",
        at(1),
        at(4),
        at(4),
        "abc",
    )
    assert row.event == event_id(deploy(4, sha="abc"))


def test_a_rollout_may_take_longer_than_fifteen_minutes():
    """
    Its own source says that it ended, though another spoke in between.
    """
    [row] = rows(deploy_start(0, run_id="9"), deploy_start(1, source="sentry:acme"), deploy(40, run_id="9"))

    assert (row.started_at, row.finished_at) == (at(0), at(40))


def test_the_same_version_an_hour_later_is_another_deploy():
    """
    Its end was told already: this is a new one.
    """
    assert len(rows(deploy_start(0), deploy(2), deploy(60))) == 2


def test_fifteen_minutes_apart_are_two():
    """
    Less than that is one.
    """
    assert len(rows(deploy(0), deploy(14.99, source="sentry:acme"))) == 1
    assert len(rows(deploy(0), deploy(15, source="sentry:acme"))) == 2


def test_a_retry_is_another_change():
    """
    One source tells of each step of a run once: what it tells again is another run.
    """
    tries = [
        (deploy_start(1, source="run", run_id="a"), deploy_failed(2, source="run", run_id="a")),
        (deploy_start(3, source="run", run_id="b"), deploy(4, source="run", run_id="b")),
        (deploy_start(5, source="run", run_id="c"), deploy(6, source="run", run_id="c")),
    ]

    found = rows(*(step for each in tries for step in each))

    assert [row.status for row in found] == ["failed", "finished", "finished"]
    assert [len(row.evidence) for row in found] == [2, 2, 2]


def test_a_deploy_and_a_rollback_of_one_instant_are_two():
    """
    One source that tells of both means both.
    """
    found = rows(
        deploy(1, source="ci", version="v1", run_id="1"), rollback(1, source="ci", version="v1", run_id="2")
    )

    assert sorted(row.kind for row in found) == ["deploy", "rollback"]


def test_a_second_witness_joins_the_try_that_it_saw():
    """
    The cluster tells of the deploy that succeeded, not of the one that failed.
    """
    found = rows(
        deploy_start(1, source="run", run_id="a"),
        deploy_failed(2, source="run", run_id="a"),
        deploy_start(3, source="run", run_id="b"),
        deploy(4, source="run", run_id="b"),
        deploy(4.1, source="argocd", run_id="x"),
    )

    assert [row.sources for row in found] == [("run",), ("argocd", "run")]


def test_another_version_between_makes_two():
    """
    1.4.2, back to 1.4.1, and 1.4.2 again within ten minutes are three changes.
    """
    assert brief(deploy(0), deploy(3, version="1.4.1"), deploy(6)) == [
        ("deploy", "1.4.2", None),
        ("deploy", "1.4.1", "1.4.2"),
        ("rollback", "1.4.2", "1.4.1"),
    ]


def test_environments_and_services_do_not_mix():
    """
    A deploy to staging is none to production.
    """
    assert len(rows(deploy(0), deploy(1, environment="staging"), deploy(2, service="billing"))) == 3


def test_what_ran_before_is_a_rollback_whatever_its_source_calls_it():
    """
    GitHub knows only deployments.
    """
    assert brief(deploy(0, version="1"), deploy(20, version="2"), deploy(40, version="v1")) == [
        ("deploy", "1", None),
        ("deploy", "2", "1"),
        ("rollback", "v1", "2"),
    ]


def test_steps_of_one_run_that_are_told_twice_are_one_change():
    """
    GitHub says that a run is queued and that it is in progress; GitLab's webhook and API differ by a moment.
    """
    twice = [
        deploy_start(0, run_id="7"),
        deploy_start(1, run_id="7"),
        deploy(4, run_id="7"),
        deploy(4.02, run_id="7"),
    ]

    [row] = rows(*twice)

    assert (row.started_at, row.finished_at, len(row.evidence)) == (at(0), at(4), 4)
    assert len(rows(*twice, deploy_start(6, run_id="8"), deploy(7, run_id="8"))) == 2


def test_a_branch_that_was_merged_is_a_change_though_its_commit_has_one_parent():
    """
    Squashed: the clone shows a plain commit, the forge knows that it is a merge.
    """
    told_by_forge = commit(13, source="github", merged_from="hotfix/1.4.3", subject_line="Give back (#42)")
    in_clone = commit(13, source="git", parents=("a" * 40,))

    for events in ([told_by_forge, in_clone], [in_clone, told_by_forge]):
        [row] = rows(*events)
        assert (row.kind, row.event, row.sources) == ("merge", event_id(in_clone), ("git", "github"))


def test_a_failed_deploy_did_not_run():
    """
    What comes after it replaced what ran before it.
    """
    assert brief(deploy(0, version="1"), deploy_failed(20, version="2"), deploy(40, version="3")) == [
        ("deploy", "1", None),
        ("deploy", "2", "1"),
        ("deploy", "3", "1"),
    ]


def test_a_rollback_is_one_whoever_calls_it_a_deploy():
    """
    One source of two knew; its event is shown, here as in the timeline.
    """
    events = [deploy(20, source="github:acme", version="v1.4.1"), rollback(21), rollback_start(19)]

    [row] = rows(*events)

    assert (row.kind, row.event, row.sources) == ("rollback", event_id(rollback(21)), ("github:acme", "run"))
    shown = {entry.event for entry in entries(effective(recorded(*events)).values())}
    assert row.event in shown


def test_a_failed_rollback_says_so():
    """
    Nothing came back.
    """
    [row] = rows(rollback_start(19), rollback_failed(20))

    assert (row.kind, row.status) == ("rollback", "failed")


def test_merges_are_changes_and_commits_are_none():
    """
    A merge told by clone and by GitHub is one.
    """
    [row] = rows(commit(), merge_commit(13), merge_commit(13, source="github:acme"))

    assert (row.kind, row.title, row.sources) == (
        "merge",
        "Merge branch 'hotfix/1.4.3'",
        ("git:checkout", "github:acme"),
    )
    assert len(row.evidence) == 2


def test_corrections_are_applied():
    """
    What was retracted is none; what was amended is what it says now.
    """
    wrong, gone = deploy(2), deploy(50, version="9")

    [row] = rows(wrong, gone, amended(wrong, changes={"version": "1.4.9"}), retracted(gone))

    assert row.version == "1.4.9"


def test_who_typed_it_is_kept():
    """
    A rollback by hand has a name.
    """
    [row] = rows(Incoming(event=rollback(), arrival=Arrival(via="typed", reported_by="grace")))

    assert row.by == "grace"


STEPS = [
    deploy_start(0, run_id="9"),
    deploy(2, run_id="9"),
    deploy(2, run_id="9", url="https://ci.example/9"),
    deploy(3, source="sentry:acme", version="checkout@1.4.2"),
    rollback(20),
    deploy(20, source="github:acme", version="v1.4.1"),
    deploy(40),
    deploy(40, service="billing"),
    merge_commit(13),
    merge_commit(13, source="github:acme"),
]


@given(st.permutations(STEPS))
def test_the_order_in_which_steps_come_does_not_matter(events):
    """
    Nor which of two restatements came first.
    """
    assert rows(*events) == rows(*STEPS)


@given(st.permutations(STEPS))
def test_each_change_is_named_as_in_the_timeline(events):
    """
    A handle that one command prints is the handle that all print.
    """
    held = recorded(*events)

    named = {row.event for row in changes(held)}

    assert named <= {entry.event for entry in entries(effective(held).values())}


def test_each_phase_is_a_step_with_its_witnesses():
    """
    A start, and an end that two tell of.
    """
    facts = effective(recorded(deploy_start(0), deploy(2), deploy(3, source="sentry:acme"))).values()

    first, second = steps(deduplicate(facts))

    assert (first.sources, len(first.witnesses)) == (("run",), 1)
    assert (second.sources, len(second.witnesses)) == (("run", "sentry:acme"), 2)


@pytest.mark.parametrize(
    ("event", "minute", "expected"),
    [
        (deploy(2), 5, "the deploy ended 3 min before INC-1 started"),
        (deploy(2), 62, "the deploy ended 60 min before INC-1 started"),
        (rollback(2), 2, "the rollback ended 0 s before INC-1 started"),
        (deploy(2), 63, None),
        (deploy(2), 1, None),
        (deploy_failed(2), 5, None),
        (merge_commit(2), 5, None),
    ],
)
def test_a_change_in_the_hour_before_is_a_candidate(event, minute, expected):
    """
    It can have caused what began after it, if it went live.
    """
    [row] = rows(event)

    found = candidate(row, "INC-1", at(minute))

    assert (found and suspicion(found)) == expected


def test_a_rollout_that_was_going_on_when_it_started_is_a_candidate_too():
    """
    A rollout of twenty minutes may break things with its first pod.
    """
    [row] = rows(deploy_start(0, run_id="7"), deploy(20, run_id="7"))

    found = candidate(row, "INC-1", at(4), moved={"errors": ()})

    assert found is not None
    assert found.seconds_before_start == 240
    assert suspicion(found) == (
        "the deploy was in progress when INC-1 started, 4 min after it began, and errors moved within ten minutes of it"
    )
    assert candidate(row, "INC-1", at(-1)) is None


def test_what_was_rolled_back_and_is_deployed_again_is_a_deploy():
    """
    Nobody goes back to what was just taken back; the same version once more later is a rollback again.
    """
    log = recorded(
        deploy(1, version="1.2.0"),
        deploy(2, version="1.2.1"),
        rollback(3, version="1.2.0"),
        deploy(4, version="1.2.1"),
        deploy(5, version="1.2.0"),
    )

    assert [row.kind for row in changes(log)] == ["deploy", "deploy", "rollback", "deploy", "rollback"]


# ── interrupted runs ─────────────────────────────────────────────────────────


def test_a_run_that_was_interrupted_has_neither_finished_nor_failed():
    """
    Its own state, at its start: when it ended is unknown.
    """
    [row] = changes(recorded(deploy_start(1, run_id="a"), deploy_interrupted(1, run_id="a")))

    assert (row.kind, row.status, row.at, row.finished_at) == ("deploy", "interrupted", at(1), None)


@pytest.mark.parametrize(("end", "status"), [(deploy, "finished"), (deploy_failed, "failed")])
def test_whoever_knows_the_end_of_an_interrupted_run_is_believed(end, status):
    """
    A pipeline saw how the version came out, whatever became of `tracker run`.
    """
    facts = recorded(
        deploy_start(1, run_id="a"), deploy_interrupted(1, run_id="a"), end(3, source="cdevents:ci")
    )

    [row] = changes(facts)
    assert row.status == status
    assert [type(step.shown.event).__name__ for step in steps(deduplicate(not_retracted(facts)))] == [
        "DeployStarted",
        type(end()).__name__,
    ]


def test_an_interrupted_rollback_is_a_rollback():
    """
    Also where its start is not known.
    """
    [row] = changes(recorded(rollback_interrupted(2)))

    assert (row.kind, row.status) == ("rollback", "interrupted")


# ── versions and places ─────────────────────────────────────────────────────

A, B, C = "a1" * 20, "b2" * 20, "c3" * 20


def test_one_commit_under_other_names_is_no_rollback():
    """
    Deployed from main, by its tag, and from main again: nothing changed after the first time.
    """
    found = rows(
        deploy(0, version="v2.0.0", sha=A),
        deploy(30, version="main", sha=B),
        deploy(60, version="v2.0.1", sha=B),
        deploy(90, version="main", sha=B),
    )

    assert [(row.kind, row.is_again) for row in found] == [
        ("deploy", False),
        ("deploy", False),
        ("deploy", True),
        ("deploy", True),
    ]


@pytest.mark.parametrize("back", [("v2.0.0", A), ("main", A), ("v2.0.0", None), (A[:10], None)])
def test_a_return_to_an_earlier_commit_is_a_rollback_under_every_name(back):
    """
    By the commit where both name one, else by the name.
    """
    version, sha = back
    found = rows(
        deploy(0, version="v2.0.0", sha=A),
        deploy(30, version="main", sha=B),
        deploy(60, version=version, sha=sha),
    )

    assert [row.kind for row in found] == ["deploy", "deploy", "rollback"]


def test_a_branch_that_moved_on_is_another_version():
    """
    main is A, then B, then A again: its name says nothing.
    """
    found = rows(*(deploy(30 * n, version="main", sha=sha) for n, sha in enumerate((A, B, C, A))))

    assert [(row.kind, row.is_again) for row in found] == [
        ("deploy", False),
        ("deploy", False),
        ("deploy", False),
        ("rollback", False),
    ]


def test_a_rollback_is_one_however_long_ago_its_version_was_deployed():
    """
    What ran for two years is what the newest version is rolled back to.
    """
    years = 2 * 365 * 24 * 60
    found = rows(deploy(-years, version="1.0"), deploy(0, version="1.1"), deploy(10, version="1.0"))

    assert [(row.kind, row.previous_version) for row in found] == [
        ("deploy", None),
        ("deploy", "1.0"),
        ("rollback", "1.1"),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["main", "v1", "v2", "unknown"]), st.sampled_from([None, A, B, C])),
        max_size=8,
    )
)
def test_no_rollback_goes_to_the_commit_that_runs(told):
    """
    Whatever it is called.
    """
    found = rows(*(deploy(30 * n, version=name, sha=sha) for n, (name, sha) in enumerate(told)))

    for before, row in pairwise(found):
        assert not (row.kind == "rollback" and row.sha and row.sha == before.sha)


@pytest.mark.parametrize("name", ["prod", "PROD", "Production", "live", "eu/production", "shop-prod"])
def test_production_is_one_place_under_its_names(name):
    """
    One deploy that two sources report is one row, and versions follow each other.
    """
    found = rows(
        deploy(0, version="1", environment="production"),
        deploy(60, version="2", environment=name, source="cd"),
        deploy(60.5, version="2", environment="production", source="github"),
        deploy(120, version="3", environment="production"),
    )

    assert [(row.version, row.previous_version) for row in found] == [("1", None), ("2", "1"), ("3", "2")]
    assert (found[1].sources, found[1].environment) == (("cd", "github"), name)


@pytest.mark.parametrize("change", [deploy, deploy_failed, deploy_start, rollback])
@pytest.mark.parametrize("place", ["staging", "preview/pr-12", "preprod", "qa"])
def test_what_went_elsewhere_is_no_candidate_and_not_what_ran(change, place):
    """
    Only of a service of which something went to production.
    """
    there = change(30, version="9", environment=place)

    found = rows(deploy(0, version="1"), there, deploy(40, version="2"))
    alone = rows(there)

    assert [row.elsewhere for row in found] == [False, True, False]
    assert (found[1].environment, found[2].previous_version) == (place, "1")
    assert candidate(found[1], "INC-1", at(35)) is None
    assert not alone[0].elsewhere
    assert (candidate(alone[0], "INC-1", at(35)) is None) == (change is deploy_failed)


def test_services_name_their_own_production():
    """
    Where they do, no other name counts than production itself.
    """
    events = recorded(
        deploy(0, version="1", environment="eu-west-1"), deploy(30, version="2", environment="live")
    )

    assert [row.elsewhere for row in changes(events, {"checkout": ("eu-west-1",)})] == [False, True]


def test_a_run_names_its_version_at_its_end():
    """
    A start whose version nobody told is the start of that run; two unknown versions are not one.
    """
    [row] = rows(rollback_start(0, version="unknown", run_id="1"), rollback(2, version="1.1", run_id="1"))
    two = rows(deploy(0, version="unknown", source="a"), deploy(1, version="unknown", source="b"))

    assert (row.version, row.started_at, row.status) == ("1.1", at(0), "finished")
    assert len(two) == 2
