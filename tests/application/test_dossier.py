"""An incident is read once: how often the log is asked, for how much, and that answers depend on what they name only."""

import re
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from projections.dossier import Dossier
from projections.incident_windows import Part, own_windows, wanted, work_windows
from tests import builders as b
from tests.builders import at
from tests.reports.histories import text_of, told, whole_incident
from tracker.cli import main
from tracker.events import corrections
from tracker.events.base import Window
from tracker.incident import fold
from tracker.log import Log, reading

MOST_SELECTS = 8
MOST_CORRECTIONS = 2


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a demo, which tests only read."""
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", str(folder / "demo")]) == 0
    return folder / "demo"


@pytest.fixture
def counted(monkeypatch):
    """How often windows were selected, how many events came of it, and how often corrections were applied."""
    counts: Counter[str] = Counter()
    select, effective = reading.select, corrections.effective

    def counted_select(*arguments):
        found = select(*arguments)
        counts["selects"] += 1
        counts["events"] += len(found)
        counts.update({f"of {getattr(each.event, 'service', None)}": 1 for each in found.values()})
        return found

    def counted_effective(recorded):
        counts["effective"] += 1
        return effective(recorded)

    monkeypatch.setattr(reading, "select", counted_select)
    for module in list(sys.modules.values()):
        if getattr(module, "effective", None) is effective:
            monkeypatch.setattr(module, "effective", counted_effective)
    return counts


def ask(folder, *words):
    """Type a command in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return main(list(words))


@pytest.mark.parametrize(
    "command",
    [
        ("report", "INC-42", "-o", "-"),
        ("report", "INC-42", "-o", "-", "--at-seq", "100"),
        ("check", "INC-42"),
        ("compare", "INC-42"),
        ("show", "INC-42"),
        ("timeline", "INC-42"),
    ],
    ids=lambda words: " ".join(words),
)
def test_an_answer_selects_and_corrects_a_handful_of_times(demo, counted, capsys, command):
    """
    However many answers a command combines, the incident is read once.
    """
    assert ask(demo, *command) in (0, 4)

    assert 0 < counted["selects"] <= MOST_SELECTS
    assert 0 < counted["effective"] <= MOST_CORRECTIONS


def test_deploys_of_other_services_are_not_read(tmp_path, counted, capsys):
    """
    Thousands of them in the month before cost a check nothing.
    """
    store = str(told(tmp_path / "tracker.db", whole_incident()))
    with Log(store) as log:
        log.append(
            b.deploy(-minute, service=f"other-{minute % 50}", version=f"1.{minute}")
            for minute in range(1, 3_001)
        )
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "tracker.db"\n')

    for command in ("check", "compare", "report"):
        counted.clear()
        assert ask(tmp_path, command, "INC-1", *(("-o", "-") if command == "report" else ())) in (0, 4)

        assert not [name for name in counted if name.startswith("of other-")]
        assert counted["events"] < 500


def test_it_selects_from_what_it_read_as_the_log_does(demo):
    """
    The same windows and ids give the same events: with corrections, and with what these correct.
    """
    with Log(str(demo / "tracker.db")) as log:
        incident = fold("INC-42", log.incident("INC-42"))
        known = Dossier(incident, list(log.read_all()), log.now())
        hour = timedelta(hours=1)
        begins = incident.begins_at
        asked = [
            wanted(incident, Part.ALL),
            own_windows(incident, begins - timedelta(days=30)),
            work_windows(incident, None),
            [Window("changes", begins - hour, begins + hour)],
            [Window("service:checkout", begins, begins + hour / 4, ("alert-fired",))],
            [Window("service:nobody")],
        ]

        for windows in asked:
            ids = [each.id for each in known.recorded[::17]]
            assert known.select(windows) == log.select(windows)
            assert known.select(windows, ids) == log.select(windows, ids=ids)


def _position(report: str) -> int:
    found = re.search(r"position (\d+), last event", report)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    "later",
    [
        [b.samples(30 * 24 * 60, metric="queue_length")],
        [b.deploy(-500 * 24 * 60, version="1.0.0", sha="7" * 40), b.commit(-500 * 24 * 60, sha="7" * 40)],
        [b.deploy(60 * 24 * 60, version="9.9.9"), b.alert(60 * 24 * 60)],
        [b.declared(60 * 24 * 60, incident="INC-2")],
    ],
    ids=["samples", "older versions", "later facts", "a later incident"],
)
def test_what_is_recorded_later_and_not_used_changes_no_report(tmp_path, later):
    """
    Neither the report, nor the one as of its position.
    """
    store = told(tmp_path / "tracker.db", whole_incident())
    before = text_of(store)
    with Log(str(store), now=lambda: at(90 * 24 * 60)) as log:
        for each in later:
            incident = getattr(each, "incident", None)
            if incident is None:
                log.append([each])
            else:
                log.decide(incident, lambda _, each=each: [each])

    assert text_of(store, up_to=_position(before)) == before
    assert text_of(store) == before


def test_a_part_that_was_not_read_is_not_taken_for_empty():
    """
    An answer that needs it fails, where it would be wrong.
    """
    known = Dossier.of("INC-1", b.recorded(b.declared(5), b.deploy(2), b.alert(3)))
    story = replace(known, parts=Part.STORY)

    assert [fact.event for fact in story.own] == [b.deploy(2), b.alert(3)]
    for name in ("work", "changes", "silences", "others"):
        with pytest.raises(ValueError, match="was not read"):
            getattr(story, name)
