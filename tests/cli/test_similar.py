"""`tracker similar`: what came back, why, and what was promised after the first time."""

from pathlib import Path

import pandas as pd
import pytest

from projections import frames
from tests import builders as make
from tests.cli.conftest import Typed, refused
from tracker.log import Log


def story(folder: Path, fired: dict[int, str]) -> None:
    """Six incidents of checkout, a week apart; in some of them an alert fires."""
    with Log(str(folder / "tracker.db")) as log:
        for number in range(1, 7):
            minute = number * 7 * 24 * 60
            name = f"INC-{number}"
            log.decide(
                name,
                lambda _, name=name, minute=minute: [
                    make.declared(minute, incident=name, title=f"trouble {'abcdef'[int(name[-1]) - 1] * 5}"),
                    make.resolved(minute + 40, incident=name),
                ],
            )
            log.append(
                [
                    make.alert(
                        minute - 1, name=fired.get(number, f"Alert{number}"), fingerprint=f"{number:016x}"
                    )
                ]
            )


@pytest.fixture
def repeated(tracker: Typed, tmp_path: Path) -> Typed:
    """INC-5 has the alert rule of INC-2, which nobody else has."""
    story(tmp_path, {2: "DiskQuotaExhausted", 5: "DiskQuotaExhausted"})
    return tracker


def test_the_same_rare_rule_is_the_same_again_with_what_was_promised(repeated: Typed) -> None:
    """
    The action item of the first time was open when it came back.
    """
    added = repeated("action", "add", 2, "watch the quota", "--owner", "ben", "--due", "2026-12-30")
    assert added.code == 0, added.err

    answer = repeated("similar", "INC-5")
    [match, *_] = repeated("similar", 5, "--json").json["matches"]

    assert answer.out.startswith("INC-5 is the same again as 1 of 4 earlier incidents:\n  INC-2\n")
    assert "    same alert rule: DiskQuotaExhausted\n" in answer.out
    assert (match["incident"], match["claimed"]) == ("INC-2", True)
    assert match["reasons"][0] == "same alert rule: DiskQuotaExhausted"
    # It was added after INC-5 began: it was not open then.
    assert match["open_actions"] == []
    assert "promised" not in answer.out


def test_an_item_that_was_open_when_it_came_back_is_named(repeated: Typed, tmp_path: Path) -> None:
    with Log(str(tmp_path / "tracker.db")) as log:
        minute = 2 * 7 * 24 * 60 + 60
        log.decide(
            "INC-2", lambda _: [make.action(minute, incident="INC-2", text="watch the quota", owner="ben")]
        )

    answer = repeated("similar", 5)

    assert "was promised and not done: " in answer.out
    assert "watch the quota (ben, due " in answer.out
    [match, *_] = repeated("similar", 5, "--json").json["matches"]
    assert [item["text"] for item in match["open_actions"]] == ["watch the quota"]


def test_without_enough_in_common_nothing_is_claimed(repeated: Typed) -> None:
    answer = repeated("similar", 4)

    assert answer.out.startswith("None of 3 earlier incidents has enough in common with INC-4")
    assert not any(match["claimed"] for match in repeated("similar", 4, "--json").json["matches"])


def test_the_first_incident_has_none_to_compare_with(repeated: Typed) -> None:
    assert repeated("similar", 1).out == "INC-1 is the first incident: there is none to compare it with.\n"


def test_a_merged_incident_is_compared_as_a_part_of_the_other(repeated: Typed, tmp_path: Path) -> None:
    """
    What INC-5 has is INC-6's then, under whose number it goes on.
    """
    minute = 6 * 7 * 24 * 60 + 50
    with Log(str(tmp_path / "tracker.db")) as log:
        log.decide("INC-5", lambda _: [make.merged(minute, incident="INC-5", into="INC-6")])

    for asked in (5, 6):
        answer = repeated("similar", asked, "--json").json
        assert answer["incident"] == "INC-6"
        assert [each["incident"] for each in answer["matches"] if each["claimed"]] == ["INC-2"]


def test_as_of_an_earlier_position_later_evidence_is_unknown(repeated: Typed, tmp_path: Path) -> None:
    """
    The alert of INC-5 was recorded last but two.
    """
    with Log(str(tmp_path / "tracker.db")) as log:
        position = log.position
    before = repeated("similar", 5, "--json", "--at-seq", position - 4).json

    assert not any(match["claimed"] for match in before["matches"])
    assert any(match["claimed"] for match in repeated("similar", 5, "--json").json["matches"])


def test_an_unknown_incident_is_refused(repeated: Typed) -> None:
    refused(repeated("similar", 99), 12, "INC-99")


def test_the_table_says_what_the_command_says(repeated: Typed, tmp_path: Path) -> None:
    """
    One row is an incident and an earlier one; to the digit.
    """
    with frames.open(tmp_path / "tracker.db") as log:
        table = log.similar()

    assert table["claimed"].dtype == "boolean"
    for number in range(1, 7):
        rows = table[table["incident"] == f"INC-{number}"]
        matches = repeated("similar", number, "--json").json["matches"]
        assert rows["earlier"].tolist() == [match["incident"] for match in matches]
        assert rows["score"].tolist() == [match["score"] for match in matches]
    assert isinstance(table, pd.DataFrame)
    assert table[table["claimed"]]["earlier"].tolist() == ["INC-2"]
