"""`tracker compare`, `watch` and the verdicts of `collect`, on a real Prometheus that knows the last four days."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from projections.comparison import CHECKS, overdue_after
from reports.wording.verdict_phrases import describe_checks
from tests.builders import returned, silent
from tests.cli.conftest import refused
from tracker.cli import watch
from tracker.ingest.coverage import floor
from tracker.log import Log
from tracker.times import utc

QUERY = 'errors_ratio{service="checkout"}'
STEP = 30


def configured(folder: Path, url: str) -> None:
    (folder / "tracker.toml").write_text(f"""
[prometheus]
url = "{url}"
step_seconds = {STEP}
[services.checkout]
rollback_command = "echo back"
[services.checkout.metrics.error_ratio]
query = '{QUERY}'
unit = "ratio"
better = "lower"
threshold = 0.05
""")


@pytest.fixture
def incident(tracker, tmp_path, make_prometheus) -> Callable[..., datetime]:
    """An incident that began 50 minutes ago, and a deploy so many minutes ago that brought a level."""

    def make(
        deployed_ago: float,
        after: float,
        *,
        days: float = 4.0,
        history: bool = True,
        told: bool = True,
        wild: float | None = None,
        told_deploy: bool = True,
    ) -> datetime:
        now = datetime.now(UTC).replace(microsecond=0)
        started, deployed = now - timedelta(minutes=50), now - timedelta(minutes=deployed_ago)
        instants = (
            np.arange(int((now.timestamp() - days * 86_400) // STEP), int(now.timestamp() // STEP)) * STEP
        )
        wobble = np.random.default_rng(3).normal(size=len(instants)) * 0.0002
        levels = np.where(
            instants < started.timestamp(), 0.01, np.where(instants < deployed.timestamp() + 60, 0.2, after)
        )
        values = levels + wobble
        if wild is not None:
            values[instants == now.timestamp() // 300 * 300 - 86_400] = wild
        samples = list(zip(instants.tolist(), values.tolist(), strict=True))
        server = make_prometheus([("errors_ratio", {"service": "checkout"}, samples)] if history else [])
        configured(tmp_path, server.url)
        declared = tracker(
            *("declare", "Payments fail", "--service", "checkout", "--severity", "critical"),
            *("--at", utc(started + timedelta(minutes=3))),
            *(("--started", utc(started)) if told else ()),
        )
        assert declared.code == 0, declared.err
        if told_deploy:
            assert tracker("deploy", "finish", "checkout", "v2", "--at", utc(deployed)).code == 0
        return deployed

    return make


def rows(tracker, *more: str) -> dict[tuple[str, str], dict]:
    answer = tracker("compare", 1, *more, "--json")
    assert answer.code == 0, answer.err
    return {(row["window"], row["baseline"]): row for row in answer.json["rows"]}


def test_a_watch_answers_recovered_and_what_it_saw_is_recorded(tracker, tmp_path, incident):
    """
    Ten minutes are over: the check is made once, the window judged once, and again adds nothing.
    """
    deployed = incident(13.8, 0.01)

    first = tracker("watch", 1, "--until", "10m")
    again = tracker("watch", 1, "--until", "10m", "--once", "--json")

    assert first.code == 0, first.err
    assert first.out.startswith("RECOVERED: 10 minutes after v2: error_ratio (")
    assert "missed checks, a gap:" in first.err
    assert again.code == 0
    assert again.json["answer"] == "recovered"
    row = rows(tracker)["10m", "healthy"]
    assert (row["verdict"], row["provisional"], row["said_then"]) == ("recovered", True, None)
    assert row["event"]
    assert row["judged_at"]
    assert len(row["inputs_hash"]) == 64
    assert row["window_to"] == utc(deployed + timedelta(minutes=10))
    assert datetime.fromisoformat(row["window_from"]) == deployed + timedelta(minutes=2)
    assert rows(tracker)["1h", "healthy"]["verdict"] == "pending"
    with Log(str(tmp_path / "tracker.db")) as log:
        assert len(list(log.read_all(["verdicts-given"]))) == 1
        assert list(log.read_all(["check-made"])) == []


@pytest.mark.parametrize(("after", "code", "word"), [(0.2, 7, "NOT BETTER"), (0.9, 6, "WORSE")])
def test_a_fix_that_is_none_names_the_rollback(tracker, incident, after, code, word):
    """
    Not better and worse have codes of their own; the command to type is there.
    """
    incident(13.8, after)

    answer = tracker("watch", 1, "--once")

    assert answer.code == code
    assert answer.out.startswith(f"{word}: ")
    assert "tracker run rollback checkout" in answer.err
    assert "echo back" in answer.err


def test_an_incident_of_which_nobody_said_when_it_began_does_not_spoil_its_healthy_time(tracker, incident):
    """
    Declared three minutes late, these minutes are no part of what is normal; a deploy in them is no fix.
    """
    fixed = incident(45, 0.01, told=False)
    broke = fixed - timedelta(minutes=5)
    tracker("collect", 1)

    ends = datetime.fromisoformat(rows(tracker)["10m", "healthy"]["baseline_to"])
    assert abs((ends - broke).total_seconds()) <= 60

    tracker("deploy", "finish", "checkout", "v1", "--at", utc(broke + timedelta(minutes=1)))
    early = tracker("compare", 1, "--change", "checkout@v1", "--json").json["rows"]
    assert {row["baseline"] for row in early} == {"before_change"}


def test_a_rollback_that_did_not_help_is_not_rolled_back(tracker, incident):
    """
    `rollout undo` after a rollback deploys the broken version again: another cause is looked for instead.
    """
    deployed = incident(15.8, 0.2)
    back = deployed + timedelta(minutes=2)
    tracker("rollback", "finish", "checkout", "v1", "--at", utc(back))

    answer = tracker("watch", 1, "--once", "--json")
    said = tracker("watch", 1, "--once")

    assert answer.code == 7
    assert answer.json["rollback"] is None
    assert "tracker run rollback" not in said.err
    assert "tracker changes INC-1" in said.err


def test_a_deploy_before_the_incident_is_no_fix(tracker, incident):
    """
    That it changed nothing is no reason to roll back.
    """
    deployed = incident(13.8, 0.01)
    early = deployed - timedelta(hours=1)
    tracker("deploy", "finish", "checkout", "v1", "--at", utc(early))

    answer = tracker("watch", 1, "--change", "checkout@v1", "--until", "10m", "--once")

    assert answer.code == 8
    assert "was not deployed during INC-1" in answer.err
    assert "rollback" not in answer.err


def test_a_gap_is_said_once_and_ctrl_c_is_130(tracker, incident, monkeypatch):
    """
    Not at every look anew; what was seen so far stays recorded.
    """
    incident(13.8, 0.01)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", sleep)

    answer = tracker("watch", 1, "--until", "1h")

    assert answer.code == 130
    assert len(slept) == 3
    assert answer.err.count("missed checks, a gap: 60 s to 10 min after the change") == 1
    assert rows(tracker)["10m", "healthy"]["event"]


def test_checks_on_end_are_one_span():
    """
    The hour and the day stand alone.
    """
    assert describe_checks([60, 120, 180, 300, 600, 3_600]) == "60 s to 3 min, 5 min, 10 min, 1 h 00 min"
    assert describe_checks([600, 3_600, 86_400]) == "10 min, 1 h 00 min, 1 d 0 h"


def test_what_still_settles_is_said_to(tracker, incident):
    """
    A minute after the fix the query still looks back into the incident.
    """
    incident(1.2, 0.01)

    assert re.search(r"error_ratio 20 % NOT NORMAL \(still settling\)", tracker("watch", 1, "--once").err)


def test_what_is_not_normal_so_far_is_not_called_normal(tracker, incident):
    """
    Nothing is proven before the ten minutes are over; what it looks like is said.
    """
    incident(4.5, 0.2)

    answer = tracker("watch", 1, "--once")

    assert answer.code == 8
    assert re.match(r"So far not normal \(error_ratio\), \d of 10 min: ", answer.out)


def test_a_check_is_made_when_it_is_due_and_once(tracker, tmp_path, incident):
    """
    Three and a half minutes in, only that of the third minute; a restart does not make it twice.
    """
    incident(3.3, 0.01)

    first = tracker("watch", 1, "--once")
    again = tracker("watch", 1, "--once")

    assert first.code == again.code == 8
    assert re.match(r"So far normal, \d of 10 min: ", first.out)
    assert re.search(r"\(so far normal, \d of 10 min\)", first.err)
    with Log(str(tmp_path / "tracker.db")) as log:
        checks = [each.event for each in log.read_all(["check-made"])]
    assert [each.due_seconds for each in checks] == [180]
    assert checks[0].normal == ("error_ratio",)
    assert re.search(r"error_ratio [\d.]+ % normal", first.err)
    assert "missed checks, a gap: 60 s to 2 min after the change" in first.err


def test_without_data_a_watch_never_says_recovered(tracker, incident):
    """
    An empty source is no recovery.
    """
    incident(13.8, 0.01, history=False)

    answer = tracker("watch", 1, "--until", "10m", "--once")

    assert answer.code == 8


def test_a_watch_in_a_source_that_is_away_goes_on_and_cannot_tell(tracker, tmp_path, incident):
    """
    It says so in a line.
    """
    incident(13.8, 0.01)
    configured(tmp_path, "http://127.0.0.1:9")

    answer = tracker("watch", 1, "--until", "10m", "--once")

    assert answer.code == 8
    assert "127.0.0.1:9" in answer.err


def test_compare_appends_nothing_and_collect_says_each_window_once(tracker, tmp_path, incident):
    """
    What was said then stays when a newer judge would say otherwise, and both are shown.
    """
    incident(45, 0.01)
    tracker("collect", 1)
    store = str(tmp_path / "tracker.db")
    position = Log(store).position

    table = tracker("compare", 1)
    told = rows(tracker)
    assert Log(store).position == position

    assert "recovered" in table.out
    assert told["10m", "before_change"]["verdict"] == "improved"
    assert set(told["10m", "healthy"]) >= {
        *("change", "kind", "version", "deployed_at", "metric", "unit", "window", "baseline", "verdict"),
        *("expected", "observed", "shift", "shift_percent", "swing", "strength", "replays", "samples"),
        *(
            "samples_expected",
            "smallest_visible_change",
            "settling_seconds",
            "recovered_at",
            "flags",
            "reason",
        ),
        *("provisional", "event", "window_from", "window_to", "baseline_from", "baseline_to", "query"),
        *("inputs_hash", "judge_version", "judged_at", "said_then"),
    }
    tracker("collect", 1)
    with Log(store) as log:
        given = [each.event for each in log.read_all(["verdicts-given"])]
    assert [each.window for each in given] == ["10m"]
    assert {row["event"] for row in rows(tracker, "--at-seq", "5").values()} == {None}


def test_a_silent_source_is_a_flag_with_its_reason(tracker, tmp_path, incident):
    """
    The samples of the hour came later; that the source was silent meanwhile is told, and is no other key.
    """
    deployed = incident(45, 0.01)
    tracker("collect", 1)
    before = rows(tracker)["10m", "healthy"]
    since = deployed + timedelta(minutes=3)
    with Log(str(tmp_path / "tracker.db")) as log:
        log.append(
            [
                silent(occurred_at=since, reason="it refused the connection"),
                silent(occurred_at=since, service="billing", what="error_ratio"),
                returned(occurred_at=since + timedelta(minutes=6), silent_since=since),
            ]
        )

    row = rows(tracker)["10m", "healthy"]
    table = tracker("compare", 1)

    assert row.keys() == before.keys()
    assert "blind" not in before["flags"]
    assert "blind" in row["flags"]
    assert row["verdict"] == before["verdict"]
    assert f"prometheus silent from {since:%Y-%m-%d %H:%M:%SZ} to" in row["reason"]
    assert "it refused the connection; 8 of 8 samples of the window are in the log." in row["reason"]
    assert "blind" in table.out
    assert "prometheus silent from" in table.out
    shown = tracker("timeline", 1, "--json").json["entries"]
    assert [each["title"] for each in shown if each["kind"].startswith("source-")] == [
        "prometheus silent",
        "prometheus heard again",
    ]


def test_a_candidate_is_named_with_the_metric_that_moved(tracker, incident):
    """
    Within a window that can be set: an hour by default.
    """
    incident(45, 0.01)
    bad = datetime.now(UTC) - timedelta(minutes=50, seconds=30)
    tracker("deploy", "finish", "checkout", "v1", "--at", utc(bad))
    tracker("collect", 1)

    def candidates(*more: str) -> list[dict]:
        return [
            each
            for row in tracker("changes", 1, *more, "--json").json["changes"]
            for each in row["candidate_for"]
        ]

    assert [each["moved"] for each in candidates()] == [["error_ratio"]]
    assert "error_ratio moved within ten minutes of it" in candidates()[0]["why"]
    assert candidates("--within", "10s") == []
    refused(tracker("changes", 1, "--within", "soon"), 2, "1h30m")


def test_a_version_of_three_weeks_ago_is_known_again(tracker, incident):
    """
    compare calls a rollback what `tracker changes` calls one.
    """
    deployed = incident(45, 0.01)
    tracker("deploy", "finish", "checkout", "v0", "--at", utc(deployed - timedelta(days=21)))
    tracker("deploy", "finish", "checkout", "v0", "--at", utc(deployed + timedelta(minutes=5)))

    kinds = {(row["version"], row["kind"]) for row in tracker("changes", 1, "--json").json["changes"]}
    compared = {(row["version"], row["kind"]) for row in tracker("compare", 1, "--json").json["rows"]}

    assert kinds == compared == {("v2", "deploy"), ("v0", "rollback")}


def test_what_people_said_of_a_deploy_reads_as_a_sentence(tracker, incident):
    """
    A deploy is dismissed as a cause; it does not dismiss the incident.
    """
    incident(45, 0.01)

    def said(part: str) -> str:
        tracker("link", 1, "checkout@v2", "--as", part, "--why", "looked at it")
        return tracker("changes", 1).out

    assert "dismissed as the cause of INC-1, says ada: looked at it" in said("dismissed")
    assert "suspected of INC-1, says ada: looked at it" in said("suspect")
    assert "fixed INC-1, says ada: looked at it" in said("fixed")
    refused(tracker("link", 1, "checkout@v2", "--as", "suspect", "--why", " "), 12, "needs a reason")


def test_two_fixes_that_overlap_share_the_credit_in_the_report(tracker, incident):
    """
    Called the fix by people, both are named; that the numbers cannot tell which stands beside them.
    """
    deployed = incident(30, 0.01)
    tracker("deploy", "finish", "checkout", "v3", "--at", utc(deployed + timedelta(minutes=12)))
    tracker("link", 1, "checkout@v2", "--as", "fixed", "--why", "it is gone")

    def summary() -> str:
        return tracker("report", 1, "-o", "-").out.split("## Impact")[0]

    alone = summary()
    tracker("link", 1, "checkout@v3", "--as", "fixed", "--why", "it is gone for good")
    apart = summary()
    tracker("deploy", "finish", "checkout", "v4", "--at", utc(deployed + timedelta(minutes=5)))
    tracker("link", 1, "checkout@v4", "--as", "fixed", "--why", "restarted it")

    # After midnight the date stands behind the time.
    at = r"\d\d:\d\d(?: UTC on \d{4}-\d\d-\d\d)?"
    ended = r"What ended it:\*\* Not confirmed yet; the deploy of v2"
    assert re.search(rf"{ended} at {at} is linked as the fix\.", alone)
    assert re.search(rf"{ended} at {at} and the deploy of v3 at {at} are linked as the fix\.", apart)
    assert "unknown which" not in alone + apart
    assert "They overlap, so it is unknown which of them fixed it." in summary()


def test_what_burns_without_a_deploy_is_judged_so_far(tracker, tmp_path, incident):
    """
    Against healthy time, by the last samples, and recorded only once it is over; then it is judged as ever.
    """
    incident(-30, 0.2, told_deploy=False)
    assert "judged by itself once ten minutes" in tracker("compare", 1).out

    assert tracker("collect", 1).code == 0

    found = tracker("compare", 1, "--json").json["rows"]
    assert [(row["kind"], row["window"], row["verdict"]) for row in found] == [
        ("incident", "10m", "still_degraded")
    ]
    assert "so_far" in found[0]["flags"]
    assert found[0]["observed"] == pytest.approx(0.2, abs=0.01)
    assert "So far: error_ratio still degraded." in tracker("compare", 1).out
    report = tracker("report", 1, "-o", "-").out
    assert "it goes on: checkout is judged by the ten minutes that begin" in report
    assert "So far: " in report
    with Log(str(tmp_path / "tracker.db")) as log:
        assert not list(log.read_all(["verdicts-given"]))

    tracker("resolve", 1, "--as", "went-away")
    over = tracker("compare", 1, "--json").json["rows"]
    assert [row["window"] for row in over] == ["10m", "1h", "1d"]
    assert not any("so_far" in row["flags"] for row in over)


def test_a_wild_sample_of_healthy_time_hides_nothing_and_is_named(tracker, tmp_path, incident):
    """
    A hundred times all errors for half a minute, a day before: with that in the baseline nothing would be degraded.
    """
    incident(13.8, 0.2, wild=100.0)

    assert tracker("collect", 1).code == 0
    printed, report = tracker("compare", 1).out, tracker("report", 1, "-o", "-").out

    row = rows(tracker)["10m", "healthy"]
    assert row["verdict"] == "still_degraded"
    assert row["reason"].startswith("Left out of the baseline, as nothing else in it is nearly as far")
    assert re.search(r"error_ratio \(10m\)\. Left out of the baseline.* at ", printed)
    assert (
        len(re.findall(r"^error.ratio \(10 minutes\): Left out of the baseline", report, re.MULTILINE)) == 1
    )


def test_recovery_is_measured_by_the_metrics(tracker, incident):
    """
    Nobody said mitigated: the verdicts know when the last metric was back.
    """
    deployed = incident(45, 0.01)
    tracker("collect", 1)

    started = datetime.fromisoformat(rows(tracker)["10m", "healthy"]["left_normal_at"])
    assert tracker("show", 1, "--json").json["durations"]["time_to_recover"]["seconds"] is not None
    found = tracker("show", 1, "--json").json["durations"]["time_to_recover"]

    assert abs((started - deployed).total_seconds() + 300) <= 60
    assert found["state"] == "recorded"
    assert abs((datetime.fromisoformat(found["to"]) - deployed).total_seconds() - 60) <= 90


def test_what_is_mistyped_is_named(tracker, incident):
    """
    A metric, a change, an incident without deploys.
    """
    incident(45, 0.01)

    refused(tracker("compare", 1, "--metric", "eror"), 11, "error_ratio")
    refused(tracker("compare", 1, "--change", "checkout@v9"), 11, "tracker changes --service checkout")


def test_an_incident_without_deploys_says_what_to_type(declared):
    """
    The empty state of compare and of watch.
    """
    answer = declared("compare", 1)

    assert answer.code == 0
    assert "there is nothing to compare" in answer.out
    assert "tracker changes INC-1" in answer.out
    refused(declared("watch", 1), 11, "tracker deploy finish")


def test_a_watch_waits_for_the_last_samples_of_a_window(tracker, tmp_path, incident):
    """
    Ten minutes and some seconds in, they are not asked for yet: the check is made, the window is judged later, once.
    """
    incident(10.05, 0.01)
    settings = tmp_path / "tracker.toml"
    settings.write_text(settings.read_text().replace(f"step_seconds = {STEP}", "step_seconds = 60"))

    answer = tracker("watch", 1, "--until", "10m", "--once")

    assert answer.code == 8
    assert re.search(r"10 min after: error_ratio [\d.]+ % normal", answer.err)
    with Log(str(tmp_path / "tracker.db")) as log:
        assert [each.event.due_seconds for each in log.read_all(["check-made"])] == [600]
        assert list(log.read_all(["verdicts-given"])) == []


def test_a_watch_without_a_metric_does_not_wait_for_a_day(declared):
    """
    It says at once what is missing.
    """
    declared("deploy", "finish", "checkout", "v2")

    answer = declared("watch", 1)

    assert answer.code == 8
    assert "[services.checkout.metrics.NAME]" in answer.err


def test_a_check_has_its_minute():
    """
    After it the check is a gap; the hour and the day leave more room.
    """
    assert list(CHECKS) == [*range(60, 601, 60), 3_600, 86_400]
    assert [overdue_after(each) for each in (60, 3_600, 86_400)] == [120, 3_900, 90_000]


def test_colour_is_for_terminals_only(tracker, incident, tmp_path):
    """
    Through a pipe there is none; in a terminal there is, unless NO_COLOR says otherwise.
    """
    incident(45, 0.01)
    tracker("collect", 1)
    typed = f"{sys.executable} -m tracker compare 1"

    def said(prefix: str = "") -> str:
        return subprocess.run(
            ["script", "-qec", f"{prefix}{typed}", "/dev/null"],
            cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "TERM": "xterm"},
        ).stdout  # fmt: skip

    assert "\x1b[32mrecovered\x1b[0m" in said()
    bad = datetime.now(UTC) - timedelta(minutes=51)
    tracker("deploy", "finish", "checkout", "v1", "--at", utc(bad))
    typed += " --change checkout@v1"
    assert "\x1b[31mregressed\x1b[0m" in said()
    assert "\x1b[" not in said("NO_COLOR=1 ")
    assert "\x1b[" not in tracker("compare", 1).out


def test_a_table_is_read_at_a_glance(tracker, incident):
    """
    A rise from 1 to 20 % is not called 19 %; what is not over yet is one line with its end, and no rows.
    """
    fixed = incident(45, 0.01)
    bad = datetime.now(UTC) - timedelta(minutes=51)
    tracker("deploy", "finish", "checkout", "v1", "--at", utc(bad))
    tracker("collect", 1)

    before, after = tracker("compare", 1).out.split("\n\n")[1:]

    assert re.search(r"WINDOW +BASELINE +VERDICT +OBSERVED +EXPECTED +SHIFT +DETECTABLE", after)
    # Where the minute of the rise falls decides whether it is tenfold or a little less.
    assert re.search(r"10m +before it +regressed +[\d.]+ % +[\d.]+ % +(×\d+|\+\d{3} %) ", before)
    assert "19 %" not in before
    assert re.search(r"10m +before it +improved +[\d.]+ % +[\d.]+ % +−95 % .* strength", after)
    assert re.search(r"10m +healthy time +recovered .* normal \d+ s after · provisional", after)
    ends = fixed + timedelta(hours=1)
    assert f"  pending: error_ratio (1h until {ends:%H:%M:%S}, 1d until " in after.replace(
        f"{ends:%Y-%m-%d} ", ""
    )
    assert after.count("The window is not over") == 1


def test_two_weeks_of_history_give_an_honest_day_and_are_asked_for_once(tracker, tmp_path, make_prometheus):
    """
    A closed incident of two days ago: every window is judged, and the second collect asks for no range.
    """
    import requests

    now = datetime.now(UTC).replace(microsecond=0)
    started = now - timedelta(days=2)
    fixed = started + timedelta(minutes=30)
    instants = np.arange(int((now.timestamp() - 18 * 86_400) // 60), int(now.timestamp() // 60)) * 60
    wobble = np.random.default_rng(4).normal(size=len(instants)) * 0.0004
    bad = (instants >= started.timestamp()) & (instants < fixed.timestamp() + 60)
    samples = list(zip(instants.tolist(), (np.where(bad, 0.2, 0.01) + wobble).tolist(), strict=True))
    server = make_prometheus([("errors_ratio", {"service": "checkout"}, samples)])
    configured(tmp_path, server.url)
    tracker("declare", "x", "--service", "checkout", "--severity", "minor", "--at", utc(started))
    tracker("deploy", "finish", "checkout", "v2", "--at", utc(fixed))
    tracker("resolve", 1, "--at", utc(fixed + timedelta(minutes=20)))

    def ranges() -> float:
        asked = requests.get(f"{server.url}/metrics", timeout=120).text
        found = re.findall(
            r'prometheus_http_requests_total\{[^}]*handler="/api/v1/query_range"[^}]*\} (\S+)', asked
        )
        return sum(map(float, found))

    first = tracker("collect", 1, "--json").json
    asked = ranges()
    again = tracker("collect", 1, "--json").json

    told = rows(tracker)
    assert {row["verdict"] for row in told.values()} == {"improved", "recovered"}
    assert told["1d", "healthy"]["replays"] > 100
    assert all(row["event"] for row in told.values())
    [fetched] = [each for each in first["sources"] if each["what"] == "samples of error_ratio"]
    assert fetched["history_from"] == utc(floor(started - timedelta(days=15), 300))
    assert asked > 3
    assert again["recorded"] == 0
    # ALERTS is asked for each time; samples are not.
    assert ranges() - asked <= 2
