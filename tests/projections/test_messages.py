"""What the team was told, when it is to hear next, and what was promised and did not come."""

from datetime import timedelta

import pytest

from projections.changes import changes
from projections.dossier import Dossier
from projections.messages import State, messages, sent
from projections.procedure.advice import advice, overdue_messages
from projections.procedure.check import check
from projections.procedure.rule import ProcedureLimits
from projections.timeline import timeline
from projections.updates import TOLD_LATE, missed_etas, promised
from reports.wording.procedure import todo
from reports.wording.timeline import detail, title
from tests import builders as b
from tests.builders import at, recorded
from tests.projections.procedure.histories import evidence
from tracker.events.base import event_id
from tracker.incident import fold

LIMITS = ProcedureLimits(alert_team_within=timedelta(minutes=5), update_every=timedelta(minutes=10))


def due_of(*events, now, told=None):
    """The messages that are due by a minute, as `tracker show` and `tracker serve` say it."""
    found = evidence(*events, now=now, procedure=LIMITS, told=told)
    return overdue_messages(advice(check(found), found.now))


def incident(*events, name="INC-1"):
    return fold(name, recorded(*events))


def test_a_message_goes_from_waiting_to_sent():
    """
    Each step says where it stands; what was sent keeps when, by whom and what it promised.
    """
    waits = b.prepared(8, eta=at(23))
    steps = [waits, b.posting(waits), b.sent(8.2, prepared=event_id(waits), eta=at(23), attempts=2)]

    [first], [second], [third] = (messages(recorded(*steps[: n + 1])) for n in range(3))

    assert [each.state for each in (first, second, third)] == [State.WAITING, State.POSTING, State.SENT]
    assert (third.sent_at, third.eta, third.by, third.by_hand, third.attempts) == (
        at(8.2),
        at(23),
        "ada",
        False,
        2,
    )


def test_what_failed_for_now_waits_and_what_failed_for_good_does_not():
    """
    The reason stays; the attempts add up.
    """
    waits = b.prepared(8)
    again = b.not_sent(waits, 8.1, retry_at=at(9), attempts=3)

    [first] = messages(recorded(waits, again))
    [second] = messages(recorded(waits, again, b.not_sent(waits, 9, attempts=1)))
    [third] = messages(recorded(waits, again, b.not_sent(waits, 9, attempts=1, unsure=True)))

    assert (first.state, first.retry_at, first.attempts) == (State.WAITING, at(9), 3)
    assert (second.state, second.attempts, second.reason) == (
        State.FAILED,
        4,
        "Slack answered 404: no_service",
    )
    assert third.state is State.UNSURE


def test_what_was_sent_stays_sent():
    """
    Somebody who thought it was given up does not make it unsaid.
    """
    waits = b.prepared(8)
    posted = b.sent(8.2, prepared=event_id(waits))

    for steps in (
        [waits, posted, b.not_sent(waits, 9, unsure=True)],
        [waits, b.not_sent(waits, 8, unsure=True), posted],
    ):
        assert [each.state for each in messages(recorded(*steps))] == [State.SENT]


def test_what_was_posted_by_hand_is_a_message_of_its_own():
    """
    It is as good as any, unless it is struck out.
    """
    by_hand = b.sent(9)

    assert [each.by_hand for each in sent(messages(recorded(by_hand)))] == [True]
    assert sent(messages(recorded(by_hand, b.retracted(by_hand)))) == []


def test_the_timeline_shows_what_became_of_a_message():
    """
    One row a message: posted, not posted or waiting; its way is for `--order recorded`.
    """
    one, two, three = (b.prepared(minute, kind="update", text=f"text {minute}") for minute in (8, 9, 10))
    history = recorded(
        b.declared(7),
        *(
            one,
            b.posting(one),
            b.not_sent(one, 8.2, retry_at=at(8.5)),
            b.sent(8.6, kind="update", prepared=event_id(one), eta=at(23)),
        ),
        *(two, b.not_sent(two, 9.5)),
        three,
        b.eta_missed(one, 23),
    )
    rows = timeline(Dossier.of("INC-1", history))

    assert [(title(row), row.by) for row in rows[1:]] == [
        ("Team updated", "ada"),
        ("The initial message was not posted", "tracker"),
        ("Message to be posted: update", "ada"),
        ("The promised time passed", "tracker"),
    ]
    assert "promised for 2026-03-01 14:23 UTC" in (detail(rows[1]) or "")
    assert len(timeline(Dossier.of("INC-1", history), order="recorded")) == len(history)


# ── when the team is to hear next ────────────────────────────────────────────


@pytest.mark.parametrize(
    ("events", "kind", "minute"),
    [
        ([b.declared(7)], "initial", 12),
        ([b.declared(7), b.milestone(4, "detected")], "initial", 9),
        ([b.alert(4), b.declared(7)], "initial", 9),
        ([b.declared(7), b.note(9)], "initial", 19),
        ([b.declared(7), b.sent(9)], "update", 19),
        ([b.declared(7), b.sent(9), b.sent(15, kind="update")], "update", 25),
        ([b.declared(7), b.sent(15, kind="update"), b.sent(9)], "update", 25),
        ([b.declared(7), b.prepared(9)], "initial", 12),
        ([b.declared(7), b.sent(9), b.resolved(20), b.reopened(30)], "update", 40),
    ],
    ids=[
        "declared",
        "detected",
        "an alert before",
        "a note",
        "alerted",
        "updated",
        "in another order",
        "only prepared",
        "reopened",
    ],
)
def test_the_next_message_is_due_so_long_after_the_last(events, kind, minute):
    """
    The alert after the detection, else the declaration; an update after what was really posted.
    """
    [due] = due_of(*events, now=60)

    assert (todo(due.next_step), due.due_at) == (f"tracker message INC-1 {kind}", at(minute))


@pytest.mark.parametrize(
    "events",
    [[b.declared(7), b.resolved(20)], [b.declared(7), b.merged(20)]],
    ids=["over", "merged"],
)
def test_nothing_is_due_of_what_is_not_open(events):
    """
    Nobody waits for news of it.
    """
    assert due_of(*events, now=60) == []


def test_nothing_is_due_of_what_is_told_of_afterwards():
    """
    A declaration that is typed a day later begins no clock.
    """
    assert due_of(b.declared(7), told=24 * 60, now=25 * 60) == []


def test_what_is_not_due_yet_is_no_reminder():
    """
    Two minutes are left.
    """
    assert due_of(b.declared(7), now=10) == []


# ── what was promised ────────────────────────────────────────────────────────

PROMISE = b.sent(9, eta=at(23))


@pytest.mark.parametrize(
    ("later", "missed"),
    [
        ([], True),
        ([b.deploy(20)], False),
        ([b.deploy(23)], False),
        ([b.deploy(24)], True),
        ([b.deploy(8)], True),
        ([b.rollback(20)], False),
        ([b.deploy_failed(20)], True),
        ([b.deploy(20, service="search")], True),
        ([b.resolved(22)], False),
        ([b.resolved(24)], True),
        ([b.sent(20, kind="update", eta=at(40))], False),
        ([b.sent(24, kind="update", eta=at(40))], True),
        ([b.sent(20, kind="update")], True),
        ([b.prepared(20, kind="update", eta=at(40))], True),
        ([b.retracted(PROMISE, 24)], False),
    ],
    ids=[
        *("nothing", "deployed", "just in time", "too late", "before the promise", "rolled back", "failed"),
        *("another service", "resolved", "resolved late", "renewed", "renewed late", "an update without one"),
        *("renewed, not posted", "struck out"),
    ],
)
def test_a_promise_is_missed_unless_it_was_kept_or_renewed_in_time(later, missed):
    """
    A fix, the end or a newer promise, between the message and what it promised.
    """
    history = recorded(b.declared(7), PROMISE, *later)

    found = missed_etas(fold("INC-1", history), changes(history), at(30))

    assert [(each.occurred_at, each.message) for each in found] == (
        [(at(23), event_id(PROMISE))] if missed else []
    )


def test_a_promise_is_not_missed_before_its_time():
    """
    A little grace for the source that tells of the deploy.
    """
    history = recorded(b.declared(7), PROMISE)
    held = fold("INC-1", history)

    assert missed_etas(held, [], at(23) + TOLD_LATE - timedelta(seconds=1)) == []
    [first] = missed_etas(held, [], at(23) + TOLD_LATE)
    [again] = missed_etas(held, [], at(50))
    assert event_id(first) == event_id(again)


def test_a_promise_that_is_told_of_afterwards_is_not_held_missed():
    """
    Its deploy may be typed next.
    """
    history = recorded(b.declared(7), PROMISE, minute=60)

    assert missed_etas(fold("INC-1", history), [], at(90)) == []


def test_the_last_promise_is_that_of_the_last_message_that_made_one():
    """
    An update without one leaves it standing.
    """
    held = incident(b.declared(7), PROMISE, b.sent(15, kind="update"))

    found = promised(held)

    assert found is not None
    assert found.eta == at(23)
    assert promised(incident(b.declared(7))) is None


def test_what_was_promised_before_a_relapse_promises_nothing_now():
    """
    It was for the outage that was resolved; a promise made since then goes on.
    """
    relapse = (b.declared(7), PROMISE, b.resolved(12), b.reopened(14))

    assert promised(incident(*relapse)) is None
    found = promised(incident(*relapse, b.sent(15, kind="update", eta=at(40))))
    assert found is not None
    assert found.eta == at(40)
