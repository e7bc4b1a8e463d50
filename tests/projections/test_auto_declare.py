"""Which alerts open an incident by themselves: the rule, and that no occurrence ever opens two."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.auto_declare import (
    Occurrence,
    Ruling,
    occurrences,
    opened_by,
    rule,
    severity_of,
    title_of,
)
from projections.incidents import incidents, number_of, open_ones
from tests.builders import (
    alert,
    alert_end,
    at,
    declared,
    merged,
    recorded,
    reopened,
    resolved,
    service_added,
    service_removed,
)
from tracker.events.alerts import AlertFired
from tracker.events.base import Arrival, Event, Incoming
from tracker.incident import Incident

WANTED = {"checkout": "critical"}


def told(event: Event, minute: float | None = None) -> Incoming:
    """A fact as it was delivered at a minute, else the instant it happened."""
    received_at = event.occurred_at if minute is None else at(minute)
    return Incoming(event=event, arrival=Arrival(via="webhook", received_at=received_at))


def ruled(
    *facts: Event | Incoming, history: Sequence[Event] = (), now: float = 6, ends: Sequence[Event] = ()
) -> list[Ruling]:
    """Rule on facts at a minute, with what was decided before; incidents have the step's own number."""
    held = [each if isinstance(each, Incoming) else told(each) for each in facts]
    known = incidents(recorded(*history))
    return [rule(each, known, at(now)) for each in occurrences(held, WANTED, ends, at(now))]


def verdicts(*facts: Event | Incoming, **known: object) -> list[tuple[str, str | None]]:
    return [(each.verdict, each.incident) for each in ruled(*facts, **known)]  # type: ignore[arg-type]


def test_an_alert_of_the_severity_declares():
    """
    The service's own severity label opens an incident; any other does not, nor an alert of nobody's service.
    """
    assert verdicts(alert()) == [("declare", None)]
    assert verdicts(alert(severity="warning")) == []
    assert verdicts(alert(severity=None)) == []
    assert verdicts(alert(service="search")) == []
    assert verdicts(alert(service=None)) == []


@pytest.mark.parametrize("ended", [None, 20])
def test_an_open_incident_of_the_service_covers_it(ended):
    """
    Whoever declared it, before or after the alert began, as long as it was open at some time since.
    """
    steps = [declared(4)] + ([resolved(ended)] if ended else [])

    assert verdicts(told(alert(5), 30), history=steps, now=30) == [("covered", "INC-1")]
    assert verdicts(told(alert(5), 30), history=[declared(12), *steps[1:]], now=30) == [("covered", "INC-1")]
    assert verdicts(told(alert(5), 30), history=[declared(4, services=("search",))], now=30) == [
        ("declare", None)
    ]


def test_what_began_long_ago_declares_only_while_it_fires():
    """
    An hour after its start an alert declares if somebody told within the hour that it fires, and not if it is over.
    """
    old = alert(0)

    assert verdicts(told(old, 179), now=180) == [("declare", None)]
    assert verdicts(told(old, 1), now=180) == [("too_old", None)]
    assert verdicts(told(old, 179), told(alert_end(170, 0), 179), now=180) == [("too_old", None)]
    assert verdicts(told(old, 179), ends=[alert_end(170, 0)], now=180) == [("too_old", None)]
    assert verdicts(told(old, 58), told(alert_end(2, 0), 59), now=59) == [("declare", None)]


def test_what_was_first_reported_by_its_end_opens_nothing():
    """
    However short ago it was, pushed or polled: nobody is needed for what is over. Who saw it fire declares.
    """
    ended = [told(alert(2), 5), told(alert_end(4, 2), 5)]

    assert verdicts(*ended) == [("too_old", None)]
    assert verdicts(*ended, history=[declared(-20), resolved(-5)]) == [("too_old", None)]
    assert verdicts(told(alert(2), 3), *ended) == [("declare", None)]
    assert verdicts(*ended, told(alert(2), 3)) == [("declare", None)]


def test_what_fires_again_with_its_old_start_is_ruled_from_when_that_was_reported():
    """
    The incident was resolved when its alert had stopped; its start lies in the incident, and covers nothing.
    """
    first = alert(0)
    again = alert(22, started_at=at(0), again_after=at(20))
    history = [declared(1), resolved(21)]

    assert verdicts(told(first, 22), ends=[alert_end(20, 0)], history=history, now=22) == [
        ("covered", "INC-1")
    ]
    assert verdicts(again, ends=[alert_end(20, 0)], history=history, now=22) == [("reopen", "INC-1")]
    [found] = ruled(again, ends=[alert_end(20, 0)], history=history, now=22)
    assert found.occurrence.ended_at is None
    [found] = ruled(again, ends=[alert_end(20, 0), alert_end(30, 0)], history=history, now=31)
    assert found.occurrence.ended_at == at(30)


def test_an_end_without_a_start_ends_what_fires():
    """
    Some senders write the end into both.
    """
    [found] = ruled(told(alert(0), 1), ends=[alert_end(3, 3)])

    assert found.occurrence.ended_at == at(3)


def test_a_flapping_alert_is_one_incident():
    """
    What fires again within 15 minutes after the end opens the same incident; a minute later, a new one.
    """
    history = [declared(4), resolved(20)]

    assert verdicts(alert(34.9), history=history, now=35) == [("reopen", "INC-1")]
    assert verdicts(alert(35.1), history=history, now=36) == [("declare", None)]
    later = [*history, declared(22, incident="INC-2"), resolved(30, incident="INC-2")]
    assert verdicts(alert(34.9), history=later, now=35) == [("reopen", "INC-2")]


def test_a_false_alarm_silences_its_own_alert_for_that_long():
    """
    People said that it means nothing. Another alert is another matter.
    """
    history = [declared(4, title="Errors"), resolved(20, resolution="false-alarm")]
    same = {"annotations": {"summary": "Errors"}}

    assert verdicts(alert(25, **same), history=history, now=26) == [("covered", "INC-1")]
    assert verdicts(alert(36, **same), history=history, now=36) == [("declare", None)]
    assert verdicts(alert(25, annotations={"summary": "Slow"}), history=history, now=26) == [
        ("declare", None)
    ]


def test_a_false_alarm_is_known_by_its_alert_though_its_words_change():
    """
    An annotation with a value in it words each firing anew.
    """
    [first] = occurrences([told(alert(5))], WANTED, (), at(6))
    history = [declared(6, occurrence=first.key), resolved(20, resolution="false-alarm")]

    again = alert(25, annotations={"summary": "13 % fail"})

    assert verdicts(again, history=history, now=26) == [("covered", "INC-1")]


@pytest.mark.parametrize(
    "then",
    [
        [service_added(8, service="search"), service_removed(9, service="checkout")],
        [declared(4, incident="INC-2", services=("search",)), merged(9, into="INC-2")],
        [resolved(9)],
    ],
    ids=["its service was taken out", "it was merged", "it was resolved while the alert fires"],
)
def test_what_opened_an_incident_never_opens_another(then):
    """
    An alert goes on firing whatever people decide about its incident.
    """
    [first] = occurrences([told(alert(5))], WANTED, (), at(6))

    found = verdicts(told(alert(5), 30), history=[declared(6, occurrence=first.key), *then], now=30)

    assert [verdict for verdict, _ in found] == ["covered"]


def test_a_merged_incident_covers_by_the_one_that_goes_on():
    """
    INC-1 of checkout became part of INC-2 of search: a new alert of checkout belongs there.
    """
    history = [declared(4), declared(4, incident="INC-2", services=("search",)), merged(9, into="INC-2")]

    assert verdicts(alert(12), history=history, now=13) == [("covered", "INC-2")]
    over = [*history, resolved(20, incident="INC-2")]
    assert verdicts(alert(25), history=over, now=26) == [("reopen", "INC-2")]


def test_a_hole_in_the_history_of_prometheus_is_no_new_alert():
    """
    A restart of Prometheus ends its span and begins another: people resolved it meanwhile, and it stays so.
    """
    history = [declared(6), resolved(18)]
    piece = alert(20, source="prometheus")

    assert verdicts(piece, ends=[alert_end(19, 5)], history=history, now=21) == [("covered", "INC-1")]
    assert verdicts(piece, ends=[alert_end(13, 5)], history=history, now=21) == [("reopen", "INC-1")]
    named = alert(20, source="alertmanager")
    assert verdicts(named, ends=[alert_end(19, 5)], history=history, now=21) == [("reopen", "INC-1")]


def test_two_sources_and_many_repeats_are_one_occurrence():
    """
    Webhook, API and history name one start; what one of them knows of the end counts for all.
    """
    pieces = [
        told(alert(5), 6),
        told(alert(5, annotations={}), 40),
        told(alert(5, source="prometheus", annotations={}), 7),
        told(alert_end(30, 5), 41),
    ]

    [found] = occurrences(pieces, WANTED, (), at(50))

    assert (found.began_at, found.ended_at, found.told_at) == (at(5), at(30), at(40))


def test_an_incident_is_named_by_what_the_alert_says():
    """
    Its summary, else its description, else its name; in one line, never empty.
    """
    blank = {"summary": "  ", "description": "1 in 8\nfails"}

    assert title_of(alert(annotations={"summary": "a", "description": "b"})) == "a"
    assert title_of(alert(annotations=blank)) == "1 in 8 fails"
    assert title_of(alert(name="Down", annotations={})) == "Down fires"
    assert len(title_of(alert(annotations={"summary": "x" * 1000}))) == 200
    assert severity_of(alert(severity="critical")) == "critical"
    assert severity_of(alert(severity="page")) == "major"


# ── whatever comes, in whatever order ────────────────────────────────────────


@dataclass
class Story:
    """A log in memory, with a server that declares and people who decide."""

    steps: list[Event] = field(default_factory=list)
    decisions: list[tuple[str, str]] = field(default_factory=list)
    ends: list[Event] = field(default_factory=list)

    def incidents(self) -> list[Incident]:
        return incidents(recorded(*self.steps))

    def deliver(self, facts: Sequence[Incoming], minute: float) -> None:
        """Do as `tracker serve` does: rule on each, on all that is known by then."""
        now = at(minute)
        for each in occurrences(facts, WANTED, self.ends, now):
            self._rule(each, minute, now)
        self.ends += [each.event for each in facts if not isinstance(each.event, AlertFired)]

    def _rule(self, occurrence: Occurrence, minute: float, now: datetime) -> None:
        known = self.incidents()
        ruling = rule(occurrence, known, now)
        if ruling.verdict == "reopen":
            self.steps.append(reopened(minute, incident=ruling.incident, occurrence=occurrence.key))
        elif ruling.verdict == "declare":
            number = max((number_of(each.id) for each in known), default=0) + 1
            self.steps.append(
                declared(
                    minute,
                    incident=f"INC-{number}",
                    services=(occurrence.service,),
                    title=title_of(occurrence.alert),
                    occurrence=occurrence.key,
                )
            )
        else:
            return
        self.decisions.append((occurrence.key, ruling.verdict))

    def decide(self, what: str, minute: float) -> None:
        """Let a person decide something about the first open incident, where there is one."""
        still = open_ones(self.incidents())
        if what == "declare":
            number = len(self.incidents()) + 1
            self.steps.append(declared(minute, incident=f"INC-{number}", services=("search",)))
        elif not still:
            return
        elif what == "merge":
            if len(still) > 1:
                self.steps.append(merged(minute, incident=still[0].id, into=still[1].id))
        elif what == "move":
            self.steps.append(service_added(minute, incident=still[0].id, service="search"))
            self.steps.append(service_removed(minute, incident=still[0].id, service="checkout"))
        else:
            self.steps.append(resolved(minute, incident=still[0].id, resolution=what))


@st.composite
def _deliveries(draw: st.DrawFn) -> list[tuple[float, list[Incoming]]]:
    """Alerts of two names that fire a few times, each told again and again by three sources, in any order."""
    found: list[tuple[float, list[Incoming]]] = []
    for _ in range(draw(st.integers(1, 5))):
        start = float(draw(st.integers(0, 90)))
        lasts = draw(st.none() | st.integers(1, 60))
        print_ = draw(st.sampled_from(["5f433b28affb2722", "e0df2298e77d85e2"]))
        for _ in range(draw(st.integers(1, 4))):
            source = draw(st.sampled_from(["alertmanager", "prometheus"]))
            words = draw(st.sampled_from([{}, {"summary": "Errors"}, {"summary": "12 % fail"}]))
            minute = start + draw(st.integers(0, 120))
            told_now = [alert(start, fingerprint=print_, source=source, annotations=words)]
            if lasts is not None and start + lasts <= minute:
                told_now.append(alert_end(start + lasts, start, fingerprint=print_, source=source))
            found.append((minute, [told(each, minute) for each in told_now]))
    return found


@given(
    deliveries=_deliveries(),
    people=st.lists(
        st.tuples(
            st.integers(0, 210),
            st.sampled_from(["fixed", "false-alarm", "went-away", "merge", "move", "declare"]),
        ),
        max_size=8,
    ),
)
def test_an_occurrence_never_opens_two_incidents(deliveries, people):
    """
    Whatever the order, the repetition and the timing of deliveries, and whatever people decide between them.
    """
    story = Story()
    moments = [(minute, 0, facts) for minute, facts in deliveries] + [
        (float(minute), 1, what) for minute, what in people
    ]
    for minute, is_person, what in sorted(moments, key=lambda each: each[:2]):
        if is_person:
            story.decide(what, minute)
        else:
            story.deliver(what, minute)

    keys = [key for key, _ in story.decisions]
    assert len(keys) == len(set(keys))
    held = [key for each in story.incidents() for key in opened_by(each)]
    assert sorted(held) == sorted(keys)
    for each in story.incidents():
        assert all(key.count("@") == 1 for key in opened_by(each))


@given(deliveries=_deliveries(), order=st.randoms(use_true_random=False))
def test_all_at_once_is_one_incident_for_the_service(deliveries, order):
    """
    Facts that are told in one go, in any order, open one incident at the most: it covers the others.
    """
    facts = [fact for _, found in deliveries for fact in found]
    order.shuffle(facts)
    story = Story()

    story.deliver(facts, 150)
    story.deliver(facts, 151)

    assert len(story.decisions) <= 1
    assert len(story.incidents()) == len(story.decisions)


@given(minutes=st.integers(0, 10_000), ended=st.none() | st.integers(0, 10_000))
def test_an_old_alert_that_is_over_never_declares(minutes, ended):
    """
    Back-filling tells of alerts that are long over; none of them opens anything.
    """
    now = 10_000 + 120
    facts: list[Event] = [alert(minutes)]
    if ended is not None:
        facts.append(alert_end(minutes + ended / 10_000, minutes))
    telling = [told(each, now if ended is not None else minutes) for each in facts]

    found = ruled(*telling, now=now)

    assert [each.verdict for each in found] == ["too_old"]
    assert timedelta(minutes=now - minutes) > timedelta(hours=1)


def test_an_alert_of_a_fast_clock_is_ruled_from_now():
    """
    Its start lies hours ahead: it reopens what was just resolved, and declares nothing beside it.
    """
    ahead = told(alert(300), 22)

    assert verdicts(ahead, history=[declared(1), resolved(21)], now=22) == [("reopen", "INC-1")]
    assert verdicts(ahead, history=[declared(1)], now=22) == [("covered", "INC-1")]
