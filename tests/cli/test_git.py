"""`tracker collect` and `tracker ingest git`: what the procedure's rules need of a repository is read."""

from datetime import timedelta
from pathlib import Path

import pytest

from projections import frames
from tests.cli.conftest import Typed
from tests.projections.procedure import shop as shops
from tests.projections.procedure.shop import Shop
from tracker.application.collect import sources
from tracker.events.changes import RepositoryRead, read_scope
from tracker.log import Log

TOML = '[services.checkout]\nrepositories = ["shop"]\n[procedure]\nmaintained_branches = ["release/1.0"]\n'
WEEK = 7 * 24 * 60


def titles(tracker: Typed) -> list[str]:
    rows = tracker(
        "timeline", "--service", "checkout", "--from", "2025-01-01T00:00Z", "--to", "now", "--json"
    )
    return [row["title"] for row in rows.json["entries"]]


def test_collect_reads_from_the_fork_to_the_merge_weeks_later(declared: Typed, tmp_path: Path) -> None:
    """
    The incident was an hour; its branch began months before, and came back to develop a week after.
    """
    (tmp_path / "tracker.toml").write_text(TOML)
    shop = Shop(tmp_path / "shop")
    shop.hotfix()
    shop.release()
    assert declared("resolve", 1, "--at", "15:00Z").code == 0
    merge = shop.merge("hotfix/v1.2.1", "develop", WEEK)

    answer = declared("collect", 1, "--source", "git", "--json")

    assert answer.code == 0, answer.err
    told = titles(declared)
    assert any(merge[:7] in title for title in told)
    assert any(shop.base[:7] in title for title in told)
    mine = [row["title"] for row in declared("timeline", 1, "--json").json["entries"]]
    assert not any(merge[:7] in title for title in mine)


def test_a_deploy_by_its_tag_is_one_of_its_commit(declared: Typed, tmp_path: Path) -> None:
    """
    By main, by tag and by main again: no rollback, wherever the changes are listed.
    """
    (tmp_path / "tracker.toml").write_text(TOML)
    shop = Shop(tmp_path / "shop")
    assert declared("ingest", "git").code == 0
    finish = ("deploy", "finish", "checkout")
    for minute, version in (("05", ("main", "--sha", shop.base)), ("20", ("v1.2.0",)), ("40", ("1.2.0",))):
        assert declared(*finish, *version, "--at", f"2026-03-01T14:{minute}Z").code == 0
    assert declared(*finish, "main", "--sha", shop.base[:10], "--at", "2026-03-01T14:58Z").code == 0

    of_incident = declared("changes", 1, "--json").json["changes"]
    of_span = declared("changes", "--from", "2026-03-01T14:00Z", "--to", "2026-03-01T15:00Z", "--json").json[
        "changes"
    ]

    for rows in (of_incident, of_span):
        assert [row["kind"] for row in rows] == ["deploy"] * 4
        assert [row["sha"] for row in rows] == [shop.base[:10], shop.base, shop.base, shop.base]
    with frames.open(str(tmp_path / "tracker.toml")) as log:
        assert set(log.changes()["kind"]) == {"deploy"}


@pytest.mark.parametrize("days", [40, 100])
@pytest.mark.parametrize("own", [False, True], ids=["bare line", "line with a commit"])
@pytest.mark.parametrize("read", ["collect", "ingest"])
def test_a_line_that_nobody_touched_for_long_lacks_the_fix(
    declared: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, own: bool, read: str
) -> None:
    """
    Its head is older than the fix, so the fix is not on it; the integration branch has the fix.
    """
    monkeypatch.setattr(shops, "LONG_AGO", -days * 1440)
    (tmp_path / "tracker.toml").write_text(TOML)
    shop = Shop(tmp_path / "shop", unreleased=False)
    shop.on("release/1.0", "main")
    if own:
        shop.write("old.py", "old\n")
        shop.commit("fix: for 1.0", -days * 1440 + 60)
    shop.on("main")
    shop.write("new.py", "new\n")
    before = shop.commit("feat: new", -2 * 1440)
    shop.merge("main", "develop", -2 * 1440 + 5)
    shop.hotfix()
    released = shop.release()
    shop.merge("hotfix/v1.2.1", "develop", 30)
    deploy = ("deploy", "finish", "checkout")
    assert declared(*deploy, "1.2.0", "--sha", before, "--at", "2026-02-28T00:00Z").code == 0
    assert declared(*deploy, "1.2.1", "--sha", released, "--at", "2026-03-01T14:20Z").code == 0
    assert declared("resolve", 1, "--at", "15:00Z").code == 0

    answer = declared("collect", 1, "--source", "git") if read == "collect" else declared("ingest", "git")

    assert answer.code == 0, answer.err
    assert declared("bundle", 1, "-o", str(tmp_path / "one.tracker")).code == 0
    for store in ((), ("--store", str(tmp_path / "other.db"))):
        if store:
            assert declared("import", str(tmp_path / "one.tracker"), *store).code == 0
        rules = {rule["rule"]: rule for rule in declared("check", 1, "--json", *store).json["rules"]}
        assert rules["backported"]["status"] == "missed", rules["backported"]
        assert rules["merged_back"]["status"] == "met"


def test_a_fork_off_an_older_line_is_told_as_such(declared: Typed, tmp_path: Path) -> None:
    """
    [procedure] maintained_branches are main branches, too.
    """
    (tmp_path / "tracker.toml").write_text(TOML)
    shop = Shop(tmp_path / "shop")
    shop.on("release/1.0", "main")
    shop.write("old.py", "old\n")
    shop.commit("fix: for 1.0", -500)
    shop.hotfix("hotfix/v1.0.1", "release/1.0", version="1.0.1")

    assert declared("ingest", "git").code == 0

    assert any(title.startswith("Branch hotfix/v1.0.1") for title in titles(declared))
    rows = declared("timeline", "--service", "checkout", "--from", "2026-01-01T00:00Z", "--to", "now").out
    assert "from release/1.0 at" in rows


def test_a_reading_without_news_is_remembered_and_not_counted(
    declared: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Else a merge that is still missing could never be held missed; twice in five minutes adds nothing.
    """
    (tmp_path / "tracker.toml").write_text(TOML)
    Shop(tmp_path / "shop").hotfix()
    assert declared("ingest", "git", "--json").json["recorded"] > 0

    assert declared("ingest", "git", "--json").json["recorded"] == 0
    with Log(str(tmp_path / "tracker.db")) as log:
        assert log.latest(read_scope("checkout", "shop")) is None
    monkeypatch.setattr(sources, "_READ_AGAIN", timedelta(0))
    again = declared("ingest", "git", "--json").json

    assert again["recorded"] == 0
    with Log(str(tmp_path / "tracker.db")) as log:
        read = log.latest(read_scope("checkout", "shop"))
    assert read is not None
    assert isinstance(read.event, RepositoryRead)
    assert not any("was read" in title for title in titles(declared))
