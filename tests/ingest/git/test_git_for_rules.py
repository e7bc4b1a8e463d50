"""What a repository tells beyond its commits: files, versions, copies, reverts, and what merges brought."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.deduplication import deduplicate
from tests.projections.procedure.shop import Shop, held
from tracker.events.base import Incoming, event_id
from tracker.events.changes import BranchSeen, CommitMade
from tracker.events.corrections import effective
from tracker.events.merges import joined_branches
from tracker.events.version_files import VERSION_FILES, is_bookkeeping
from tracker.ingest.git.versions import stated_in


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def commits(found: list[Incoming]) -> dict[str, CommitMade]:
    return {each.event.sha: each.event for each in found if isinstance(each.event, CommitMade)}


def test_a_commit_names_its_files_and_what_the_version_files_say(shop: Shop) -> None:
    """
    Before and after; odd names are names.
    """
    shop.on("main")
    shop.write("naïve\nname.py", "1\n")
    shop.write("f" * 3 + ".py", "1\n")
    shop.version("1.2.1")
    sha = shop.commit("fix: all at once", 10)

    found = commits(shop.read())[sha]

    assert set(found.changed_paths) == {"fff.py", "naïve\nname.py", "package.json"}
    assert (found.versions_before, found.stated_versions) == (
        {"package.json": "1.2.0"},
        {"package.json": "1.2.1"},
    )
    assert found.fix_patch_id is not None
    assert found.fix_patch_id != found.patch_id
    assert commits(shop.read())[shop.base].versions_before == {}


def test_a_merge_tells_what_it_brought(shop: Shop) -> None:
    """
    The files in which it differs from its first parent; of one that kept its own side, none.
    """
    shop.hotfix()
    brought = shop.merge("hotfix/v1.2.1", "main", 15)
    nothing = shop.merge("hotfix/v1.2.1", "develop", 30, "--no-edit", "-s", "ours")

    found = commits(shop.read())

    assert set(found[brought].brought_paths or ()) == {"pool.py", "package.json"}
    assert found[nothing].brought_paths == ()
    assert (found[brought].changed_paths, found[brought].files_changed) == ((), None)
    assert found[shop.fix].brought_paths is None


def test_messages_name_what_they_copy_and_undo(shop: Shop) -> None:
    """
    cherry-pick -x, revert, and the message that a squash proposes.
    """
    shop.hotfix()
    shop.on("develop")
    picked = shop.committed(20, "cherry-pick", "-x", shop.fix)
    shop.minute = 25
    shop.git("revert", "--no-edit", "HEAD")
    reverted = shop.sha("HEAD")
    shop.on("other", "main")
    shop.minute = 30
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.git("commit", "-q", "--no-edit")
    squashed = shop.sha("HEAD")

    found = commits(shop.read())

    assert found[picked].repeats == (shop.fix,)
    assert found[picked].authored_at == found[shop.fix].occurred_at
    assert found[shop.fix].authored_at is None
    assert found[reverted].reverts == (picked,)
    assert set(found[squashed].repeats) == {shop.fix, shop.head}


def test_a_deleted_hotfix_branch_is_the_same_fact_as_one_that_is_there(shop: Shop) -> None:
    """
    The merge remembers it, so a clone that never had it tells the same.
    """
    shop.hotfix()
    shop.release()
    there = {event_id(each.event) for each in shop.read()}
    shop.git("branch", "-D", "hotfix/v1.2.1")
    gone = shop.read()

    assert {event_id(each.event) for each in gone} == there
    (branch,) = [each.event for each in gone if getattr(each.event, "name", "") == "hotfix/v1.2.1"]
    assert isinstance(branch, BranchSeen)
    assert (branch.sha, branch.fork_point, branch.fork_branch) == (shop.head, shop.base, "main")
    assert branch.stated_versions == {"package.json": "1.2.1"}
    assert branch.patch_id == commits(gone)[shop.fix].patch_id


def test_other_branches_that_a_merge_names_are_not_made_up(shop: Shop) -> None:
    """
    A feature that was merged and deleted leaves its merge, and no row of its own.
    """
    shop.on("feature/x", "develop")
    shop.write("x.py", "x\n")
    shop.commit("feat: x", 5)
    shop.merge("feature/x", "develop", 6)
    shop.git("branch", "-D", "feature/x")

    assert {each.event.name for each in shop.read() if isinstance(each.event, BranchSeen)} == {
        "main",
        "develop",
    }


def test_what_an_older_version_told_of_a_commit_gives_way_to_what_is_read_now(shop: Shop) -> None:
    """
    The same subject with fewer fields: both stay in the log, and the fuller one is shown.
    """
    shop.hotfix()
    now = [each.event for each in shop.read() if isinstance(each.event, CommitMade)]
    names = (
        *("occurred_at", "precision_seconds", "utc_offset_minutes", "source", "service", "repository", "sha"),
        *("subject_line", "author", "parents", "files_changed", "lines_added", "lines_deleted", "patch_id"),
    )
    before = [CommitMade(**{name: getattr(each, name) for name in names}) for each in now]

    for order in ((before, now), (now, before)):
        shown = deduplicate(effective(held(*order)).values())

        assert [best.event for best, _ in shown] == now
        assert {len(witnesses) for _, witnesses in shown} == {2}


@pytest.mark.parametrize(
    ("subject", "parents", "names"),
    [
        ("Merge branch 'hotfix/a' into develop", 2, {1: "hotfix/a"}),
        ("Merge branch 'hotfix/a' of https://forge.example/shop into develop", 2, {1: "hotfix/a"}),
        ("Merge branches 'hotfix/a' and 'b' into develop", 3, {1: "hotfix/a", 2: "b"}),
        ("Merge branches 'a', 'b' and 'hotfix/c'", 4, {1: "a", 2: "b", 3: "hotfix/c"}),
        ("Merge remote-tracking branches 'origin/hotfix/a' and 'origin/b'", 3, {1: "hotfix/a", 2: "b"}),
        ("Merge branches 'hotfix/a' and 'b' into develop", 2, {}),
        ("Merge tag 'v1.2.1' into develop", 2, {}),
        ("Merge commit '4f2d8c1'", 2, {}),
        ("merge: hotfix to develop", 2, {}),
        ("merge: hotfix/v1.2.1 into main", 2, {1: "hotfix/v1.2.1"}),
        ("Merge pull request #42 from acme/hotfix/a", 2, {1: "hotfix/a"}),
        ("fix: merge carts", 2, {}),
    ],
)
def test_merges_name_their_branches(subject: str, parents: int, names: dict[int, str]) -> None:
    """
    Where the words and the parents do not fit, nothing is guessed.
    """
    assert joined_branches(subject, parents) == names


@given(
    st.sampled_from(VERSION_FILES),
    st.binary(max_size=200)
    | st.sampled_from(
        [
            b'{"version": {"version": 1}}',
            b"[" * 100_000,
            b"[project]\nversion = 3",
            b"[tool]\npoetry = 1",
            b'<!DOCTYPE p [<!ENTITY a "aaaa">]><project><version>&a;</version></project>',
            b"<project><version>${revision}</version></project>",
            b"\xff\xfe<\x00",
        ]
    ),
)
def test_a_version_file_may_be_anything(name: str, content: bytes) -> None:
    """
    Broken, hostile or empty: a text or nothing, and never a failure.
    """
    found = stated_in(name, content)

    assert found is None or (found and len(found) <= 100)


def test_versions_are_read_where_each_tool_writes_them() -> None:
    """
    Poetry's own table, a workspace's, a parent's and a property's.
    """
    assert stated_in("pyproject.toml", b'[tool.poetry]\nversion = "1.2.1"') == "1.2.1"
    assert stated_in("Cargo.toml", b'[workspace.package]\nversion = "1.2.1"') == "1.2.1"
    assert stated_in("a/pom.xml", b"<project><parent><version>1.2.1</version></parent></project>") == "1.2.1"
    pom = b"<project><version>${revision}</version><properties><revision>1.2.1</revision></properties></project>"
    assert stated_in("pom.xml", pom) == "1.2.1"


def test_lock_and_changelog_files_are_no_fix() -> None:
    """
    In whatever folder, and however they are written.
    """
    assert all(
        map(is_bookkeeping, ("package.json", "a/b/Cargo.lock", "CHANGELOG.md", "Changelog", "VERSION"))
    )
    assert not any(map(is_bookkeeping, ("pool.py", "version/pool.py", "changelog/pool.py", "a/lock.c")))


def test_what_differs_only_in_bookkeeping_has_one_fix(shop: Shop) -> None:
    """
    Python and git's own patterns agree on which files are left out.
    """
    shop.hotfix(version=None)
    plain = commits(shop.read())[shop.fix]
    for number, name in enumerate(("package.json", "sub/CHANGELOG.md", "sub/Cargo.lock", "Version.txt")):
        shop.on(f"again-{number}", "main")
        shop.change("pool.py", 10, "connection.close()")
        shop.write(name, f"{number}\n")
        sha = shop.commit("fix: with a bump", 20)
        mixed = commits(shop.read())[sha]

        assert mixed.patch_id != plain.patch_id
        assert mixed.fix_patch_id == plain.patch_id, name
