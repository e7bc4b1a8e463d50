"""`tracker collect` on a real Prometheus: what is got, what is gone, and what stays when the server does not."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import refused
from tracker.log import Log

RATIO = (
    'sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m]))'
    ' / sum(rate(http_requests_total{service="checkout"}[1m]))'
)
DAY = "2026-03-04"
HISTORY_MINUTES = 38 * 60 + 4
"""From the first rate of the week to a day before the incident, at one minute."""


def configure(folder: Path, url: str, *, more: str = "", step_seconds: int = 30) -> None:
    (folder / "tracker.toml").write_text(f"""
[prometheus]
url = "{url}"
step_seconds = {step_seconds}
[services.checkout.metrics.error_ratio]
query = '{RATIO}'
unit = "ratio"
better = "lower"
threshold = 0.01
{more}
""")


def declare(tracker) -> None:
    """INC-1 on the 4th of March, told of months afterwards."""
    answer = tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", f"{DAY}T14:05:00Z"),
    )
    assert answer.code == 0, answer.err
    assert tracker("resolve", 1, "--at", "14:50Z").code == 0


def test_an_incident_that_nobody_tracked_can_be_reconstructed(tracker, tmp_path, prometheus_server):
    """
    From Prometheus alone: when the alert fired and stopped, and what the metric did before, during and after.
    """
    configure(tmp_path, prometheus_server.url)
    declare(tracker)

    answer = tracker("collect", 1)

    assert answer.code == 0, answer.err
    rows = {row["title"]: row for row in tracker("timeline", 1, "--json").json["entries"]}
    assert rows["Alert HighErrorRatio fired"]["occurred_at"] == f"{DAY}T14:02:15.000Z"
    assert rows["Alert HighErrorRatio stopped firing"]["occurred_at"][:16] == f"{DAY}T14:45"
    durations = tracker("show", 1, "--json").json["durations"]
    assert durations["time_to_declare"]["seconds"] == 165
    report = tracker("report", 1, "-o", "-").out
    assert "| Hour before | 0.1 % | 8 % | 120 of 120 |" in report
    assert "| During (until all metrics were back to normal) | 8 % | 8 % |" in report


def test_collecting_again_adds_nothing(tracker, tmp_path, prometheus_server):
    """
    Only what is new is stored, and the answer says so.
    """
    configure(tmp_path, prometheus_server.url)
    declare(tracker)
    first = tracker("collect", 1, "--json").json

    again = tracker("collect", 1, "--json").json

    assert first["recorded"] > 0
    assert again["recorded"] == 0
    assert [each["new_samples"] for each in again["sources"] if each["new_samples"] is not None] == [0]
    assert "0 new" in tracker("collect", 1).out


def test_the_answer_names_each_source(tracker, tmp_path, prometheus_server):
    """
    What was found, what was new, what is gone, when the rest expires; and what is not configured.
    """
    configure(tmp_path, prometheus_server.url)
    declare(tracker)

    answer = tracker("collect", 1, "--json").json

    assert set(answer) >= {"incident", "recorded", "known", "events", "sources", "skipped"}
    [samples] = [each for each in answer["sources"] if each["what"] == "samples of error_ratio"]
    assert samples["source"] == "prometheus"
    assert samples["service"] == "checkout"
    assert samples["found"] == samples["new_samples"] == 2 * 2880 + 2 * 45 + HISTORY_MINUTES
    assert samples["gone_until"] == "2026-03-02T00:00:00.000Z"
    assert samples["history_from"] == "2026-03-02T00:01:00.000Z", (
        "the first instant at which a rate can be had"
    )
    assert samples["expires_at"].startswith("21")
    assert samples["problem"] is None
    assert any("alertmanager: not configured" in each for each in answer["skipped"])


def test_report_and_pictures_are_the_same_bytes_when_prometheus_is_gone(tracker, tmp_path, make_prometheus):
    """
    What was collected is in the log; nobody asks the server again.
    """
    from tests.servers.prometheus import week_of_history

    server = make_prometheus(week_of_history())
    configure(tmp_path, server.url)
    declare(tracker)
    tracker("collect", 1)
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    assert tracker("report", 1, "-o", "before/INC-1.md").code == 0

    server.stop()

    assert tracker("report", 1, "-o", "after/INC-1.md").code == 0
    for name in ("INC-1.md", "INC-1/checkout-error_ratio.svg"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes()
    assert tracker("verify", "--report", "before/INC-1.md").code == 0
    answer = tracker("collect", 1)
    assert answer.code == 10
    assert "prometheus: alerts: FAILED" in answer.out


def test_what_is_gone_is_said_and_when_the_rest_expires(tracker, tmp_path, make_prometheus):
    """
    A server that keeps ten days and has data of the last two hours only.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    begun = now - timedelta(hours=2)
    instants = [begun.timestamp() + 15 * n for n in range(4 * 110)]
    series = [("up", {"service": "checkout"}, [(instant, 1.0) for instant in instants])]
    server = make_prometheus(series, retention="10d")
    more = '[services.checkout.metrics.up]\nquery = "up"\n'
    configure(tmp_path, server.url, more=more, step_seconds=15)
    tracker("declare", "x", "--service", "checkout", "--severity", "minor", "--at", "1h-ago")

    answer = tracker("collect", 1)
    sources = {each["what"]: each for each in tracker("collect", 1, "--json").json["sources"]}

    assert answer.code == 0, answer.err
    assert "has expired" in answer.out
    assert "the rest expires from" in answer.out
    gone = datetime.fromisoformat(sources["samples of up"]["gone_until"])
    expires = datetime.fromisoformat(sources["samples of up"]["expires_at"])
    assert abs((gone - begun).total_seconds()) < 60
    assert expires - gone == timedelta(days=10)
    assert "had already deleted" not in tracker("report", 1, "-o", "-").out  # the picture begins later


def test_a_broken_query_among_good_ones_keeps_the_good(tracker, tmp_path, prometheus_server):
    """
    Exit code 11, of the bad one, which is named with a command to try it.
    """
    more = (
        "[services.checkout.metrics.broken]\nquery = 'sum(('\n"
        "[services.checkout.metrics.latency]\nquery = 'http_latency_seconds{service=\"checkout\"}'\n"
    )
    configure(tmp_path, prometheus_server.url, more=more)
    declare(tracker)

    answer = tracker("collect", 1, "--json")

    assert answer.code == 11
    found = {each["what"]: each for each in answer.json["sources"]}
    assert found["samples of error_ratio"]["new_samples"] == 2 * 2880 + 2 * 45 + HISTORY_MINUTES
    assert found["samples of latency"]["new_samples"] == 2 * 2880 + 2 * 45 + HISTORY_MINUTES + 1
    assert "parse error" in found["samples of broken"]["problem"]
    assert "samples of broken: FAILED" in answer.err
    assert "curl -sG" in tracker("collect", 1).out
    assert "of checkout (`latency`)" in tracker("report", 1, "-o", "-").out


def test_a_prometheus_that_does_not_answer_is_10(tracker, tmp_path):
    """
    And the other sources are read all the same.
    """
    subprocess.run(["git", "init", "-q", "clone"], check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "first"], cwd="clone", check=True)
    configure(tmp_path, "http://127.0.0.1:1", more='[services.checkout]\nrepositories = ["clone"]\n')
    tracker("declare", "x", "--service", "checkout", "--severity", "minor")

    answer = tracker("collect", 1, "--json")

    assert answer.code == 10
    found = {each["source"]: each for each in answer.json["sources"]}
    assert found["git"]["recorded"] > 0
    assert "127.0.0.1:1" in found["prometheus"]["problem"]


def test_nothing_to_collect_is_said(declared):
    """
    Exit code 3: a setting is missing.
    """
    refused(declared("collect", 1), 3, "nothing to collect for INC-1", "tracker init")


def test_a_source_that_is_named_must_be_configured(declared):
    """
    Whoever names it wants it.
    """
    refused(declared("collect", 1, "--source", "nagios"), 2, "'prometheus'")
    answer = declared("collect", 1, "--source", "prometheus")
    assert answer.code == 3
    assert "names no Prometheus" in answer.out + answer.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", f"{DAY}T15:00Z", "--to", f"{DAY}T14:00Z"), 2, "Swap the two"),
        (("--from", f"{DAY}T14:00Z"), 2, "--to"),
        (
            ("--from", f"{DAY}T14:00Z", "--to", f"{DAY}T15:00Z", "--service", "chekout"),
            11,
            "Did you mean checkout?",
        ),
        (("--from", f"{DAY}T14:00Z", "--to", f"{DAY}T15:00Z", "--query", "up"), 2, "go together"),
        (
            ("--from", f"{DAY}T14:00Z", "--to", f"{DAY}T15:00Z", "--query", "((", "--name", "x"),
            11,
            "parse error",
        ),
        (
            (
                "--from",
                f"{DAY}T14:00Z",
                "--to",
                f"{DAY}T15:00Z",
                "--query",
                "up",
                "--name",
                "x",
                "--unit",
                "apples",
            ),
            2,
            "'apples' is not a unit",
        ),
    ],
)
def test_a_pull_that_cannot_be_meant_is_refused(tracker, tmp_path, prometheus_server, words, code, said):
    """
    Nothing is recorded of it.
    """
    configure(tmp_path, prometheus_server.url)

    refused(tracker("ingest", "prometheus", *words), code, said)


def test_one_query_can_be_pulled_under_a_name(tracker, tmp_path, prometheus_server):
    """
    A question that came up during the incident becomes a metric of the report.
    """
    configure(tmp_path, prometheus_server.url)
    declare(tracker)
    span = ("--from", f"{DAY}T13:00Z", "--to", f"{DAY}T15:00Z")
    query = ("--query", 'http_latency_seconds{service="checkout"}', "--name", "latency", "--unit", "seconds")

    answer = tracker("ingest", "prometheus", *span, *query, "--json")

    assert answer.code == 0, answer.err
    assert answer.json["sources"][0]["new_samples"] == 240
    assert "of checkout (`latency`)" in tracker("report", 1, "-o", "-").out


def test_alert_history_is_read_for_a_span(tracker, tmp_path, prometheus_server):
    """
    `ingest prometheus` gives the alerts, too.
    """
    configure(tmp_path, prometheus_server.url)
    span = ("--from", f"{DAY}T00:00Z", "--to", "2026-03-07T00:00Z")
    tracker("ingest", "prometheus", *span)

    rows = tracker("timeline", "--service", "checkout", *span, "--json").json["entries"]

    fired = [row["occurred_at"] for row in rows if row["kind"] == "alert-fired"]
    assert fired == [f"{DAY}T14:02:15.000Z", "2026-03-06T02:30:00.000Z"]


def test_the_rule_under_which_an_alert_fires_is_kept_once(tracker, tmp_path, make_prometheus):
    """
    Its expression as Prometheus has it loaded; a second collect finds nothing new in it.
    """
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups:\n- name: shop\n  rules:\n  - alert: HighErrorRatio\n    expr: vector(0) > 1\n    for: 2m\n"
        "    labels: {service: checkout, severity: critical}\n"
    )
    server = make_prometheus(extra_config=f"rule_files: ['{rules}']\n")
    configure(tmp_path, server.url)
    declare(tracker)

    first, again = (
        {each["what"]: each["recorded"] for each in tracker("collect", 1, "--json").json["sources"]}
        for _ in range(2)
    )

    assert (first["alert rules"], again["alert rules"]) == (1, 0)
    with Log(str(tmp_path / "tracker.db")) as log:
        rule = log.latest("rule:checkout/HighErrorRatio").event
    assert (rule.expression, rule.for_seconds) == ("vector(0) > 1", 120.0)
