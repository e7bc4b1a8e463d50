"""One fact is the same on every surface: whoever reads two of them finds no contradiction."""

import pytest

from tests import builders as b
from tests.reports import histories
from tests.reports.surfaces import contradictions, surfaces


def back_to_normal():
    """Mitigated at 14:21 by somebody's word; by the metrics all was back at 14:24:30, which is later."""
    history = histories.whole_incident()
    fix = next(one for one in history if getattr(one, "version", "") == "1.4.3")
    recovered = b.verdict(recovered_at=b.at(34.5))
    return [
        *history,
        b.verdicts(fix, minute=100, window_from=b.at(32), verdicts=(recovered,)),
    ]


def short_incident():
    """Noticed after 20 s, declared after 114 s, over after 70 s."""
    fix = b.deploy(1)
    return [
        histories.settings(),
        *histories.error_ratio(-70, 60, (0, 1)),
        b.milestone(0, "started", precision_seconds=1.0),
        b.milestone(1 / 3, "detected", precision_seconds=1.0),
        b.declared(1.9, detected_by="alert"),
        fix,
        b.milestone(7 / 6, "mitigated", precision_seconds=1.0),
        b.linked(fix, 2, role="fixed", why="x"),
        b.resolved(1.95),
    ]


def span_of_a_start():
    """It is known to have begun within two minutes; nothing that is counted from there is known better."""
    return [
        histories.settings(),
        *histories.error_ratio(-70, 60, (0, 21)),
        b.milestone(0, "started", until=b.at(2)),
        b.milestone(5, "detected"),
        b.declared(7, detected_by="alert"),
        b.milestone(42, "mitigated"),
        b.resolved(70),
    ]


HISTORIES = {
    "back to normal": back_to_normal,
    "short": short_incident,
    "span": span_of_a_start,
    "reopened": histories.reopened_incident,
    "told": histories.told_incident,
}


@pytest.mark.parametrize("name", HISTORIES)
def test_every_surface_says_the_same_of_one_fact(tmp_path, capsys, monkeypatch, name):
    """
    Durations and the instant of the recovery: show, list, messages, reports in all headings, pictures, and the page.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKER_USER", "ada")
    path = histories.told(tmp_path / "tracker.db", HISTORIES[name]())

    different, counts = contradictions(surfaces(path, "INC-1", capsys))

    assert different == {}
    assert counts["open for"] >= 6
    assert counts["Time to declare"] >= 5
