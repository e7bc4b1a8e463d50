"""Which reminders are prepared: once, at their time, on any store."""

from datetime import date, timedelta

import pytest

from tests.builders import action, action_done, amended, at, declared, resolved, retracted, sent
from tracker.application.announcing import announce_due, record_announcing
from tracker.application.session import Options, Session
from tracker.log import Log
from tracker.server.announcer import Announcer
from tracker.server.telemetry import Telemetry

TOML = '[tracker]\n[slack]\nwebhook_url_env = "S"\n[webhook]\nurl_env = "W"\nannounce = ["declared"]\n'
ITEM = action(owner="Ben", text="Alert on the pool", due_on=date(2026, 3, 2))
OVER = timedelta(days=2)


class Days:
    """Our time, in days from the builders' hour."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self):
        return at(61) + self.passed


@pytest.fixture
def days():
    return Days()


@pytest.fixture
def session(store_url, tmp_path, days):
    """A session whose INC-42 was resolved in January, on a log that announces."""
    (tmp_path / "tracker.toml").write_text(TOML)
    with Log(store_url, now=days) as log:
        found = Session(Options(config=str(tmp_path / "tracker.toml")), log=log, clock=days)
        record_announcing(found)
        log.decide("INC-42", lambda held: [declared(incident="INC-42"), resolved(incident="INC-42")])
        days.passed = timedelta(minutes=1)
        yield found


def decide(session, *events):
    session.log.decide("INC-42", lambda held: list(events))


def announced(session):
    made = [each.event for each in announce_due(session, [])]
    return [each for each in made if each.about and "due:" in each.about and "action item" in each.text]


def test_an_overdue_action_item_is_announced_once(session, days):
    """
    When its day is over, where that is wanted, with its owner and what to type; a later day makes it due once more.
    """
    decide(session, ITEM)
    assert announced(session) == []
    days.passed = OVER
    [made] = announced(session)
    again = announced(session)
    days.passed += timedelta(days=9)
    much_later = announced(session)

    assert made.channel == "slack"
    assert made.text.splitlines()[0] == "⏰ DUE - action item: Alert on the pool (INC-42)"
    assert "Owner: Ben" in made.text
    assert "Due on: 2026-03-02, overdue" in made.text
    assert f"Type: tracker action done {made.about[-7:]} --proof URL" in made.text
    assert again == much_later == []
    decide(session, amended(ITEM, changes={"due_on": date(2026, 3, 20)}))
    assert announced(session) == []
    days.passed = timedelta(days=30)
    assert len(announced(session)) == 1


@pytest.mark.parametrize("ended", [action_done(ITEM, minute=60.5), retracted(ITEM, minute=60.5)])
def test_what_is_done_or_taken_back_is_not_announced(session, days, ended):
    """
    Nobody has to do it any more.
    """
    decide(session, ITEM, ended)
    days.passed = OVER

    assert announced(session) == []


def test_what_was_overdue_before_the_channel_was_configured_is_not_announced(session, days):
    """
    Else a first start would post the debts of years.
    """
    decide(session, action(due_on=date(2026, 2, 20)))
    days.passed = OVER

    assert announced(session) == []


def test_each_thing_that_is_due_is_announced_once(session, days):
    """
    The first message, then an update after the last message; what was announced waits for the next message.
    """
    announcer = Announcer(session, Telemetry())
    begins = session.log.now()
    session.log.decide("INC-9", lambda held: [declared(incident="INC-9", occurred_at=begins)])

    def due_after(minutes: float) -> list[str]:
        days.passed = begins - at(61) + timedelta(minutes=minutes)
        before = len(reminders(session))
        announcer.remind()
        return [event.text.splitlines()[0] for event in reminders(session)[before:]]

    first = [due_after(minute) for minute in (1, 6, 8)]
    posted = sent(incident="INC-9", occurred_at=session.log.now())
    session.log.decide("INC-9", lambda held: [posted])
    second = [due_after(minute) for minute in (9, 14, 15)]

    assert [len(lines) for lines in first] == [0, 1, 0]
    assert "the team" in first[1][0]
    assert [lines[0].split(" (")[0] if lines else None for lines in second] == [
        None,
        "⏰ DUE - update the team",
        None,
    ]


def reminders(session):
    prepared = [each.event for each in session.log.read_all(("message-prepared",))]
    return [
        event for event in prepared if event.incident == "INC-9" and event.about and "due:" in event.about
    ]
