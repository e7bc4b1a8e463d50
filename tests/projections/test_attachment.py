"""Which facts are an incident's own."""

import pytest

from projections.attachment import attached, linked_ids, span, windows
from tests.builders import (
    alert,
    at,
    commit,
    declared,
    deploy,
    error,
    event_id,
    linked,
    merged,
    milestone,
    note,
    recorded,
    reopened,
    resolved,
    retracted,
    rollback,
    service_added,
    service_removed,
    unlinked,
)
from tracker.events.base import Window
from tracker.events.corrections import effective
from tracker.incident import fold

DAY, HOUR = 24 * 60, 60
MOMENT = 1 / 60_000


def incident(*events):
    return fold("INC-1", recorded(declared(0), *events))


def belongs(held, event):
    """Whether a fact belongs to an incident by time and service alone."""
    return attached(held, effective(recorded(event)).values()) != []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (alert(-HOUR), True),
        (error(-HOUR), True),
        (error(-HOUR - MOMENT), False),
        (commit(-HOUR - MOMENT), False),
        (deploy(-DAY), True),
        (rollback(-DAY), True),
        (deploy(-DAY - MOMENT), False),
        (alert(40 + DAY - MOMENT), True),
        (alert(40 + DAY), False),
        (alert(5, service="billing"), False),
        (alert(5, service=None), False),
        (note(5), False),
    ],
)
def test_time_and_service_decide(event, expected):
    """
    Changes from a day before the start, the rest from an hour before, all until a day after the end.
    """
    assert belongs(incident(resolved(40)), event) is expected


def test_an_open_incident_has_no_end():
    """
    Also one that was reopened.
    """
    assert belongs(incident(), alert(30 * DAY))
    assert belongs(incident(resolved(40), reopened(50)), alert(30 * DAY))


def test_the_start_is_the_earliest_that_people_gave():
    """
    Started, detected or declared.
    """
    assert belongs(incident(milestone(-120)), error(-150))
    assert not belongs(incident(), error(-150))
    assert belongs(incident(milestone(-120, "detected")), error(-150))


def test_services_come_and_go():
    """
    Facts follow the services of the incident as they are now.
    """
    theirs = alert(5, service="billing")

    assert belongs(incident(service_added(10)), theirs)
    assert not belongs(incident(service_added(10), service_removed(11)), theirs)


def test_windows_cover_all_that_can_belong():
    """
    One for each service, the silences of sources, however early they began, and the stream of each
    incident that was merged into this one.
    """
    found = incident(service_added(10), merged(20, incident="INC-7", into="INC-1"), resolved(40))

    assert windows(found) == [
        Window("service:checkout", at(-DAY), at(40 + DAY)),
        Window("service:billing", at(-DAY), at(40 + DAY)),
        Window("silences", None, at(40 + DAY)),
        Window("incident:INC-7"),
    ]
    assert span(incident()) == (at(-DAY), None)


def test_people_s_word_wins():
    """
    Both ways; the last word on each fact.
    """
    far, near, back = deploy(-9 * DAY), alert(5), alert(6)
    events = [
        *(far, near, back, linked(far), unlinked(near)),
        *(unlinked(back, 48), linked(back, 49)),
    ]
    held = recorded(declared(0), *events)
    found = fold("INC-1", held)

    kept = attached(found, [each for each in effective(held).values() if each.event in (far, near, back)])

    assert [each.event for each in kept] == [far, back]
    assert linked_ids(found) == sorted([event_id(far), event_id(back)])


def test_a_retracted_link_does_not_count():
    """
    Nor does it bring its fact from far away.
    """
    far = deploy(-9 * DAY)
    link = linked(far)

    assert linked_ids(incident(link, retracted(link))) == []
