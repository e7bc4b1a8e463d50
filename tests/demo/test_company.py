"""The made-up company: the same seed gives the same log, and its patterns are in it."""

from statistics import median

import pytest

from projections import frames
from tracker.application.company import play_company
from tracker.demo.company import CERTIFICATE, NOISE, company
from tracker.events.base import encode


def told(seed, **asked):
    return [
        (step.at, step.incident, [encode(one) for one in (*step.facts, *step.decisions)])
        for step in company(seed, **asked)
    ]


def test_the_same_seed_is_the_same_company():
    """
    Another seed is another one.
    """
    assert told(3) == told(3)
    assert told(3) != told(4)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A company's incidents with what was measured of them; `make company` tries twenty."""
    folder = tmp_path_factory.mktemp("company")
    play_company(folder, 1)
    with frames.open(folder / "tracker.toml") as log:
        return log.incidents(), log.durations()


def test_its_patterns_are_in_it(tables):
    """
    checkout recovers in half the time, search breaks twice as often, one certificate expires five times.
    """
    incidents, durations = tables
    incidents = incidents.assign(year=incidents.declared_at.dt.year, service=incidents.services.str[0])
    down = durations[(durations.duration == "downtime") & (durations.state == "recorded")]
    down = down[["incident", "duration_seconds"]].merge(
        incidents[["incident", "year", "service"]], on="incident"
    )
    checkout = {
        year: median(part.duration_seconds) for year, part in down[down.service == "checkout"].groupby("year")
    }
    per_year = incidents[incidents.service == "search"].groupby("year").size()

    assert 550 <= len(incidents) <= 650
    assert 0.3 < checkout[2025] / checkout[2024] < 0.75
    assert 1.6 < per_year[2025] / per_year[2024] < 2.4
    assert (incidents.title == CERTIFICATE).sum() == 5


def test_without_patterns_there_are_none():
    """
    Neither the certificate nor the alert that means nothing.
    """
    plain = b"".join(data for _, _, events in told(1, patterns=False) for data in events)

    assert CERTIFICATE.encode() not in plain
    assert NOISE.encode() not in plain
