"""`tracker collect` and `tracker ingest git`: what the procedure's rules need of a repository is read."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Typed
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
