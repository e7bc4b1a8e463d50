"""The rows that carry a story: few, in order, and never without its frame."""

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.dossier import Dossier
from projections.durations import durations_of
from projections.key_moments import MOST, key_moments
from projections.procedure.evaluation import evidence_of
from projections.timeline import timeline
from tests import builders as b

NOTES = ("looked at the logs", "no rollback, the table changed", "a customer wrote in", "we decided to wait")


def moments(*events):
    known = Dossier.of("INC-1", b.recorded(*events))
    rows = timeline(known)
    return key_moments(known.incident, rows, durations_of(evidence_of(known)), elsewhere=frozenset())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(6, 59), st.sampled_from(NOTES), st.sampled_from(("note", "hypothesis", "root-cause"))
        ),
        max_size=40,
    )
)
def test_there_are_at_most_fifteen_in_their_order_with_start_and_end(noted):
    """
    Whatever people noted: the start, the detection, the declaration and the end stay.
    """
    notes = [b.note(minute, text=f"{text} {n}", kind=kind) for n, (minute, text, kind) in enumerate(noted)]

    chosen = moments(
        b.alert(3), b.declared(5), b.milestone(0), *notes, b.milestone(50, "mitigated"), b.resolved(60)
    )

    assert len(chosen) <= MOST
    assert [moment.at for moment in chosen] == sorted(moment.at for moment in chosen)
    kinds = {moment.entry.kind for moment in chosen if moment.entry}
    assert {"alert-fired", "incident-declared", "milestone-set", "incident-resolved"} <= kinds


def test_decisions_and_customers_are_chosen_and_chatter_is_not():
    """
    By their words, as docs/report.md has the rule.
    """
    notes = [b.note(10 + n, text=text) for n, text in enumerate(NOTES)]

    chosen = moments(b.declared(5), *notes, b.resolved(60))

    said = [moment.entry.fact.text for moment in chosen if moment.entry and moment.entry.kind == "note-added"]
    assert said == list(NOTES[1:])
