"""Whom it hit is recorded once and said everywhere; what people call things is what they read."""

import json

import pytest

from reports.messages import Draft, write
from tests import builders as b
from tests.reports import histories
from tests.reports.histories import text_of, told
from tests.reports.test_messages import draft
from tracker.cli import main
from tracker.settings.schema import Metric, Service, Settings, SettingsFile


def test_the_impact_is_said_by_summary_message_and_show(tmp_path, capsys):
    """
    How many of what, and from when to when: the last one that was recorded counts.
    """
    path = str(told(tmp_path / "tracker.db", [b.declared(5, impact="some payments fail"), b.resolved(40)]))

    code = main(
        [
            *("impact", "1", "a third of all payments failed", "--affected", "1,140 orders"),
            *("--affected", "312 never paid", "--from", "14:02Z", "--to", "14:42Z", "--by", "mia"),
            *("--store", path, "--at", "14:50Z"),
        ]
    )
    capsys.readouterr()
    shown = main(["show", "1", "--store", path, "--json"])
    answer = json.loads(capsys.readouterr().out)
    written = text_of(tmp_path / "tracker.db")

    assert code == shown == 0
    counts = "1,140 orders, 312 never paid, 2026-03-01 14:02 to 14:42 UTC"
    assert f"- **How bad:** a third of all payments failed. Affected: {counts}." in written
    assert "  - 1,140 orders, 312 never paid, 2026-03-01 14:02 to 14:42 UTC" in written
    assert f"Impact: a third of all payments failed ({counts})" in written
    assert (answer["impact"], answer["affected"]) == (
        "a third of all payments failed",
        ["1,140 orders", "312 never paid"],
    )
    assert answer["affected_from"] == "2026-03-01T14:02:00.000Z"


@pytest.mark.parametrize(
    "words",
    [("--from", "14:42Z", "--to", "14:02Z"), ("--affected", " "), ("--from", "14:42Z", "--to", "14:42Z")],
)
def test_an_impact_that_makes_no_sense_is_refused(tmp_path, words, capsys):
    """
    It ends after it begins, and a count has words.
    """
    path = str(told(tmp_path / "tracker.db", [b.declared(5), b.resolved(50)]))

    assert main(["impact", "1", "x", *words, "--by", "mia", "--store", path]) == 12
    assert "tracker: " in capsys.readouterr().err


def test_a_metric_is_called_by_its_title():
    """
    In the settings that the log has only where there is one: others are as an earlier version recorded them.
    """
    plain, titled = Metric(query="up"), Metric(query="up", title="Failed requests")
    file = SettingsFile(services={"shop": Service(metrics={"a": plain, "b": titled})})

    metrics = Settings(file, None, "x").facts()["shop"]["metrics"]

    assert "title" not in metrics["a"]
    assert metrics["b"]["title"] == "Failed requests"


def test_the_report_reads_a_title(tmp_path):
    """
    In its sentences, tables and pictures; the metric's own name stands at its heading.
    """
    plan = {**histories.METRICS["error_ratio"], "title": "failed payments"}
    settings = {"metrics": {"error_ratio": plan}, "settling_seconds": 120.0}
    events = [event for event in histories.whole_incident() if type(event).__name__ != "SettingsChanged"]
    path = told(tmp_path / "t.db", [b.settings(minute=-60, service="checkout", settings=settings), *events])

    written = text_of(path)

    assert "### Failed payments of checkout (`error_ratio`)" in written
    assert "| failed payments | 10 minutes" in written
    assert "![Failed payments of checkout, " in written


def test_one_person_has_one_name(tmp_path):
    """
    What git calls Ben Okafor is Ben where the settings say so, and nobody else is.
    """
    people = b.settings(minute=-60, service=None, settings={"people": {"ben": ["Ben Okafor"]}})
    commits = [b.commit(25, author="Ben Okafor"), b.commit(26, author="Ben O.", sha="c" * 40)]

    written = text_of(told(tmp_path / "t.db", [people, b.declared(5), *commits, b.resolved(40)]))

    assert "(ben)" in written or "(ben ·" in written
    assert "Ben Okafor" not in written
    assert "Ben O." in written


def test_messages_name_whom_to_tell_the_report_and_the_head_of_the_log():
    """
    The first one says who has to know, the last one where the report is; each says up to where it was read.
    """
    known = {
        "tell": ("engineering lead", "devops"),
        "report_link": "https://wiki/INC-1",
        "log_head": (57, "9" * 64),
    }
    made: Draft = draft(b.declared(7, impact="x"), b.resolved(20), **known)

    first, last = (write(kind, made).splitlines() for kind in ("initial", "resolved"))

    assert first[-2:] == ["Tell: engineering lead, devops", "Log: position 57, head 999999999999"]
    assert last[-2:] == ["📝 Incident report: https://wiki/INC-1", "Log: position 57, head 999999999999"]
