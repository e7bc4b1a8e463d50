"""A partial answer is no answer: it is kept and shown, leaves the span open, and yields to a whole one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.partial_source import PartialSource
from tests.servers.prometheus import week_of_history

DAY = "2026-03-04"
BURNS = datetime(2026, 3, 4, 14, 0, tzinfo=UTC), datetime(2026, 3, 4, 14, 30, tzinfo=UTC)


def configure(folder: Path, url: str) -> None:
    (folder / "tracker.toml").write_text(f"""
[prometheus]
url = "{url}"
step_seconds = 15
[services.checkout.metrics.error_ratio]
query = 'error_ratio'
unit = "ratio"
better = "lower"
threshold = 0.01
""")


def history(tracker) -> None:
    """A failure that a deploy did not end, recorded months later."""
    assert (
        tracker(
            *("declare", "Payments fail", "--service", "checkout", "--severity", "critical"),
            *("--at", f"{DAY}T14:02Z"),
        ).code
        == 0
    )
    assert tracker("deploy", "finish", "checkout", "v1.4.3", "--at", f"{DAY}T14:10Z").code == 0
    assert tracker("resolve", 1, "--at", f"{DAY}T14:45Z").code == 0


def answers(tracker) -> list[dict[str, Any]]:
    """What is judged, without what names the single log."""
    rows = tracker("compare", 1, "--json").json["rows"]
    return [
        {name: value for name, value in row.items() if name not in ("change", "event", "judged_at")}
        for row in rows
    ]


@pytest.fixture(scope="module")
def source():
    return PartialSource(*BURNS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory, source):
    return {}


@pytest.mark.parametrize("mode", ["hole", "wrong", "histograms", "beside", "extra"])
def test_a_partial_answer_is_no_answer_until_the_whole_one(tracker, tmp_path, source, expected, mode):
    """
    While only a part is known there is no verdict, and every answer says why. After that all is as in a log that only
    ever saw the whole source, and what is whole is not asked again.
    """
    with source.running() as url:
        configure(tmp_path, url)
        history(tracker)
        source.mode = mode
        first = tracker("collect", 1)
        in_part = answers(tracker)
        report = tracker("report", 1, "-o", "-", "--pictures", "none").out
        would = tracker("backtest", "error_ratio > 0.1 for 2m").out
        source.mode = "whole"
        second = tracker("collect", 1)
        asked = source.ranges_asked
        third = tracker("collect", 1)

        assert source.ranges_asked == asked
    assert "ANSWERED IN PART, will be asked again" in first.out
    assert {row["verdict"] for row in in_part} == {"pending"}
    assert all("partial" in row["flags"] and "answered in part" in row["reason"] for row in in_part)
    assert "answered in part" in report
    assert "would not" not in would
    assert "IN PART" not in second.out + third.out
    whole = answers(tracker)
    assert "regressed" not in {row["verdict"] for row in whole}
    of_deploys = [row for row in whole if row["kind"] != "incident"]
    assert {row["verdict"] for row in of_deploys if row["window"] == "10m"} == {"unchanged", "still_degraded"}
    assert not any("partial" in row["flags"] or row["said_then"] for row in whole)
    assert "answered in part" not in tracker("report", 1, "-o", "-", "--pictures", "none").out
    assert "would fire" in tracker("backtest", "error_ratio > 0.1 for 2m").out
    assert expected.setdefault("rows", [{**row, "query": None} for row in whole]) == [
        {**row, "query": None} for row in whole
    ]


def test_a_remark_on_a_whole_answer_is_shown_and_no_more(tracker, tmp_path, source):
    """
    `infos` say nothing of what is missing.
    """
    source.mode = "infos"
    with source.running() as url:
        configure(tmp_path, url)
        history(tracker)
        answer = tracker("collect", 1)

    assert "metric might not be a counter" in answer.out + answer.err
    assert "IN PART" not in answer.out
    assert "pending" not in {row["verdict"] for row in answers(tracker)}


def test_a_whole_answer_is_not_undone_by_a_partial_one(tracker, tmp_path, source):
    """
    Asked again for a span as typed, the source is not whole any more.
    """
    source.mode = "whole"
    with source.running() as url:
        configure(tmp_path, url)
        history(tracker)
        tracker("collect", 1)
        before = answers(tracker)
        source.mode = "wrong"
        typed = tracker(
            *("ingest", "prometheus", "--service", "checkout"),
            *("--from", f"{DAY}T13:00Z", "--to", f"{DAY}T15:00Z"),
        )

    assert "ANSWERED IN PART" in typed.err
    assert answers(tracker) == before


def test_a_real_prometheus_whose_remote_storage_is_away_answers_in_part(tracker, tmp_path, make_prometheus):
    """
    It answers 200 with what it has, and warns.
    """
    server = make_prometheus(
        week_of_history(),
        extra_config='remote_read: [{"url": "http://127.0.0.1:9/read", "read_recent": true}]\n',
    )
    configure(tmp_path, server.url)
    history(tracker)

    answer = tracker("collect", 1)

    assert answer.out.count("ANSWERED IN PART") == 2, "alerts and samples"
    assert {row["verdict"] for row in answers(tracker)} == {"pending"}
    kinds = {row["kind"] for row in tracker("timeline", 1, "--json").json["entries"]}
    assert not kinds & {"alert-fired", "alert-resolved"}
