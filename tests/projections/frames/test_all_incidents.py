"""The tables about all incidents: what they say is what the answers about one incident say."""

import random

import pytest

from projections import frames
from projections.changes import candidate
from projections.durations import durations
from projections.procedure.check import check
from projections.procedure.evaluation import procedure
from tests import builders as make
from tests.builders import at
from tracker.application.all_incidents import AllIncidents
from tracker.application.dossier import dossier_of
from tracker.events.base import event_id
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


DAY = 1440.0


def half_a_year_with_a_repository(log: Log, seed: int) -> None:
    """Incidents of two services whose commits, branches, tags, tests and deploys are known, some of them corrected."""
    r = random.Random(seed)
    days = 150
    facts, tip = [], dict.fromkeys(SERVICES)
    for number in range(160):
        minute, service = number * DAY * days / 160 + r.uniform(0, 300), r.choice(SERVICES)
        sha, parent = f"{seed}{number:039x}", tip[service]
        paths = tuple(r.sample(["src/pool.py", "src/cache.py", "docs/a.md"], 2))
        git = {"service": service, "repository": f"acme/{service}"}
        hotfix = r.random() < 0.3
        facts.append(
            make.commit(minute, sha=sha, parents=(parent,) if parent else (), changed_paths=paths, **git)
        )
        tip[service] = sha if not hotfix or r.random() < 0.6 else parent
        branch = f"hotfix/1.{number}.1" if hotfix else r.choice(["main", "develop"])
        facts.append(make.branch(minute + 1, name=branch, sha=sha, **git))
        version = f"v1.{number}.0"
        if r.random() < 0.5:
            facts.append(make.tag(minute + 2, name=version, sha=r.choice([sha, None]), **git))
        if r.random() < 0.5:
            exit_code = r.choice([0, 0, 1])
            facts.append(make.run_of_tests(minute + 3, service=service, sha=sha, exit_code=exit_code))
        if r.random() < 0.6:
            named = sha if r.random() < (0.8 if seed % 2 else 0.1) else None
            facts.append(make.deploy(minute + 9, version=version, service=service, sha=named))
        if r.random() < 0.1:
            facts.append(make.repository_read(minute + 10, **git))
    recorded = log.append(facts).recorded
    for target in r.sample(recorded, 12):
        correction = (
            make.retracted(target)
            if r.random() < 0.5
            else make.amended(target, new_at=at(r.uniform(0, days * DAY)))
        )
        log.append([correction])
    for number in range(1, 26):
        name, minute = f"INC-{number}", r.uniform(0, days * DAY)
        services = r.choice([("checkout",), ("search",), SERVICES])
        decisions = [make.declared(minute, incident=name, services=services)]
        if r.random() < 0.6:
            near = [event_id(fact) for fact in facts if at(minute) < fact.occurred_at < at(minute + 2 * DAY)]
            target = r.choice(near or recorded)
            role = r.choice(["fixed", "fixed", "caused"])
            decisions.append(make.linked(target, minute + 2, incident=name, role=role))
        if r.random() < 0.5:
            decisions.append(make.sent(minute + 4, incident=name))
        if r.random() < 0.8:
            decisions.append(make.resolved(minute + r.uniform(100, 3000), incident=name))
        log.decide(name, lambda _, decisions=decisions: decisions)


def answered(rules):
    return [
        (one.rule, one.status, one.reason, one.late_seconds, one.due_at, set(one.evidence), one.waiver)
        for one in rules
    ]


@pytest.mark.parametrize(
    ("history", "seed"), [(a_busy_week, 0), (a_busy_week, 1), (half_a_year_with_a_repository, 0)]
)
def test_rules_are_answered_as_of_the_incident_alone(path, seed, history):
    """
    Where everything was read once, of each incident the same work is known as where it was read alone.
    """
    with Log(str(path), now=lambda: at(200 * DAY)) as log:
        history(log, seed)
        known = AllIncidents(log)

        for incident in known.incidents:
            alone = dossier_of(log, incident, None, known.now)

            assert answered(check(known.evidence(incident))) == answered(procedure(alone).rules), incident.id
            assert known.durations(incident) == durations(alone), incident.id


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
