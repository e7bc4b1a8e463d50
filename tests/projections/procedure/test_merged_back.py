"""Is the fix on the integration branch: every way in which git brings it there, and every way in which it does not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.procedure.check import check
from projections.procedure.merged_back import merged_back
from projections.procedure.merging import fix_on_integration
from projections.procedure.rule import Status
from reports.wording.procedure import actual, says, todo
from tests.builders import at
from tests.projections.procedure.shop import Shop, evidence, fixed, held, of, ran_before, story


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def merge(shop: Shop) -> None:
    shop.merge("hotfix/v1.2.1", "develop", 30)


def merge_of_a_deleted_branch(shop: Shop) -> None:
    merge(shop)
    shop.git("branch", "-D", "hotfix/v1.2.1")


def merge_by_hand(shop: Shop) -> None:
    shop.on("develop")
    shop.change("pool.py", 10, "connection = pool.take()")
    shop.commit("feat: another pool", 5)
    shop.minute = 30
    shop.git("merge", "hotfix/v1.2.1", check=False)
    shop.change("pool.py", 10, "connection = pool.take()")
    text = (shop.path / "pool.py").read_text().split("<<<<<<<")[0]
    shop.write("pool.py", text + "connection = pool.take()\nconnection.close()\n")
    shop.version("1.3.0-dev")
    shop.commit("merge: hotfix v1.2.1 to develop", 30)


def fast_forward(shop: Shop) -> None:
    shop.git("branch", "-f", "develop", "hotfix/v1.2.1")


def squash(shop: Shop) -> None:
    shop.on("develop")
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.commit("fix: give connections back (#42)", 30)


def squash_with_gits_own_message(shop: Shop) -> None:
    shop.on("develop")
    shop.minute = 30
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.git("commit", "-q", "--no-edit")


def squash_without_the_version(shop: Shop) -> None:
    shop.on("develop")
    shop.version("1.3.0-dev")
    shop.commit("chore: begin 1.3", 5)
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1", check=False)
    shop.version("1.3.0-dev")
    shop.commit("connections", 30)


def rebase(shop: Shop) -> None:
    shop.on("again", "hotfix/v1.2.1")
    shop.committed(30, "rebase", "-q", "develop")
    shop.git("branch", "-f", "develop", "again")
    shop.on("main")
    shop.git("branch", "-D", "again")


def cherry_pick(shop: Shop) -> None:
    shop.on("develop")
    shop.committed(30, "cherry-pick", shop.fix)


def cherry_pick_x(shop: Shop) -> None:
    shop.on("develop")
    shop.committed(30, "cherry-pick", "-x", shop.fix)


def cherry_pick_by_hand(shop: Shop) -> None:
    shop.on("develop")
    shop.change("pool.py", 10, "connection = pool.take()")
    shop.commit("feat: another pool", 5)
    shop.git("cherry-pick", shop.fix, check=False)
    shop.change("pool.py", 0, "connection.close()  # earlier")
    text = (shop.path / "pool.py").read_text()
    shop.write("pool.py", "".join(row for row in text.splitlines(True) if row[:7] not in _MARKS))
    shop.git("add", "-A")
    shop.committed(30, "-c", "core.editor=true", "cherry-pick", "--continue")


_MARKS = ("<<<<<<<", "=======", ">>>>>>>")


def main_into_develop(shop: Shop) -> None:
    shop.merge("main", "develop", 30)


def octopus(shop: Shop) -> None:
    shop.on("feature/a", "develop")
    shop.write("a.py", "a\n")
    shop.commit("feat: a", 25)
    shop.on("develop")
    shop.write("b.py", "b\n")
    shop.commit("feat: b", 26)
    shop.minute = 30
    shop.git("merge", "-q", "--no-edit", "hotfix/v1.2.1", "feature/a")
    assert len(shop.git("rev-list", "--parents", "-1", "HEAD").split()) == 4


def pick_on_a_branch_that_is_merged(shop: Shop) -> None:
    shop.on("port", "develop")
    shop.committed(28, "cherry-pick", shop.fix)
    shop.merge("port", "develop", 30)


def reverted_and_brought_back(shop: Shop) -> None:
    shop.merge("hotfix/v1.2.1", "develop", 20)
    shop.minute = 25
    shop.git("revert", "--no-edit", "-m", "1", "HEAD")
    shop.minute = 30
    shop.git("revert", "--no-edit", "HEAD")


IN = [
    merge,
    merge_of_a_deleted_branch,
    merge_by_hand,
    squash,
    squash_with_gits_own_message,
    squash_without_the_version,
    rebase,
    cherry_pick,
    cherry_pick_x,
    cherry_pick_by_hand,
    main_into_develop,
    octopus,
    pick_on_a_branch_that_is_merged,
    reverted_and_brought_back,
]


@pytest.mark.parametrize("way", IN)
def test_it_is_there_since_the_commit_on_develop(shop: Shop, way: Callable[[Shop], None]) -> None:
    """
    Merged, squashed, rebased, picked, by hand or over main: at minute 30, and in time.
    """
    shop.hotfix()
    shop.release()
    way(shop)

    found = of(shop)
    ruled = merged_back(found)

    assert (ruled.status, actual(ruled)) == (Status.MET, "30 min after detection"), ruled
    on = fix_on_integration(found)
    assert on is not None
    assert on[0] == at(30)
    assert on[1] in ruled.evidence
    assert fixed(shop) is not None


def test_a_fast_forward_is_as_old_as_the_fix(tmp_path: Path) -> None:
    """
    Nothing was unreleased: develop now points where the hotfix does, and its commit is the only instant.
    """
    shop = Shop(tmp_path / "shop", unreleased=False)
    shop.hotfix()
    shop.release()
    fast_forward(shop)

    ruled = merged_back(of(shop))

    assert (ruled.status, actual(ruled)) == (Status.MET, "10 min after detection"), ruled
    assert "Fast-forwarded" in says(ruled)


def only_to_main(shop: Shop) -> None:
    shop.on("develop")
    shop.write("c.py", "c\n")
    shop.commit("feat: c", 40)


def reverted(shop: Shop) -> None:
    merge(shop)
    shop.minute = 50
    shop.git("revert", "--no-edit", "-m", "1", "HEAD")


def the_fix_reverted(shop: Shop) -> None:
    merge(shop)
    shop.minute = 50
    shop.git("revert", "--no-edit", shop.fix)


def the_pick_reverted(shop: Shop) -> None:
    cherry_pick(shop)
    shop.minute = 50
    shop.git("revert", "--no-edit", "HEAD")


def ours(shop: Shop) -> None:
    shop.merge("hotfix/v1.2.1", "develop", 30, "--no-edit", "-s", "ours")


def ours_in_the_conflict(shop: Shop) -> None:
    shop.on("develop")
    shop.change("pool.py", 10, "connection = pool.take()")
    shop.commit("feat: another pool", 5)
    shop.minute = 30
    shop.git("merge", "hotfix/v1.2.1", check=False)
    shop.git("checkout", "--ours", "pool.py")
    shop.commit("Merge branch 'hotfix/v1.2.1' into develop", 30)


def ours_over_main(shop: Shop) -> None:
    shop.merge("main", "develop", 30, "--no-edit", "-s", "ours")


def half_of_it(shop: Shop) -> None:
    shop.on("hotfix/v1.2.1")
    shop.change("pool.py", 25, "connection.check()")
    shop.commit("fix: check connections", 13)
    shop.head = shop.sha("HEAD")
    shop.on("develop")
    shop.committed(30, "cherry-pick", shop.fix)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (only_to_main, "is not on develop"),
        (reverted, "was reverted by"),
        (the_fix_reverted, "was reverted by"),
        (the_pick_reverted, "was reverted by"),
        (ours, "the merge kept the other side"),
        (ours_in_the_conflict, "the merge kept the other side"),
        (ours_over_main, "the merge kept the other side"),
        (half_of_it, "though the rest is"),
    ],
)
def test_it_is_missed_when_it_is_not_there(shop: Shop, way: Callable[[Shop], None], said: str) -> None:
    """
    Not merged, reverted, lost in a merge, or half of it: the repository was read after the limit and shows it.
    """
    shop.hotfix()
    if way is not half_of_it:
        shop.release()
    way(shop)
    if way is half_of_it:
        shop.release()

    ruled = merged_back(of(shop))

    assert ruled.status is Status.MISSED, ruled
    assert said in says(ruled)
    assert todo(ruled.next_step) is not None
    assert todo(ruled.next_step).startswith("git checkout develop && git ")
    assert fix_on_integration(of(shop)) is None


def test_late_is_told_by_how_much(shop: Shop) -> None:
    """
    The limit runs from the detection: 90 minutes are 30 too many.
    """
    shop.hotfix()
    shop.release()
    shop.merge("hotfix/v1.2.1", "develop", 90)

    ruled = merged_back(of(shop))

    assert (ruled.status, ruled.late_seconds) == (Status.LATE, 1800.0)
    assert says(ruled).endswith("into develop, 1 h 30 min after detection, 30 min late.")


def test_what_is_left_is_said_while_there_is_time(shop: Shop) -> None:
    """
    Advice and rule are one: until when, and what to type.
    """
    shop.hotfix()
    shop.release()

    ruled = merged_back(of(shop, now=38, read_at=38, over=False))

    assert (ruled.status, ruled.due_at) == (Status.UNKNOWN, at(60))
    assert todo(ruled.next_step) == "git checkout develop && git merge hotfix/v1.2.1"
    assert says(ruled).startswith("22 min left")


def test_what_was_not_read_since_is_unknown(shop: Shop) -> None:
    """
    Read at minute 38 and asked at minute 100: it may have been merged at minute 45.
    """
    shop.hotfix()
    shop.release()

    ruled = merged_back(of(shop, now=100, read_at=38))

    assert ruled.status is Status.UNKNOWN
    assert "tracker ingest git" in says(ruled)
    assert todo(ruled.next_step) == "tracker ingest git --service checkout"


def test_a_fix_that_was_rolled_back_need_not_be_merged(shop: Shop) -> None:
    """
    It ended by a rollback, so nothing has to reach develop.
    """
    from tests.builders import rollback

    shop.hotfix()
    shop.release()

    ruled = merged_back(of(shop, ran_before(shop), fixed(shop), rollback(40, version="1.2.0")))

    assert ruled.status is Status.NOT_APPLICABLE, ruled


@pytest.mark.parametrize("resolution", ["false-alarm", "went-away"])
def test_what_needed_no_fix_needs_no_merge(shop: Shop, resolution: str) -> None:
    """
    A false alarm has no hotfix.
    """
    found = evidence(held(shop.read(), [ran_before(shop)], story(resolution=resolution)))

    [answer] = [answer for answer in check(found) if answer.rule == "merged_back"]
    assert answer.status is Status.NOT_APPLICABLE


def test_a_shallow_clone_cannot_tell(shop: Shop, tmp_path: Path) -> None:
    """
    What lies behind its edge may hold a copy of the fix: unknown, with the command that makes it known.
    """
    shop.hotfix()
    shop.release()
    shop.merge("hotfix/v1.2.1", "develop", 30)
    shop.on("develop")
    shop.write("c.py", "c\n")
    shop.commit("feat: c", 40)
    shop.git(
        "clone", "-q", "--depth=1", "--no-single-branch", f"file://{shop.path}", str(tmp_path / "shallow")
    )
    shallow = object.__new__(Shop)
    shallow.path, shallow.minute = tmp_path / "shallow", 50

    ruled = merged_back(evidence(held(shallow.read(), [ran_before(shop), fixed(shop)], story())))

    assert ruled.status is Status.UNKNOWN, ruled
    assert "tracker ingest git --service" in says(ruled)


@pytest.mark.parametrize("way", [merge, cherry_pick, squash, reverted, ours, only_to_main])
def test_a_repository_with_long_hashes_is_read_as_well(tmp_path: Path, way: Callable[[Shop], None]) -> None:
    """
    SHA-256: the same answers.
    """
    shop = Shop(tmp_path / "shop", "--object-format=sha256")
    shop.hotfix()
    shop.release()
    way(shop)

    ruled = merged_back(of(shop))

    assert len(shop.head) == 64
    assert ruled.status is (Status.MET if way in IN else Status.MISSED), ruled


def two_commits(shop: Shop) -> None:
    shop.hotfix(version=None)
    shop.change("pool.py", 25, "connection.check()")
    shop.commit("fix: check connections", 11)
    shop.version("1.2.1")
    shop.commit("chore: bump version to 1.2.1", 12)
    shop.head = shop.sha("HEAD")


def test_several_commits_squashed_into_one_are_known_by_their_whole_patch(shop: Shop) -> None:
    """
    The message says nothing; without the version the patch is that of the branch.
    """
    two_commits(shop)
    shop.release()
    squash_without_the_version(shop)

    ruled = merged_back(of(shop))

    assert ruled.status is Status.MET, ruled
    assert "Squashed as" in says(ruled)


def test_a_squash_that_was_changed_by_hand_is_not_held_missed(shop: Shop) -> None:
    """
    Its patch is another, and its files and first words are the fix's: a person has to look.
    """
    two_commits(shop)
    shop.release()
    shop.on("develop")
    shop.change("pool.py", 9, "connection = pool.take()")
    shop.commit("feat: another pool", 5)
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1", check=False)
    shop.change("pool.py", 10, "connection.close()  # here")
    shop.commit("fix: give connections back (#42)", 30)

    ruled = merged_back(of(shop))

    assert ruled.status is Status.UNKNOWN, ruled
    assert "may be it, but its patch is different" in says(ruled)


@pytest.mark.parametrize("deleted", [False, True])
def test_squashed_to_main_and_merged_from_there(shop: Shop, deleted: bool) -> None:
    """
    What develop has is main's copy of the branch.
    """
    two_commits(shop)
    shop.on("main")
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.released = shop.commit("fix: give connections back (#42)", 15)
    shop.git("tag", "v1.2.1")
    if deleted:
        shop.git("branch", "-D", "hotfix/v1.2.1")
    shop.merge("main", "develop", 30)

    ruled = merged_back(of(shop))

    assert (ruled.status, actual(ruled)) == (Status.MET, "30 min after detection"), ruled


def test_where_all_work_on_one_branch_the_release_is_the_way_back(shop: Shop) -> None:
    """
    integration_branch = "main": the merge to main is it.
    """
    shop.hotfix()
    shop.release()

    ruled = merged_back(of(shop, integration_branch="main"))

    assert (ruled.status, actual(ruled)) == (Status.MET, "15 min after detection"), ruled


def test_an_attempt_that_nobody_deployed_need_not_come_back(shop: Shop) -> None:
    """
    Two tried, one went out: the other branch is not held against the incident.
    """
    shop.hotfix()
    shop.release()
    merge(shop)
    shop.on("hotfix/timeout", "main~1")
    shop.write("timeout.py", "timeout = 3\n")
    shop.commit("fix: a shorter timeout", 14)

    ruled = merged_back(of(shop))

    assert ruled.status is Status.MET, ruled


def test_two_fixes_both_have_to_come_back(shop: Shop) -> None:
    """
    The worst counts, and each is named.
    """
    shop.hotfix()
    first = shop.release()
    merge(shop)
    shop.on("hotfix/v1.2.2", "main")
    shop.change("pool.py", 20, "connection.check()")
    shop.commit("fix: check connections", 32)
    shop.version("1.2.2")
    shop.commit("chore: bump version to 1.2.2", 33)
    second = shop.merge("hotfix/v1.2.2", "main", 35)

    ruled = merged_back(
        of(
            shop,
            ran_before(shop),
            fixed(shop, sha=first),
            fixed(shop, 40, version="1.2.2", sha=second),
        )
    )

    assert ruled.status is Status.MISSED, ruled
    assert "hotfix/v1.2.1: merged by" in says(ruled)
    assert "hotfix/v1.2.2: " in says(ruled)


def test_a_clone_that_stands_on_no_branch_tells_the_same(shop: Shop) -> None:
    """
    A CI job's checkout: a detached head.
    """
    shop.hotfix()
    shop.release()
    merge(shop)
    shop.git("checkout", "-q", "--detach", "main")

    assert merged_back(of(shop)).status is Status.MET


def test_what_went_to_a_test_system_is_not_the_fix(shop: Shop) -> None:
    """
    Deployed to staging with another version's number at minute 13: production's deploy is the fix's.
    """
    from projections.procedure.hotfix import hotfixes

    shop.hotfix()
    shop.release()
    staging = fixed(shop, 13, environment="staging", version="1.2.1")

    (hotfix,) = hotfixes(of(shop, ran_before(shop), staging, fixed(shop)))

    assert hotfix.deploy is not None
    assert (hotfix.deploy.environment, hotfix.deploy.at) == ("production", at(20))


def test_what_lies_behind_the_edge_of_a_later_reading_is_unknown(shop: Shop, tmp_path: Path) -> None:
    """
    The hotfix was read whole; of develop only its newest merge was, and the way back may lie behind that.
    """
    shop.hotfix()
    shop.release()
    early = shop.read()
    shop.merge("hotfix/v1.2.1", "develop", 30)
    shop.on("feature/x", "develop~1")
    shop.write("x.py", "x\n")
    shop.commit("feat: x", 35)
    shop.merge("feature/x", "develop", 40)
    url = f"file://{shop.path}"
    shop.git("clone", "-q", "--depth=1", "--branch=develop", url, str(tmp_path / "edge" / "shop"))
    edge = object.__new__(Shop)
    edge.path, edge.minute = tmp_path / "edge" / "shop", 50

    ruled = merged_back(evidence(held(early, edge.read(), [ran_before(shop), fixed(shop)], story())))

    assert ruled.status is Status.UNKNOWN, ruled
    assert "The history of develop is incomplete" in says(ruled)
