"""How long each part took: five states, the precision of the ends, and what a reopening does."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.durations import NAMES, Duration, Point, durations, measure, shown
from projections.points import known_to
from reports.wording.durations import formula, value
from tests.builders import (
    SHA,
    alert,
    amended,
    at,
    declared,
    deploy,
    deploy_start,
    linked,
    merged,
    milestone,
    note,
    recorded,
    reopened,
    resolved,
    retracted,
    rollback,
    severity,
    verdict,
    verdicts,
)


def measured(*events, **options):
    known = Dossier.of("INC-1", recorded(*events))
    return measure(known.incident, known.work_facts, known.changes, **options)


def minute(number, name, **fields):
    """A milestone that was typed as 14:45: to the minute."""
    return milestone(number, name, precision_seconds=60.0, **fields)


def numbers(duration):
    return duration.state, duration.seconds, duration.at_least, duration.at_most


# ── precision ────────────────────────────────────────────────────────────────


def test_a_minute_that_was_typed_is_any_instant_of_it():
    """
    14:04 to 14:40 is 36 minutes as typed, 35 at least and 37 at most; said in minutes it is recorded.
    """
    found = measured(declared(7), minute(4, "started"), minute(40, "mitigated"))["downtime"]

    assert numbers(found) == ("recorded", 36 * 60, 35 * 60, 37 * 60)
    assert (value(found), formula(found)) == (
        "36 min",
        "started → recovered: started → mitigated; known to the minute",
    )


def test_no_more_is_said_than_is_known():
    """
    From 14:04, to the minute, to 14:08:33 is 5 minutes, not 4 min 33 s.
    """
    found = measured(declared(7), minute(4, "started"), milestone(8 + 33 / 60, "mitigated"))["downtime"]

    assert numbers(found) == ("recorded", 273, 213, 273)
    assert value(found) == "5 min"


def test_what_may_have_been_at_once_is_uncertain():
    """
    Both were typed as 14:04: less than a minute, and not zero.
    """
    found = measured(declared(7), minute(4, "started"), minute(4, "detected"))["time_to_detect"]

    assert numbers(found) == ("uncertain", None, 0, 60)
    assert value(found) == "at most 60 s"


def test_a_span_stays_uncertain_however_short():
    """
    People said that nobody knows: the two minutes between which it began stay in the number.
    """
    found = measured(declared(7), milestone(4, until=at(5)), milestone(40, "mitigated"))["downtime"]

    assert numbers(found) == ("uncertain", None, 35 * 60, 36 * 60)
    assert value(found) == "35 to 36 min"


def test_an_hour_that_was_counted_back_is_good_to_half_of_one_on_both_sides():
    """
    1h-ago at 15:12:31 is no 14:12:31; over less than a day that is more than the minutes in which it is said.
    """
    assert known_to(at(12.5), 3600, "started") == Point(at(-17.5), at(42.5), "started", at(12.5))

    found = measured(declared(90), milestone(12.5, precision_seconds=3600.0), milestone(102.5, "mitigated"))
    assert numbers(found["downtime"]) == ("uncertain", None, 3600, 7200)


def test_over_days_hours_are_exact_enough():
    """
    The unit in which it is said is the hour from a day on.
    """
    found = measured(
        declared(90), milestone(12.5, precision_seconds=3600.0), milestone(12.5 + 2 * 1440, "mitigated")
    )["downtime"]

    assert (found.state, found.seconds) == ("recorded", 2 * 86400)
    assert value(found) == "2 d 0 h"
    assert "known to the hour" in formula(found)


def test_what_is_known_to_the_second_is_exact():
    """
    Sources that tell whole seconds make no noise.
    """
    found = measured(declared(7), milestone(4, precision_seconds=1.0), milestone(40, "mitigated"))["downtime"]

    assert numbers(found) == ("recorded", 2160, 2160, 2160)


def test_an_end_before_its_start_is_invalid_and_names_both():
    """
    No number, and never a negative one.
    """
    found = measured(declared(7), milestone(20), milestone(10, "mitigated"))["downtime"]

    assert numbers(found) == ("invalid", None, None, None)
    assert value(found) == "invalid: 2026-03-01T14:10:00.000Z lies before 2026-03-01T14:20:00.000Z"


# ── which ends ───────────────────────────────────────────────────────────────


def test_all_seven_are_named_in_their_order():
    """
    Whatever is known, each is there, with its formula.
    """
    found = measured(declared(7))

    assert list(found) == list(NAMES)
    assert len(found) == 7
    assert all("→" in formula(each) for each in found.values())


def test_without_a_detection_it_lies_between_start_and_declaration():
    """
    Nobody said when it was detected, and no alert did.
    """
    found = measured(declared(7), milestone(4))

    assert numbers(found["time_to_detect"]) == ("uncertain", None, 0, 180)
    assert value(found["time_to_detect"]) == "at most 3 min"
    assert found["time_to_resolve"].state == "pending"


def test_the_first_alert_starts_it_where_nobody_and_no_metric_says_more():
    """
    A person's word, else the metrics', else the first alert's.
    """
    alone = measured(declared(7), alert(5))
    change = deploy(20)
    judged = verdicts(change, 31, verdicts=(verdict(left_normal_at=at(3), recovered_at=at(22)),))
    by_metrics = measured(declared(7), alert(5), change, judged)
    by_word = measured(declared(7), alert(5), change, judged, milestone(2))

    starts = [each["downtime"].from_ for each in (alone, by_metrics, by_word)]
    assert starts == [at(5), at(3), at(2)]


def test_the_first_alert_is_the_first_that_fired_not_the_first_that_was_told():
    """
    A webhook may come late: 14:02 was recorded after 14:05.
    """
    found = measured(declared(7), alert(5), alert(2, name="Other", fingerprint="b" * 16))

    assert found["time_to_declare"].seconds == 300


def test_metrics_say_when_it_recovered_before_people_do():
    """
    All that had left normal are back at 22, people said 25; what was judged says more.
    """
    change = deploy(20)
    back = verdicts(change, 31, verdicts=(verdict(recovered_at=at(22)),))

    found = measured(declared(7), milestone(4), change, milestone(25, "mitigated"), back)

    assert found["time_to_recover"].to == at(22)


def test_a_deploy_that_finds_all_well_does_not_move_the_recovery():
    """
    The first one's hour says that all stayed well, also when the second went out.
    """
    fix, later = deploy(20, version="1.4.3"), deploy(50, version="1.4.4")
    first = verdicts(fix, 80, window="1h", window_from=at(23), verdicts=(verdict(recovered_at=at(22)),))
    second = verdicts(later, 60, window_from=at(53), verdicts=(verdict(recovered_at=at(50)),))

    found = measured(declared(7), milestone(4), fix, later, first, second, resolved(90))

    assert found["downtime"].to == at(22)


def test_a_fix_that_did_not_last_is_not_the_recovery():
    """
    Ten good minutes ended before the second one went out: what that brought back is.
    """
    fix, later = deploy(20, version="1.4.3"), deploy(50, version="1.4.4")
    first = verdicts(fix, 30, window_from=at(23), verdicts=(verdict(recovered_at=at(22)),))
    second = verdicts(later, 60, window_from=at(53), verdicts=(verdict(recovered_at=at(52)),))

    found = measured(declared(7), milestone(4), fix, later, first, second, resolved(90))

    assert found["downtime"].to == at(52)


def test_the_fix_is_what_people_say_else_the_last_deploy_before_recovery():
    """
    And while it is not over, the last so far is not the last.
    """
    first, last, after = deploy(10), deploy(20, version="1.4.3"), deploy(30, version="1.4.4")
    common = [declared(7), milestone(5, "detected"), first, last, after]

    assert measured(*common)["time_to_fix_deployed"].state == "pending"
    found = measured(*common, milestone(25, "mitigated"))["time_to_fix_deployed"]
    assert (found.seconds, found.to) == (900, at(20))
    said = measured(*common, milestone(25, "mitigated"), linked(after, role="fixed", why="x"))
    assert said["time_to_fix_deployed"].to == at(30)


def test_another_services_deploy_is_the_fix_where_people_say_so():
    """
    The incident is checkout's, and what mended it was done in search; without the link it is no candidate.
    """
    elsewhere = deploy(20, service="search", version="3.8.1")
    common = [declared(7), milestone(5, "detected"), elsewhere, milestone(25, "mitigated")]

    assert measured(*common, resolved(40))["time_to_fix_deployed"].state == "uncertain"
    said = measured(*common, linked(elsewhere, role="fixed", why="x"))
    assert said["time_to_fix_deployed"].to == at(20)


def test_a_fix_that_is_still_going_out_is_no_end():
    """
    Linked as fixed, and not finished.
    """
    rollout = deploy_start(10)

    found = measured(declared(7), milestone(5, "detected"), rollout, linked(rollout, role="fixed", why="x"))

    assert found["time_to_fix_deployed"].state == "pending"


@pytest.mark.parametrize("resolution", ["fixed", "went-away"])
def test_a_resolution_without_a_recovery_bounds_it(resolution):
    """
    It was over some time before it was held to be over.
    """
    found = measured(declared(7), milestone(4), resolved(40, resolution=resolution))

    assert numbers(found["downtime"]) == ("uncertain", None, 0, 36 * 60)
    assert shown(found).keys() == NAMES.keys() - {"time_to_recover"}


@pytest.mark.parametrize("hours", [1, 24])
@pytest.mark.parametrize("said", ["still_degraded", "partly_recovered"])
def test_a_metric_that_was_out_after_the_end_was_not_back_before_it(hours, said):
    """
    That it ended some time before it was resolved would be false: it lasted at least until then.
    """
    began, end = declared(7), 40 + 60 * hours
    after = verdicts(
        began, end, version="", window_from=at(40), verdicts=(verdict(verdict=said, left_normal_at=at(4)),)
    )
    downtime = measured(began, resolved(40), after)["downtime"]

    assert numbers(downtime) == ("uncertain", None, 36 * 60, None)
    assert value(downtime) == "at least 36 min"
    assert formula(downtime).endswith("error_ratio not back to normal when it was resolved")


@pytest.mark.parametrize(
    ("begins", "ends", "said", "is_out"),
    [
        (22, 82, "still_degraded", True),
        (22, 50, "still_degraded", False),
        (22, 82, "partly_recovered", False),
        (40, 50, "within_normal", False),
        (40, 50, "recovered", False),
    ],
)
def test_a_window_that_began_before_the_end_shows_it_by_its_half(begins, ends, said, is_out):
    """
    What was broken until the end makes most of such a window, so it says nothing of the time after.
    """
    fix = deploy(20)
    after = verdicts(
        fix, ends, window_from=at(begins), verdicts=(verdict(verdict=said, left_normal_at=at(4)),)
    )
    downtime = measured(declared(7), fix, resolved(40), after)["downtime"]

    assert (downtime.at_most is None) == is_out


def test_a_relapse_does_not_undo_that_the_first_outage_did_not_end():
    """
    Its windows are those before the reopening; the sum is unknown then.
    """
    began = declared(7)
    after = verdicts(
        began,
        50,
        version="",
        window_from=at(40),
        verdicts=(verdict(verdict="still_degraded", left_normal_at=at(4)),),
    )
    found = measured(began, resolved(40), after, reopened(60), resolved(90))

    assert found["downtime"].at_most is None
    assert "error_ratio not back to normal when it was resolved" in formula(found["downtime"])
    assert found["time_to_recover"].at_least >= 53 * 60


def test_a_false_alarm_was_never_down():
    """
    It was resolved all the same, after a time.
    """
    found = measured(declared(7), alert(5), resolved(40, resolution="false-alarm"))

    assert {name for name, each in found.items() if each.state == "not_applicable"} == {
        *("time_to_detect", "time_to_fix_deployed", "time_to_recover", "downtime", "merged_back_after")
    }
    assert found["time_to_resolve"].seconds == 35 * 60


def test_what_was_merged_is_measured_where_it_goes_on():
    """
    Its own durations would be told twice.
    """
    found = measured(declared(7), milestone(4), merged(30))

    assert formula(found["downtime"]).endswith("it was merged into INC-2")
    assert found["time_to_declare"].state == "not_applicable"
    assert found["time_to_resolve"].state == "not_applicable"


# ── merged back ──────────────────────────────────────────────────────────────


def test_the_way_back_needs_evidence():
    """
    Without it the missing part is named; with it there is a number; before the deploy there is nothing to measure.
    """
    fix = deploy(20, sha=SHA)
    common = [declared(7), milestone(5, "detected"), fix, milestone(25, "mitigated"), resolved(40)]

    without = measured(*common)["merged_back_after"]
    assert (without.state, without.from_) == ("pending", at(20))
    assert "no merge of it is recorded" in formula(without)
    found = measured(*common, integrated=at(50))["merged_back_after"]
    assert (found.state, found.seconds, found.to) == ("recorded", 1800, at(50))
    early = measured(*common, integrated=at(10))["merged_back_after"]
    assert early.state == "not_applicable"
    assert "before it was deployed" in formula(early)


def test_a_fix_without_a_commit_says_so():
    """
    What git could be asked for is not known.
    """
    found = measured(declared(7), deploy(20), milestone(25, "mitigated"))["merged_back_after"]

    assert "names no commit" in formula(found)


def test_a_rollback_is_not_merged_back():
    """
    There is nothing to merge.
    """
    way_back = rollback(20)
    found = measured(declared(7), way_back, linked(way_back, role="fixed", why="x"))

    assert found["merged_back_after"].state == "not_applicable"
    assert "rollback" in formula(found["merged_back_after"])


def test_without_a_fix_nothing_is_merged_back():
    """
    Open, it may still come. Resolved, there was one that nobody recorded: only what went away needed none.
    """
    assert measured(declared(7))["merged_back_after"].state == "pending"
    for name in ("merged_back_after", "time_to_fix_deployed"):
        unknown = measured(declared(7), resolved(40))[name]
        assert (unknown.state, unknown.seconds, unknown.at_most, value(unknown)) == (
            "uncertain",
            None,
            None,
            "unknown",
        )
        assert measured(declared(7), resolved(40, resolution="went-away"))[name].state == "not_applicable"


def test_when_it_began_is_unknown_and_not_inapplicable():
    """
    Nobody reported it, no alert fired and nothing was judged: it began all the same.
    """
    found = measured(declared(7), resolved(40))

    assert {found[name].state for name in ("time_to_detect", "time_to_recover", "downtime")} == {"uncertain"}


# ── reopening ────────────────────────────────────────────────────────────────

TWICE = (
    *(declared(7), milestone(4), milestone(15, "mitigated"), resolved(20)),
    *(reopened(35), milestone(50, "mitigated"), resolved(60)),
)


def test_outages_are_summed_and_the_quiet_time_between_is_not_down():
    """
    11 minutes, then 15; from 15:20 to 15:35 people held it to be over.
    """
    found = measured(*TWICE)

    assert numbers(found["downtime"]) == ("recorded", 26 * 60, 26 * 60, 26 * 60)
    assert "the sum of 2 outages" in formula(found["downtime"])
    assert found["time_to_recover"].seconds == 46 * 60
    assert found["time_to_resolve"].seconds == 53 * 60
    assert "the last resolution" in formula(found["time_to_resolve"])


def test_a_reopened_incident_is_pending_until_it_is_over_again():
    """
    What was measured before the reopening is no answer any more.
    """
    found = measured(*TWICE[:5])

    assert {found[name].state for name in ("downtime", "time_to_recover", "time_to_resolve")} == {"pending"}


def test_an_alert_that_began_after_the_declaration_is_no_beginning():
    """
    People declared what burned already: its downtime is not bounded by what fired later.
    """
    found = measured(declared(7), alert(12), resolved(20))

    assert {found[name].state for name in ("time_to_detect", "downtime")} == {"uncertain"}
    assert found["downtime"].at_most is None
    assert found["time_to_resolve"].seconds == 13 * 60


@pytest.mark.parametrize(
    ("later", "fixed"),
    [((), None), ((deploy(45, version="1.4.4"),), 38 * 60), ((deploy(36, version="1.4.4"),), 29 * 60)],
)
def test_what_went_out_before_a_relapse_is_not_the_fix(later, fixed):
    """
    The deploy of 15:12 did not last, whoever linked it, as the rules of the procedure have it too.
    """
    first = deploy(12, version="1.4.3")
    linked_too = linked(first, 14, role="fixed", why="errors are gone")

    for more in ((first,), (first, linked_too)):
        found = measured(*TWICE, *more, *later)["time_to_fix_deployed"]

        assert (found.state, found.seconds) == (("recorded", fixed) if fixed else ("uncertain", None))


def test_an_outage_whose_recovery_nobody_recorded_bounds_the_sum():
    """
    The first ended some time before it was resolved: 15 to 31 minutes.
    """
    found = measured(*TWICE[:2], *TWICE[3:])["downtime"]

    assert numbers(found) == ("uncertain", None, 15 * 60, 31 * 60)
    assert "without a recorded recovery" in formula(found)


def test_an_outage_that_ends_before_it_begins_is_invalid():
    """
    It was resolved again at 30, and reopened at 35 only.
    """
    found = measured(*TWICE[:5], resolved(30))

    assert (found["downtime"].state, found["downtime"].to) == ("invalid", at(30))


def test_a_resolution_that_was_struck_out_never_was():
    """
    It had not been over: the quiet time counts, and there is one outage.
    """
    over, again = resolved(20), reopened(35)
    found = measured(
        *(declared(7), milestone(4), over, again, milestone(50, "mitigated"), resolved(60)),
        *(retracted(over), retracted(again)),
    )

    assert found["downtime"].seconds == 46 * 60
    assert "outages" not in formula(found["downtime"])


def test_nothing_ticks_on_after_its_end():
    """
    Deploys, alerts and notes after it was resolved change no number of it.
    """
    before = [declared(7), milestone(4), alert(5), deploy(20), milestone(25, "mitigated"), resolved(40)]
    after = [deploy(60, version="1.5"), alert(70, fingerprint="b" * 16), note(80), rollback(90)]

    assert measured(*before, *after) == measured(*before)


# ── whatever was decided ─────────────────────────────────────────────────────

INSTANTS = st.one_of(st.integers(-120, 240).map(float), st.floats(-120, 240).map(lambda each: round(each, 3)))
PRECISIONS = st.sampled_from([0.001, 1.0, 60.0, 3600.0, 86400.0])


@st.composite
def milestones(draw):
    begins = draw(INSTANTS)
    until = draw(st.none() | st.floats(0, 60).map(lambda more: at(round(begins + more, 3))))
    name = draw(st.sampled_from(["started", "detected", "confirmed", "mitigated", "ended"]))
    return milestone(begins, name, until=until, precision_seconds=draw(PRECISIONS))


RECOVERIES = st.tuples(INSTANTS, INSTANTS, INSTANTS).map(
    lambda each: verdicts(
        deploy(each[0]),
        each[0] + 30,
        verdicts=(verdict(left_normal_at=at(each[1]), recovered_at=at(each[2])),),
    )
)
DECISIONS = st.one_of(
    milestones(),
    st.builds(severity, INSTANTS),
    st.builds(note, INSTANTS),
    st.builds(
        lambda minute, precision, how: resolved(minute, precision_seconds=precision, resolution=how),
        *(INSTANTS, PRECISIONS, st.sampled_from(["fixed", "fixed", "went-away", "false-alarm"])),
    ),
    st.builds(lambda minute, precision: reopened(minute, precision_seconds=precision), INSTANTS, PRECISIONS),
    st.builds(merged, INSTANTS),
    RECOVERIES,
)
FACTS = st.one_of(
    st.builds(alert, INSTANTS, precision_seconds=PRECISIONS),
    st.builds(deploy, INSTANTS, version=st.sampled_from(["1", "2"]), precision_seconds=PRECISIONS),
    st.builds(rollback, INSTANTS),
)


@st.composite
def histories(draw):
    """An incident with any decisions at any instants, some of them amended or struck out, and any facts."""
    steps = [
        declared(draw(INSTANTS), precision_seconds=draw(PRECISIONS)),
        *draw(st.lists(DECISIONS, max_size=10)),
    ]
    corrections = []
    for each in steps[1:]:
        what = draw(st.sampled_from(["", "", "", "amend", "retract"]))
        if what == "amend":
            corrections.append(amended(each, changes={"occurred_at": at(draw(INSTANTS))}))
        elif what == "retract":
            corrections.append(retracted(each))
    facts = draw(st.lists(FACTS, max_size=4))
    links = [linked(each, role="fixed", why="x") for each in facts[:1] if draw(st.booleans())]
    ordered = [*steps, *corrections, *facts, *links]
    return list({(type(each), repr(each)): each for each in ordered}.values())


@hypothesis_settings(max_examples=50, deadline=None)
@given(histories(), st.none() | INSTANTS.map(at))
def test_no_duration_is_negative_and_its_bounds_hold_it(history, integrated):
    """
    At least ≤ seconds ≤ at most, none below zero, and no number where there is none.
    """
    found = measured(*history, integrated=integrated)

    assert list(found) == list(NAMES)
    for each in found.values():
        given_numbers = [n for n in (each.at_least, each.seconds, each.at_most) if n is not None]
        assert all(number >= 0 for number in given_numbers), each
        assert given_numbers == sorted(given_numbers), each
        assert (each.seconds is not None) == (each.state == "recorded"), each
        assert bool(given_numbers) <= (each.state in ("recorded", "uncertain")), each
        assert bool(given_numbers) or each.state != "recorded", each
        assert "-" not in value(each).partition("invalid")[0], each


@hypothesis_settings(max_examples=50, deadline=None)
@given(histories())
def test_the_outages_together_are_no_longer_than_the_way_to_the_last_recovery(history):
    """
    The sum leaves time out, and never counts any twice.
    """
    found = measured(*history)
    downtime, recovery = found["downtime"], found["time_to_recover"]

    if downtime.at_most is not None and recovery.at_most is not None:
        # A sum of floats may be off in its last digit.
        assert downtime.at_most <= recovery.at_most + 1e-6


@hypothesis_settings(max_examples=50, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_handed_over_does_not_matter(history, random):
    """
    The log's positions say what came first.
    """
    held = recorded(*history)
    mixed = list(held)
    random.shuffle(mixed)

    assert durations(Dossier.of("INC-1", mixed)) == durations(Dossier.of("INC-1", held))


def test_a_duration_without_a_number_says_its_state():
    """
    Pending and not applicable are words, never zero.
    """
    assert value(Duration(("started", "detected"), "not_applicable")) == "not applicable"
