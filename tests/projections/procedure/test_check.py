"""Each rule of the procedure that does not stand on git: met, late, missed, waived, unknown, not applicable."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.procedure.check import RULES, check, findings, waivers
from projections.procedure.rule import ProcedureLimits, Status
from reports.wording.procedure import actual, expected, says, todo
from tests import builders as b
from tests.builders import at
from tests.projections.procedure.histories import (
    DECLARED,
    FIX,
    FIXED,
    STARTED,
    answers,
    evidence,
    followed,
    ids,
    message,
    without,
)
from tracker.events.base import event_id
from tracker.events.changes import TestsFinished
from tracker.events.incidents import IncidentResolved, NoteAdded
from tracker.events.messages import MessageSent
from tracker.events.procedure import RULE_NAMES
from tracker.events.reviews import ReportPublished
from tracker.events.verdicts import CheckMade, VerdictsGiven

MINE = (
    "team_alerted",
    "tested_before_deploy",
    "deployed_in_time",
    "verified",
    "watched_10m",
    "watched_1h",
    "watched_1d",
    "rolled_back_when_not_fixed",
    "updates_on_time",
    "report_written",
)
OTHER_SHA = "c" * 40
WORSE = b.verdict(baseline="before_change", verdict="regressed", strength=3.0)
DEGRADED = b.verdict(verdict="still_degraded")
#: What waits for a verdict that says that nothing had to be taken back.
KEPT = dict.fromkeys(MINE, Status.MET) | {"rolled_back_when_not_fixed": Status.NOT_APPLICABLE}


def statuses(*events, **options):
    return {name: each.status for name, each in answers(*events, **options).items() if name in MINE}


def one(name, *events, **options):
    return answers(*events, **options)[name]


# ── all of them ──────────────────────────────────────────────────────────────


def test_what_was_followed_is_met_with_its_events_named():
    """
    Of an incident that was fought by the book nothing is found.
    """
    found = answers(*followed())

    assert {name: found[name].status for name in MINE} == KEPT
    assert findings(list(found.values())) == []
    assert all(found[name].evidence for name in MINE)
    assert all(actual(found[name]) for name in MINE if found[name].status is Status.MET)


def test_of_an_incident_of_which_only_the_declaration_is_known_every_rule_is_unknown():
    """
    Absence of evidence is no evidence: neither met nor missed.
    """
    for now in (5, 6, 60 * 24 * 30):
        assert set(statuses(b.declared(5), now=now).values()) == {Status.UNKNOWN}
        assert set(statuses(b.declared(5), b.resolved(32), now=now).values()) == {Status.UNKNOWN}


@pytest.mark.parametrize("name", MINE)
def test_a_rule_whose_evidence_is_removed_is_unknown(name):
    """
    For each rule: without the very events that it named, and without those that it names then.
    """
    left = followed()
    answer = one(name, *left)
    while answer.evidence and answer.status is not Status.UNKNOWN:
        left = [each for each in left if event_id(each) not in answer.evidence]
        answer = one(name, *left)

    assert answer.status is Status.UNKNOWN, says(answer)
    assert answer.late_seconds is None


HISTORIES = {
    "followed": followed(),
    "late": [
        *DECLARED, message(12, "initial"), message(19), b.run_of_tests(40), FIX, FIXED,
        b.verdicts(FIX, 60, verdicts=(DEGRADED,)), b.resolved(70), b.published(9_000, incident="INC-1"),
    ],
    "gaps": [
        *DECLARED, b.note(6), message(7, "initial"), message(40), b.run_of_tests(17, exit_code=1), FIX,
        *(b.check(FIX, 20 + due / 60, due_seconds=due) for due in (60, 240)), b.resolved(70),
        message(71, "resolved"), b.reviewed(80, incident="INC-1"),
    ],
    "rolled back": [
        *DECLARED, FIX, b.verdicts(FIX, 30, verdicts=(WORSE,)), b.rollback(34, version="1.4.1"), b.resolved(50),
    ],
}  # fmt: skip
_EVIDENCE = (MessageSent, NoteAdded, CheckMade, VerdictsGiven, ReportPublished, type(FIX), type(STARTED))


@given(st.data())
def test_removing_evidence_never_makes_a_rule_met(data):
    """
    Whatever of what people and sources did is taken away: what was not met does not become so.

    A failed test run is no evidence for a rule but against it: that one may be retracted.
    """
    history = HISTORIES[data.draw(st.sampled_from(sorted(HISTORIES)))]
    removable = [
        each
        for each in history
        if isinstance(each, (*_EVIDENCE, TestsFinished)) and not getattr(each, "exit_code", None)
    ]
    gone = data.draw(st.sets(st.sampled_from(removable)) if removable else st.just(set()))

    now = 60 * 24 * 30
    before = statuses(*history, now=now)
    after = statuses(*[each for each in history if each not in gone], now=now)

    for name in MINE:
        assert not (after[name] is Status.MET and before[name] is not Status.MET), name


def test_rules_are_answered_in_the_order_of_the_procedure():
    """
    Whatever order they stand in the table, and each once.
    """
    names = [each.rule for each in check(evidence(b.declared(5)))]

    assert names == [name for name in RULE_NAMES if name in RULES]
    assert len(RULE_NAMES) == len(set(RULE_NAMES)) == 19


@pytest.mark.parametrize(
    "over",
    [b.resolved(32, resolution="false-alarm"), b.merged(32, into="INC-2")],
    ids=["false alarm", "merged"],
)
def test_of_a_false_alarm_and_of_what_goes_on_under_another_number_nothing_is_asked(over):
    """
    Not applicable, with the reason.
    """
    history = without(followed(), IncidentResolved)

    found = answers(*history, over)

    assert {found[name].status for name in MINE} == {Status.NOT_APPLICABLE}
    assert "false alarm" in says(found["verified"]) or "INC-2" in says(found["verified"])


def test_what_went_away_by_itself_needed_no_fix_but_an_alert_and_a_report():
    """
    Nobody links a fix where there was none.
    """
    found = statuses(*DECLARED, b.note(6), b.resolved(32, resolution="went-away"))

    assert found["deployed_in_time"] is found["watched_1d"] is found["verified"] is Status.NOT_APPLICABLE
    assert found["team_alerted"] is Status.MET
    assert found["report_written"] is Status.UNKNOWN


# ── limits run from detection ────────────────────────────────────────────────


def test_limits_run_from_what_people_said_else_from_the_first_alert_else_from_the_declaration():
    """
    An alert that fired after the declaration detected nothing.
    """
    assert evidence(b.declared(5), b.alert(2), b.milestone(3, "detected")).detected_at == at(3)
    assert evidence(b.declared(5), b.alert(2)).detected_at == at(2)
    assert evidence(b.declared(5), b.alert(6)).detected_at == at(5)


# ── the team is alerted ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("events", "status", "named", "late"),
    [
        ([message(8, "initial")], Status.MET, 0, None),
        ([b.note(7)], Status.MET, 0, None),
        ([b.note(7), message(6)], Status.MET, 1, None),
        ([message(9, "initial")], Status.LATE, 0, 60),
        ([b.note(20, precision_seconds=60.0)], Status.LATE, 0, 12 * 60),
        ([b.note(7, decided_by="tracker")], Status.UNKNOWN, None, None),
        ([b.note(1, text="v1.4.2 went out")], Status.UNKNOWN, None, None),
    ],
)
def test_a_message_or_a_persons_note_alerts_the_team(events, status, named, late):
    """
    Within five minutes of the detection; what the tracker says by itself, and what was before, alerts nobody.
    """
    answer = one("team_alerted", *DECLARED, *events, b.resolved(32))

    assert (answer.status, answer.late_seconds) == (status, late)
    assert answer.evidence == (ids(events[named]) if named is not None else ())


def test_a_note_that_was_typed_after_the_limit_is_no_evidence_by_its_time():
    """
    It is dated two minutes after the detection, and was typed half an hour later: that is said, and nothing is met.
    """
    backdated = [*DECLARED, b.note(5)]

    answer = one("team_alerted", *backdated, told=40)

    assert answer.status is Status.UNKNOWN
    assert "2 min after detection (typed at 2026-03-01 14:40 UTC)" in says(answer)
    assert one("team_alerted", *backdated, told=8).status is Status.MET
    assert one("team_alerted", *backdated, told=5.5).status is Status.MET
    assert "typed at" not in says(one("team_alerted", *backdated, told=8))


def test_what_was_recorded_in_time_counts_before_a_note_that_was_not():
    """
    A message and a note, in either order; a late note is late whenever it was typed.
    """
    answer = one("team_alerted", *DECLARED, b.note(5), message(7), told=40)

    assert (answer.status, answer.evidence) == (Status.MET, ids(message(7)))
    assert one("team_alerted", *DECLARED, b.note(12), told=40).status is Status.LATE


def test_a_message_that_was_recorded_afterwards_says_when_it_was_typed():
    """
    Its text was sent by hand; that is a person's word, too.
    """
    assert "(typed at 2026-03-01 14:40 UTC)" in says(one("team_alerted", *DECLARED, message(7), told=40))


TELL = ("Ben (payments)", "Carol (support)")


@pytest.mark.parametrize(
    ("events", "status", "unnamed"),
    [
        ([message(5, text="Tell: Ben (payments), Carol (support)")], Status.MET, None),
        ([message(5, text="we look at it")], Status.UNKNOWN, "Ben (payments), Carol (support)"),
        ([message(5, text="Tell: Ben"), b.note(6, text="rang carol")], Status.MET, None),
        ([message(5, text="Tell: Ben"), b.note(6, decided_by="Carol", text="on it")], Status.MET, None),
        ([message(5, text="Tell: Benjamin, Carol")], Status.UNKNOWN, "Ben (payments)"),
        ([message(5, text="Tell: Ben"), b.note(12, text="rang Carol")], Status.LATE, None),
        ([b.note(12, text="we look at it")], Status.LATE, None),
    ],
)
def test_those_who_are_to_be_told_have_to_be_named(events, status, unnamed):
    """
    By messages and notes together, or as who wrote one; with nobody named it is not known that they were told.
    """
    answer = one("team_alerted", *DECLARED, *events, b.resolved(32), tell=TELL)

    assert answer.status is status
    assert ("no message or note names" in says(answer)) == (unnamed is not None)
    assert unnamed is None or says(answer).rstrip(".").endswith(f"names {unnamed}")
    assert status is not Status.LATE or answer.late_seconds == 4 * 60


def test_a_time_known_to_the_minute_is_late_only_where_it_surely_is():
    """
    The chat says 14:08; the limit ends half a minute into that.
    """
    declared = (b.declared(5), b.milestone(3.5, "detected"))

    assert one("team_alerted", *declared, b.note(9, precision_seconds=60.0)).status is Status.MET
    assert one("team_alerted", *declared, b.note(9)).status is Status.LATE


def test_a_message_that_could_not_be_posted_is_missed_once_its_time_is_over():
    """
    That it was tried and failed is evidence; one that may have been posted is none.
    """
    waits = b.prepared(6)
    failed = [*DECLARED, waits, b.not_sent(waits, 6.2)]
    unsure = [*DECLARED, waits, b.not_sent(waits, 6.2, unsure=True)]

    answer = one("team_alerted", *failed, now=9)

    assert answer.status is Status.MISSED
    assert "no_service" in says(answer)
    assert todo(answer.next_step) == "tracker message INC-1 initial"
    assert one("team_alerted", *failed, now=7).status is Status.UNKNOWN
    assert one("team_alerted", *unsure, now=9).status is Status.UNKNOWN


def test_while_it_burns_the_alert_has_a_time_and_a_command():
    """
    Not of one that is over, nor of one that is told of afterwards.
    """
    answer = one("team_alerted", *DECLARED)

    assert (answer.due_at, todo(answer.next_step)) == (at(8), "tracker message INC-1 initial")
    assert one("team_alerted", *DECLARED, b.resolved(32)).due_at is None
    assert one("team_alerted", *DECLARED, told=60 * 24).due_at is None


# ── updates ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("minutes", "status", "said", "late"),
    [
        ((6, 10, 15), Status.MET, "3 messages, at most 5 min apart", None),
        ((6, 12, 15), Status.LATE, "silent for 6 min", 60),
        ((6, 15), Status.LATE, "silent for 9 min", 240),
        ((6, 16), Status.MISSED, "silent for 10 min", None),
        ((6,), Status.MISSED, "silent for 14 min", None),
    ],
)
def test_updates_come_every_few_minutes_until_it_is_over(minutes, status, said, late):
    """
    A gap of two intervals and more is an update that never came; gaps are named with their lengths.
    """
    answer = one("updates_on_time", *DECLARED, *map(message, minutes), b.resolved(20))

    assert (answer.status, answer.late_seconds) == (status, late)
    assert said in says(answer)
    assert len(answer.evidence) == len(minutes)


def test_a_message_when_it_is_over_is_no_update():
    """
    Nobody heard anything while it lasted; of what was over at once no update was due.
    """
    last = message(33, "resolved")

    answer = one("updates_on_time", *DECLARED, b.resolved(32), last)

    assert (answer.status, answer.evidence) == (Status.MISSED, ids(last))
    assert "silent for 29 min" in says(answer)
    assert one("updates_on_time", *DECLARED, b.resolved(7), last).status is Status.NOT_APPLICABLE


def test_a_note_is_no_update():
    """
    It is for whoever reads the timeline; nobody who waits for news sees it.
    """
    notes = [b.note(minute, text=str(minute)) for minute in (6, 10, 15)]

    assert one("updates_on_time", *DECLARED, *notes, b.resolved(20)).status is Status.UNKNOWN
    assert one("updates_on_time", *DECLARED, message(6), *notes, b.resolved(20)).status is Status.MISSED


def test_while_it_burns_updates_are_open_and_the_next_one_is_due():
    """
    What is on time so far is not met yet; what was silent too long is not on time any more.
    """
    soon = one("updates_on_time", *DECLARED, message(6), message(10), now=13)
    over = one("updates_on_time", *DECLARED, message(6), message(10), now=16)

    assert (soon.status, soon.due_at, todo(soon.next_step)) == (
        Status.UNKNOWN,
        at(15),
        "tracker message INC-1 update",
    )
    assert (over.status, over.due_at) == (Status.LATE, at(15))


def test_nobody_waits_for_news_between_the_end_and_a_reopening():
    """
    From the reopening on an update is owed again.
    """
    calm = [*DECLARED, message(6), message(10), b.resolved(12), b.reopened(60)]

    assert one("updates_on_time", *calm, message(64), b.resolved(66)).status is Status.MET
    assert one("updates_on_time", *calm, message(68), b.resolved(70)).status is Status.LATE
    assert one("updates_on_time", *calm, now=62).due_at == at(65)


def test_after_a_relapse_the_fix_is_awaited_from_then_on():
    """
    The fix of the first time did not last; its deploy is no fix of what burns now.
    """
    first = [*DECLARED, message(6), FIX, FIXED, b.resolved(32), b.reopened(100, why="it is back")]
    again = b.deploy(115, version="1.4.4")
    linked = b.linked(again, 119, role="fixed")

    waiting = one("deployed_in_time", *first, now=110)
    fixed = one("deployed_in_time", *first, again, linked, b.resolved(120))

    assert (waiting.status, waiting.due_at) == (Status.UNKNOWN, at(130))
    assert (fixed.status, fixed.facts["after"], fixed.facts["since"]) == (Status.MET, 900.0, "back")


def test_what_was_deployed_before_a_relapse_is_asked_for_its_tests():
    """
    It did not last, and went out all the same; nothing is asked for the tests of the second one alone.
    """
    first = [*DECLARED, message(6), FIX, b.resolved(32), b.reopened(100, why="it is back")]
    again = [b.deploy(115, version="1.4.4", sha="d" * 40), b.run_of_tests(110, sha="d" * 40), b.resolved(120)]

    untested = one("tested_before_deploy", *first, *again)
    tested = one("tested_before_deploy", b.run_of_tests(17), *first, *again)

    assert untested.status is Status.UNKNOWN
    assert set(ids(FIX)) <= set(untested.evidence)
    assert tested.status is Status.MET


# ── tests ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("runs", "status", "named", "late"),
    [
        ([b.run_of_tests(17)], Status.MET, [0], None),
        ([b.run_of_tests(16, exit_code=1), b.run_of_tests(17)], Status.MET, [1], None),
        ([b.run_of_tests(16), b.run_of_tests(17, exit_code=1)], Status.MISSED, [1], None),
        # By hand the last run counts whatever was typed; of a CI's checks each one does.
        ([b.run_of_tests(16, exit_code=1, command="a"), b.run_of_tests(17, command="b")], Status.MET, [1], None),
        (
            [
                b.run_of_tests(16, exit_code=1, command="unit", source="github"),
                b.run_of_tests(17, command="lint", source="github"),
            ],
            Status.MISSED,
            [0],
            None,
        ),
        ([b.run_of_tests(17, sha=OTHER_SHA)], Status.UNKNOWN, [], None),
        ([b.run_of_tests(17, sha=b.SHA[:10])], Status.MET, [0], None),
        ([b.run_of_tests(17, dirty=True)], Status.UNKNOWN, [], None),
        ([b.run_of_tests(17, service="search")], Status.UNKNOWN, [], None),
        ([b.run_of_tests(17, sha=None)], Status.UNKNOWN, [], None),
        ([b.run_of_tests(19)], Status.LATE, [0], 60),
        ([b.run_of_tests(19, exit_code=1)], Status.MISSED, [0], None),
        ([], Status.UNKNOWN, [], None),
    ],
)  # fmt: skip
def test_the_deployed_commit_was_green_before_its_deploy_began(runs, status, named, late):
    """
    Runs of another commit, of another service or with uncommitted changes show nothing of it.
    """
    answer = one("tested_before_deploy", *DECLARED, STARTED, FIX, FIXED, *runs, b.resolved(32))

    assert (answer.status, answer.late_seconds) == (status, late), says(answer)
    assert set(answer.evidence) == {*ids(*(runs[n] for n in named)), *ids(STARTED, FIX)}


TREE = "7" * 40


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_run_of_another_commit_with_the_same_files_counts(exit_code):
    """
    The merge is deployed and the branch was tested: one tree, so what ran is what was tested, green or red.
    """
    tested = b.commit(14, sha=OTHER_SHA, tree_sha=TREE)
    merge = b.merge_commit(15, sha=b.SHA, tree_sha=TREE)
    run = b.run_of_tests(17, sha=OTHER_SHA[:12], exit_code=exit_code)

    answer = one("tested_before_deploy", *DECLARED, tested, merge, STARTED, FIX, FIXED, run, b.resolved(32))

    assert answer.status is (Status.MISSED if exit_code else Status.MET)
    assert set(answer.evidence) == set(ids(run, tested, merge, STARTED, FIX))
    assert f"{OTHER_SHA[:7]}, the same files as in {b.SHA[:7]}" in says(answer)


@pytest.mark.parametrize(
    ("tested", "deployed", "said"),
    [
        ("8" * 40, TREE, "holds other files"),
        (
            None,
            TREE,
            "which was tested, holds the same files is not known: tracker ingest git --service checkout",
        ),
        (
            TREE,
            None,
            "which was tested, holds the same files is not known: tracker ingest git --service checkout",
        ),
    ],
)
def test_a_run_of_other_files_shows_nothing(tested, deployed, said):
    """
    Main had moved on before the merge, or nobody read what is in it.
    """
    commits = [b.commit(14, sha=OTHER_SHA, tree_sha=tested), b.merge_commit(15, sha=b.SHA, tree_sha=deployed)]
    run = b.run_of_tests(17, sha=OTHER_SHA)

    answer = one("tested_before_deploy", *DECLARED, *commits, STARTED, FIX, FIXED, run, b.resolved(32))

    assert answer.status is Status.UNKNOWN
    assert said in says(answer)


def test_a_run_says_itself_what_it_tested_where_the_commit_is_gone():
    """
    A forge squashed the branch and deleted it before anybody read the clone.
    """
    squashed = b.commit(15, tree_sha=TREE)
    run = b.run_of_tests(14, sha=OTHER_SHA, tree_sha=TREE)

    answer = one("tested_before_deploy", *DECLARED, squashed, STARTED, FIX, FIXED, run, b.resolved(32))

    assert answer.status is Status.MET
    assert set(answer.evidence) == set(ids(run, squashed, STARTED, FIX))


@pytest.mark.parametrize(
    "telling",
    [b.tag(18, name="v1.4.3"), b.released(19, version="1.4.3"), b.branch(16, name="hotfix/v1.4.3")],
    ids=["tag", "release", "branch"],
)
def test_a_deploy_that_names_no_commit_is_that_of_its_version(telling):
    """
    Else its tag, its release or its branch says which; where nothing does, it is unknown.
    """
    bare = b.deploy(20, version="1.4.3", sha=None)
    history = [*DECLARED, bare, b.linked(bare, 21, role="fixed"), b.run_of_tests(17), b.resolved(32)]

    answer = one("tested_before_deploy", *history, telling)

    assert answer.status is Status.MET
    assert event_id(telling) in answer.evidence
    assert one("tested_before_deploy", *history).status is Status.UNKNOWN


def test_a_deploy_by_a_tag_of_two_commits_may_be_of_either():
    """
    So it is unknown whether the tested one was deployed.
    """
    bare = b.deploy(20, version="1.4.3", sha=None)
    history = [*DECLARED, bare, b.linked(bare, 21, role="fixed"), b.run_of_tests(17), b.resolved(32)]
    tagged = [*history, b.tag(18, name="v1.4.3")]

    assert one("tested_before_deploy", *tagged).status is Status.MET

    other = b.tag(19, name="v1.4.3", sha=OTHER_SHA, repository="web")
    assert one("tested_before_deploy", *tagged, other).status is Status.UNKNOWN


@pytest.mark.parametrize("commits", [[], [b.commit(15)]], ids=["unknown commit", "known commit"])
def test_a_version_that_is_a_hash_is_that_commit(commits):
    """
    Whole, or shortened where the commit is known.
    """
    version = b.SHA[:8] if commits else f"checkout@{b.SHA}"
    bare = b.deploy(20, version=version, sha=None)

    history = [*DECLARED, *commits, bare, b.linked(bare, 21, role="fixed"), b.run_of_tests(17)]

    assert one("tested_before_deploy", *history).status is Status.MET


def test_a_branch_that_moved_on_after_the_deploy_does_not_say_what_was_deployed():
    """
    What was seen of it before does.
    """
    bare = b.deploy(20, version="1.4.3", sha=None)
    history = [*DECLARED, bare, b.linked(bare, 21, role="fixed"), b.run_of_tests(17), b.resolved(32)]
    branches = [b.branch(16, name="hotfix/1.4.3"), b.branch(25, name="hotfix/1.4.3", sha=OTHER_SHA)]

    assert one("tested_before_deploy", *history, *branches).status is Status.MET


def test_what_was_put_back_needs_no_test_and_what_nobody_committed_has_none():
    """
    A rollback is not applicable; a deploy out of a dirty clone is unknown, whatever ran for its commit.
    """
    back = b.rollback(20)
    dirty = b.deploy(20, version="1.4.3", sha=b.SHA, dirty=True)

    put_back = one("tested_before_deploy", *DECLARED, back, b.linked(back, 21, role="fixed"), b.resolved(32))
    unclean = one(
        "tested_before_deploy", *DECLARED, b.run_of_tests(17), dirty, b.linked(dirty, 21, role="fixed")
    )

    assert put_back.status is Status.NOT_APPLICABLE
    assert unclean.status is Status.UNKNOWN


# ── the fix ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("minute", "status", "late"), [(20, Status.MET, None), (33, Status.MET, None), (34, Status.LATE, 60)]
)
def test_the_fix_is_out_within_half_an_hour_of_the_detection(minute, status, late):
    """
    The deploy that people linked as fixed, whatever else went out.
    """
    fix = b.deploy(minute, version="1.4.3")
    other = b.deploy(50, version="1.5.0")

    answer = one("deployed_in_time", *DECLARED, fix, b.linked(fix, 51, role="fixed"), other, b.resolved(60))

    assert (answer.status, answer.late_seconds) == (status, late)
    assert answer.evidence[0] == event_id(fix)


def test_without_a_word_the_last_deploy_before_recovery_is_the_fix():
    """
    Not the one after it, and none that people dismissed, took out or named the cause.
    """
    first, fix, later = (b.deploy(m, version=v) for m, v in ((10, "1.4.2"), (20, "1.4.3"), (40, "1.5.0")))
    history = [*DECLARED, first, fix, later, b.milestone(25, "mitigated"), b.resolved(60)]

    assert one("deployed_in_time", *history).evidence == ids(fix)
    for said in (
        b.linked(fix, 26, role="dismissed", why="another team's"),
        b.linked(fix, 26, role="caused", why="it did"),
        b.unlinked(fix, 26),
    ):
        assert one("deployed_in_time", *history, said).evidence == ids(first)


def test_a_deploy_to_staging_is_no_fix_of_production():
    """
    Where something went to production too; elsewhere names may differ.
    """
    staged = b.deploy(22, version="1.4.4", environment="staging")
    elsewhere = b.deploy(24, version="1.4.5", environment="Prod-eu")

    assert one("deployed_in_time", *DECLARED, FIX, staged, b.resolved(40)).evidence == ids(FIX)
    assert one("deployed_in_time", *DECLARED, FIX, staged, elsewhere, b.resolved(40)).evidence == ids(
        elsewhere
    )
    assert one("deployed_in_time", *DECLARED, staged, b.resolved(40)).evidence == ids(staged)


def test_while_it_burns_the_last_deploy_counts_unless_it_did_not_help():
    """
    What failed, was worse or was taken back is no fix: with the time over, that is missed.
    """
    useless = [FIX, b.verdicts(FIX, 30, verdicts=(DEGRADED,))]
    taken_back = [b.deploy(-10, version="1.4.1"), b.deploy(1), FIX, b.rollback(24)]

    assert one("deployed_in_time", *DECLARED, FIX, now=40).status is Status.MET
    for tried in (useless, taken_back, [b.deploy_failed(20, version="1.4.3")]):
        answer = one("deployed_in_time", *DECLARED, *tried, now=40)
        assert answer.status is Status.MISSED
        assert event_id(tried[-2 if tried is taken_back else 0]) in answer.evidence
        assert answer.due_at == at(33)
        assert one("deployed_in_time", *DECLARED, *tried, now=32).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("given_", "status"),
    [
        ((b.verdict(),), Status.MET),
        ((b.verdict(baseline="before_change", verdict="improved"),), Status.MET),
        ((b.verdict(), WORSE), Status.MISSED),
        ((b.verdict(), b.verdict(metric="latency", verdict="still_degraded")), Status.MISSED),
        ((b.verdict(verdict="partly_recovered"),), Status.MISSED),
        ((b.verdict(verdict="not_enough_data"),), Status.UNKNOWN),
        ((b.verdict(verdict="no_data"),), Status.UNKNOWN),
        ((b.verdict(verdict="within_normal"),), Status.UNKNOWN),
        ((b.verdict(), b.verdict(metric="latency", verdict="no_data")), Status.UNKNOWN),
        ((b.verdict(baseline="before_change", verdict="unchanged"),), Status.UNKNOWN),
    ],
)
def test_the_verdict_of_ten_minutes_verifies_the_fix(given_, status):
    """
    It answers as `tracker watch` does; what cannot be told is unknown.
    """
    verdict = b.verdicts(FIX, 30, verdicts=given_)

    answer = one("verified", *DECLARED, FIX, FIXED, verdict, b.resolved(32), now=60)

    assert answer.status is status, says(answer)
    assert event_id(verdict) in answer.evidence


def test_the_verdict_of_another_deploy_verifies_nothing():
    """
    It is the fix that is asked about.
    """
    other = b.deploy(10)

    history = [*DECLARED, other, FIX, FIXED, b.verdicts(other, 20)]

    assert one("verified", *history, now=60).status is Status.UNKNOWN
    waiting = one("verified", *history, now=25)
    assert (waiting.due_at, todo(waiting.next_step)) == (at(30), "tracker watch INC-1")


# ── rollback ─────────────────────────────────────────────────────────────────


def test_what_did_not_help_is_rolled_back_or_replaced():
    """
    Each deploy that was worse or without effect; one that was only partly better may stay.
    """
    before = [b.deploy(-10, version="1.4.1"), b.deploy(1)]
    bad = b.verdicts(FIX, 30, verdicts=(WORSE,))
    burning = [*before, *DECLARED, FIX, bad]
    back, newer = b.rollback(34), b.deploy(36, version="1.4.4")

    left = one("rolled_back_when_not_fixed", *burning, now=40)

    assert (left.status, todo(left.next_step), left.due_at) == (
        Status.MISSED,
        "tracker run rollback checkout",
        at(30),
    )
    for next_one, words in ((back, "rolled back to 1.4.1"), (newer, "replaced by 1.4.4")):
        answer = one("rolled_back_when_not_fixed", *burning, next_one, b.resolved(50))
        assert answer.status is Status.MET
        assert words in says(answer)
        assert set(ids(bad, FIX, next_one)) <= set(answer.evidence)
    assert one(
        "rolled_back_when_not_fixed", *burning, b.resolved(50), b.deploy(90, version="1.5")
    ).status is (Status.MISSED)


def test_what_helped_or_cannot_be_told_needs_no_rollback():
    """
    Not applicable where the verdicts say so, unknown where they do not.
    """

    def asked(*given_):
        return one("rolled_back_when_not_fixed", *DECLARED, FIX, FIXED, *given_, b.resolved(50)).status

    assert asked(b.verdicts(FIX, 30)) is Status.NOT_APPLICABLE
    assert asked(b.verdicts(FIX, 30, verdicts=(b.verdict(verdict="partly_recovered"),))) is (
        Status.NOT_APPLICABLE
    )
    assert asked(b.verdicts(FIX, 30, verdicts=(b.verdict(verdict="not_enough_data"),))) is Status.UNKNOWN
    assert asked() is Status.UNKNOWN


# ── watching ─────────────────────────────────────────────────────────────────


def looks(*due, **fields):
    return [b.check(FIX, 20 + each / 60, due_seconds=each, **fields) for each in due]


@pytest.mark.parametrize(
    ("events", "status", "said"),
    [
        (looks(*range(60, 601, 60)), Status.MET, "checked 10 times"),
        (looks(60, 120, 540, 600), Status.MISSED, "not 3 min to 8 min after the deploy"),
        ([*looks(60), b.verdicts(FIX, 30)], Status.MET, "judged when the ten minutes were over"),
        (looks(*range(60, 601, 60), normal=(), unknown=("error_ratio",)), Status.UNKNOWN, "no metric"),
        (looks(3_600), Status.UNKNOWN, "Nothing shows"),
        ([], Status.UNKNOWN, "Nothing shows"),
    ],
)
def test_ten_minutes_are_watched_by_a_look_each_minute_or_a_verdict_in_time(events, status, said):
    """
    Gaps are named; a look at which no metric could be told is none.
    """
    answer = one("watched_10m", *DECLARED, FIX, FIXED, *events, b.resolved(50), now=60 * 48)

    assert answer.status is status, says(answer)
    assert said in says(answer)
    assert set(answer.evidence) == {each for each in ids(*events) if "Nothing" not in said}


@pytest.mark.parametrize(
    ("window", "name", "due", "last"),
    [("1h", "watched_1h", 3_600, "10 min"), ("1d", "watched_1d", 86_400, "1 h 00 min")],
)
def test_the_hour_and_the_day_are_watched_by_a_look_at_their_end(window, name, due, last):
    """
    Who looked before and not then is named with the last look; a verdict in time is a look.
    """
    ends = 20 + due / 60
    earlier = looks(600) if window == "1h" else looks(600, 3_600)

    def asked(*events):
        return one(name, *DECLARED, FIX, FIXED, *events, b.resolved(50), now=60 * 48)

    assert asked(*looks(due)).status is Status.MET
    assert asked(b.verdicts(FIX, ends, window=window)).status is Status.MET
    gone = asked(*earlier)
    assert (gone.status, actual(gone)) == (Status.MISSED, f"last checked {last} after the deploy")
    assert asked().status is Status.UNKNOWN


def test_a_verdict_long_after_its_window_is_late_unless_the_deploy_was_told_of_as_late():
    """
    Nobody can be seen watching what the tracker did not know of.
    """
    verdict = b.verdicts(FIX, 30)
    history = b.recorded(*DECLARED, FIX, FIXED, b.resolved(50))
    judged = b.recorded(verdict, minute=70, first=9)

    def asked(events):
        found = evidence(*DECLARED, FIX, FIXED, b.resolved(50), now=60 * 48)
        from tracker.events.corrections import effective

        facts = tuple(effective(events).values())
        from dataclasses import replace

        return {each.rule: each for each in check(replace(found, facts=facts))}["watched_10m"]

    late = asked([*history, *judged])
    told_late = asked([*b.recorded(*DECLARED, FIX, FIXED, b.resolved(50), minute=65), *judged])

    assert (late.status, late.late_seconds) == (Status.LATE, 40 * 60)
    assert told_late.status is Status.UNKNOWN


def test_a_window_that_is_not_over_is_open_until_its_end():
    """
    With the command that watches it; a gap so far is named.
    """
    answer = one("watched_10m", *DECLARED, FIX, FIXED, *looks(60), now=24)

    assert (answer.status, answer.due_at, todo(answer.next_step)) == (
        Status.UNKNOWN,
        at(30),
        "tracker watch INC-1",
    )
    assert "so far not checked 2 min to 3 min after" in says(answer)
    assert one("watched_1d", *DECLARED, FIX, FIXED, now=24).due_at == at(20 + 24 * 60)


# ── the report ───────────────────────────────────────────────────────────────


def test_the_report_is_published_within_days_of_the_end():
    """
    One that was only reviewed is missed when the time is over; one of an open incident is not due yet.
    """
    over = [*DECLARED, b.resolved(32)]
    limit = 5 * 24 * 60 + 32

    def asked(*events, **options):
        return one("report_written", *over, *events, **options)

    assert asked(b.published(60, incident="INC-1")).status is Status.MET
    late = asked(b.published(limit + 1, incident="INC-1"))
    assert (late.status, late.late_seconds) == (Status.LATE, 60)
    assert asked(b.reviewed(60, incident="INC-1"), now=limit + 1).status is Status.MISSED
    assert asked(b.reviewed(60, incident="INC-1"), now=limit - 1).status is Status.UNKNOWN
    assert (asked().due_at, todo(asked().next_step)) == (at(limit), "tracker review INC-1")
    assert asked(b.published(60, incident="INC-2")).status is Status.UNKNOWN
    assert one("report_written", *DECLARED).due_at is None


def test_a_report_published_before_the_incident_came_back_is_not_of_its_end():
    """
    It has to be published again.
    """
    history = [*DECLARED, b.resolved(32), b.published(40, incident="INC-1"), b.reopened(50), b.resolved(60)]

    assert one("report_written", *history).status is Status.UNKNOWN
    assert one("report_written", *history, b.published(70, incident="INC-1")).status is Status.MET


def test_who_tells_of_an_old_incident_has_as_long_for_its_report():
    """
    From when its end was told, where that was later than the limit.
    """
    months = 60 * 24 * 60

    answer = one("report_written", *DECLARED, b.resolved(32), told=months)

    assert answer.due_at == at(months) + timedelta(days=5)


# ── waivers ──────────────────────────────────────────────────────────────────


def test_a_waived_rule_says_who_and_why_and_is_no_finding():
    """
    What it would be without that stays to be read; struck out, the rule counts again.
    """
    waiver = b.waived(60, incident="INC-1", rule="deployed_in_time", why="the vendor had to be woken")
    late = b.deploy(50, version="1.4.3")
    history = [*DECLARED, late, b.resolved(55)]

    answer = one("deployed_in_time", *history, waiver)

    assert answer.status is Status.WAIVED
    assert "alice: the vendor had to be woken" in says(answer)
    assert "late" in says(answer)
    assert answer.evidence == ids(waiver, late)
    assert (answer.late_seconds, todo(answer.next_step)) == (None, None)
    assert findings(list(answers(*history, waiver).values())) == []
    again = [*history, waiver, b.retracted(waiver, 61)]
    assert one("deployed_in_time", *again).status is Status.LATE
    assert waivers(evidence(*again).incident) == {}


def test_what_another_incident_waived_counts_here():
    """
    A waiver is of one incident.
    """
    waiver = b.waived(60, incident="INC-2", rule="team_alerted")

    assert one("team_alerted", *DECLARED, waiver).status is Status.UNKNOWN


# ── limits as they were set ──────────────────────────────────────────────────


def test_limits_are_those_of_the_log():
    """
    Durations, lists and numbers as tracker.toml wrote them; what is missing has its default.
    """
    procedure = ProcedureLimits.of(
        {
            "fix_deployed_within": "1h30m",
            "generic_branch_names": ["oops"],
            "maximum_fix_commits": 1,
            "from_a_later_version": True,
        }
    )

    assert procedure.fix_deployed_within == timedelta(minutes=90)
    assert procedure.generic_branch_names == ("oops",)
    assert procedure.maximum_fix_commits == 1
    assert procedure.merged_back_within == timedelta(hours=1)
    fix = b.deploy(60, version="1.4.3")
    answer = one("deployed_in_time", *DECLARED, fix, b.resolved(70), procedure=procedure)
    assert answer.status is Status.MET
    assert "1 h 30 min" in expected(answer) or "90 min" in expected(answer)


def test_a_team_with_one_trunk_merges_nothing_back(monkeypatch):
    """
    Its integration branch is empty; whatever the rule would say of a branch without a name is not asked.
    """
    from projections.procedure import check as module

    def rule(_):
        raise AssertionError("it is not asked")

    monkeypatch.setattr(module, "RULES", {"merged_back": rule})

    [answer] = check(evidence(*DECLARED, procedure=ProcedureLimits(integration_branch="")))

    assert answer.status is Status.NOT_APPLICABLE


@pytest.mark.parametrize("ending", [b.resolved(32, resolution="false-alarm"), b.merged(32, into="INC-2")])
def test_nothing_is_asked_of_what_was_no_incident_of_its_own(ending):
    """
    Not even of what git tells: whatever was deployed meanwhile, the procedure was for nothing or for another number.
    """
    found = answers(*DECLARED, STARTED, FIX, b.commit(14), ending)

    statuses = {name: each.status for name, each in found.items()}
    assert set(statuses.values()) == {Status.NOT_APPLICABLE}, statuses
