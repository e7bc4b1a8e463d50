"""The instants that a log has, as the checks of prose ask for them: looked up, and not gone through, one by one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from projections.claims.facts import Facts
from projections.claims.measures import _MOST_STAMPS, _folded, pairs_of
from projections.claims.stamps import Stamp

BEGIN = datetime(2026, 3, 1, 14, tzinfo=UTC)
seconds = st.integers(0, 7200)
stamps = st.builds(
    lambda at, lasted: Stamp(
        "noted",
        BEGIN + timedelta(seconds=at),
        None,
        BEGIN + timedelta(seconds=at + lasted) if lasted else None,
    ),
    seconds,
    st.sampled_from([0, 0, 0, 90]),
)


@given(
    st.lists(stamps),
    st.lists(stamps, max_size=2),
    st.lists(seconds, max_size=3),
    st.sampled_from([1.0, 60.0, 360.0]),
)
def test_a_written_time_fits_the_stamps_that_one_by_one_it_fits(logged, added, written, grain):
    """Also those that hold for one text alone, each once and in their order."""
    facts = Facts(tuple(logged)).with_stamps(added)
    instants = [BEGIN + timedelta(seconds=each) for each in written]

    expected = [each for each in facts.stamps if any(each.fits(at, grain) for at in instants)]

    assert facts.fitting(instants, grain) == expected


@given(st.integers(_MOST_STAMPS + 1, 500), st.integers(1, 20))
def test_the_spans_between_storms_of_stamps_fit_all_that_each_pair_fits(count, apart):
    """Folding makes a span less certain, and never contradicts what is so."""
    starts = [Stamp("alerted", BEGIN + timedelta(seconds=apart * n), str(n)) for n in range(count)]
    end = Stamp("resolved", BEGIN + timedelta(seconds=apart * count), "end")

    exact, folded = pairs_of(starts, [end]), pairs_of(_folded(starts), [end])

    assert len(folded) <= _MOST_STAMPS
    assert all(any(few.low <= each.low <= each.high <= few.high for few in folded) for each in exact)
