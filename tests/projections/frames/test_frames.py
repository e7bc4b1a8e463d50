"""What a notebook is given: tables whose columns, types and unknowns do not depend on the log."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from projections import frames
from tests import builders as make
from tests.builders import START, at
from tracker.errors import StoreError, UsageError
from tracker.events.base import Incoming, event_id
from tracker.ingest.prometheus.series import FetchedSeries
from tracker.ingest.samples import intake
from tracker.log import Log

TABLES = ("incidents", "timeline", "changes", "alerts", "durations", "actions")
SPAN = ("2026-03-01T14:00Z", "2026-03-01T15:00Z")


def chunks(
    values, *, unit="ratio", labels=None, metric="error_ratio", first=START, query="errors / requests"
):
    """Samples of one series every 15 s, as a poll hands them to the log."""
    instants = round(first.timestamp() * 1000) + 15_000 * np.arange(len(values), dtype=np.int64)
    series = FetchedSeries(labels or {}, instants, np.array(values, dtype=np.float64))
    return intake(
        [series],
        {},
        service="checkout",
        metric=metric,
        query=query,
        unit=unit,
        step_seconds=15,
        source="prometheus:prod",
        captured_at=at(60),
    )


@pytest.fixture
def path(tmp_path):
    """Where a log is going to be."""
    return tmp_path / "tracker.db"


@pytest.fixture
def write(path):
    """Append to that log as of 15:00: facts, and the decisions of INC-1."""

    def write(facts=(), decisions=()):
        with Log(str(path), now=lambda: at(60)) as log:
            if facts:
                log.append(facts)
            if decisions:
                log.decide("INC-1", lambda _: list(decisions))

    return write


def test_an_incident_is_one_row_and_what_nobody_said_is_missing(path, write):
    """
    Milestones are columns; the ones that were not said are NaT, not the start of time.
    """
    write(decisions=[make.declared(), make.milestone(4), make.resolved(40)])

    with frames.open(path) as log:
        [row] = log.incidents().to_dict("records")

    assert (row["incident"], row["status"], row["services"]) == ("INC-1", "resolved", ("checkout",))
    assert (row["started_at"], row["declared_at"], row["resolved_at"]) == (at(4), at(7), at(40))
    assert row["mitigated_at"] is pd.NaT
    assert pd.isna(row["lead"])


def test_the_timeline_of_an_incident_is_that_of_the_command(path, write):
    """
    Corrections are applied, what belongs to others stays out, and order is the world's.
    """
    other = make.alert(6, service="search", fingerprint="b" * 16)
    deployed = make.deploy(2)
    write([make.alert(5), other, deployed], [make.declared(7), make.note(12)])
    write(decisions=[make.linked(deployed, role="caused", why="it began right after")])

    with frames.open(path) as log:
        found = log.timeline("INC-1")

    assert found["kind"].to_list() == ["deploy-finished", "alert-fired", "incident-declared", "note-added"]
    assert found["occurred_at"].is_monotonic_increasing
    assert found["attributed_as"].to_list() == ["caused", pd.NA, pd.NA, pd.NA]
    assert found["late_seconds"].iloc[0] == 58 * 60
    assert set(found["incident"]) == {"INC-1"}
    assert found["event"].iloc[0] == event_id(deployed)


@pytest.mark.parametrize("name", ["INC-1", "inc-1", "1", 1])
def test_an_incident_is_named_as_on_the_command_line(path, write, name):
    """
    With its prefix or by its number alone.
    """
    write(decisions=[make.declared()])

    with frames.open(path) as log:
        assert len(log.timeline(name)) == 1


def test_the_whole_timeline_holds_every_service_and_says_whose_decision_a_row_is(path, write):
    """
    Without an incident nothing is left out but samples; facts belong to no incident there.
    """
    write([make.alert(5, service="search"), *chunks([0.1])], [make.declared(7)])

    with frames.open(path) as log:
        found = log.timeline()

    assert found["kind"].to_list() == ["alert-fired", "incident-declared"]
    assert found["incident"].to_list() == [pd.NA, "INC-1"]


def test_an_unknown_incident_is_refused_with_those_there_are(path, write):
    """
    A mistyped number is not an empty timeline.
    """
    write(decisions=[make.declared()])

    with frames.open(path) as log, pytest.raises(UsageError) as refused:
        log.timeline(7)

    assert "INC-1" in refused.value.hint


def test_a_change_says_what_it_may_have_caused_and_what_people_said_it_did(path, write):
    """
    Time alone makes a candidate; only a person's word makes a cause.
    """
    deployed, later = make.deploy(2), make.deploy(30, version="1.4.3")
    write([make.deploy_start(1), deployed, later], [make.declared(7), make.milestone(4)])
    write(decisions=[make.linked(later, role="fixed")])

    with frames.open(path) as log:
        found = log.changes().set_index("version")

    assert found.loc["1.4.2", "candidate_for"] == ("INC-1",)
    assert found.loc["1.4.2", "said_caused"] == ()
    assert found.loc["1.4.2", "duration_seconds"] == 60
    assert found.loc["1.4.3", "said_fixed"] == ("INC-1",)
    assert found.loc["1.4.3", "previous_version"] == "1.4.2"
    assert found.loc["1.4.3", "duration_seconds"] is pd.NA


def test_an_alert_is_one_row_from_its_start_to_its_end(path, write):
    """
    Two sources that tell of one alert make one row; one that still fires has no end and no duration.
    """
    fired = make.alert(5, annotations={"summary": "8 % of payments fail"}, labels={"job": "shop"})
    write(
        [
            fired,
            make.alert(5, source="prometheus:prod"),
            make.alert_end(25),
            make.alert(40, fingerprint="b" * 16),
        ]
    )

    with frames.open(path) as log:
        first, second = log.alerts().to_dict("records")

    assert (first["starts_at"], first["ends_at"], first["duration_seconds"]) == (at(5), at(25), 1200)
    assert first["sources"] == ("alertmanager:prod", "prometheus:prod")
    assert (first["summary"], first["labels"]) == ("8 % of payments fail", {"job": "shop"})
    assert second["ends_at"] is pd.NaT
    assert pd.isna(second["duration_seconds"])


def test_an_end_whose_beginning_nobody_told_of_names_it_all_the_same(path, write):
    """
    The tracker may have been away when the alert began; its end says when that was.
    """
    write([make.alert_end(25, started=5)])

    with frames.open(path) as log:
        [row] = log.alerts().to_dict("records")

    assert (row["starts_at"], row["ends_at"], row["duration_seconds"]) == (at(5), at(25), 1200)


def test_a_retracted_alert_is_no_alert(path, write):
    """
    A table shows what holds after all corrections.
    """
    fired = make.alert(5)
    write([fired])
    write([make.retracted(fired, incident=None)])

    with frames.open(path) as log:
        assert log.alerts().empty


def test_samples_come_back_as_they_were_with_their_unit_in_the_column(path, write):
    """
    A span is closed at its start and open at its end, and a NaN stays a sample.
    """
    write(chunks([0.1, np.nan, 0.3, 0.4], labels={"code": "500"}))

    with frames.open(path) as log:
        found = log.samples("checkout", "error_ratio", START, START + timedelta(seconds=45))

    assert list(found.columns) == ["occurred_at", "value_ratio", "series", "query"]
    assert found["value_ratio"].to_list()[::2] == [0.1, 0.3]
    assert np.isnan(found["value_ratio"][1])
    assert found["occurred_at"].to_list() == [START + timedelta(seconds=n) for n in (0, 15, 30)]
    assert set(found["series"]) == {'{code="500"}'}


def test_samples_of_a_chunk_that_began_before_the_span_are_found(path, write):
    """
    A chunk may begin up to a day earlier.
    """
    write(chunks(np.arange(5000.0)))
    start = START + timedelta(hours=20)

    with frames.open(path) as log:
        found = log.samples("checkout", "error_ratio", start, start + timedelta(minutes=1))

    assert found["value_ratio"].to_list() == [4800, 4801, 4802, 4803]


@pytest.mark.parametrize(
    "start",
    [
        START,
        START.astimezone(UTC).astimezone(tz=None),
        pd.Timestamp(START),
        pd.Timestamp("2026-03-01T19:45+05:45"),
        "2026-03-01T14:00Z",
        "2026-03-01T15:00:00.000+01:00",
    ],
    ids=["datetime", "local", "Timestamp", "Timestamp with offset", "text", "text with offset"],
)
def test_an_instant_may_be_given_in_any_way_that_names_its_zone(path, write, start):
    """
    All of these are 14:00 UTC.
    """
    write(chunks([0.1]))

    with frames.open(path) as log:
        assert len(log.samples("checkout", "error_ratio", start, SPAN[1])) == 1


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("2026-03-01T14:00", 'Type "2026-03-01T14:00Z" for UTC'),
        ("2026-03-01", 'Type "2026-03-01T00:00Z" for UTC'),
        (datetime(2026, 3, 1, 14), "2026-03-01T14:00:00Z"),  # noqa: DTZ001 - that is what is refused
        (pd.Timestamp("2026-03-01T14:00"), "2026-03-01T14:00:00Z"),
        (pd.NaT, "drop the rows"),
        ("yesterday", "2026-03-01T14:45Z"),
        (1772373600, "2026-03-01T14:45Z"),
    ],
    ids=str,
)
def test_an_instant_without_a_zone_is_refused_with_what_to_type(path, write, start, says):
    """
    A naive instant would be read in somebody's zone: whose is not ours to guess.
    """
    write(chunks([0.1]))

    with frames.open(path) as log, pytest.raises(UsageError) as refused:
        log.samples("checkout", "error_ratio", start, SPAN[1])

    assert says in refused.value.hint


def test_a_span_that_ends_before_it_starts_is_refused(path, write):
    """
    It would be empty, which reads as "no samples".
    """
    write(chunks([0.1]))

    with frames.open(path) as log, pytest.raises(UsageError, match="is not after"):
        log.samples("checkout", "error_ratio", *reversed(SPAN))


def test_a_metric_that_nobody_knows_is_refused_with_the_nearest(path, write):
    """
    A mistyped metric is not one without samples.
    """
    write(chunks([0.1]))

    with frames.open(path) as log, pytest.raises(UsageError) as refused:
        log.samples("checkout", "eror_ratio", *SPAN)

    assert "checkout/error_ratio" in refused.value.hint


def test_a_span_without_samples_is_empty_and_keeps_its_unit(path, write):
    """
    Code that reads value_ratio works on an hour in which nothing was measured.
    """
    write(chunks([0.1]))

    with frames.open(path) as log:
        full = log.samples("checkout", "error_ratio", *SPAN)
        empty = log.samples("checkout", "error_ratio", "2026-04-01T14:00Z", "2026-04-01T15:00Z")

    assert empty.empty
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


@pytest.mark.parametrize(
    ("units", "column"),
    [((None,), "value"), (("ratio", "seconds"), "value"), (("seconds",), "value_seconds")],
)
def test_a_column_claims_a_unit_only_when_all_its_series_have_it(path, write, units, column):
    """
    No unit, or two: the column's name promises none.
    """
    for n, unit in enumerate(units):
        write(chunks([0.1], unit=unit, labels={"n": str(n)}))

    with frames.open(path) as log:
        assert log.samples("checkout", "error_ratio", *SPAN).columns[1] == column


def test_durations_say_how_they_were_known(path, write):
    """
    A recorded one has seconds, an uncertain one bounds, one that is not over neither; none is zero.
    """
    write(decisions=[make.declared(7), make.milestone(4), make.milestone(6, "detected", until=at(9))])

    with frames.open(path) as log:
        found = log.durations().set_index("duration")

    assert found.loc["time_to_detect", "state"] == "uncertain"
    assert found.loc["time_to_detect", ["at_least_seconds", "at_most_seconds"]].to_list() == [120, 300]
    assert found.loc["time_to_resolve", "state"] == "pending"
    assert found.loc["time_to_resolve", "duration_seconds"] is pd.NA
    assert found["formula"].str.len().min() > 0


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_table_has_the_columns_and_types_of_a_full_one(tmp_path, path, write, table):
    """
    A notebook that works on a full log works on an empty one; instants are in UTC in both.
    """
    facts = [make.deploy_start(1), make.deploy(2), make.alert(5), make.alert_end(25)]
    promised = make.action(41, incident="INC-1")
    write(facts, [make.declared(7), make.milestone(4), make.resolved(40), promised])
    with Log(str(tmp_path / "empty.db")):
        pass

    with frames.open(path) as log:
        full = getattr(log, table)()
    with frames.open(tmp_path / "empty.db") as log:
        empty = getattr(log, table)()

    assert len(full) > 0
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert {str(kind) for name, kind in full.dtypes.items() if name.endswith("_at")} == {
        "datetime64[us, UTC]"
    }


def test_actions_are_as_the_logs_last_event_knew_them(path, write):
    """
    What was promised for tomorrow is not overdue in a log that ends today; what was done says with which proof.
    """
    due = {"incident": "INC-1", "decided_by": "ada"}
    kept = make.action(20, **due)
    write(
        decisions=[make.declared(), kept, make.action(21, text="Test it", **due), make.action_done(kept, 30)]
    )

    with frames.open(path) as log:
        found = log.actions().set_index("text")

    assert found["state"].to_dict() == {"Test it": "open", "Alert on the pool's connections": "done"}
    assert found.loc["Test it", "due_on"] == pd.Timestamp("2026-03-02")
    assert found.loc["Test it", "due_until_at"] == pd.Timestamp("2026-03-03T00:00Z")
    assert pd.isna(found.loc["Test it", "done_at"])
    assert found.loc["Alert on the pool's connections", "proof"] == "https://git.example.org/shop/pull/77"


def test_comparisons_are_the_verdicts_as_they_were_recorded(path, write):
    """
    One row a verdict, with what it was judged on; an empty table has the same columns and types.
    """
    fact = make.deploy(2)
    write([fact], [make.declared(), make.verdicts(fact)])

    with frames.open(path) as log:
        found = log.comparisons()

    assert found[["metric", "window", "baseline", "verdict", "version"]].to_dict("records") == [
        {
            "metric": "error_ratio",
            "window": "10m",
            "baseline": "healthy",
            "verdict": "recovered",
            "version": "1.4.2",
        }
    ]
    assert str(found["judged_at"].dtype) == "datetime64[us, UTC]"


def test_reading_appends_nothing(path, write):
    """
    Every table, and the log stands where it stood.
    """
    write([make.deploy(2), *chunks([0.1])], [make.declared()])
    with Log(str(path)) as log:
        before = log.position, log.head(log.position)

    with frames.open(path) as tables:
        for table in TABLES:
            getattr(tables, table)()
        tables.samples("checkout", "error_ratio", *SPAN)

    with Log(str(path)) as log:
        assert (log.position, log.head(log.position)) == before


def test_a_log_is_opened_by_its_settings_their_folder_or_the_current_folder(
    tmp_path, path, write, monkeypatch
):
    """
    All four name one log; without an argument it is looked for upwards, as the command does.
    """
    write(decisions=[make.declared()])
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "tracker.db"\n')
    below = tmp_path / "notebooks"
    below.mkdir()
    monkeypatch.chdir(below)

    for given in ([tmp_path / "tracker.toml"], [tmp_path], [str(path)], []):
        with frames.open(*given) as log:
            assert len(log.incidents()) == 1


def test_settings_name_the_unit_of_a_metric_without_samples(tmp_path, path, write):
    """
    A metric that is configured and was never collected is known, and empty.
    """
    write(decisions=[make.declared()])
    metric = '[services.checkout.metrics.latency]\nquery = "x"\nunit = "seconds"\n'
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "tracker.db"\n' + metric)

    with frames.open(tmp_path) as log:
        assert log.samples("checkout", "latency", *SPAN).columns[1] == "value_seconds"


@pytest.mark.parametrize("given", ["nowhere.db", "nowhere.toml", "tracker.toml", "."])
def test_a_log_that_is_not_there_is_refused_and_not_made(tmp_path, monkeypatch, given):
    """
    A mistyped path must not read as an empty log.
    """
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError):
        frames.open(given)

    assert not list(tmp_path.iterdir())


def test_settings_without_a_log_yet_are_refused_and_none_is_made(tmp_path):
    """
    tracker.toml alone is no log.
    """
    (tmp_path / "tracker.toml").write_text("")

    with pytest.raises(StoreError, match="there is no log"):
        frames.open(tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == ["tracker.toml"]


def test_a_log_on_a_server_reads_the_same(postgres_url):
    """
    The URL stands where the file's path would.
    """
    with Log(postgres_url, now=lambda: at(60)) as log:
        log.append([Incoming(event=make.deploy(2)), make.alert(5), *chunks([0.1, 0.2])])
        log.decide("INC-1", lambda _: [make.declared()])

    with frames.open(postgres_url) as tables:
        assert len(tables.timeline(1)) == 3
        assert len(tables.changes()) == len(tables.alerts()) == 1
        assert tables.samples("checkout", "error_ratio", *SPAN)["value_ratio"].to_list() == [0.1, 0.2]


def test_importing_it_loads_no_pandas():
    """
    Only asking for a table costs what pandas costs.
    """
    code = "import sys, projections.frames; print({'pandas', 'numpy', 'matplotlib'} & set(sys.modules))"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "set()"
