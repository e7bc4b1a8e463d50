"""What a local repository tells is the same from every clone, and odd ones are survived."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from tracker.errors import BadInputError, SourceUnreachableError, UsageError
from tracker.events.base import Arrival, Incoming, event_id
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.ingest import git

START = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
E = TypeVar("E", CommitMade, VersionTagged, BranchSeen)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Repository:
    """A real one, whose clock is told."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self("init", "--quiet", "--initial-branch=main", *options)

    def __call__(self, *words: str, minutes: float = 0, given: bytes = b"", zone: str = "+0000") -> str:
        stamp = f"{int(at(minutes).timestamp())} {zone}"
        done = subprocess.run(
            ["git", *words],
            cwd=self.path,
            input=given,
            capture_output=True,
            check=True,
            env=os.environ | {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp},
        )
        return done.stdout.decode(errors="replace").strip()

    def commit(self, subject: str, minutes: float, *, name: str = "file", zone: str = "+0000") -> str:
        with (self.path / name).open("a") as file:
            file.write(f"{subject}\n")
        self("add", name)
        self("commit", "--quiet", "-m", subject, minutes=minutes, zone=zone)
        return self("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Whoever runs the tests, git has these settings and no others."""
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\n\tname = Ann Ops\n\temail = ann@example.com\n[advice]\n\tdetachedHead = false\n"
    )
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return settings


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A hotfix as the guide has it: off main, merged to main and back to develop, tagged."""
    repo = Repository(tmp_path / "shop")
    repo.commit("first", 0)
    repo("checkout", "-q", "-b", "develop")
    repo.commit("feat: unreleased", 1, name="feature")
    repo("checkout", "-q", "main")
    repo("checkout", "-q", "-b", "hotfix/v1.2.1")
    repo.commit("fix: close the connection", 10, zone="+0100")
    repo("checkout", "-q", "main")
    repo("merge", "-q", "--no-ff", "-m", "merge: hotfix", "hotfix/v1.2.1", minutes=20)
    repo("tag", "-a", "v1.2.1", "-m", "fixed", minutes=25)
    repo("tag", "light", "hotfix/v1.2.1")
    repo("checkout", "-q", "develop")
    repo("merge", "-q", "--no-ff", "-m", "merge: hotfix to develop", "hotfix/v1.2.1", minutes=30)
    repo("checkout", "-q", "main")
    return repo


def only(found: list[Incoming], kind: type[E]) -> list[E]:
    return [one.event for one in found if isinstance(one.event, kind)]


def ids(found: list[Incoming]) -> list[str]:
    return sorted(event_id(one.event) for one in found)


def test_a_hotfix_is_told_whole_and_oldest_first(shop: Repository) -> None:
    """
    Commits with counts, merges with two parents and none, each once and in order.
    """
    found = git.read(shop.path, service="checkout", arrival=Arrival(via="poll"))

    commits = only(found, CommitMade)
    assert [one.subject_line for one in commits] == [
        "first",
        "feat: unreleased",
        "fix: close the connection",
        "merge: hotfix",
        "merge: hotfix to develop",
    ]
    fix, merge = commits[2], commits[3]
    assert (fix.occurred_at, fix.utc_offset_minutes, fix.precision_seconds) == (at(10), 60, 1.0)
    assert (fix.files_changed, fix.lines_added, fix.lines_deleted) == (1, 1, 0)
    assert (fix.author, fix.repository, fix.service, fix.source) == ("Ann Ops", "shop", "checkout", "git")
    assert fix.patch_id is not None
    assert len(fix.patch_id) == len(fix.sha) == 40
    assert merge.is_merge
    assert merge.parents == (commits[0].sha, fix.sha)
    assert (merge.files_changed, merge.patch_id) == (None, None)
    assert {(one.arrival.via, one.payload) for one in found} == {("poll", b"")}
    assert [one.event.occurred_at for one in found] == sorted(one.event.occurred_at for one in found)


def test_an_author_whose_address_is_known_has_the_name_that_belongs_to_it(shop: Repository) -> None:
    """
    However it is spelled, and whatever git calls them; the address itself is not in the event.
    """
    names = {"ann@example.com": "Ann"}

    found = only(git.read(shop.path, service="checkout", names=names), CommitMade)
    others = only(git.read(shop.path, service="checkout", names={"an@example.com": "An"}), CommitMade)
    shop("commit", "-q", "--allow-empty", "-m", "x", "--author", "ops <ANN@Example.com>", minutes=40)
    odd = only(git.read(shop.path, service="checkout", names=names), CommitMade)[-1]

    assert {one.author for one in found} == {"Ann"}
    assert {one.author for one in others} == {"Ann Ops"}
    assert (odd.subject_line, odd.author) == ("x", "Ann")
    assert "example.com" not in repr([*found, odd])


def test_tags_have_the_taggers_instant_or_the_commits(shop: Repository) -> None:
    """
    An annotated tag says when it was made and by whom; a light one is as old as its commit.
    """
    tags = {tag.name: tag for tag in only(git.read(shop.path, service=None), VersionTagged)}

    assert (tags["v1.2.1"].occurred_at, tags["v1.2.1"].tagger) == (at(25), "Ann Ops")
    assert tags["v1.2.1"].sha == shop("rev-parse", "main")
    assert (tags["light"].occurred_at, tags["light"].tagger, tags["light"].utc_offset_minutes) == (
        at(10),
        None,
        60,
    )


def test_a_fork_stays_where_it_was_after_the_branch_is_merged_back(shop: Repository) -> None:
    """
    Once merged, `git merge-base` answers the branch's own head; the fork is still main's first commit.
    """
    first = shop("rev-parse", "main^1")

    branches = {b.name: b for b in only(git.read(shop.path, service=None), BranchSeen)}

    assert set(branches) == {"main", "develop", "hotfix/v1.2.1"}
    hotfix = branches["hotfix/v1.2.1"]
    assert (hotfix.fork_point, hotfix.fork_branch, hotfix.occurred_at) == (first, "main", at(10))
    assert (branches["main"].fork_point, branches["develop"].fork_branch) == (None, None)


def test_a_hotfix_off_develop_is_told_even_after_it_reached_main(shop: Repository) -> None:
    """
    The mistake that the procedure forbids is not hidden by the merge that carried it out.
    """
    shop("checkout", "-q", "develop")
    wrong_base = shop("rev-parse", "HEAD")
    shop("checkout", "-q", "-b", "hotfix/wrong")
    shop.commit("fix: in a hurry", 40)
    shop("checkout", "-q", "main")
    shop("merge", "-q", "--no-ff", "-m", "merge: wrong", "hotfix/wrong", minutes=41)

    branches = {b.name: b for b in only(git.read(shop.path, service=None), BranchSeen)}

    wrong = branches["hotfix/wrong"]
    assert (wrong.fork_point, wrong.fork_branch) == (wrong_base, "develop")


def test_a_fork_that_could_be_of_both_is_of_main_and_none_is_made_up(shop: Repository) -> None:
    """
    An old version's fix forks where main and develop are one; a branch without commits of its own has no fork.
    """
    shop("checkout", "-q", "-b", "hotfix/old", "main^1")
    shop.commit("fix: for the old version", 50)
    shop("branch", "hotfix/empty", "main")
    shop("checkout", "-q", "--orphan", "pages")
    shop.commit("pages", 51)

    branches = {b.name: b for b in only(git.read(shop.path, service=None), BranchSeen)}

    assert branches["hotfix/old"].fork_branch == "main"
    assert branches["hotfix/empty"].fork_point is None
    assert branches["pages"].fork_point is None


def test_two_clones_tell_the_same_ids(shop: Repository, tmp_path: Path, own_settings: Path) -> None:
    """
    Clone, bare clone, worktree, subfolder, other settings and attributes: the same content, so the same ids.
    """
    (shop.path / ".gitattributes").write_text("*.lock -diff\n*.bin binary\n")
    (shop.path / "a.lock").write_text("1\n2\n3\n")
    (shop.path / "b.bin").write_bytes(bytes(range(256)) * 9)
    (shop.path / "sub").mkdir()
    shop.commit("build: lock", 60, name="sub/c")
    shop("add", ".")
    shop("commit", "-q", "-m", "build: attributes", minutes=61)
    original = ids(git.read(shop.path, service="s"))
    for name, options in {"a": (), "bare.git": ("--bare",), "mirror": ("--mirror",)}.items():
        shop("clone", "-q", *options, f"file://{shop.path}", str(tmp_path / "clones" / name))
    shop("worktree", "add", "-q", "--detach", str(tmp_path / "clones" / "worktree"))

    assert len(original) == 12
    for path in (*(tmp_path / "clones").iterdir(), shop.path / "sub", shop.path / ".git"):
        assert ids(git.read(path, service="s")) == original, path

    with own_settings.open("a") as settings:
        settings.write(
            "[diff]\n renames = copies\n algorithm = patience\n context = 9\n noprefix = true\n external = false\n"
            "[core]\n abbrev = 7\n[log]\n showSignature = true\n date = relative\n mailmap = true\n"
            "[i18n]\n logOutputEncoding = latin-1\n[color]\n ui = always\n"
        )
    assert ids(git.read(shop.path, service="s")) == original


def test_what_is_read_does_not_depend_on_the_span(shop: Repository) -> None:
    """
    A commit that was read for one incident is known when the whole repository is read.
    """
    whole = ids(git.read(shop.path, service="s"))
    part = git.read(shop.path, service="s", since=at(10), until=at(20))

    assert {event.subject_line for event in only(part, CommitMade)} == {
        "fix: close the connection",
        "merge: hotfix",
    }
    assert set(ids(part)) < set(whole)
    assert git.read(shop.path, service="s", since=at(10), until=at(10)) != []


def test_a_slow_clock_hides_nothing_behind_it(shop: Repository) -> None:
    """
    `git log --since` would stop at the commit that says 2025.
    """
    shop.commit("fix: real", 100)
    shop.commit("chore: by a machine whose clock was off", -500_000)
    shop.commit("fix: last", 101)

    found = git.read(shop.path, service=None, since=at(99))

    assert [event.subject_line for event in only(found, CommitMade)] == ["fix: real", "fix: last"]


def test_remote_branches_are_named_once_and_without_their_remote(shop: Repository, tmp_path: Path) -> None:
    """
    Where they have parted, a main branch is told as both have it: either may hold what is looked for.
    """
    shop("clone", "-q", str(shop.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    local = clone.commit("local only", 70)
    shop.commit("pushed", 71)
    clone("fetch", "-q")

    branches = only(git.read(clone.path, service=None), BranchSeen)

    assert sorted(b.name for b in branches) == ["develop", "hotfix/v1.2.1", "main", "main"]
    assert {b.sha for b in branches if b.name == "main"} == {local, shop("rev-parse", "main")}
    assert "pushed" in {c.subject_line for c in only(git.read(clone.path, service=None), CommitMade)}


def test_a_branch_that_lags_behind_is_told_as_its_remote_has_it(shop: Repository, tmp_path: Path) -> None:
    """
    Nobody pulled develop here, and the merge that everybody else sees is in it all the same.
    """
    shop("checkout", "-q", "develop")
    shop("clone", "-q", str(shop.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    pushed = shop.commit("pushed", 71)
    clone("fetch", "-q")

    branches = only(git.read(clone.path, service=None), BranchSeen)

    assert [b.sha for b in branches if b.name == "develop"] == [pushed]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ann:s3cret@example.com/acme/shop.git", "shop"),
        ("https://s3cret@example.com", "folder"),
        ("https://example.com/acme/shop.git?token=s3cret#x", "shop"),
        ("git@example.com:acme/shop.git", "shop"),
        ("example.com:shop.git/", "shop"),
        ("ssh://git@example.com:22/acme/shop", "shop"),
        ("/srv/git/shop.git", "shop"),
        ("../shop/.git", "shop"),
        ("http://[broken/shop", "folder"),
    ],
)
def test_a_repository_is_named_by_its_origin_without_secrets(tmp_path: Path, url: str, name: str) -> None:
    """
    The name is the address's last part; with none, the folder's.
    """
    repo = Repository(tmp_path / "folder")
    repo.commit("first", 0)
    repo("remote", "add", "origin", url)

    assert {c.repository for c in only(git.read(repo.path, service=None), CommitMade)} == {name}


def test_odd_bytes_in_names_and_subjects_are_kept_apart(tmp_path: Path) -> None:
    """
    Separators of other tools, Latin-1 and emoji in a subject shift no field.
    """
    repo = Repository(tmp_path / "odd")
    tree = repo("write-tree")
    header = (
        f"tree {tree}\nauthor J\xf6rg \x1f <j@x> 1772373600 +0530\ncommitter J <j@x> 1772373600 -0330\n\n"
    )
    raw = header.encode("latin-1") + b"one\x1f two\x1e \xff three\r\nbody line\n"
    sha = repo("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=raw)
    repo("update-ref", "refs/heads/main", sha)

    (commit,) = only(git.read(repo.path, service=None), CommitMade)

    assert commit.subject_line.startswith("one\x1f two\x1e \ufffd three")
    assert commit.author == "J\ufffdrg \x1f"
    assert commit.utc_offset_minutes == -210
    assert (commit.files_changed, commit.patch_id) == (0, None)


@pytest.mark.parametrize(
    ("date", "instant", "offset"),
    [
        ("-86400 +0100", datetime(1969, 12, 31, tzinfo=UTC), 60),
        ("0 +0000", datetime(1970, 1, 1, tzinfo=UTC), 0),
        ("99999999999999 +0000", datetime(1970, 1, 1, tzinfo=UTC), 0),
        ("1772373600 +9900", START, 0),
    ],
)
def test_dates_that_git_itself_cannot_show_are_survived(
    tmp_path: Path, date: str, instant: datetime, offset: int
) -> None:
    """
    Before 1970 is read from the commit's bytes; what lies outside the calendar is 1970, as git shows it.
    """
    repo = Repository(tmp_path / "old")
    raw = f"tree {repo('write-tree')}\nauthor A <a@x> {date}\ncommitter A <a@x> {date}\n\nold\n".encode()
    sha = repo("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=raw)
    repo("update-ref", "refs/heads/main", sha)

    (commit,) = only(git.read(repo.path, service=None), CommitMade)

    assert (commit.occurred_at, commit.utc_offset_minutes) == (instant, offset)
    assert len(event_id(commit)) == 24


def test_a_shallow_clone_knows_parents_but_not_what_changed(shop: Repository, tmp_path: Path) -> None:
    """
    Its last commit would seem to add every file; unknown is not a number.
    """
    last = shop.commit("fix: again", 80)
    parent = shop("rev-parse", "HEAD^")
    shop("clone", "-q", "--depth=1", f"file://{shop.path}", str(tmp_path / "shallow"))

    (commit,) = only(git.read(tmp_path / "shallow", service=None), CommitMade)

    assert (commit.sha, commit.parents, commit.files_changed) == (last, (parent,), None)


def test_a_partial_clone_is_not_made_to_fetch(shop: Repository, tmp_path: Path) -> None:
    """
    Counting would fetch file after file over the network; the counts stay unknown.
    """
    shop("config", "uploadpack.allowFilter", "true")
    shop("clone", "-q", "--filter=blob:none", "--bare", f"file://{shop.path}", str(tmp_path / "partial"))
    shop.path.rename(tmp_path / "away")

    commits = only(git.read(tmp_path / "partial", service=None), CommitMade)

    assert len(commits) == 5
    assert {commit.files_changed for commit in commits} == {None}


def test_a_commit_on_no_branch_is_read_when_it_is_checked_out(shop: Repository) -> None:
    """
    A CI job stands on a detached head.
    """
    shop("checkout", "-q", "--detach")
    sha = shop.commit("detached", 90)

    found = git.read(shop.path, service=None)

    assert sha in {commit.sha for commit in only(found, CommitMade)}
    assert sha not in {branch.sha for branch in only(found, BranchSeen)}
    assert git.head(shop.path) == (sha, False)


def test_tags_of_tags_and_of_files(shop: Repository) -> None:
    """
    A tag is followed to its commit; one that names a file or a folder is no version.
    """
    shop("tag", "-a", "again", "-m", "again", "v1.2.1", minutes=95)
    shop("tag", "file", "main:file")
    shop("tag", "-a", "folder", "-m", "x", "main^{tree}")

    tags = {tag.name: tag.sha for tag in only(git.read(shop.path, service=None), VersionTagged)}

    assert set(tags) == {"v1.2.1", "light", "again"}
    assert tags["again"] == shop("rev-parse", "main")


def test_replaced_and_grafted_commits_are_read_as_they_were_made(shop: Repository) -> None:
    """
    Replacements stay in one clone, so they are no part of the content.
    """
    before = ids(git.read(shop.path, service=None))
    shop("replace", "--graft", "main")

    assert ids(git.read(shop.path, service=None)) == before


@pytest.mark.parametrize("options", [(), ("--bare",)])
def test_an_empty_repository_has_nothing_to_tell(tmp_path: Path, options: tuple[str, ...]) -> None:
    """
    No commit, no events, no error; but nothing is checked out, and that is one.
    """
    repo = Repository(tmp_path / "empty", *options)

    assert git.read(repo.path, service=None) == []
    with pytest.raises(BadInputError, match="no commit yet"):
        git.head(repo.path)


def _nothing(path: Path) -> Path:
    return path / "missing"


def _plain(path: Path) -> Path:
    return path


def _file(path: Path) -> Path:
    (path / "file").write_text("x")
    return path / "file"


def _dash(path: Path) -> Path:
    return Path("--help")


def _zero(path: Path) -> Path:
    return Path("a\0b")


@pytest.mark.parametrize("make", [_nothing, _plain, _file, _dash, _zero])
def test_what_is_no_repository_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """
    The first line names the path, the second what to type.
    """
    path = make(tmp_path)

    with pytest.raises(BadInputError, match="is not a git repository") as refused:
        git.read(path, service=None)

    assert refused.value.message.startswith(str(path))
    assert "tracker ingest git PATH" in refused.value.hint


def test_a_damaged_repository_is_refused_with_gits_reason(shop: Repository) -> None:
    """
    A missing object is no traceback.
    """
    sha = shop("rev-parse", "main")
    (shop.path / ".git" / "objects" / sha[:2] / sha[2:]).unlink()

    with pytest.raises(BadInputError, match="git cannot read it") as refused:
        git.read(shop.path, service=None)

    assert "fsck" in refused.value.hint


def test_missing_file_contents_are_told_too(shop: Repository) -> None:
    """
    The log alone reads well; the counts cannot be made.
    """
    sha = shop("rev-parse", "main:file")
    (shop.path / ".git" / "objects" / sha[:2] / sha[2:]).unlink()

    with pytest.raises(BadInputError, match="git cannot read it"):
        git.read(shop.path, service=None)


def test_without_git_the_way_to_get_it_is_told(shop: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The user's name is then simply not known.
    """
    monkeypatch.setenv("PATH", str(shop.path))

    with pytest.raises(SourceUnreachableError) as refused:
        git.read(shop.path, service=None)

    assert "apt-get install git" in refused.value.hint
    assert git.user_name(shop.path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_repository_is_refused_with_the_command_to_type(shop: Repository) -> None:
    """
    Typing the hint makes it work.
    """
    for folder, _, _ in os.walk(shop.path):
        os.chown(folder, 12345, 12345)

    with pytest.raises(BadInputError, match="another user") as refused:
        git.read(shop.path, service=None)

    command = refused.value.hint.partition(": ")[2]
    assert command == f"git config --global --add safe.directory {shop.path}"
    subprocess.run(command.split(), check=True)
    assert git.read(shop.path, service=None) != []


def test_the_environment_of_a_hook_does_not_lead_elsewhere(
    shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A hook runs with GIT_DIR set; the path that was given wins.
    """
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", "/")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")

    assert len(only(git.read(shop.path, service=None), CommitMade)) == 5
    assert git.head(shop.path)[1] is False


def test_a_repositorys_own_programs_are_not_run(shop: Repository, tmp_path: Path) -> None:
    """
    Reading is looking: no file monitor, no diff program.
    """
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.odd.textconv", "gpg.program"):
        shop("config", key, str(trap))
    shop("config", "log.showSignature", "true")
    (shop.path / ".git" / "info").mkdir(exist_ok=True)
    (shop.path / ".git" / "info" / "attributes").write_text("* diff=odd\n")

    git.read(shop.path, service=None)
    git.head(shop.path)

    assert not sprung.exists()


def test_a_span_that_ends_before_it_starts_is_refused(shop: Repository) -> None:
    """
    It is more likely a slip than a wish for nothing.
    """
    with pytest.raises(UsageError, match="before it starts"):
        git.read(shop.path, service=None, since=at(1), until=at(0))


def test_head_says_if_tracked_files_differ(shop: Repository) -> None:
    """
    A new file that git does not know is no change to what was committed.
    """
    sha = shop("rev-parse", "HEAD")

    (shop.path / "new").write_text("x")
    assert git.head(shop.path) == (sha, False)
    (shop.path / "file").write_text("x")
    assert git.head(shop.path) == (sha, True)
    assert git.head(shop.path / ".git") == (sha, False)


def test_the_users_name_is_the_one_of_the_folder(shop: Repository, tmp_path: Path) -> None:
    """
    A repository's own setting wins, and outside of one the user's holds.
    """
    assert git.user_name(shop.path) == git.user_name(tmp_path) == "Ann Ops"
    shop("config", "user.name", "Ann at work")
    assert git.user_name(shop.path) == "Ann at work"
    assert git.user_name(tmp_path / "missing") is None
    shop("config", "user.name", " ")
    assert git.user_name(shop.path) is None
