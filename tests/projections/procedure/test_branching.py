"""Where a hotfix branch began, how it is called, how small it is, and what else was made at the time."""

from pathlib import Path

import pytest

from projections.procedure.branching import branch_named, branched_from_production, no_competing_hotfix
from projections.procedure.commits import commits_minimal
from projections.procedure.hotfix import hotfixes
from projections.procedure.rule import Status
from reports.wording.procedure import actual, says
from tests.builders import commit, merge_commit
from tests.projections.procedure.shop import READ, Shop, evidence, fixed, held, of, ran_before, story
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import BranchSeen, CommitMade


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def merged(shop: Shop, branch: str = "hotfix/v1.2.1") -> None:
    shop.release(branch)
    shop.merge(branch, "develop", 30)


def test_a_branch_off_main_is_told_from_one_off_develop(shop: Shop, tmp_path: Path) -> None:
    """
    The one drags nothing along; of the other the unreleased commits are named.
    """
    shop.hotfix()
    merged(shop)
    wrong = Shop(tmp_path / "wrong")
    wrong.hotfix(start="develop")
    wrong.on("develop")
    wrong.write("more.py", "more\n")
    wrong.commit("feat: more", 14)
    merged(wrong)

    good, bad = branched_from_production(of(shop)), branched_from_production(of(wrong))

    assert (good.status, actual(good)) == (Status.MET, f"on main at {shop.base[:7]}")
    assert (bad.status, actual(bad)) == (Status.MISSED, f"on develop at {wrong.unreleased[:7]}")
    assert says(bad) == (
        f"hotfix/v1.2.1 began on develop at {wrong.unreleased[:7]} and carries along 1 commit of it: {wrong.unreleased[:7]} feat: wish lists."
    )
    told = {each.id: each.event for each in of(wrong).facts}
    named = [told[event] for event in bad.evidence if isinstance(told[event], CommitMade)]
    assert wrong.unreleased in {each.sha for each in named if isinstance(each, CommitMade)}


def no_ff(shop: Shop) -> None:
    merged(shop)


def develop_fast_forwarded(shop: Shop) -> None:
    shop.release()
    shop.merge("hotfix/v1.2.1", "develop", 30, "--ff-only")


def main_fast_forwarded(shop: Shop) -> None:
    shop.merge("hotfix/v1.2.1", "main", 15, "--ff-only")
    shop.merge("hotfix/v1.2.1", "develop", 30)


@pytest.mark.parametrize("way", [no_ff, develop_fast_forwarded, main_fast_forwarded])
@pytest.mark.parametrize("deleted", [False, True])
def test_a_branch_off_develop_is_never_met(shop: Shop, way: object, deleted: bool) -> None:
    """
    However it was merged, and although it was deleted: the unreleased commit shows it.
    """
    assert callable(way)
    shop.hotfix(start="develop")
    way(shop)
    if deleted:
        shop.git("branch", "-D", "hotfix/v1.2.1")

    ruled = branched_from_production(of(shop))

    assert ruled.status is Status.MISSED, ruled
    assert "feat: wish lists" in says(ruled)


def test_what_was_fast_forwarded_everywhere_is_not_made_up(shop: Shop) -> None:
    """
    Main and develop both point at it: nothing tells any more whose the older commit was.
    """
    shop.hotfix(start="develop")
    shop.merge("hotfix/v1.2.1", "main", 15, "--ff-only")
    shop.merge("hotfix/v1.2.1", "develop", 30, "--ff-only")

    ruled = branched_from_production(of(shop))

    assert ruled.status is Status.UNKNOWN
    assert "feat: wish lists" in says(ruled)


def test_what_was_read_before_the_fast_forward_is_still_known(shop: Shop) -> None:
    """
    The first reading saw the fork; a later one, in which it is hidden, does not take it back.
    """
    shop.hotfix(start="develop")
    early = shop.read()
    shop.merge("hotfix/v1.2.1", "main", 15, "--ff-only")
    shop.merge("hotfix/v1.2.1", "develop", 30, "--ff-only")

    ruled = branched_from_production(evidence(held(early, shop.read(), [ran_before(shop)], story())))

    assert ruled.status is Status.MISSED, ruled


@pytest.mark.parametrize("deleted", [False, True])
def test_main_fast_forwarded_to_a_branch_off_main_is_met(shop: Shop, deleted: bool) -> None:
    """
    It stands on the version that ran before, and all of it was made during the incident.
    """
    shop.hotfix()
    shop.merge("hotfix/v1.2.1", "main", 15, "--ff-only")
    if deleted:
        shop.git("branch", "-D", "hotfix/v1.2.1")
    found = of(shop)

    assert branched_from_production(found).status is Status.MET
    assert branch_named(found).status is (Status.UNKNOWN if deleted else Status.MET)
    assert commits_minimal(found).status is Status.MET


def test_an_older_version_is_fixed_from_its_tag(shop: Shop) -> None:
    """
    v1.0.0 lies on a line that left main long ago: the branch began at the tag, and only its own commits count.
    """
    shop.minute = -2900
    shop.on("release/old", "main")
    for number in range(5):
        shop.write("old.py", f"{number}\n")
        shop.commit(f"feat: old {number}", -2800 + number)
    shop.git("tag", "v1.0.0")
    shop.hotfix("hotfix/v1.0.1", "v1.0.0", version="1.0.1")
    shop.git("tag", "v1.0.1")
    shop.git("branch", "-D", "release/old")

    found = of(shop, ran_before(shop), fixed(version="1.0.1", sha=shop.head))

    assert actual(branched_from_production(found)) == f"on tag v1.0.0 at {shop.sha('v1.0.0')[:7]}"
    assert branched_from_production(found).status is Status.MET
    assert actual(commits_minimal(found)) == "1 commit"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("hotfix/v1.2.1", Status.MET),
        ("hotfix/payment-fix", Status.MET),
        ("hotfix/critical-bug", Status.MISSED),
        ("hotfix/Bug", Status.MISSED),
        ("payment-fix", Status.MISSED),
    ],
)
@pytest.mark.parametrize("deleted", [False, True])
def test_a_name_says_which_fix_it_is(shop: Shop, name: str, status: Status, deleted: bool) -> None:
    """
    As the pattern has it, and no word that fits any fix; the merge remembers it.
    """
    shop.hotfix(name)
    merged(shop, name)
    if deleted:
        shop.git("branch", "-D", name)

    ruled = branch_named(of(shop))

    assert (ruled.status, actual(ruled)) == (status, name), ruled
    assert ruled.evidence


@pytest.mark.parametrize(
    "subject",
    [
        "Merge branch 'hotfix/v1.2.1' into 'main'",
        "Merge remote-tracking branch 'origin/hotfix/v1.2.1'",
        "Merge pull request #42 from acme/hotfix/v1.2.1",
        "Merge pull request #42 in SHOP/shop from hotfix/v1.2.1 to main",
        "Merged in hotfix/v1.2.1 (pull request #42)",
        "merge: hotfix v1.2.1 to main",
    ],
)
def test_forges_name_the_branch_in_their_own_ways(shop: Shop, subject: str) -> None:
    """
    Git's, GitHub's, GitLab's, Bitbucket's and the guide's own words.
    """
    shop.hotfix()
    shop.released = shop.merge("hotfix/v1.2.1", "main", 15, "--no-ff", "-m", subject)
    shop.git("branch", "-D", "hotfix/v1.2.1")

    assert [each.branch for each in hotfixes(of(shop))] == ["hotfix/v1.2.1"]


def test_a_squashed_branch_is_named_by_the_forge(shop: Shop) -> None:
    """
    A squash leaves no merge; that it was one, and of which branch, GitHub's webhook says.
    """
    shop.hotfix()
    shop.on("main")
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.released = shop.commit("fix: give connections back (#42)", 15)
    shop.git("branch", "-D", "hotfix/v1.2.1")
    webhook = merge_commit(15, source="github", repository="shop", sha=shop.released, parents=())
    named = CommitMade(
        **{
            **{name: getattr(webhook, name) for name in webhook.__struct_fields__},
            "merged_from": "hotfix/v1.2.1",
        }
    )

    found = evidence(held(shop.read(), [named, ran_before(shop), fixed(shop)], story()))

    assert (branch_named(found).status, actual(branch_named(found))) == (Status.MET, "hotfix/v1.2.1")
    assert "squashed by the forge" in says(commits_minimal(found))


def test_bumps_and_merges_are_not_counted(shop: Shop) -> None:
    """
    Three fixes, a bump, a changelog and a merge of main are three commits; a fourth fix is too many.
    """
    shop.on("main")
    shop.write("docs.md", "docs\n")
    other = shop.commit("docs: of somebody else", 5)
    shop.hotfix(start=f"{other}~1")
    for number in (14, 16):
        shop.change("pool.py", number, f"connection.check({number})")
        shop.commit(f"fix: check {number}", number)
    shop.write("CHANGELOG.md", "1.2.1\n")
    shop.commit("docs: tell of 1.2.1", 17)
    shop.minute = 18
    shop.git("merge", "-q", "--no-edit", "main")
    shop.head = shop.sha("HEAD")
    few = commits_minimal(of(shop, ran_before(shop)))
    shop.change("pool.py", 20, "connection.check(20)")
    shop.commit("fix: and once more", 19)
    many = commits_minimal(of(shop, ran_before(shop)))

    assert (few.status, actual(few)) == (Status.MET, "3 commits")
    assert "besides 2 version bumps and 1 merge" in says(few)
    assert (many.status, actual(many)) == (Status.MISSED, "4 commits")


def test_two_hotfixes_at_the_same_files_compete(shop: Shop) -> None:
    """
    At once and at pool.py: named with the file. At other files, or after the deploy: not.
    """
    shop.hotfix()
    shop.release()
    shop.on("hotfix/timeout", "main~1")
    shop.change("pool.py", 25, "timeout = 3")
    shop.commit("fix: a shorter timeout", 14)
    competing = no_competing_hotfix(of(shop))
    shop.git("branch", "-m", "hotfix/timeout", "elsewhere")
    alone = no_competing_hotfix(of(shop))

    assert (competing.status, alone.status) == (Status.MISSED, Status.MET)
    assert "hotfix/timeout changed pool.py at the same time" in says(competing)
    assert len(competing.evidence) > len(alone.evidence)


@pytest.mark.parametrize(("file", "minute"), [("wishes.py", 14), ("pool.py", 40)])
def test_other_files_or_another_time_do_not_compete(shop: Shop, file: str, minute: float) -> None:
    """
    Two people at two things, or one after the other.
    """
    shop.hotfix()
    shop.release()
    shop.on("hotfix/other", "main~1")
    shop.write(file, "other\n")
    shop.commit("fix: another thing", minute)

    ruled = no_competing_hotfix(of(shop))

    assert ruled.status is Status.MET, ruled


def test_the_same_fix_for_an_older_line_does_not_compete(shop: Shop) -> None:
    """
    A backport touches the same files at the same time, and is the same patch.
    """
    shop.on("main")
    shop.write("later.py", "later\n")
    shop.commit("feat: later", -100)
    shop.hotfix()
    shop.release()
    shop.on("hotfix/v1.1.1", "v1.2.0")
    shop.committed(14, "cherry-pick", shop.fix)

    ruled = no_competing_hotfix(of(shop))

    assert ruled.status is Status.MET, ruled


def test_what_only_pushes_told_is_unknown(shop: Shop) -> None:
    """
    A push names no parents and no files: no rule is met by it.
    """
    shop.hotfix()
    merged(shop)
    pushed = [
        Incoming(
            event=_as_pushed(each.event) if isinstance(each.event, CommitMade) else each.event,
            arrival=Arrival(via="webhook"),
        )
        for each in shop.read()
        if not isinstance(each.event, BranchSeen) or each.event.name in ("main", "develop")
    ]

    found = evidence(held(pushed, [ran_before(shop), fixed(shop)], story()))

    for rule in (branched_from_production, branch_named, commits_minimal, no_competing_hotfix):
        assert rule(found).status is Status.UNKNOWN, rule(found)


def _as_pushed(event: CommitMade) -> CommitMade:
    return commit(
        (event.occurred_at.timestamp() - commit(0).occurred_at.timestamp()) / 60,
        source="github",
        repository="shop",
        sha=event.sha,
        subject_line=event.subject_line,
        author=event.author,
        parents=(),
    )


def test_branches_that_were_not_read_since_the_deploy_are_unknown(shop: Shop) -> None:
    """
    Another hotfix may have begun after the reading.
    """
    shop.hotfix()
    shop.release()

    assert no_competing_hotfix(of(shop, read_at=18)).status is Status.UNKNOWN
    assert no_competing_hotfix(of(shop, read_at=READ)).status is Status.MET


@pytest.mark.parametrize("start", ["main", "develop"])
def test_a_log_of_an_older_version_knows_the_branch_by_its_merge(shop: Shop, start: str) -> None:
    """
    Deleted before it was ever read, and told by a tracker that made no branch of a merge.
    """
    shop.hotfix(start=start)
    merged(shop)
    shop.git("branch", "-D", "hotfix/v1.2.1")
    older = [each for each in shop.read() if getattr(each.event, "name", "") != "hotfix/v1.2.1"]

    found = evidence(held(older, [ran_before(shop), fixed(shop)], story()))

    expected = Status.MET if start == "main" else Status.MISSED
    assert branched_from_production(found).status is expected, branched_from_production(found)
    assert actual(branch_named(found)) == "hotfix/v1.2.1"
