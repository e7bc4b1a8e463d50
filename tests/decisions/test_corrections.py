"""Corrections, asked of what is recorded: each gives an event, or a sentence why not."""

import pytest

from tests.builders import alert, at, declared, deploy, milestone, note, recorded, resolved
from tracker.decisions.corrections import amend, link, refuse_contradiction, retract, unlink
from tracker.errors import BadInputError, RefusedError
from tracker.events.base import Window
from tracker.events.corrections import effective
from tracker.incident import fold
from tracker.log import Log
from tracker.times import Typed


def held(*events):
    """Return what the log would hold of these events, corrections applied, in their order."""
    rows = recorded(*events)
    found = effective(rows)
    return [found[row.id] for row in rows]


def test_an_amended_service_is_found_where_it_belongs_now(store_url):
    """
    A deploy told of the wrong service moves to the other one's window, and leaves the first.
    """
    with Log(store_url) as log:
        log.append([deploy(2, service="search")])
        [target] = effective(log.select([Window("service:search")])).values()
        log.append([amend(target, by="alice", now=at(9), why="wrong one", changes={"service": "checkout"})])

        found = effective(log.select([Window("service:checkout", at(0), at(5))]))

    assert [each.event.service for each in found.values() if each.id == target.id] == ["checkout"]


@pytest.mark.parametrize("name", ["ch\0eckout", "c" * 5000])
def test_a_service_of_any_name_is_found_again(store_url, name):
    """
    Payloads name services as they like: no store refuses a feed for it.
    """
    with Log(store_url) as log:
        log.append([alert(1, service=name)])

        assert len(log.select([Window(f"service:{name}")])) == 1
        assert log.verify().whole


def test_what_an_event_is_cannot_be_amended():
    """
    Its source and its incident are part of its identity: strike it out and record it anew.
    """
    [target] = held(deploy(2))

    with pytest.raises(RefusedError, match="source is part of the identity"):
        amend(target, by="alice", now=at(9), why="x", changes={"source": "other"})


def test_amending_to_the_same_is_refused():
    """
    A correction that corrects nothing is a mistake at the keyboard.
    """
    [target] = held(deploy(2))

    with pytest.raises(RefusedError, match="has these values already"):
        amend(
            target, by="alice", now=at(9), why="x", changes={}, new_at=Typed(target.event.occurred_at, 0.001)
        )


def test_an_unknown_field_names_those_that_are():
    """
    The fields that can be set are in the hint.
    """
    [target] = held(deploy(2))

    with pytest.raises(BadInputError) as refused:
        amend(target, by="alice", now=at(9), why="x", changes={"versoin": "v2"})

    assert "version" in refused.value.hint


def test_a_declaration_is_not_retracted():
    """
    An incident that was none is resolved as a false alarm.
    """
    [target] = held(declared(1))

    with pytest.raises(RefusedError) as refused:
        retract(target, by="alice", now=at(9), why="x")

    assert "false-alarm" in refused.value.hint


def test_only_facts_are_linked():
    """
    A note is part of its incident; linking it elsewhere would be a claim about a claim.
    """
    first, second = recorded(declared(1), note(2))
    incident = fold("INC-1", [first, second])

    with pytest.raises(RefusedError, match="only facts are linked"):
        link(incident, second, by="alice", at=Typed(at(9), 0.001))


def test_a_fact_is_taken_out_once():
    """
    The second unlink says who was first.
    """
    first, fact = recorded(declared(1), deploy(2))
    incident = fold("INC-1", [first])
    out = unlink(incident, fact, by="alice", at=Typed(at(9), 0.001), why="another team")
    rows = recorded(declared(1), deploy(2), out)

    with pytest.raises(RefusedError, match="already unlinked from INC-1 by alice"):
        unlink(fold("INC-1", rows), fact, by="ben", at=Typed(at(10), 0.001), why="again")


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [(declared(1), "severity", "banana"), (note(2), "kind", "banana"), (resolved(9), "resolution", "banana")],
)
def test_a_decision_keeps_its_vocabulary(event, field, value):
    """
    What the command refuses, an amendment refuses too, and names what there is.
    """
    [target] = held(event)

    with pytest.raises(BadInputError, match=f"{field} cannot be 'banana'") as refused:
        amend(target, by="alice", now=at(9), why="x", changes={field: value})

    assert refused.value.hint.startswith("One of ")


def test_a_correction_does_not_put_the_end_before_the_start():
    """
    The rule is the one of resolve; what contradicted before is not held against a correction.
    """
    steps = [declared(5), resolved(9)]
    [_, target] = held(*steps)
    moved = amend(target, by="alice", now=at(20), why="typo", changes={}, new_at=Typed(at(1), 60.0))

    before, after = fold("INC-1", recorded(*steps)), fold("INC-1", recorded(*steps, moved))

    with pytest.raises(RefusedError, match=r"cannot be resolved at .* before its start"):
        refuse_contradiction(before, after)
    refuse_contradiction(after, after)


def test_a_correction_does_not_turn_the_milestones_round():
    """
    An incident is not mitigated before it started.
    """
    steps = [declared(5), milestone(2), milestone(8, "mitigated")]
    target = held(*steps)[1]
    moved = amend(target, by="alice", now=at(20), why="typo", changes={}, new_at=Typed(at(10), 60.0))

    with pytest.raises(RefusedError, match="not mitigated before it is started"):
        refuse_contradiction(fold("INC-1", recorded(*steps)), fold("INC-1", recorded(*steps, moved)))
