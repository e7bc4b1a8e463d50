"""`tracker backtest`: marked hypothetical, never appended, and a sentence for whatever is missing."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import DAY, refused
from tracker.ingest.prometheus.series import FetchedSeries
from tracker.ingest.samples import intake
from tracker.log import Log
from tracker.times import to_ms

ALERT = "error_ratio > 0.01 for 2m"
KEYS = {
    *(
        "hypothetical",
        "expression",
        "metric",
        "for_seconds",
        "service",
        "known_at",
        "incidents",
        "for_nothing",
    ),
    *("hours_of_samples", "for_nothing_per_week", "caught_share", "median_gained_seconds"),
}
ROW = {
    *(
        "incident",
        "service",
        "series",
        "started_at",
        "detected_at",
        "would_fire_at",
        "gained_seconds",
        "verdict",
    ),
}
NOTHING = {"service", "labels", "from", "to", "peak"}


def feed(
    folder: Path,
    *bad: tuple[str, str],
    start: str = "12:00",
    end: str = "18:00",
    step: int = 15,
    service: str = "checkout",
    metric: str = "error_ratio",
    unit: str | None = "ratio",
) -> None:
    """Put samples into the log as `collect` does: 50 % between the clock times of `bad`, else 0.1 %."""

    def ms(clock: str) -> int:
        return to_ms(datetime.fromisoformat(f"{DAY}T{clock}:00").replace(tzinfo=UTC))

    instants = np.arange(ms(start), ms(end) + 1, step * 1000, dtype=np.int64)
    values = np.full(len(instants), 0.001)
    for first, last in bad:
        values[(instants >= ms(first)) & (instants < ms(last))] = 0.5
    with Log(str(folder / "tracker.db")) as log:
        log.append(
            intake(
                [FetchedSeries({"pod": "a"}, instants, values)],
                {},
                service=service,
                metric=metric,
                query="q",
                unit=unit,
                step_seconds=float(step),
                source="prometheus:test",
                captured_at=datetime(2026, 3, 2, tzinfo=UTC),
            )
        )


def position(folder: Path) -> int:
    with Log(str(folder / "tracker.db")) as log:
        return log.position


@pytest.fixture
def over(declared):
    """INC-1: checkout, from 14:00 to 14:40, known at 14:03."""
    assert declared("resolve", 1, "--at", "14:40Z").code == 0
    return declared


def test_the_first_line_says_that_it_is_hypothetical(over, tmp_path):
    """
    What follows says over which samples, what would have been, and how often for nothing.
    """
    feed(tmp_path, ("13:59", "14:30"), ("16:00", "16:10"))

    lines = over("backtest", ALERT).out.splitlines()

    assert lines[0] == "HYPOTHETICAL: this alert did not exist, and nothing of this was recorded."
    assert lines[1] == f"{ALERT}, on 6 hours of samples of checkout (1 series, a sample every 15 s)"
    assert lines[2] == f"from {DAY} 12:00:00 to {DAY} 18:00:00 UTC"
    text = "\n".join(lines)
    assert "would fire 2026-03-01 14:01:00  2 min earlier than its detection" in text
    assert "It would have caught INC-1, 2 min earlier than its detection." in text
    assert "False alarms: 1 time in 6 hours of samples, or 4.0 a day." in text
    assert f"{DAY} 16:02:00  for 8 min  checkout  peak 50 %" in text


def test_it_never_appends(over, tmp_path):
    """
    Neither the answer nor the settings that it read.
    """
    (tmp_path / "tracker.toml").write_text(
        '[services.checkout.metrics.error_ratio]\nquery = "q"\nunit = "ratio"\n'
    )
    feed(tmp_path, ("13:59", "14:30"))
    before = position(tmp_path)

    for words in (
        (ALERT,),
        (ALERT, "--json"),
        ("error_ratio < 5", "--service", "checkout"),
        ("nothing > 1",),
    ):
        over("backtest", *words)

    assert position(tmp_path) == before


def test_the_document_has_the_keys_that_scripts_rely_on(over, tmp_path):
    """
    Instants with Z, durations in seconds, what is unknown null.
    """
    feed(tmp_path, ("13:59", "14:30"), ("16:00", "16:10"))

    found = over("backtest", "error_ratio > 1% for 2m", "--json").json

    assert set(found) >= KEYS
    assert (found["hypothetical"], found["metric"], found["for_seconds"]) == (True, "error_ratio", 120)
    assert (found["service"], found["known_at"], found["threshold"]) == (None, None, 0.01)
    [row], [nothing] = found["incidents"], found["for_nothing"]
    assert set(row) >= ROW
    assert (row["incident"], row["verdict"], row["gained_seconds"]) == ("INC-1", "earlier", 120)
    assert (row["would_fire_at"], row["detected_at"]) == (f"{DAY}T14:01:00.000Z", f"{DAY}T14:03:00.000Z")
    assert row["series"] == {"pod": "a"}
    assert set(nothing) >= NOTHING
    assert (nothing["from"], nothing["to"]) == (f"{DAY}T16:02:00.000Z", f"{DAY}T16:10:00.000Z")
    assert (found["hours_of_samples"], found["for_nothing_per_week"]) == (6, pytest.approx(28))


def test_it_answers_as_of_what_was_known(over, tmp_path):
    """
    With the samples and incidents of that position.
    """
    feed(tmp_path, ("13:59", "14:30"))
    then = position(tmp_path)
    feed(tmp_path, ("13:00", "13:30"), start="06:00", end="11:59")
    over("reopen", 1, "--why", "again")

    before = over("backtest", ALERT, "--json", "--at-seq", then).json

    assert (before["hours_of_samples"], before["open_incidents"]) == (6, [])
    assert before["known_at"] is not None
    now = over("backtest", ALERT, "--json").json
    assert now["hours_of_samples"] == pytest.approx(12, abs=0.02)
    assert now["open_incidents"] == ["INC-1"]
    refused(over("backtest", ALERT, "--at-seq", 0), 2, "no samples")


def test_where_samples_are_missing_it_names_what_to_collect(over, tmp_path):
    """
    Silence of a log without samples is not the alert's.
    """
    feed(tmp_path, start="02:00", end="08:00")

    answer = over("backtest", ALERT).out

    assert "unknown  no samples of checkout then: tracker collect INC-1" in answer
    assert "1 incident cannot be judged" in answer
    assert "Samples cover 0 % of the incidents' time." in answer


def test_half_of_the_samples_are_half_an_answer(over, tmp_path):
    """
    It says how long nobody looked.
    """
    feed(tmp_path, end="14:30")

    answer = over("backtest", ALERT).out

    assert "would not have fired" in answer
    assert "but 10 min of it have no samples: tracker collect INC-1" in answer
    assert "It would not have caught INC-1." in answer


def test_a_metric_of_the_settings_without_samples_is_no_error(over, tmp_path):
    """
    It can be collected.
    """
    (tmp_path / "tracker.toml").write_text(
        '[services.checkout.metrics.error_ratio]\nquery = "q"\nunit = "ratio"\n'
    )

    answer = over("backtest", ALERT)

    assert answer.code == 0
    assert "the log has no samples of it, so nothing is known" in answer.out
    assert "tracker collect INC-1" in answer.out
    assert "False alarms: unknown without samples." in answer.out


def test_without_incidents_all_is_for_nothing(tracker, tmp_path):
    """
    That is said, not left to be guessed.
    """
    feed(tmp_path, ("13:59", "14:30"))

    answer = tracker("backtest", ALERT).out

    assert "There is no incident to compare with" in answer
    assert "False alarms: 1 time in 6 hours of samples" in answer


def test_an_open_incident_is_said_to_own_its_firings(declared, tmp_path):
    """
    Its end is not known yet.
    """
    feed(tmp_path, ("13:59", "14:30"), ("16:00", "16:10"))

    answer = declared("backtest", ALERT).out

    assert "Still open: INC-1; every firing since its start is attributed to it" in answer
    assert "fired 2 times, at its worst 50 %" in answer
    assert "False alarms: none" in answer


def test_a_false_alarm_is_named_beside_its_firing(declared, tmp_path):
    """
    Somebody was woken for it once already.
    """
    declared("resolve", 1, "--as", "false-alarm", "--at", "14:40Z")
    feed(tmp_path, ("13:59", "14:30"))

    assert "in INC-1, a false alarm" in declared("backtest", ALERT).out


def test_an_alert_that_is_always_on_catches_nothing(over, tmp_path):
    """
    One firing sounds like little; that it never ended is what matters.
    """
    feed(tmp_path)

    answer = over("backtest", "error_ratio >= 0").out

    assert "firing since 2026-03-01 12:00:00" in answer
    assert "It would not have caught INC-1." in answer
    assert (
        "False alarms: 1 time in 6 hours of samples, or 4.0 a day; it would have been firing for 100 % of the time."
        in answer
    )


def test_coarse_samples_are_said_to_be_coarse(over, tmp_path):
    """
    Two minutes cannot be seen in samples five minutes apart.
    """
    feed(tmp_path, step=300)

    answer = over("backtest", ALERT).out

    assert "All of that time has one sample every 5 min: anything shorter is not seen there" in answer
    assert "one sample every" not in over("backtest", "error_ratio > 1 for 5m").out


def test_a_ratio_above_one_is_asked_about(over, tmp_path):
    """
    Who types 5 means 5 %.
    """
    feed(tmp_path)

    assert "did you mean > 5%?" in over("backtest", "error_ratio > 5").out


def test_one_service_can_be_asked_for(over, tmp_path):
    """
    Then others' incidents and samples are out of it; one without the metric is refused with those that have it.
    """
    feed(tmp_path, ("13:59", "14:30"))
    feed(tmp_path, ("13:59", "14:30"), service="search")
    feed(tmp_path, service="mail", metric="queue", unit="count")

    both, one = (
        over("backtest", ALERT, "--json").json,
        over("backtest", ALERT, "--service", "search", "--json").json,
    )

    assert (both["services"], both["for_nothing_count"], both["incident_count"]) == (
        ["checkout", "search"],
        1,
        1,
    )
    assert (one["services"], one["for_nothing_count"], one["incident_count"]) == (["search"], 1, 0)
    assert "of search to compare with" in over("backtest", ALERT, "--service", "search").out
    refused(over("backtest", ALERT, "--service", "mail"), 2, "mail has no metric error_ratio", "queue")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("eror_ratio > 0.01 for 2m",),
            ("no metric 'eror_ratio'", "tracker backtest 'error_ratio > 0.01 for 2m'"),
        ),
        (("wholly_other > 1",), ("no metric 'wholly_other'", "The metrics are: error_ratio")),
        (("error_ratio", "for", "2m"), ("the operator must be one of", "the shell takes > for a file")),
        (("error_ratio = 1",), ("character 13", "> >= < <= == !=")),
        (("error_ratio > 5ms",), ("has the unit ratio", "with %")),
        ((), ("EXPRESSION",)),
    ],
)
def test_what_cannot_be_meant_is_refused(over, tmp_path, words, said):
    """
    With the metrics that the log has, or the expression that may have been meant.
    """
    feed(tmp_path)

    refused(over("backtest", *words), 2, *said)


def test_an_empty_log_is_refused_with_how_to_fill_it(tracker):
    """
    There is nothing to look back at.
    """
    refused(tracker("backtest", ALERT), 2, "nor of any other metric", "tracker collect INC")


def test_what_a_label_says_does_not_drive_the_terminal(over, tmp_path):
    """
    Labels come from a source.
    """
    feed(tmp_path, ("13:59", "14:30"), service="\x1b[31mred")

    assert "\x1b" not in over("backtest", ALERT).out
