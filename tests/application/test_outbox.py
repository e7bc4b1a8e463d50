"""The outbox: what was decided to be posted is posted once, whatever dies in between."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.messages import Message, State, messages
from projections.timeline import timeline
from reports.wording.timeline import title
from tests.builders import at, declared, prepared, retracted, sent
from tests.servers.slack import SECRET, Reply
from tracker.application.channels.posting import Answer, PostOutcome
from tracker.application.channels.slack import Slack
from tracker.application.outbox import OUT_OF_DATE, TAKEN_FOR, VIA, deliver, waiting
from tracker.errors import StoreAwayError, StoreError
from tracker.events.base import Arrival, Incoming
from tracker.events.messages import MessageFailed, MessagePosting, MessageSent
from tracker.log import Log

pytestmark = pytest.mark.slow

POSTED = Answer(PostOutcome.POSTED, "ok")
LATER = Answer(PostOutcome.LATER, "Slack answered 503")
REFUSED = Answer(PostOutcome.REFUSED, "Slack answered 404 (no_service)")
UNKNOWN = Answer(PostOutcome.UNKNOWN, "Slack did not answer within 10 s")


class Clock:
    """Our time, in minutes from 14:00; it does not move by itself."""

    def __init__(self, minute: float = 9) -> None:
        self.minute = minute

    def __call__(self):
        return at(self.minute)

    def sleep(self, seconds: float) -> None:
        self.minute += seconds / 60


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(store_url, clock):
    with Log(store_url, now=clock) as log:
        log.decide("INC-1", lambda held: [declared()])
        yield log


def prepare(log, minute=9.0, **fields):
    message = Incoming(event=prepared(minute, **fields), arrival=Arrival(via=VIA))
    return log.decide("INC-1", lambda held: [message]).recorded[0]


def stands(log):
    return {each.text: each.state for each in messages(log.incident("INC-1"))}


class Script:
    """Answers in turn, and keeps what was posted."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.posted: list[str] = []

    def __call__(self, message: Message) -> Answer:
        self.posted.append(message.text)
        return self.answers.pop(0) if self.answers else POSTED


def test_what_was_prepared_is_posted_and_recorded(log, clock, slack):
    """
    The text goes out as it was decided; what was sent, when, by whose word and in how many attempts is in the log.
    """
    name = prepare(log, eta=at(25))

    [done] = deliver(log, {"slack": Slack(slack.url)}, clock)

    assert slack.texts == ["CRITICAL ISSUE - Payments answer 500"]
    assert (done.state, done.said) == (State.SENT, "posted at 2026-03-01T14:09:00.000Z")
    [event] = [each.event for each in log.read_all() if isinstance(each.event, MessageSent)]
    assert (event.prepared, event.decided_by, event.eta, event.attempts) == (name, "ada", at(25), 1)
    assert deliver(log, {"slack": Slack(slack.url)}, clock) == []
    assert len(slack.bodies) == 1


def test_nothing_waits_nothing_is_posted(log, clock):
    """
    An empty outbox asks nobody anything.
    """
    assert deliver(log, {"slack": Script()}, clock) == []


def test_what_fails_for_now_is_tried_again_with_growing_pauses(log, clock, slack):
    """
    A 500, then 200: one message, two posts, a second's pause.
    """
    prepare(log)
    slack.replies = [Reply(500, "oops"), Reply(503)]
    slept = []

    [done] = deliver(log, {"slack": Slack(slack.url)}, clock, sleep=slept.append)

    assert done.state is State.SENT
    assert done.message.attempts == 3
    assert slept == [1.0, 2.0]


def test_slack_says_how_long_to_wait(log, clock, slack):
    """
    Retry-After is honoured: waited here if short, in the outbox if long.
    """
    prepare(log)
    slack.replies = [Reply(429, "", {"Retry-After": "7"}), Reply(429, "", {"Retry-After": "90"})]
    slept = []

    [first] = deliver(log, {"slack": Slack(slack.url)}, clock, sleep=slept.append)
    [early] = deliver(log, {"slack": Slack(slack.url)}, clock)
    clock.minute += 1.5
    [last] = deliver(log, {"slack": Slack(slack.url)}, clock)

    assert slept == [7.0]
    assert (first.state, first.message.retry_at) == (State.WAITING, at(10.5))
    assert (early.state, len(slack.bodies)) == (State.WAITING, 3)
    assert (last.state, last.message.attempts) == (State.SENT, 3)


def test_one_attempt_at_a_time_never_sleeps(log, clock):
    """
    So that a loop that has other things to do is not held up.
    """
    prepare(log)

    [done] = deliver(log, {"slack": Script(LATER)}, clock, sleep=lambda _: pytest.fail("slept"), attempts=1)

    assert done.state is State.WAITING


def test_attempts_end(log, clock):
    """
    A message that cannot be posted for half an hour is given up, with the reason, after a bounded number of posts.
    """
    prepare(log)
    script = Script(*[LATER] * 1000)

    for _ in range(200):
        deliver(log, {"slack": script}, clock, sleep=clock.sleep)
        clock.minute += 0.5

    [message] = messages(log.incident("INC-1"))
    assert message.state is State.FAILED
    assert message.reason is not None
    assert "503" in message.reason
    assert 5 < len(script.posted) == message.attempts <= 33
    assert clock.minute - 9 > 30


@pytest.mark.parametrize(("answer", "state"), [(REFUSED, State.FAILED), (UNKNOWN, State.UNSURE)])
def test_what_is_refused_or_not_known_is_not_tried_again(log, clock, answer, state):
    """
    A wrong address stays wrong; what may have been posted would be posted twice.
    """
    prepare(log)
    script = Script(answer)

    [done] = deliver(log, {"slack": script}, clock)
    clock.minute += 20

    assert done.state is state
    assert deliver(log, {"slack": script}, clock) == []
    assert len(script.posted) == 1


def test_a_message_that_waited_too_long_is_out_of_date(log, clock):
    """
    "Investigating" an hour late misleads.
    """
    prepare(log)
    clock.minute += OUT_OF_DATE / timedelta(minutes=1) + 1
    script = Script()

    [done] = deliver(log, {"slack": script}, clock)

    assert (done.state, done.said) == (State.FAILED, "it waited 31 min and is out of date")
    assert script.posted == []


def test_a_message_that_was_overtaken_is_not_posted(log, clock):
    """
    Nobody reads "not known yet" after "found", whoever posted that.
    """
    prepare(log, kind="update", text="cause not known")
    deliver(log, {"slack": Script(LATER)}, clock, attempts=1)
    log.decide("INC-1", lambda held: [sent(9.5, kind="update", text="cause found")])
    clock.minute += 1
    script = Script()

    [done] = deliver(log, {"slack": script}, clock)

    assert (done.state, script.posted) == (State.FAILED, [])
    assert "a later message was posted before it" in done.said


def test_several_messages_go_out_in_their_order(log, clock):
    """
    Oldest first.
    """
    for number in range(3):
        prepare(log, 9 + number / 100, text=f"message {number}")
    script = Script()

    deliver(log, {"slack": script}, clock)

    assert script.posted == ["message 0", "message 1", "message 2"]


def test_what_did_not_come_by_the_outbox_is_never_posted(log, clock):
    """
    An import, a bundle or a replay brings messages that somebody else sent, or did not.
    """
    log.decide("INC-1", lambda held: [prepared(9)])
    log.decide("INC-1", lambda held: [Incoming(event=prepared(9.1), arrival=Arrival(via="import"))])
    script = Script()

    assert deliver(log, {"slack": script}, clock) == []
    assert script.posted == []


def test_what_was_retracted_in_time_is_not_posted(log, clock):
    """
    Striking it out takes it from the outbox.
    """
    name = prepare(log)
    log.decide("INC-1", lambda held: [retracted(name, 9, incident="INC-1")])
    script = Script()

    assert deliver(log, {"slack": script}, clock) == []
    assert stands(log) == {"CRITICAL ISSUE - Payments answer 500": State.RETRACTED}


def test_striking_out_that_it_was_posted_does_not_post_it_again(log, clock):
    """
    The record may be wrong in people's eyes; the post cannot be taken back.
    """
    prepare(log)
    deliver(log, {"slack": Script()}, clock)
    [event] = [each for each in log.read_all() if isinstance(each.event, MessageSent)]
    log.decide("INC-1", lambda held: [retracted(event.id, 10, incident="INC-1")])
    clock.minute += 5
    script = Script()

    assert deliver(log, {"slack": script}, clock) == []
    assert script.posted == []


class KilledError(BaseException):
    """The process is gone: nothing after this runs."""


def test_cut_off_before_it_was_taken_it_is_posted_later(log, clock):
    """
    The message was recorded, nothing else: it was surely not posted.
    """
    prepare(log)
    script = Script()

    [done] = deliver(log, {"slack": script}, clock)

    assert (done.state, len(script.posted)) == (State.SENT, 1)


@pytest.mark.parametrize("posted", [True, False])
def test_cut_off_while_posting_it_is_said_that_nobody_knows(log, clock, posted):
    """
    Between taking it and recording what became of it lies the post: it is not posted again, and that is said.
    """
    prepare(log)

    def killed(text):
        raise KilledError

    with pytest.raises(KilledError):
        deliver(log, {"slack": killed}, clock)
    script = Script()
    [soon] = deliver(log, {"slack": script}, clock)
    clock.minute += TAKEN_FOR / timedelta(minutes=1)
    [late] = deliver(log, {"slack": script}, clock)

    assert (soon.state, late.state) == (State.POSTING, State.UNSURE)
    assert "cut off" in soon.said
    assert "may have been posted" in late.said
    assert script.posted == []
    assert deliver(log, {"slack": script}, clock) == []
    titles = [title(row) for row in timeline(Dossier.of("INC-1", log.incident("INC-1")))]
    assert "The initial message may or may not have been posted" in titles


def test_ctrl_c_in_a_pause_leaves_it_waiting(log, clock):
    """
    Between two posts it is known that nothing was posted.
    """
    prepare(log)

    def interrupted(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(log, {"slack": Script(LATER)}, clock, sleep=interrupted)
    [done] = deliver(log, {"slack": Script()}, clock)

    assert done.state is State.SENT


def test_a_machine_that_slept_does_not_post_what_was_given_up(log, clock):
    """
    A laptop closed in a pause wakes up hours later: by then others have said that nobody knows.
    """
    prepare(log)

    def asleep(seconds):
        clock.minute += 600
        deliver(log, {"slack": Script()}, clock)

    script = Script(LATER)
    [done] = deliver(log, {"slack": script}, clock, sleep=asleep)

    assert len(script.posted) == 1
    assert done.state is State.UNSURE


def test_a_post_that_cannot_be_recorded_is_told(log, clock, monkeypatch):
    """
    The store went away meanwhile: the person reads that it was posted, and what to type later.
    """
    prepare(log)
    decide = log.decide

    def post(text):
        def away(stream, decision):
            raise StoreAwayError("postgresql://db/tracker does not answer")

        monkeypatch.setattr(log, "decide", away)
        return POSTED

    with pytest.raises(StoreError, match=r"was posted at .* could not be recorded") as told:
        deliver(log, {"slack": post}, clock)
    monkeypatch.setattr(log, "decide", decide)

    assert "tracker message INC-1 --sent" in told.value.hint


def test_many_at_once_post_it_once(store_url, log, clock, slack):
    """
    Four deliver at the same instant; one takes it.
    """
    prepare(log)
    slack.replies = [Reply(after_seconds=0.2)]
    ready = threading.Barrier(4)
    found = []

    def one():
        with Log(store_url, now=clock) as mine:
            ready.wait()
            found.extend(deliver(mine, {"slack": Slack(slack.url)}, clock))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(slack.bodies) == 1
    assert [each.state for each in found].count(State.SENT) == 1
    assert stands(log) == {"CRITICAL ISSUE - Payments answer 500": State.SENT}


def test_reading_and_rebuilding_post_nothing(log, clock):
    """
    Who reads the log, in whatever way, asks nothing of anybody: only deliver takes something to post with.
    """
    prepare(log)
    before = log.position

    messages(log.read_all())
    timeline(Dossier.of("INC-1", log.incident("INC-1")))
    log.verify()

    assert log.position == before
    assert len(waiting(log, clock())) == 1


def test_the_secret_is_nowhere_in_the_log(log, clock, slack):
    """
    Neither after a post, nor after each way in which one fails.
    """
    for number, reply in enumerate([Reply(404, f"{SECRET} is gone"), Reply(drops=True), Reply(500), Reply()]):
        prepare(log, 9 + number, text=f"message {number}")
        slack.replies = [reply]
        deliver(log, {"slack": Slack(slack.url, answer_seconds=1)}, clock, attempts=1)
        clock.minute += 1

    assert len(slack.bodies) >= 4
    assert not any("XXXX" in str(each) or "T0000" in str(each) for each in log.read_all())


# ── kill -9 ──────────────────────────────────────────────────────────────────

_KILLED = """
import os, signal, sys
from tracker.log import Log
from tracker.application.outbox import deliver
from tracker.application.channels.slack import Slack
from tests.builders import at
log = Log(sys.argv[1], now=lambda: at(9))
slack, where = Slack(sys.argv[2]), sys.argv[3]
def post(text):
    if where == "after":
        assert slack(text).said == "ok"
    os.kill(os.getpid(), signal.SIGKILL)
if where == "taken":
    log.decide = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
deliver(log, {"slack": post})
"""


@pytest.mark.parametrize(
    ("where", "posts", "state"),
    [("taken", 1, State.SENT), ("before", 0, State.UNSURE), ("after", 1, State.UNSURE)],
)
def test_kill_9_at_each_place(store_url, log, clock, slack, where, posts, state):
    """
    Before it is taken: posted later, once. Around the post: never posted again, and said so.
    """
    prepare(log)

    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, store_url, slack.url, where],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=120,
    )
    clock.minute += TAKEN_FOR / timedelta(minutes=1)
    deliver(log, {"slack": Slack(slack.url)}, clock)
    deliver(log, {"slack": Slack(slack.url)}, clock)

    assert killed.returncode == -signal.SIGKILL
    assert len(slack.bodies) == posts
    assert list(stands(log).values()) == [state]


# ── whatever happens ─────────────────────────────────────────────────────────


class Disturbed:
    """A log in which something happens before or after the so manieth write: the process dies, another delivers."""

    def __init__(self, log, at, after, happens):
        self._log, self._left, self._after, self._happens = log, at, after, happens
        self.now = log.now

    def __getattr__(self, name):
        return getattr(self._log, name)

    def decide(self, stream, decision):
        self._left -= 1
        if self._left == 0 and not self._after:
            self._happens()
        appended = self._log.decide(stream, decision)
        if self._left == 0 and self._after:
            self._happens()
        return appended


ANSWERS = st.sampled_from(
    ["posted", "later", "refused", "unknown", "killed before", "killed after", "another delivers", "slept"]
)
STEPS = st.one_of(
    st.just(("prepare",)),
    st.just(("by hand",)),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 1.0, 5.0, 40.0, -3.0])),
    st.tuples(st.just("deliver"), st.lists(ANSWERS, max_size=5), st.integers(1, 3)),
    st.tuples(
        st.sampled_from(["dying", "racing"]), st.lists(ANSWERS, max_size=5), st.integers(1, 5), st.booleans()
    ),
    st.tuples(st.just("sleeping"), st.lists(ANSWERS, max_size=5)),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=14))
def test_whatever_is_cut_off_no_message_goes_out_twice(tmp_path_factory, steps):
    """
    For every order of preparing, delivering, dying, sleeping and clocks that jump: a text that was posted, or
    may have been, is not posted again; and one that is recorded as sent was.
    """
    clock = Clock()
    out: dict[str, int] = {}
    made = 0
    with Log(str(tmp_path_factory.mktemp("outbox") / "tracker.db"), now=clock) as log:
        log.decide("INC-1", lambda held: [declared()])

        def posting(answers):
            left = list(answers)

            def post(message):
                text, answer = message.text, left.pop(0) if left else "posted"
                assert stands(log)[text] not in (State.SENT, State.UNSURE, State.FAILED, State.RETRACTED)
                assert out.get(text, 0) == 0, f"{text} was posted, or may have been, already"
                if answer in ("posted", "unknown", "killed after", "another delivers", "slept"):
                    out[text] = out.get(text, 0) + 1
                if answer in ("killed before", "killed after"):
                    raise KilledError
                if answer == "another delivers":
                    deliver(log, {"slack": posting(left)}, clock, sleep=clock.sleep)
                if answer == "slept":
                    clock.minute += 600
                    deliver(log, {"slack": posting(left)}, clock, sleep=clock.sleep)
                said = {"later": LATER, "refused": REFUSED, "unknown": UNKNOWN}
                return said.get(answer, POSTED)

            return post

        def die():
            raise KilledError

        def asleep(seconds):
            clock.minute += 20
            deliver(log, {"slack": posting([])}, clock, sleep=clock.sleep)

        for step in steps:
            try:
                match step:
                    case ("prepare",):
                        made += 1
                        prepare(log, clock.minute, text=f"message {made}")
                    case ("by hand",):
                        made += 1
                        log.decide("INC-1", lambda held, n=made: [sent(clock.minute, text=f"by hand {n}")])
                    case ("pass", minutes):
                        clock.minute += minutes
                    case ("deliver", answers, attempts):
                        deliver(log, {"slack": posting(answers)}, clock, sleep=clock.sleep, attempts=attempts)
                    case ("dying", answers, at_write, after):
                        deliver(
                            Disturbed(log, at_write, after, die),
                            {"slack": posting(answers)},
                            clock,
                            sleep=clock.sleep,
                        )
                    case ("racing", answers, at_write, after):
                        other = partial(
                            deliver, log, {"slack": posting(answers[1:])}, clock, sleep=clock.sleep
                        )
                        deliver(
                            Disturbed(log, at_write, after, other),
                            {"slack": posting(answers[:1])},
                            clock,
                            sleep=clock.sleep,
                        )
                    case ("sleeping", answers):
                        deliver(log, {"slack": posting(answers)}, clock, sleep=asleep)
            except KilledError:
                pass
        clock.minute += 5_000
        deliver(log, {"slack": posting([])}, clock)

        assert all(count == 1 for count in out.values())
        for text, state in stands(log).items():
            assert state in (State.SENT, State.UNSURE, State.FAILED)
            if state is State.SENT and not text.startswith("by hand"):
                assert out[text] == 1
            if out.get(text):
                assert state in (State.SENT, State.UNSURE)


def test_who_takes_a_message_says_so_before_it_is_posted(log, clock):
    """
    Without that event, a crash after the post could not be told from one before it.
    """
    prepare(log)
    seen = []

    def post(text):
        seen.extend(each.event for each in log.read_all())
        return REFUSED

    deliver(log, {"slack": post}, clock)

    assert isinstance(seen[-1], MessagePosting)
    assert isinstance(list(log.read_all())[-1].event, MessageFailed)
