"""A deploy that names only a tag is one of the commit that the tag named then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.changes import changes
from projections.timeline import entries
from tests.builders import SHA, amended, at, deploy, deploy_start, recorded, retracted, rollback, tag
from tracker.events.changes import BranchSeen, DeployFinished
from tracker.events.corrections import effective

OTHER = "b2" * 20


def known(*events):
    """Return these changes, with the tag v1.2.1 that was read on its commit."""
    return changes(recorded(tag(1, name="v1.2.1", sha=SHA), *events))


def test_one_commit_by_main_by_tag_and_by_main_again_is_no_rollback():
    """
    The second names only the tag, the others only the commit.
    """
    rows = known(
        deploy(10, version="main", sha=SHA), deploy(40, version="v1.2.1"), deploy(80, version="main", sha=SHA)
    )

    assert [(row.kind, row.is_again) for row in rows] == [
        ("deploy", False),
        ("deploy", True),
        ("deploy", True),
    ]
    assert [row.sha for row in rows] == [SHA] * 3


@pytest.mark.parametrize(
    "written", ["v1.2.1", "1.2.1", "checkout@1.2.1", "checkout-v1.2.1", "Checkout/1.2.1"]
)
def test_an_older_commit_by_its_tag_is_a_rollback(written):
    """
    Its name is new, its commit ran before; a tag or version may have the service before it.
    """
    rows = known(
        deploy(10, version=SHA[:9]), deploy(40, version="main", sha=OTHER), deploy(80, version=written)
    )

    assert [(row.kind, row.sha) for row in rows][-1] == ("rollback", SHA)


def test_the_tag_may_name_the_service():
    """
    As a repository of several services does; another service's tag is none of it.
    """
    facts = (
        tag(1, name="checkout-v1.9", sha=SHA),
        tag(2, name="payments@1.9", sha=OTHER),
        tag(3, name="payments-v1.9", sha=OTHER),
        tag(4, name="v1.9", sha=OTHER, service="payments"),
        deploy(40, version="1.9"),
    )
    assert [row.sha for row in changes(recorded(*facts))] == [SHA]


def test_one_deploy_told_by_tag_and_by_commit_is_one_row():
    """
    In the timeline, too.
    """
    events = (
        tag(1, name="v1.2.1", sha=SHA),
        deploy_start(10, version="v1.2.1"),
        deploy(12, version="v1.2.1"),
        deploy(14, version="main", sha=SHA, source="github:acme/checkout"),
    )
    log = recorded(*events)

    [row] = changes(log)
    finished = [row for row in entries(effective(log).values()) if isinstance(row.fact, DeployFinished)]

    assert row.sources == ("github:acme/checkout", "run")
    assert [row.reported_by for row in finished] == [("github:acme/checkout", "run")]


def test_what_no_tag_names_stays_unknown():
    """
    A tag that a forge reported without its commit, one that was taken back, one that was made afterwards.
    """
    read = tag(3, name="v1.2.1", sha=SHA)
    for facts in (
        (tag(3, name="v1.2.1", sha=None),),
        (read, retracted(read)),
        (tag(50, name="v1.2.1", sha=SHA),),
        (tag(3, name="v1.2.10", sha=SHA),),
        (tag(3, name="v1.2.1", sha=SHA, service="payments"),),
        (),
    ):
        [row] = changes(recorded(*facts, deploy(40, version="v1.2.1")))
        assert (row.sha, row.tagged) == (None, ())


def test_a_version_that_nobody_named_is_no_tag():
    """
    Not even one that is called so.
    """
    [row] = changes(recorded(tag(1, name="unknown", sha=SHA), rollback(40, version="unknown")))

    assert row.sha is None


def test_a_tag_that_moved_names_the_commit_of_its_time():
    """
    Until it was last seen there, and from when it was first seen elsewhere; in between nobody knows.
    """
    facts = (tag(20, name="v1.2.1", sha=SHA), tag(60, name="v1.2.1", sha=OTHER))
    versions = [deploy(minute, version="v1.2.1") for minute in (20, 61)]

    first, second = changes(recorded(*facts, *versions))

    assert (first.sha, second.sha) == (SHA, OTHER)
    assert not second.is_again

    light = (tag(0, name="v1.2.1", sha=SHA), tag(1, name="v1.2.1", sha=OTHER))
    log = [*recorded(light[0], minute=20), *recorded(light[1], minute=60, first=2)]
    rows = changes([*log, *recorded(*(deploy(m, version="v1.2.1") for m in (19, 40, 60)), first=3)])

    assert [row.sha for row in rows] == [SHA, None, OTHER]
    assert [[commit.sha for commit in row.tagged] for row in rows] == [[SHA], [SHA, OTHER], [OTHER]]


def test_one_tag_of_two_repositories_names_neither():
    """
    Unless both name one commit.
    """
    one, other = tag(1, name="v1.2.1", sha=SHA), tag(1, name="v1.2.1", sha=OTHER, repository="web")
    [row] = changes(recorded(one, other, deploy(40, version="v1.2.1")))

    assert row.sha is None
    assert len(row.tagged) == 2


def test_a_tag_moved_during_a_rollout_does_not_split_it():
    """
    The rollout is one run, of what the tag was at its start.
    """
    facts = (tag(1, name="v1.2.1", sha=SHA), tag(12, name="v1.2.1", sha=OTHER))
    run = (deploy_start(10, version="v1.2.1", run_id="7"), deploy(30, version="v1.2.1", run_id="7"))

    [row] = changes(recorded(*facts, *run))

    assert (row.started_at, row.sha) == (at(10), SHA)


def test_a_deploy_that_was_moved_is_asked_where_it_is():
    """
    After the correction the tag existed already.
    """
    early, tagged = deploy(5, version="v1.2.1"), tag(10, name="v1.2.1", sha=SHA)

    assert changes(recorded(early, tagged))[0].sha is None
    assert (
        changes(recorded(early, tagged, amended(early, new_at=at(15), changes={"occurred_at": at(15)})))[
            0
        ].sha
        == SHA
    )


NAMES = st.sampled_from([("main", SHA), ("v1.2.1", None), ("1.2.1", SHA[:8]), ("build-7", SHA)])


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_one_commit_is_never_a_rollback_of_itself(names):
    """
    However it is called each time.
    """
    deploys = [deploy(20 * n + 10, version=name, sha=sha) for n, (name, sha) in enumerate(names)]

    assert {row.kind for row in known(*deploys)} == {"deploy"}


# ── branches ─────────────────────────────────────────────────────────────────


def branch(made, name="main", sha=SHA, *, service="checkout"):
    """A branch whose last commit was made at that minute."""
    return BranchSeen(
        occurred_at=at(made), source="git", service=service, repository="shop", name=name, sha=sha
    )


def read_at(minute, *events):
    """Return these as a log that was read at that minute has them, after its changes."""
    return recorded(*events, minute=minute)


def afterwards(*events):
    """Return the changes of these, of which all were recorded at minute 200."""
    return [(row.kind, row.is_again, row.sha) for row in changes(read_at(200, *events))]


def test_a_branch_by_name_is_the_commit_where_it_was_seen():
    """
    The same commit by its branch, by its tag and by the branch again is no rollback.
    """
    rows = afterwards(
        *(branch(1), tag(2, name="v1.2.1", sha=SHA)),
        *(deploy(40, version="main"), deploy(60, version="v1.2.1"), deploy(80, version="main")),
    )

    assert rows == [("deploy", False, SHA), ("deploy", True, SHA), ("deploy", True, SHA)]


def test_an_older_commit_by_its_branch_is_a_rollback():
    """
    The release branch still points at what ran before.
    """
    rows = afterwards(
        *(branch(1, "release"), branch(50, "main", OTHER)),
        *(deploy(40, version=SHA[:9]), deploy(60, version="main"), deploy(80, version="release")),
    )

    assert rows[1:] == [("deploy", False, OTHER), ("rollback", False, SHA)]


def test_two_deploys_of_a_branch_that_moved_are_not_said_to_be_one():
    """
    The first went out before the commit was made at which the branch was seen: it was another one, nobody knows which.
    """
    rows = afterwards(
        *(branch(70), deploy(40, version="main"), deploy(80, version="main"), deploy(120, version="v9")),
        *(deploy(150, version="main"),),
    )

    assert rows == [
        *(("deploy", False, None), ("deploy", False, SHA), ("deploy", False, None), ("rollback", False, SHA)),
    ]


def test_where_a_branch_pointed_after_it_was_last_seen_is_unknown():
    """
    It may have moved on since; and between two looks it may have been at either commit.
    """
    looks = [
        *recorded(branch(1), minute=10),
        *recorded(branch(20, sha=OTHER), minute=60, first=2),
    ]
    for minute, sha in ((5, SHA), (15, None), (40, None), (90, None)):
        log = [*looks, *recorded(deploy(minute, version="main"), minute=100, first=3)]
        assert [row.sha for row in changes(log)] == [sha], minute


def test_what_a_source_names_wins_over_where_the_branch_was_seen():
    """
    A pipeline that deploys main may have begun before the last merge.
    """
    log = read_at(
        200, branch(1), deploy(40, version="main"), deploy(41, version="main", sha=OTHER, source="github:a/b")
    )

    [row] = changes(log)
    assert (row.sha, row.sources) == (OTHER, ("github:a/b", "run"))


def test_a_tag_wins_over_a_branch_of_its_name_and_another_services_branch_is_none():
    rows = afterwards(
        *(branch(1, "v1", OTHER), tag(1, name="v1", sha=SHA), branch(1, "main", service="payments")),
        *(deploy(40, version="v1"), deploy(60, version="main")),
    )

    assert [sha for _, _, sha in rows] == [SHA, None]
