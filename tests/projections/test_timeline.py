"""One story, however it was told: rows in the order in which the world had them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.attachment import windows
from projections.dossier import Dossier
from projections.timeline import entries, timeline
from reports.wording.timeline import detail, title
from tests.builders import (
    alert,
    alert_end,
    amended,
    at,
    commit,
    declared,
    deploy,
    deploy_start,
    error,
    event_id,
    linked,
    merged,
    milestone,
    note,
    recorded,
    resolved,
    retracted,
    rollback,
    rule,
    run_of_tests,
    samples,
    tag,
    unlinked,
)
from tracker.events.base import Arrival, Incoming
from tracker.events.corrections import effective
from tracker.incident import fold
from tracker.log import Log


def rows(*events, **options):
    """The timeline of the incident INC-1, as the log would hold these."""
    held = recorded(*events)
    return timeline(Dossier.of("INC-1", held), **options)


def entries_of(held, **options):
    """The rows of these events without an incident."""
    return entries(effective(held).values(), **options)


def titles(found):
    return [title(row) for row in found]


def test_events_are_in_the_order_they_happened():
    """
    The world's order wins over the order in which feeds were read.
    """
    fired, deployed, undone = alert(6), deploy(2), rollback(20)

    shown = entries_of(recorded(undone, fired, deployed), start=at(0), end=at(60))

    assert [entry.fact for entry in shown] == [deployed, fired, undone]


def test_a_span_has_its_start_and_not_its_end():
    """
    Of facts and decisions alike.
    """
    shown = entries_of(recorded(deploy(1), note(1), deploy(10), note(10)), start=at(1), end=at(10))

    assert [entry.occurred_at for entry in shown] == [at(1), at(1)]


def test_what_a_forge_does_not_say_is_left_out_of_the_words():
    """
    A release may name no commit, and a check no duration.
    """
    shown = entries_of(
        recorded(run_of_tests(12, command="ci/nightly", duration_seconds=None), tag(14, sha=None)),
        start=at(0),
        end=at(60),
    )

    assert [(title(entry), detail(entry)) for entry in shown] == [
        ("Tests passed on 4f2d8c1", "ci/nightly"),
        ("Release v1.4.3 published", None),
    ]


def test_of_one_instant_the_cause_reads_first():
    """
    The rank of the kind decides, then the id: the same order for everybody.
    """
    together = [note(5), deploy(5), alert(5), declared(5), error(5)]

    assert [entry.kind for entry in entries_of(recorded(*together))] == [
        "alert-fired",
        "error-seen",
        "deploy-finished",
        "incident-declared",
        "note-added",
    ]


def test_in_the_order_of_recording_corrections_are_rows():
    """
    That is how the log learned of it all; what was struck out says so.
    """
    gone = deploy(30)

    shown = rows(alert(6), deploy(2), declared(7), gone, retracted(gone), order="recorded")

    assert [entry.kind for entry in shown] == [
        "alert-fired",
        "deploy-finished",
        "incident-declared",
        "deploy-finished",
        "event-retracted",
    ]
    assert [detail(entry) for entry in shown if detail(entry) and "retracted later" in detail(entry)] == [
        "retracted later"
    ]


def test_a_milestone_that_is_set_again_tells_its_last_instant():
    """
    Two starts in one timeline would be one too many; both stand in the order of recording.
    """
    first, second = milestone(2), milestone(1)

    told = rows(declared(7), first, second)

    assert [entry.event for entry in told if entry.kind == "milestone-set"] == [event_id(second)]
    assert len(rows(declared(7), first, second, order="recorded")) == 3


def test_what_was_retracted_is_left_out():
    """
    A fact, and a note.
    """
    wrong, typo = deploy(2), note()

    assert titles(rows(declared(), wrong, typo, retracted(wrong), retracted(typo))) == [
        "Declared critical: Payments answer 500"
    ]


def test_what_was_amended_reads_as_set_right_and_is_marked():
    """
    In its new place; rows that nobody touched are not marked.
    """
    wrong = deploy(2)

    first, second = rows(
        declared(1), wrong, amended(wrong, changes={"version": "1.4.3", "occurred_at": at(9)})
    )

    assert (first.amended, second.amended) == (False, True)
    assert (title(second), second.occurred_at) == ("Deployed 1.4.3", at(9))
    assert second.event == event_id(wrong)


def test_an_event_that_was_amended_out_of_the_incident_is_not_shown():
    """
    What counts is when it really was.
    """
    far = deploy(2)

    assert titles(rows(declared(), far, amended(far, changes={"occurred_at": at(-5000)}))) == [
        "Declared critical: Payments answer 500"
    ]


def test_what_was_recorded_late_says_by_how_much():
    """
    From a minute on, for notes too; the delay of the first telling counts, not of a later one.
    """
    held = recorded(deploy(0), note(0), minute=5)
    quick = recorded(alert(4.5), minute=5, first=3)
    again = recorded(alert(4.5, annotations={"summary": "again"}), minute=90, first=4)

    found = {row.kind: row.late_seconds for row in entries_of([*held, *quick, *again])}

    assert found == {"deploy-finished": 300.0, "note-added": 300.0, "alert-fired": None}


def test_exactly_a_minute_is_late():
    """
    Under 60 s is null.
    """
    [exact] = entries_of(recorded(deploy(0), minute=1))
    [less] = entries_of(recorded(deploy(0), minute=0.9999))

    assert (exact.late_seconds, less.late_seconds) == (60.0, None)


# ── one thing told more than once ────────────────────────────────────────────


def test_an_alert_told_again_with_other_words_is_one_row():
    """
    The source's own last word is shown; both are evidence.
    """
    first = alert(5, annotations={"summary": "5 %"}, updated_at=at(5))
    later = alert(5, annotations={"summary": "60 %"}, updated_at=at(8))

    [row] = entries_of(recorded(later, first))

    assert detail(row) == "critical · 60 %"
    assert row.evidence == (event_id(later), event_id(first))


def test_a_person_s_amendment_wins_over_the_source_s_last_word():
    """
    A later delivery does not undo what somebody set right.
    """
    first = alert(5, updated_at=at(5))
    later = alert(5, updated_at=at(9))

    [row] = entries_of(recorded(first, amended(first, changes={"severity": "minor"}), later))

    assert (detail(row), row.amended) == ("minor", True)


def test_a_deploy_told_by_two_sources_is_one_row_with_both_as_witnesses():
    """
    `tracker run` knew it to the second, Sentry a minute later, under a longer name.
    """
    mine, theirs = deploy(2), deploy(3, source="sentry:acme", version="checkout@1.4.2")

    [row] = entries_of(recorded(theirs, mine))

    assert row.event == event_id(mine)
    assert row.evidence == (event_id(mine), event_id(theirs))
    assert detail(row) == "reported by run, sentry:acme"


def test_an_error_that_repeats_is_one_row_at_its_first():
    """
    Forty crashes of one group are one line; another group is another.
    """
    shown = entries_of(
        recorded(*[error(6 + n / 10) for n in range(40)], error(7, error_id="f" * 32, group="5"))
    )

    assert [row.occurred_at for row in shown] == [at(6), at(7)]
    assert "40 times within 4 min" in detail(shown[0])
    assert "times" not in (detail(shown[1]) or "")
    assert len(shown[0].evidence) == 40


def test_errors_without_a_group_stay_apart():
    """
    Nobody said that they are one.
    """
    assert len(entries_of(recorded(error(6, group=None), error(7, group=None)))) == 2


def test_samples_are_no_rows():
    """
    Nor what was collected, nor the rules: they are shown elsewhere.
    """
    assert entries_of(recorded(samples(), rule())) == []


# ── what belongs to the incident ─────────────────────────────────────────────


def test_people_take_facts_in_and_out():
    """
    A link puts in what lies far away, an unlink takes out what lies near.
    """
    far, near = deploy(-5000), alert(5)

    found = rows(declared(), far, near, linked(far, role="caused", why="it had the bug"), unlinked(near))

    assert [row.kind for row in found] == ["deploy-finished", "incident-declared"]
    said = found[0].attribution
    assert (said.role, said.by, said.why) == ("caused", "ada", "it had the bug")


def test_the_last_said_of_a_fact_holds():
    """
    Out, and in again.
    """
    near = alert(5)

    assert len(rows(declared(), near, unlinked(near, 48), linked(near, 49))) == 2
    assert len(rows(declared(), near, linked(near, 48), unlinked(near, 49))) == 1


def test_a_retracted_unlink_does_not_count():
    """
    Then the fact is where it was by itself.
    """
    near = alert(5)
    out = unlinked(near)

    assert len(rows(declared(), near, out, retracted(out))) == 2


def test_taking_out_a_restated_fact_takes_out_all_of_its_tellings():
    """
    People point at one row; that its source told it twice is not their business.
    """
    first, later = alert(5, updated_at=at(5)), alert(5, updated_at=at(9))

    assert titles(rows(declared(), first, later, unlinked(later))) == titles(rows(declared()))
    assert titles(rows(declared(), first, later, unlinked(first))) == titles(rows(declared()))


def test_a_merged_incident_brings_its_decisions():
    """
    The one that goes on tells the story of both.
    """
    events = [
        declared(1),
        declared(2, incident="INC-2", title="Checkout is slow"),
        note(3, incident="INC-2"),
        merged(4, into="INC-1", incident="INC-2"),
    ]

    assert titles(rows(*events)) == [
        "Declared critical: Payments answer 500",
        "Declared critical: Checkout is slow",
        "the basket is empty",
        "INC-2 merged into INC-1",
    ]


def test_who_said_it_stands_on_the_row():
    """
    Who decided, or who typed a fact; a machine's fact has a source and nobody.
    """
    typed_in = Incoming(event=deploy(2), arrival=Arrival(via="typed", reported_by="grace"))

    found = {row.kind: (row.by, row.source) for row in rows(typed_in, alert(3), declared(5), note())}

    assert found["note-added"] == ("ada", "ada")
    held = entries_of(recorded(typed_in, alert(3)))
    assert [(row.by, row.source) for row in held] == [("grace", "run"), (None, "alertmanager:prod")]


# ── one corpus, any telling ──────────────────────────────────────────────────

MOVED = commit(11, sha="c" * 40)
CORPUS = [
    alert(5, annotations={"summary": "5 %"}, updated_at=at(5)),
    alert(5, annotations={"summary": "60 %"}, updated_at=at(8)),
    alert(5.25, source="prometheus:prod"),
    alert(20, source="prometheus:prod"),
    alert_end(15, started=5.25, source="prometheus:prod"),
    alert_end(25, started=5),
    alert_end(25, started=5, annotations={"summary": "over"}, updated_at=at(26)),
    alert(40, fingerprint="ffffffffffffffff", name="DiskFull"),
    alert_end(39, started=30, fingerprint="eeeeeeeeeeeeeeee", name="Lost"),
    deploy_start(1, run_id="9"),
    deploy(2, run_id="9"),
    deploy(2.5, source="sentry:acme", version="checkout@1.4.2"),
    deploy(2, url="https://ci.example/9", run_id="9"),
    rollback(20),
    deploy(21, source="github:acme", version="v1.4.1"),
    error(6),
    error(6.5),
    error(7, group=None),
    commit(11),
    commit(11, source="github:acme", repository="acme/checkout"),
    MOVED,
]
DECISIONS = [
    declared(7),
    milestone(4),
    note(12),
    linked(deploy(2, run_id="9"), role="caused", why="first bad version"),
    resolved(45),
]
FIX = amended(MOVED, changes={"occurred_at": at(13), "subject_line": "Do not divide by nothing"})


def story(url, order, splits):
    """Append the corpus in one of its tellings, and read the incident's timeline."""
    with Log(url, now=lambda: at(500)) as log:
        log.decide("INC-1", lambda held: DECISIONS)
        batches, start = [], 0
        for split in sorted(splits):
            batches.append(order[start:split])
            start = split
        batches.append(order[start:])
        for batch in batches:
            log.append([CORPUS[number] for number in batch])
        log.append([FIX])
        held = log.incident("INC-1")
        incident = fold("INC-1", held)
        found = {each.id: each for each in [*held, *log.select(windows(incident))]}
        return [
            replace(row, recorded_at=at(0), late_seconds=None, position=0, last_position=0)
            for row in timeline(Dossier.of("INC-1", found.values()))
        ]


ALL = list(range(len(CORPUS)))
tellings = st.tuples(
    st.permutations(ALL),
    st.lists(st.sampled_from(ALL), max_size=10),
    st.lists(st.integers(min_value=0, max_value=len(ALL)), max_size=4),
)


@pytest.fixture(scope="module")
def plain_story(tmp_path_factory):
    return story(str(tmp_path_factory.mktemp("plain") / "t.db"), ALL, [])


def test_the_story_is_what_one_would_tell(plain_story):
    """
    21 facts and 4 decisions, read as a colleague would tell them.
    """
    told = [
        f"{round((row.occurred_at - at(0)).total_seconds() / 60, 2):g} {title(row)}" for row in plain_story
    ]

    assert told == [
        "1 Deploy of 1.4.2 started",
        "2 Deployed 1.4.2",
        "4 Incident started",
        "5 Alert HighErrorRate fired",
        "6 Error: ZeroDivisionError: division by zero",
        "7 Error: ZeroDivisionError: division by zero",
        "7 Declared critical: Payments answer 500",
        "11 4f2d8c1 Do not divide by an empty basket",
        "12 the basket is empty",
        "13 ccccccc Do not divide by nothing",
        "20 Rolled back to 1.4.1",
        "25 Alert HighErrorRate stopped firing",
        "39 Alert Lost stopped firing",
        "40 Alert DiskFull fired",
        "45 Resolved",
    ]


@hypothesis_settings(max_examples=40, deadline=None)
@given(telling=tellings)
def test_any_telling_gives_one_story(tmp_path_factory, plain_story, telling):
    """
    Any order, any repetition, any split into batches: the same rows, with the same evidence.
    """
    order, repeated, splits = telling

    assert story(str(tmp_path_factory.mktemp("told") / "t.db"), [*order, *repeated], splits) == plain_story


@hypothesis_settings(max_examples=5, deadline=None)
@given(telling=tellings)
def test_any_telling_gives_one_story_on_postgresql(postgres_server, plain_story, telling):
    """
    The same there.
    """
    order, repeated, splits = telling

    with postgres_server.database() as url:
        assert story(url, [*order, *repeated], splits) == plain_story


def test_a_row_of_a_wrong_clock_stands_where_it_was_recorded_and_says_so():
    """
    An alert that its source dates three hours ahead is before what was recorded after it, and within the incident.
    """
    ahead = alert(190)
    rows = entries(effective(recorded(ahead, note(11), minute=10)).values(), end=at(20))

    assert [(row.kind, row.occurred_at) for row in rows] == [("alert-fired", at(10)), ("note-added", at(11))]
    assert rows[0].clock_off_seconds == 180 * 60
    assert "its clock was 3 h 00 min fast, corrected" in (detail(rows[0]) or "")
