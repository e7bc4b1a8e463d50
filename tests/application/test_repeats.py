"""Further events of one error are folded while they are read: every answer is the same as if none were."""

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.attachment import windows
from projections.claims.gathering import facts_of
from projections.incident_windows import Part
from projections.timeline import timeline
from tests import builders as b
from tracker.application.dossier import dossier_of
from tracker.decisions.redaction import redact
from tracker.events.base import Arrival, Incoming
from tracker.incident import fold
from tracker.log import Log

_ERRORS = st.lists(
    st.tuples(
        st.integers(-50, 200).map(lambda minute: minute / 2),
        st.sampled_from([*["a"] * 8, "b", None]),
        st.sampled_from([*["checkout"] * 8, "basket", None]),
        st.sampled_from([*[None] * 12, 7, 8]),
        st.sampled_from(["webhook", "webhook", "poll", ""]),
    ),
    min_size=12,
    max_size=24,
)
_DONE = st.lists(
    st.tuples(
        st.integers(0, 23),
        st.sampled_from(
            ["retract", "move", "regroup", "link", "link other", "unlink", "redact", "take back"]
        ),
    ),
    max_size=4,
)
_SPANS = st.tuples(*[st.none() | st.integers(-60, 210).map(lambda minute: minute / 2)] * 2)


def record(log, errors, done, is_over, second):
    """Record errors and what people did to some, in an incident beside which another may be."""
    log.append([b.settings(service=None, settings={})])
    log.decide("INC-1", lambda _: [b.declared(5, services=("checkout", "basket"))])
    facts = [
        b.error(
            minute,
            error_id=f"e{number if error_id is None else error_id}",
            group=group,
            service=service,
            title=f"{group} {number % 7}",
        )
        for number, (minute, group, service, error_id, _) in enumerate(errors)
    ]
    arrivals = [Arrival(via=via) for *_, via in errors]
    log.append([Incoming(event=fact, arrival=one) for fact, one in zip(facts, arrivals, strict=True)])
    if is_over:
        log.decide("INC-1", lambda _: [b.resolved(30)])
    if second:
        log.decide("INC-2", lambda _: [b.declared(second, incident="INC-2")])
    for number, (which, what) in enumerate(done):
        correct(log, facts[which % len(facts)], 101 + number, what, "INC-2" if second else "INC-1")


def correct(log, fact, minute, what, other):
    """Record one thing that people do to a fact."""
    incident = other if what == "link other" else "INC-1"
    if what == "redact":
        (held,) = log.by_ids([b.event_id(fact)])
        if held.redacted is None:
            log.redact([redact(held, by="ada", now=b.at(minute), why="a name")])
    elif what == "retract":
        log.append([b.retracted(fact, minute, incident=None)])
    elif what in ("move", "regroup"):
        changes = {"occurred_at": b.at(7)} if what == "move" else {"group": "b"}
        log.append([b.amended(fact, minute, incident=None, changes=changes)])
    else:
        link = b.unlinked(fact, minute) if what == "unlink" else b.linked(fact, minute, incident=incident)
        log.decide(incident, lambda _: [link])
        if what == "take back":
            log.append([b.retracted(link, minute + 0.5, incident=None)])


@hypothesis_settings(max_examples=20, deadline=None)
@given(_ERRORS, _DONE, st.booleans(), st.sampled_from([None, 10, 33, 60]), _SPANS, st.sampled_from([40, 400]))
def test_answers_are_those_of_every_event(tmp_path_factory, errors, done, is_over, second, span, now):
    """
    Of any errors, corrections, links and redactions, in one incident or two of a service, and of any span.
    """
    start, end = (None if minute is None else b.at(minute) for minute in span)
    path = tmp_path_factory.mktemp("log") / "t.db"
    with Log(str(path), now=lambda: b.at(now)) as log:
        record(log, errors, done, is_over, second)
        for name in ["INC-1", "INC-2"][: 2 if second else 1]:
            incident = fold(name, log.incident(name))
            folded = dossier_of(log, incident, None, b.at(200), parts=Part.STORY | Part.WORK)
            more = [event for error in folded.repeats for event in error.events()]
            every = sorted([*folded.recorded, *more], key=lambda event: event.position)
            plain = replace(folded, recorded=every, repeats=())

            assert len({event.id for event in every}) == len(every)
            assert all(event in every for event in log.select(windows(incident)))
            for order in ("occurred", "recorded"):
                asked = {"start": start, "end": end, "order": order}
                assert timeline(folded, **asked) == timeline(plain, **asked)
            assert facts_of(folded) == facts_of(plain)
            assert folded.last_recorded_at == plain.last_recorded_at
