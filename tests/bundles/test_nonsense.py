"""A whole bundle that says what cannot be is refused with what is wrong, and nothing of it is recorded."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from tests import builders as b
from tests.bundles.making import bring, bundle_of, report, told
from tests.reports import histories
from tracker.bundles import importing
from tracker.errors import BadInputError
from tracker.events.base import Arrival, Incoming
from tracker.events.housekeeping import SettingsChanged
from tracker.log import Log

METRIC = {"query": "up", "unit": "ratio", "better": "lower", "threshold": 0.01}


def of_checkout(**changes):
    settings = {"metrics": {"error_ratio": METRIC}, "settling_seconds": 120.0, **changes}
    return SettingsChanged(occurred_at=b.at(0), service="checkout", settings=settings)


def metric(**changes):
    return of_checkout(metrics={"error_ratio": {**METRIC, **changes}})


def procedure(**changes):
    return SettingsChanged(occurred_at=b.at(0), settings={"prefix": "INC", "procedure": changes})


NONSENSE = {
    "no direction": metric(better="sideways"),
    "no unit": metric(unit="<b>"),
    "a threshold that is a text": metric(threshold="x"),
    "a threshold that is no number": metric(threshold=math.nan),
    "an infinite threshold": metric(threshold=math.inf),
    "a query that is a list": metric(query=[]),
    "metrics that are a list": of_checkout(metrics=[1]),
    "metrics that are a text": of_checkout(metrics="x"),
    "a metric that is a text": of_checkout(metrics={"error_ratio": "x"}),
    "a metric's name": of_checkout(metrics={"\x1b[31m": METRIC}),
    "settling that is a text": of_checkout(settling_seconds="x"),
    "settling that is negative": of_checkout(settling_seconds=-1.0),
    "settling that is long": of_checkout(settling_seconds=1e30),
    "production that is a number": of_checkout(production=5),
    "a procedure that is a text": SettingsChanged(occurred_at=b.at(0), settings={"procedure": "x"}),
    "a prefix that is a number": SettingsChanged(occurred_at=b.at(0), settings={"prefix": 5}),
    "a limit before the start": procedure(alert_team_within="-5m"),
    "a limit that is no duration": procedure(update_every="often"),
    "a limit of too many digits": procedure(report_within="9" * 400 + "d"),
    "commits that are a text": procedure(maximum_fix_commits="x"),
    "a pattern that is none": procedure(branch_pattern="("),
    "a pattern that takes for ever": procedure(branch_pattern="hotfix/(a+)+$"),
    "another pattern that takes for ever": procedure(branch_pattern="(a|ab|b)*c"),
    "an amendment of an unknown field": b.amended(b.declared(2), 5, changes={"nope": "x"}),
    "an amendment of another type": b.amended(b.declared(2), 5, changes={"services": "checkout"}),
    "an amendment into the year 9999": b.amended(
        b.note(3), 5, changes={"occurred_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}
    ),
    "an amendment to nothing": b.amended(b.note(3), 5, changes={"text": " "}),
    "no service": b.declared(4, services=(), incident="INC-2"),
    "no title": b.declared(4, title=" ", incident="INC-2"),
    "a note without a text": b.note(4, text=""),
    "an author of control characters": b.note(4, decided_by="\x1b[31mx"),
    "an author who turns the line round": b.note(4, decided_by="\u202e"),
    "nobody": b.note(4, decided_by=""),
    "a merge into itself": b.merged(4, into="INC-1"),
    "a service of 100 kB": b.note(4, decided_by="x" * 100_000),
    "a title of 5 MB": b.declared(4, title="x" * 5_000_000, incident="INC-2"),
    "a duration that is no number": b.deploy(4, duration_seconds=math.nan),
    "a duration without end": b.deploy(4, duration_seconds=math.inf),
    "received in the year 2300": Incoming(
        event=b.deploy(4), arrival=Arrival(via="webhook", received_at=b.at(0) + timedelta(days=100_000))
    ),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_and_nothing_is_recorded(tmp_path, monkeypatch, name):
    """
    Its file is whole: the log that wrote it did not check what it recorded.
    """
    whole = [b.declared(2), b.note(3)]
    theirs = told(str(tmp_path / "theirs.db"), [*whole, NONSENSE[name]])
    monkeypatch.setattr("tests.bundles.making.evidence", everything)
    data = bundle_of(theirs)
    ours = str(tmp_path / "ours.db")

    with pytest.raises(BadInputError, match="cannot be imported") as wrong:
        bring(ours, data)

    assert "\n" not in wrong.value.message
    assert len(wrong.value.message) < 1000
    with Log(ours) as log:
        assert log.position == 0


def everything(session, incident, up_to):
    """Put the whole log into the bundle, but for its seals."""
    return incident, [each for each in session.log.read_all() if each.event.TOPIC != "log-sealed"]


@pytest.mark.parametrize("name", ["whole_incident", "open_incident", "merged_incident", "reopened_incident"])
def test_what_a_tracker_records_is_taken(tmp_path, name):
    theirs = told(str(tmp_path / "theirs.db"), getattr(histories, name)())

    assert bring(str(tmp_path / "ours.db"), bundle_of(theirs))[1].recorded


def test_settings_of_other_versions_are_taken():
    """
    Keys that this version does not know are ignored.
    """
    event = of_checkout(rollback_command="x", metrics={"error_ratio": {**METRIC, "since": 3}})

    assert importing.problem_of(event, b.at(60), {}) is None


@pytest.mark.parametrize(
    "name", [name for name in NONSENSE if "author" not in name and "received" not in name]
)
def test_a_store_that_has_it_already_still_answers(tmp_path, monkeypatch, name):
    """
    An earlier tracker imported it: what tracker.toml could not say is left out, and so is what does not fit.
    """
    theirs = told(str(tmp_path / "theirs.db"), [b.declared(2), b.note(3), NONSENSE[name], b.resolved(30)])

    assert report(theirs)
