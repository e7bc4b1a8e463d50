"""`tracker rules`: what the demo's rule led to, and the rule that is missing."""

import shutil
import subprocess

import pytest

from tests.cli.conftest import refused


@pytest.fixture
def in_demo(tracker, tmp_path, monkeypatch):
    monkeypatch.delenv("TRACKER_STORE")
    tracker("demo", "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return tracker


def test_the_demo_rule_and_what_no_rule_watches(in_demo):
    """
    One firing says little, and its interval says so.
    """
    answer = in_demo("rules", "--json").json
    (found,) = answer["rules"]

    assert (found["rule"], found["fired"], found["led_to_incident"]) == ("HighErrorRatio", 1, 1)
    assert found["precision_low"] < 0.3
    assert answer["metrics_without_rule"] == [{"service": "checkout", "metric": "latency_seconds"}]
    assert "No rule watches checkout's latency_seconds" in in_demo("rules").out


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: make servers")
def test_the_proposed_rule_file_is_one_of_prometheus(in_demo, tmp_path):
    """
    Its comment says what the rule would have done.
    """
    answer = in_demo("rules", "--propose")
    (tmp_path / "proposed.yml").write_text(answer.out)
    checked = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "proposed.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert "it would have fired in 1 of 1 incidents, and 0 times for nothing" in answer.out


def test_without_alerts_it_says_how_to_read_them(tracker):
    """
    An empty log, and a service that nobody knows.
    """
    tracker("init")

    assert "No alert and no alert rule is recorded" in tracker("rules").out
    assert tracker("rules", "--propose").out == "groups: []\n"
    refused(tracker("rules", "--known-at", "2099-01-01T00:00Z"), 2, "future")
