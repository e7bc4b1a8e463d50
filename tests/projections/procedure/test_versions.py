"""The version of a hotfix: raised, tagged, new after a rollback, and on the older lines."""

from pathlib import Path

import pytest

from projections.procedure.hotfix import hotfixes
from projections.procedure.merged_back import backported
from projections.procedure.rule import Status
from projections.procedure.versions import new_version_after_rollback, tagged, version_bumped
from reports.wording.procedure import actual, says, todo
from tests.builders import declared, deploy, resolved, rollback, tag
from tests.projections.procedure.shop import Shop, evidence, fixed, held, of, ran_before, story
from tracker.events.changes import VersionTagged

FILES = {
    "package.json": '{{"name": "shop", "version": "{}"}}\n',
    "pyproject.toml": '[project]\nname = "shop"\nversion = "{}"\n',
    "VERSION": "{}\n",
    "Cargo.toml": '[package]\nname = "shop"\nversion = "{}"\n',
    "service/pom.xml": '<?xml version="1.0"?>\n<!-- ours -->\n<project xmlns="http://maven.apache.org/POM/4.0.0">'
    "<parent><version>9</version></parent><version>{}</version></project>\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


@pytest.mark.parametrize("file", FILES)
def test_the_patch_number_is_read_in_each_kind_of_file(tmp_path: Path, file: str) -> None:
    """
    From 1.2.0 on main to 1.2.1 on the branch, and deployed as v1.2.1.
    """
    shop = Shop(tmp_path / "shop")
    shop.on("main")
    shop.git("rm", "-q", "package.json")
    shop.write(file, FILES[file].format("1.2.0"))
    shop.commit("build: another tool", -2000)
    shop.hotfix(version=None)
    shop.write(file, FILES[file].format("1.2.1"))
    shop.commit("chore: bump version to 1.2.1", 12)
    shop.release()

    ruled = version_bumped(of(shop, ran_before(shop), fixed(shop, version="v1.2.1")))

    assert (ruled.status, actual(ruled)) == (Status.MET, f"{file} 1.2.0 → 1.2.1"), ruled


@pytest.mark.parametrize(
    ("version", "deployed", "status", "said"),
    [
        ("1.2.1", "1.2.1", Status.MET, "as deployed"),
        ("1.3.0", "1.3.0", Status.MISSED, "is not a patch bump"),
        ("2.0.0", "2.0.0", Status.MISSED, "is not a patch bump"),
        ("1.1.9", "1.1.9", Status.MISSED, "was not raised"),
        (None, "1.2.1", Status.MISSED, "still package.json 1.2.0"),
        ("1.2.1", "1.2.2", Status.MISSED, "package.json says 1.2.1, but 1.2.2 was deployed"),
        ("one", "1.2.1", Status.UNKNOWN, "cannot be compared"),
    ],
)
def test_only_the_patch_number_grows_and_it_is_what_was_deployed(
    shop: Shop, version: str | None, deployed: str, status: Status, said: str
) -> None:
    """
    A minor version, none at all, or another than what went out: each is said.
    """
    shop.hotfix(version=version)
    shop.release(tag=None)

    ruled = version_bumped(of(shop, ran_before(shop), fixed(shop, version=deployed)))

    assert ruled.status is status, ruled
    assert said in says(ruled)


def test_a_bump_on_main_after_the_merge_counts(shop: Shop) -> None:
    """
    Some raise the version where they release.
    """
    shop.hotfix(version=None)
    shop.release(tag=None)
    shop.version("1.2.1")
    shop.released = shop.commit("chore: bump version to 1.2.1", 16)
    shop.git("tag", "v1.2.1")
    found = of(shop)

    assert version_bumped(found).status is Status.MET, version_bumped(found)
    assert tagged(found).status is Status.MET, tagged(found)


def test_where_no_file_states_a_version_there_is_nothing_to_raise(tmp_path: Path) -> None:
    """
    The tag alone is the version.
    """
    shop = Shop(tmp_path / "shop")
    shop.on("main")
    shop.git("rm", "-q", "package.json")
    shop.commit("build: versions by tags", -2000)
    shop.hotfix(version=None)
    shop.release()

    assert version_bumped(of(shop)).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 3}', "{" * 100_000, '{"version": "1.2.0"', "\ufffd"]
)
def test_a_broken_version_file_stops_nothing(shop: Shop, content: str) -> None:
    """
    It states no version; what was deployed cannot be held against it, and nothing is met.
    """
    shop.hotfix(version=None)
    shop.write("package.json", content)
    shop.commit("chore: bump version to 1.2.1", 12)
    shop.release()

    assert version_bumped(of(shop)).status is not Status.MET


def test_a_tag_belongs_on_what_was_deployed(shop: Shop) -> None:
    """
    On the merge or on the head of the branch; a tag elsewhere, or none, is missed.
    """
    shop.hotfix()
    shop.release(tag=None)
    none = tagged(of(shop))
    shop.git("tag", "v1.2.1", shop.base)
    wrong = tagged(of(shop))
    shop.git("tag", "-f", "v1.2.1", shop.head)
    head = tagged(of(shop))
    shop.git("tag", "-f", "-a", "v1.2.1", "-m", "fixed", shop.released)
    release = tagged(of(shop))

    assert [each.status for each in (none, wrong, head, release)] == [
        Status.MISSED,
        Status.MISSED,
        Status.MET,
        Status.MET,
    ]
    assert todo(none.next_step) == f"git tag v1.2.1 {shop.released[:10]}"
    assert "does not contain the fix" in says(wrong)


def test_a_release_whose_commit_nobody_named_is_unknown(shop: Shop) -> None:
    """
    GitHub told that v1.2.1 was published; on which commit, it did not say.
    """
    shop.hotfix()
    shop.release(tag=None)
    published = tag(21, source="github", repository="shop", name="v1.2.1", sha=None)

    found = evidence(held(shop.read(), [ran_before(shop), fixed(shop), published], story()))

    assert isinstance(published, VersionTagged)
    assert tagged(found).status is Status.UNKNOWN


BACK = rollback(40, version="1.2.0")


@pytest.mark.parametrize(
    ("later", "status", "said"),
    [
        ((), Status.NOT_APPLICABLE, "Nothing was deployed since"),
        ((deploy(60, version="1.2.2"),), Status.MET, "1.2.2 was deployed after it"),
        ((deploy(60, version="v1.2.2"),), Status.MET, "v1.2.2 was deployed after it"),
        ((deploy(60, version="1.2.1"),), Status.MISSED, "deployed again"),
        ((deploy(60, version="v1.2.1"),), Status.MISSED, "deployed again"),
        ((deploy(60, version="1.1.7"),), Status.MISSED, "is not a newer number"),
        ((deploy(60, version="1.2.2"), deploy(80, version="1.2.1")), Status.MISSED, "deployed again"),
    ],
)
def test_what_was_rolled_back_does_not_come_back(later: tuple, status: Status, said: str) -> None:
    """
    A new patch number, and never the one that was taken back.
    """
    found = evidence(held([ran_before(), fixed(), BACK, *later], story()))

    ruled = new_version_after_rollback(found)

    assert ruled.status is status, ruled
    assert said in says(ruled)
    assert ruled.evidence


def test_without_a_rollback_there_is_no_second_version() -> None:
    """
    Not asked for; and where no deploy was ever told of, nobody knows.
    """
    assert new_version_after_rollback(evidence(held([ran_before(), fixed()], story()))).status is (
        Status.NOT_APPLICABLE
    )
    assert new_version_after_rollback(evidence(held(story()))).status is Status.UNKNOWN
    assert new_version_after_rollback(evidence(held([BACK], story()))).status is Status.UNKNOWN


def test_older_lines_are_a_table_in_which_the_missing_one_stands_out(shop: Shop) -> None:
    """
    Picked to 1.1, forgotten for 1.0.
    """
    shop.git("branch", "release/1.0", "main")
    shop.git("branch", "release/1.1", "main")
    shop.hotfix()
    shop.release()
    shop.on("release/1.1")
    shop.committed(35, "cherry-pick", shop.fix)
    lines = ("release/1.0", "release/1.1")

    half = backported(of(shop, maintained_branches=lines))
    shop.merge("hotfix/v1.2.1", "release/1.0", 50)
    whole = backported(of(shop, maintained_branches=lines))

    assert (half.status, actual(half)) == (Status.MISSED, "on 1 of 2")
    assert "✗ release/1.0: MISSING" in says(half)
    assert "✓ release/1.1: picked or rebased as" in says(half)
    assert todo(half.next_step) == f"git checkout release/1.0 && git cherry-pick -x {shop.fix[:7]}"
    assert (whole.status, actual(whole)) == (Status.MET, "on 2 of 2")


def test_lines_that_are_not_named_or_not_known(shop: Shop) -> None:
    """
    None named: not applicable. One named that no clone has: unknown.
    """
    shop.hotfix()
    shop.release()

    assert backported(of(shop)).status is Status.NOT_APPLICABLE
    unknown = backported(of(shop, maintained_branches=("release/0.9",)))
    assert unknown.status is Status.UNKNOWN
    assert "no branch release/0.9 is known" in says(unknown)


def test_a_squash_on_main_is_the_release_of_its_branch(shop: Shop) -> None:
    """
    Deployed by its commit alone, and tagged there: the branch and its copy are one hotfix.
    """
    shop.hotfix()
    shop.on("main")
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.released = shop.commit("fix: give connections back (#42)", 15)
    shop.git("tag", "v1.2.1")
    by_sha = of(shop, ran_before(shop), fixed(shop, version=shop.released[:7]))
    by_name = of(shop, ran_before(shop), fixed(shop, sha=None))

    for found in (by_sha, by_name):
        (hotfix,) = hotfixes(found)
        assert hotfix.branch == "hotfix/v1.2.1"
        assert hotfix.deploy is not None
        assert tagged(found).status is Status.MET, tagged(found)
        assert version_bumped(found).status is Status.MET, version_bumped(found)


def test_the_only_hotfix_is_what_the_only_deploy_brought(shop: Shop) -> None:
    """
    No tag, no version file, a name without numbers and a deploy without its commit: that is the one there is.
    """
    shop.hotfix("hotfix/payment-fix", version=None)
    shop.release("hotfix/payment-fix", tag=None)

    ruled = tagged(of(shop, ran_before(shop), fixed(shop, sha=None)))

    assert ruled.status is Status.MISSED, ruled
    assert says(ruled) == "There is no tag 1.2.1."


def test_what_was_committed_in_the_second_of_the_declaration_came_after_it(tmp_path: Path) -> None:
    """
    A script declares and commits within a second, and git cuts the second off.
    """
    shop = Shop(tmp_path / "shop")
    shop.hotfix()
    shop.release()
    at_once = [declared(10.01), resolved(200, resolution="fixed")]

    found = evidence(held(shop.read(), [ran_before(shop)], at_once))

    assert [each.branch for each in hotfixes(found)] == ["hotfix/v1.2.1"]


def test_commits_of_one_second_stay_in_their_order(shop: Shop) -> None:
    """
    What the version was before, and what it is after, follows the parents and not the clock.
    """
    shop.hotfix(version=None)
    for number in range(1, 6):
        shop.version(f"1.2.{number}")
        shop.commit(f"chore: bump version to 1.2.{number}", 12)
    shop.git("branch", "-m", "hotfix/v1.2.5")
    shop.release("hotfix/v1.2.5", tag="v1.2.5")

    ruled = version_bumped(of(shop, ran_before(shop), fixed(shop, version="1.2.5")))

    assert (ruled.status, actual(ruled)) == (Status.MET, "package.json 1.2.0 → 1.2.5"), ruled
