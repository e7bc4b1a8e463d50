"""An issue or an outside incident that is again what it was before is a new statement."""

import json
from collections.abc import Sequence

import pytest

from tests.builders import at, event_id, issue, outside, recorded
from tests.ingest.feeds import RULES
from tracker.events.alerts import IssueChanged, OutsideIncidentReported
from tracker.events.base import Arrival, Event, Incoming
from tracker.events.corrections import effective
from tracker.ingest import cdevents
from tracker.ingest.restated import StateHistory


def step(action: str, minute: float, **fields: object) -> Incoming:
    """A webhook's body, which knows the last error only: that was at minute 5."""
    arrival = Arrival(via="webhook", received_at=at(minute))
    return Incoming(event=issue(5, action=action, issue_id="7", **fields), arrival=arrival)


def received(*deliveries: Incoming, log: Sequence[Incoming] = ()) -> list[Incoming]:
    held = {event_id(fact.event): fact for fact in log}
    for delivery in deliveries:
        for fact in StateHistory(held.values()).read([delivery]):
            held.setdefault(event_id(fact.event), fact)
    return list(held.values())


def story(facts: Sequence[Incoming]) -> list[str]:
    """What became of it, in the one total order."""
    known = sorted(effective(recorded(*facts)).values(), key=lambda fact: fact.order)
    return [
        each.event.action if isinstance(each.event, IssueChanged) else each.event.status for each in known
    ]  # type: ignore[attr-defined]


def test_an_issue_that_is_resolved_again_is_resolved():
    """
    Resolved, opened by hand, resolved: no error came between, so each body names the same instant.
    """
    told = [step("resolved", 10), step("unresolved", 20), step("resolved", 30)]

    facts = received(*told)

    assert story(facts) == ["resolved", "unresolved", "resolved"]
    assert facts[-1].event.occurred_at == at(30)
    assert story(received(*told, step("unresolved", 40), step("resolved", 50)))[-2:] == [
        "unresolved",
        "resolved",
    ]


def test_what_is_repeated_without_its_opposite_stays_known():
    """
    Repeats, other steps between, and a delivery that is processed again after a crash.
    """
    told = [step("resolved", 10), step("assigned", 15), step("resolved", 20)]
    assert story(received(*told)).count("resolved") == 1
    again = [step("resolved", 10), step("unresolved", 20), step("resolved", 30)]
    facts = received(*again)
    assert len(received(*again, *again, step("resolved", 60), log=facts)) == len(facts)


def test_steps_of_one_instant_have_the_order_of_their_receipt():
    """
    Whichever is recorded first.
    """
    told = [step("unresolved", 10), step("resolved", 20)]

    assert story(told) == story(told[::-1]) == ["unresolved", "resolved"]


def incident(status: str, minute: float, number: str, received_at: float) -> list[Incoming]:
    event = {
        "context": {
            "specversion": "0.5.1",
            "id": number,
            "source": "/monitor",
            "type": f"dev.cdevents.incident.{status}.0.3.0",
            "timestamp": at(minute).isoformat(),
        },
        "subject": {"id": "incident-7", "content": {"description": "It burns"}},
    }
    arrival = Arrival(via="webhook", received_at=at(received_at))
    return cdevents.read(json.dumps(event).encode(), where="hook", rules=RULES, arrival=arrival)


def test_an_outside_incident_that_is_detected_again_is_open():
    """
    With its old instant; the very CloudEvent sent again is a duplicate.
    """
    before = [*incident("detected", 1, "a", 1), *incident("resolved", 5, "b", 5)]

    again = received(*before, *incident("detected", 1, "c", 9))
    duplicate = received(*before, *incident("detected", 1, "a", 9))

    assert story(again) == ["detected", "resolved", "detected"]
    assert story(duplicate) == ["detected", "resolved"]


@pytest.mark.parametrize("event", [issue(5, action="assigned"), outside(5, status="detected")])
def test_a_file_is_compared_with_itself_only(event: Event):
    """
    Its lines have an order; what the log has is no part of it.
    """
    arrival = Arrival(via="file", received_at=at(100))
    lines = [
        Incoming(event=issue(5, action=action), arrival=arrival)
        for action in ("resolved", "unresolved", "resolved")
    ]

    read = StateHistory([step("unresolved", 3)]).read([Incoming(event=event, arrival=arrival), *lines])

    assert read[0].event == event
    assert [fact.event for fact in read[1:3]] == [line.event for line in lines[:2]]
    third = read[3].event
    assert isinstance(third, IssueChanged | OutsideIncidentReported)
    assert third.again_after == at(5)
    assert third.occurred_at > at(5)
