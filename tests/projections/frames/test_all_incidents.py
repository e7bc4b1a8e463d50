"""The tables about all incidents: what they say is what the answers about one incident say."""

import random

import pytest

from projections import frames
from projections.changes import candidate
from projections.durations import durations
from tests import builders as make
from tests.builders import at
from tracker.application.all_incidents import AllIncidents
from tracker.application.dossier import dossier_of
from tracker.log import Log

SERVICES = ("checkout", "search")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tracker.db"


def a_busy_week(log: Log, seed: int) -> None:
    """Twenty incidents of two services that overlap, with alerts, deploys, rollbacks, links, merges and open ones."""
    r = random.Random(seed)
    facts = []
    for number in range(60):
        minute = r.uniform(0, 6000)
        service = r.choice(SERVICES)
        kind = r.choice([make.deploy, make.deploy, make.rollback, make.deploy_failed])
        place = r.choice(["production", "production", "staging"])
        if r.random() < 0.3:
            facts.append(make.deploy_start(minute - r.uniform(0, 90), version=f"v{number}", service=service))
        facts.append(
            kind(minute, version=f"v{r.choice([number, number // 2])}", service=service, environment=place)
        )
    for number in range(40):
        minute, mark = r.uniform(0, 6000), f"{number:016x}"
        facts.append(make.alert(minute, fingerprint=mark, service=r.choice(SERVICES)))
        if r.random() < 0.7:
            facts.append(make.alert_end(minute + r.uniform(1, 300), started=minute, fingerprint=mark))
    recorded = log.append(facts).recorded
    for number in range(1, 21):
        name, minute = f"INC-{number}", r.uniform(0, 6000)
        services = r.choice([("checkout",), ("search",), SERVICES])
        decisions = [make.declared(minute, incident=name, services=services)]
        if r.random() < 0.5:
            decisions.append(make.milestone(minute - r.uniform(0, 60), incident=name))
        if r.random() < 0.3:
            decisions.append(make.milestone(minute - 1, "detected", incident=name))
        if r.random() < 0.3:
            role = r.choice(["caused", "fixed", None])
            decisions.append(make.linked(r.choice(recorded), minute + 2, incident=name, role=role))
        end = r.random()
        if end < 0.7:
            how = r.choice(["fixed", "false-alarm", "went-away"])
            decisions.append(make.resolved(minute + r.uniform(3, 400), incident=name, resolution=how))
            if r.random() < 0.2:
                decisions.append(make.reopened(minute + 500, incident=name))
        elif end < 0.8 and number > 1:
            decisions.append(make.merged(minute + 5, incident=name, into="INC-1"))
        log.decide(name, lambda _, decisions=decisions: decisions)


@pytest.mark.parametrize("seed", range(6))
def test_durations_are_those_of_the_incident_alone(path, seed):
    """
    Of each incident of a busy week, also where it overlaps with others, was merged or came back.
    """
    with Log(str(path), now=lambda: at(20000)) as log:
        a_busy_week(log, seed)
        known = AllIncidents(log)

        for incident in known.incidents:
            alone = durations(dossier_of(log, incident, None, known.now))

            assert known.durations(incident) == alone, incident.id


@pytest.mark.parametrize("seed", range(6))
def test_candidates_are_those_of_each_pair(path, seed):
    """
    None is missed by looking only near an incident.
    """
    with Log(str(path), now=lambda: at(20000)) as log:
        a_busy_week(log, seed)
        known = AllIncidents(log)

        found = known.candidates()

        for change in known.changes:
            each = [
                incident.id
                for incident in known.incidents
                if incident.merged_into is None and candidate(change, incident.id, incident.begins_at)
            ]
            assert sorted(found.get(change.event, [])) == sorted(each)


def test_the_tables_name_the_incident_the_fix_and_what_was_written(path):
    """
    One incident with an alert, an error, a note of its cause, a message and the deploy that ended it.
    """
    with Log(str(path), now=lambda: at(90)) as log:
        log.append(
            [
                make.alert(2),
                make.error(3, group="computed:1f0a"),
                make.deploy(10, version="v1.2.1"),
                make.rule(1, name="NeverFired"),
                make.commit(5, changed_paths=("src/pool.py",)),
            ]
        )
        log.decide(
            "INC-1",
            lambda _: [
                make.declared(4),
                make.note(20, "the pool leaked", kind="root-cause"),
                make.resolved(30),
            ],
        )

    with frames.open(path) as log:
        incidents, alerts, errors = log.incidents(), log.alerts(), log.errors()
        changes, notes, rules = log.changes(), log.notes(), log.rules()

        assert incidents["started_at"].isna().all()
        assert incidents["derived_started_at"][0] == at(2)
        assert incidents["derived_detected_at"][0] == at(2)
        assert incidents["root_cause"][0] == "the pool leaked"
        assert alerts["incident"].tolist() == errors["incident"].tolist() == ["INC-1"]
        assert errors["group"][0] == "computed:1f0a"
        assert changes[changes["version"] == "v1.2.1"]["fixed"].tolist() == [("INC-1",)]
        assert notes[["kind", "text"]].values.tolist() == [["root-cause", "the pool leaked"]]
        assert rules.set_index("name")["fired"].to_dict()["NeverFired"] == 0
        assert log.commits()["files"].tolist() == [("src/pool.py",)]
        assert log.durations()["services"].tolist() == [("checkout",)] * 7
        procedure = log.procedure()
        assert set(procedure["incident"]) == {"INC-1"}
        assert len(procedure) == procedure["rule"].nunique() == 19


def test_a_log_that_grew_is_read_again(path):
    """
    What was read for one table is not kept beyond the next event.
    """
    with Log(str(path), now=lambda: at(90)) as log, frames.open(path) as tables:
        log.decide("INC-1", lambda _: [make.declared(4)])
        assert len(tables.incidents()) == 1

        log.decide("INC-2", lambda _: [make.declared(5, incident="INC-2")])

        assert len(tables.incidents()) == 2
