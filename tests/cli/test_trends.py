"""`tracker trends`: the page and its JSON say the same, of any log, and the same again of the same position."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import builders as make
from tests.cli.conftest import Typed, refused
from tests.projections.frames.test_all_incidents import a_busy_week
from tracker.application.trends import trends
from tracker.events.base import event_id
from tracker.log import Log

SPAN = ("--from", "2026-03-01T00:00Z", "--to", "2026-03-08T00:00Z")
DAY = 24 * 60


def a_quarter(folder: Path) -> None:
    """Two incidents a week of checkout for half a year, at random; each lasts an hour, later ten minutes."""
    r = random.Random(8)
    with Log(str(folder / "tracker.db")) as log:
        log.append([make.deploy(week * 7 * DAY, version=f"v{week}") for week in range(26)])
        for number in range(1, 53):
            minute = r.uniform(0, 180 * DAY)
            lasted = r.lognormvariate(4, 0.5) * (1.0 if minute < 90 * DAY else 0.15)
            name = f"INC-{number}"
            decisions = [make.declared(minute, incident=name), make.resolved(minute + lasted, incident=name)]
            log.decide(name, lambda _, decisions=decisions: decisions)


@pytest.fixture
def half_a_year(tracker: Typed, tmp_path: Path) -> tuple[Typed, tuple[str, ...]]:
    a_quarter(tmp_path)
    middle, end = (make.START + timedelta(days=days) for days in (90, 180))
    return tracker, ("--from", middle.isoformat(), "--to", end.isoformat())


def test_what_became_shorter_is_claimed_with_what_is_behind_it(half_a_year) -> None:
    """
    The page has the claim first, and the JSON the incidents.
    """
    tracker, span = half_a_year

    page = tracker("trends", *span)
    answer = tracker("trends", *span, "--json").json

    assert page.code == 0, page.err
    claims = {each["measure"]: each for each in answer["measures"] if each["claim"]}
    assert claims["time_to_resolve"]["claim"] == "shorter"
    assert claims["time_to_resolve"]["n"] == len(claims["time_to_resolve"]["incidents"])
    assert "incidents" not in claims
    changed = page.out.split("## What changed")[1].split("What these numbers")[0]
    assert "**Time to resolve** of checkout" in changed
    assert changed.count("\n- ") == len(claims)
    for each in answer["measures"]:
        assert each["says"] in page.out.replace("\\", "")
    for line in answer["not_told"]:
        assert line in page.out.replace("\\", "")


def test_an_earlier_page_comes_out_the_same_byte_for_byte(half_a_year, tmp_path: Path) -> None:
    """
    Whatever was recorded since.
    """
    tracker, span = half_a_year
    before = tracker("trends", *span).out
    with Log(str(tmp_path / "tracker.db")) as log:
        position = log.position
        log.decide("INC-99", lambda _: [make.declared(100 * DAY, incident="INC-99")])

    assert tracker("trends", *span, "--at-seq", position).out == before
    assert tracker("trends", *span).out != before


@pytest.mark.parametrize("seed", range(4))
def test_ratios_are_ratios_and_intervals_hold_their_value(tmp_path: Path, seed: int) -> None:
    """
    Of a week in which everything overlaps, by each way of taking it apart.
    """
    with Log(str(tmp_path / "tracker.db"), now=lambda: make.at(20000)) as log:
        a_busy_week(log, seed)
        for by in (None, "severity", "month"):
            answer = trends(log, make.at(-DAY), make.at(6 * DAY), by=by)

            for figure in answer.measures:
                assert figure.unit in ("per_day", "seconds", "ratio")
                known = [each for each in (figure.low, figure.value, figure.high) if each is not None]
                assert known == sorted(known), figure
                if figure.unit == "ratio":
                    assert all(0 <= each <= 1 for each in known), figure
                assert figure.open <= figure.n


def test_an_empty_log_says_that_nothing_is_recorded(tracker: Typed) -> None:
    answer = tracker("trends", *SPAN)

    assert answer.code == 0, answer.err
    assert answer.out.startswith("# Incidents from 2026-03-01 to 2026-03-08: 0 incidents\n")
    assert answer.out.count("Nothing is recorded of that.") == 5
    assert tracker("trends", *SPAN, "--json").json["measures"] == []


def test_the_page_is_written_to_a_file(half_a_year, tmp_path: Path) -> None:
    tracker, span = half_a_year

    answer = tracker("trends", *span, "-o", "review.md")

    assert answer.out.splitlines()[0] == "review.md"
    pictures = answer.out.splitlines()[1:]
    written = (tmp_path / "review.md").read_text(encoding="utf-8")
    assert pictures == ["review/fast.svg", "review/incidents-1.svg"]
    assert all(f"]({picture})" in written for picture in pictures)
    assert all((tmp_path / picture).read_bytes().startswith(b"<?xml") for picture in pictures)
    lines = [line for line in written.splitlines() if line and not line.startswith("![")]
    assert lines == [line for line in tracker("trends", *span).out.splitlines() if line]


def test_an_html_page_has_its_pictures_in_it_and_is_the_same_again(half_a_year, tmp_path: Path) -> None:
    """
    By the name of the file as by the option; each section says what it cannot tell.
    """
    tracker, span = half_a_year

    answer = tracker("trends", *span, "-o", "review.html")

    assert answer.out == "review.html\n"
    page = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4  # each wide, and narrow for a phone
    assert page.count("What these numbers cannot tell:") == 7
    assert tracker("trends", *span, "--format", "html").out.replace("trends/", "review/") == page


def test_a_correction_names_the_figures_that_it_moved(half_a_year, tmp_path: Path) -> None:
    """
    A resolve that was amended to three days later moves how long it lasted, and nothing of how often.
    """
    tracker, span = half_a_year
    with Log(str(tmp_path / "tracker.db")) as log:
        before = log.position
        steps = [each for each in log.incident("INC-40") if each.event.TOPIC == "incident-resolved"]
        resolved = steps[0]
        moved_to = resolved.event.occurred_at + timedelta(days=3)
        correction = make.amended(resolved.event, 170 * DAY, changes={"occurred_at": moved_to})
        log.decide("INC-40", lambda _: [correction])

    answer = tracker("trends", *span, "--diff", "--at-seq", before)
    found = tracker("trends", *span, "--diff", "--at-seq", before, "--json").json

    assert answer.code == 0, answer.err
    names = {(each["after"] or each["before"])["measure"] for each in found["moved"]}
    assert "time_to_resolve" in names
    assert "incidents" not in names
    assert answer.out.splitlines() == [each["says"] for each in found["moved"]]
    lasted = next(each for each in found["moved"] if each["after"]["measure"] == "time_to_resolve")
    [corrected] = lasted["corrections"]
    assert corrected["event"] == event_id(correction)
    assert corrected["target"] == resolved.handle
    assert f"corrected: {corrected['handle']} (amended {resolved.handle}, " in lasted["says"]
    assert tracker("trends", *span, "--diff", "--at-seq", before + 1).out == "No figure moved.\n"


def test_a_correction_is_named_only_at_the_figures_that_count_what_it_corrected(
    half_a_year, tmp_path: Path
) -> None:
    """
    A deploy that was retracted moves how many there were; a title that was amended then moves nothing.
    """
    tracker, span = half_a_year
    with Log(str(tmp_path / "tracker.db")) as log:
        before = log.position
        deploy = next(each for each in log.read_all() if getattr(each.event, "version", "") == "v20")
        declared = log.incident("INC-40")[0]
        log.append([make.retracted(deploy.event, 181 * DAY)])
        titled = make.amended(declared.event, 181 * DAY, changes={"title": "Another"})
        log.decide("INC-40", lambda _: [titled])

    moved = tracker("trends", *span, "--diff", "--at-seq", before, "--json").json["moved"]

    names = {each["before"]["measure"]: each["corrections"] for each in moved}
    assert [one["target"] for one in names["deployment_frequency"]] == [deploy.handle]
    assert not {"incidents", "time_to_resolve"} & set(names)


def test_a_later_incident_is_named_as_what_moved_a_figure(half_a_year, tmp_path: Path) -> None:
    tracker, span = half_a_year
    with Log(str(tmp_path / "tracker.db")) as log:
        before = log.position
        log.decide("INC-99", lambda _: [make.declared(100 * DAY, incident="INC-99")])

    answer = tracker("trends", *span, "--diff", "--at-seq", before)

    assert any(
        line.startswith("Incidents of checkout") and "now with INC-99" in line
        for line in answer.out.splitlines()
    )


def test_a_diff_without_a_position_is_refused(tracker: Typed) -> None:
    refused(tracker("trends", *SPAN, "--diff"), 2, "compared with what")


def test_months_are_compared_with_all_earlier_ones(half_a_year) -> None:
    tracker, _ = half_a_year
    span = ("--from", "2026-03-01T00:00Z", "--to", datetime(2026, 6, 1, tzinfo=UTC).isoformat())

    answer = tracker("trends", *span, "--by", "month", "--json").json

    months = [each for each in answer["measures"] if each["measure"] == "incidents"]
    assert [each["period"] for each in months] == ["2026-03", "2026-04", "2026-05"]
    assert [each["compared_with"] for each in months] == [None, "all earlier periods", "all earlier periods"]


def test_less_than_a_day_is_refused(tracker: Typed) -> None:
    refused(
        tracker("trends", "--from", "2026-03-01T00:00Z", "--to", "2026-03-01T10:00Z"), 2, "less than a day"
    )
