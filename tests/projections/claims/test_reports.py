"""Whole reports: every fault of one is found, with its line and what the log says, and none in its corrected twin."""

import pytest

from projections.claims.check import texts_of
from tests import builders as b
from tests.projections.claims.story import (
    CORRECTED,
    FAULTS,
    POSTMORTEM,
    SPARSE,
    STORY,
    TOLD_IN_NOTES,
    WITH_FAULTS,
    WITHOUT_A_START,
    claims,
    facts,
    said,
)


@pytest.mark.parametrize("log", [STORY, TOLD_IN_NOTES, SPARSE], ids=["story", "notes", "sparse"])
def test_every_fault_of_a_report_is_found_and_nothing_else(log):
    """
    However much the log holds: milestones and deploys, a chat's lines, or three events.
    """
    faults = FAULTS if log is STORY else WITHOUT_A_START
    assert {(each.line, each.claim) for each in said(WITH_FAULTS, *log)} == faults


@pytest.mark.parametrize("log", [STORY, TOLD_IN_NOTES, SPARSE], ids=["story", "notes", "sparse"])
def test_nothing_is_found_in_the_corrected_one(log):
    """
    A linter that cries wolf is switched off.
    """
    assert said(CORRECTED, *log) == []


@pytest.mark.parametrize("log", [STORY, SPARSE], ids=["story", "sparse"])
def test_a_long_and_true_postmortem_is_let_pass(log):
    """
    With settings, targets, other incidents, tickets, budgets and what was decided against.
    """
    assert said(POSTMORTEM, *log) == []


def test_a_finding_says_where_and_what_the_log_says_with_its_events():
    """
    The place can be clicked on, the numbers can be checked.
    """
    [found] = said("# Report\n\nPayments were down for 15 minutes.\n")

    assert (found.where, found.claim) == ("report.md:3", "were down for 15 minutes")
    assert found.log_says == "It was 25 min: it started at 14:45 UTC, it recovered at 15:10 UTC"
    assert len(found.evidence) == 2
    assert len(found.key) == 7


def test_a_key_stays_when_lines_are_added_above_and_is_another_for_other_words():
    """
    What was waived stays waived, and nothing else with it.
    """
    [first] = said("Payments were down for 15 minutes.")
    [moved] = said("# Report\n\nIt was bad.\n\nPayments were down for 15 minutes.")
    [other] = said("Payments were down for 16 minutes.")
    twice = said("It was down for 15 minutes.\n\nIt was down for 15 minutes.")

    assert first.key == moved.key != other.key
    assert len({each.key for each in twice}) == 2


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_change_nothing(ending):
    """
    Reports come from every editor.
    """
    found = said("\ufeff" + WITH_FAULTS.replace("\n", ending))

    assert {(each.line, each.claim) for each in found} == FAULTS


def test_generated_parts_quotations_and_code_are_nobodys_claims():
    """
    What the tracker wrote is read from the log; a quotation is what somebody said then.
    """
    wrong = "Payments were down for 15 minutes."
    text = f"""<!-- tracker:begin summary 1a2b -->
{wrong}
<!-- tracker:end summary -->

> {wrong}

```
{wrong}
```

<!-- {wrong}
{wrong} -->
"""
    assert said(text) == []
    assert [each.line for each in said(text + wrong)] == [13]


def test_a_sentence_over_two_lines_is_one_and_is_found_in_its_own_line():
    """
    Editors wrap lines where they like.
    """
    [found] = said("Nobody could tell why.\nAfter all payments were\ndown for 15 minutes, we think.")

    assert (found.line, found.claim) == (2, "were down for 15 minutes")


def test_prevention_action_items_questions_and_tables_of_settings_are_no_claims():
    """
    What is to be done did not happen.
    """
    assert (
        said(
            "## Prevention\n- Be down for 5 minutes at most\n- Deployed v9.9.9 canaries\n"
            "## Action items\n- [ ] Outage drill of 10 minutes (John, by 2026-04-01)\n"
            "## Impact\nWere payments down for 40 minutes?\n"
            "If it had been paged, the outage would have lasted 5 minutes.\n"
        )
        == []
    )


def test_a_table_is_read_by_its_first_cells():
    """
    `Downtime | 15 minutes` is as much a claim as a sentence.
    """
    found = said(
        "| Fact | Value |\n|---|---|\n| Downtime | 15 minutes |\n| Fix | v1.2.1 deployed at 15:10 UTC |\n"
        "| 14:47 UTC | Issue confirmed |\n"
    )

    assert [(each.line, each.claim) for each in found] == [
        (3, "Downtime | 15 minutes"),
        (5, "14:47 UTC | Issue confirmed"),
    ]


# ── notes and messages ───────────────────────────────────────────────────────


def of_log(*events):
    known = facts(*STORY, *events)
    return claims(texts_of(known), known)


def test_the_storys_own_notes_hold():
    """
    Nothing is said against what is true.
    """
    assert of_log() == []


def test_a_note_that_was_true_when_it_was_written_stays_true():
    """
    Ten minutes in, it was down for ten minutes; nobody could know more.
    """
    assert of_log(b.note(55, "Down for 10 minutes by now")) == []

    [found] = of_log(b.note(55, "Down for 20 minutes by now"))
    assert found.where == found.key or len(found.where) == 7


def test_a_message_is_held_against_the_log_and_named_by_its_handle():
    """
    The template's own lines: a version that nobody deployed, a downtime that is too short.
    """
    message = b.sent(75.5, kind="resolved", text="✅ RESOLVED - v1.2.2 deployed\n⏱ Downtime: 15 minutes")

    version, downtime = of_log(message)

    handle = facts(*STORY, message).messages[-1].sent_event[-7:]
    assert (version.claim, downtime.claim) == ("✅ RESOLVED - v1.2.2 deployed", "Downtime: 15 minutes")
    assert version.where == downtime.where == handle
    assert "it has v1.2.1" in version.log_says


def test_a_promise_is_held_against_what_came():
    """
    In a field or in words; renewed in time it is none any more.
    """
    in_words = b.sent(52, text="ETA: 10 minutes")
    in_a_field = b.sent(52, text="We are on it", eta=b.at(62))
    renewed = b.sent(60, kind="update", text="It takes longer", eta=b.at(72))

    [words] = of_log(in_words)
    [field] = of_log(in_a_field)

    assert words.log_says == "v1.2.1 was deployed at 15:10 UTC, 8 min after 15:02 UTC"
    assert field.log_says == words.log_says
    assert of_log(in_a_field, renewed) == []
    assert of_log(b.sent(52, text="ETA: 20 minutes")) == []


def test_a_note_of_what_is_to_come_is_no_claim_and_a_struck_out_one_is_not_read():
    """
    Prevention notes plan, and what was retracted was taken back.
    """
    planned = b.note(80, "Outage drills of 15 minutes, deployed with v1.3.0", kind="prevention")
    wrong = b.note(80, "It was down for 15 minutes")

    assert of_log(planned) == []
    assert len(of_log(wrong)) == 1
    assert of_log(wrong, b.retracted(wrong, 81)) == []


def test_garbled_text_is_named_with_what_it_probably_was():
    """
    In a report and in a message alike.
    """
    [found] = said("Fine.\n\nğŸš¨ Critical")
    assert found.line == 3
    assert "it should be '🚨 Critical'" in found.log_says

    [message] = of_log(b.sent(76, text="Ã¼ber"))
    assert "it should be 'über'" in message.log_says
    assert said("Größe, naïve, kâğıt, Ğ, Ã, São Paulo, Đà Nẵng, tiếng Việt, 日本 ✅") == []


def test_normal_metrics_are_held_against_the_judge():
    """
    "All metrics normal" beside a verdict that says otherwise.
    """
    deploy = STORY[8]
    bad = b.verdicts(deploy, 80, verdicts=(b.verdict(baseline="healthy", verdict="still_degraded"),))

    [found] = said("🔄 Monitoring: All metrics normal", *STORY, bad)

    assert "still degraded" in found.log_says
    assert said("🔄 Monitoring: All metrics normal") == []


def test_a_promise_of_a_report_counts_from_the_detection_above_it():
    """
    The initial alert's template: detected, then an ETA in minutes.
    """
    [found] = said("Detected: 2026-03-01 14:45 UTC\nETA: 15 minutes\n")

    assert (found.line, found.claim) == (2, "ETA: 15 minutes")
    assert found.log_says == "v1.2.1 was deployed at 15:10 UTC, 10 min after 15:00 UTC"


def test_a_place_that_was_never_filled_in_is_named():
    """
    A link to a report that is "[link]".
    """
    assert [each.claim for each in said("Report: [link]\nOwner: TBD\n")] == ["[link]", "TBD"]
    assert said("Report: [link](https://wiki.example/42), [1], [x] done, [link][ref]") == []


def test_a_row_that_names_its_event_is_held_against_that_one():
    """
    A table that was pasted from the tracker, with its handles; a commit by its hash.
    """
    fix = b.commit(60, sha="a77cfc8" + "0" * 33, subject_line="fix: give it back")
    handle = facts(*STORY, fix).notes[0].handle

    assert said(f"| 14:45 | Nothing that is known by its words | `{handle}` |", *STORY, fix) == []
    assert said("- 15:00 UTC a77cfc8 fix: give it back", *STORY, fix) == []
    assert said("- 15:04 UTC Tests passed on a77cfc8", *STORY, fix) == []
    assert len(said(f"| 14:48 | Nothing that is known by its words | `{handle}` |", *STORY, fix)) == 1
    assert len(said("- 15:04 UTC a77cfc8 fix: give it back", *STORY, fix)) == 1


def test_a_row_in_the_words_of_a_note_is_held_against_the_note():
    """
    What is no point of the incident by its words is one by those of the log.
    """
    told = b.note(58, "Every pod holds ten connections and the database idles")

    row = "- {}: every pod holds ten connections, the database idles"
    assert said(row.format("14:58 UTC"), *STORY, told) == []
    assert len(said(row.format("14:52 UTC"), *STORY, told)) == 1
    assert said("- 14:52 UTC: Ben had a look at the pods", *STORY, told) == []


@pytest.mark.parametrize(
    "log",
    [
        (b.declared(50),),
        (b.declared(50), b.deploy(70, version="v1.2.1")),
        (b.declared(45), b.resolved(75)),
        (b.declared(45), b.merged(75)),
        (b.declared(45), b.resolved(60), b.reopened(65), b.resolved(75)),
        (b.declared(50), b.milestone(44, until=b.at(46)), b.milestone(70, "mitigated"), b.resolved(75)),
    ],
    ids=["declared", "open", "resolved", "merged", "reopened", "uncertain start"],
)
def test_a_log_that_knows_little_still_tells_a_report_with_faults_from_one_without(log):
    """
    At least seven, and of the corrected one no more than a version that no deploy is recorded of.
    """
    assert len(said(WITH_FAULTS, *log)) >= 7
    assert [each.claim for each in said(CORRECTED, *log) if "v1.2.1" not in each.claim] == []


@pytest.mark.parametrize(
    "told",
    [
        (b.deploy_start(65, version="v1.2.1"), b.deploy(70, version="v1.2.1")),
        (b.note(45, "First report from a customer"), b.note(70, "Fix deployed (v1.2.1)")),
    ],
    ids=["a deploy", "notes"],
)
def test_what_was_down_until_the_fix_was_out_was_not_down_for_less(told):
    """
    Nobody recorded the recovery, so it lies before the resolution; but not before the fix was deployed.
    """
    log = (b.declared(50), b.milestone(45, "started"), *told, b.resolved(75))

    assert [each.claim for each in said("Payments were down for 15 minutes.", *log)]
    assert [each.claim for each in said("Payments were down for 35 minutes.", *log)]
    assert not said("Payments were down for 25 minutes.", *log)
    assert not said("Payments were down for 30 minutes.", *log)


def test_what_an_impact_note_counts_in_fields_of_its_own_is_compared_as_its_words_are():
    """
    "312 of them" is of the orders that the field before it counts.
    """
    noted = b.note(
        80,
        "A third of all requests failed",
        kind="impact",
        affected=("23,500 requests", "1,140 orders not paid at the first try", "312 of them never"),
        affected_from=b.at(46),
        affected_to=b.at(71),
    )

    for true in (
        "23.5k failed requests, 312 lost orders.",
        "In the end 312 orders were never paid at all.",
        "Some 1,100 orders were not paid at first.",
    ):
        assert said(true, *STORY, noted) == []
    for false in ("235,000 requests failed.", "Some 140 orders were not paid at first."):
        assert said(false, *STORY, noted) != []
