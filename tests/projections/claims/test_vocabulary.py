"""The vocabulary of the check of prose: phrases are found fast where there are none."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.claims import amounts, clocks, vocabulary
from projections.claims.topics import topics_in

SECTIONS = sorted(vocabulary._sections())
WORDS = sorted(
    {
        re.sub(r"\(\?[^()]*\)|[()|*]", "", word)
        for section in SECTIONS
        for line in vocabulary.listed(section)
        for word in re.split(r"[\s_|]+", line)
    }
)
FURTHER = ["Sept", "3rd", "12.5%", "v1.2.3", "4.5.6", "07", "2026-03-01", "14:45Z", "PT5M", "half", "an", "hour", "5m",
           "two", "others", "to", "past", "o'clock", "noon", "ſtopped", "K8s", "re-deployed", "isn't", "…", "in", "of"]  # fmt: skip
texts = st.lists(
    st.tuples(
        st.sampled_from([*WORDS, *FURTHER]), st.sampled_from([" ", " ", "-", ", ", ". ", "'", "ed ", "s "])
    ),
    max_size=14,
).map(lambda parts: "".join(word + between for word, between in parts))


@settings(max_examples=30)
@given(texts)
def test_a_phrase_is_found_with_its_beginnings_compared_first_as_without(text):
    """Comparing how words begin leaves out no text that has a phrase."""
    for section in SECTIONS:
        phrases = vocabulary._Phrases(section)
        if not phrases._may_have(text):
            assert vocabulary.phrases(section)._compiled.search(text) is None, section


@pytest.mark.parametrize("section", SECTIONS)
def test_how_the_phrases_of_a_section_begin_is_known(section):
    """A phrase that can begin in any way makes its whole section slow: only the denials have one."""
    assert section == "negation" or vocabulary._Phrases(section)._begins is not None


@settings(max_examples=30)
@given(texts)
def test_spans_shares_and_times_are_found_with_a_look_first_as_without(text):
    assert amounts.durations_in(text) == tuple(amounts._durations_in(text))
    assert amounts.shares_in(text) == tuple(amounts._shares_in(text))
    if not clocks._ANY_NAMED.search(text):
        assert clocks._NAMED.search(text) is None
    if not clocks._may_have_date(text):
        assert clocks._DATE.search(text) is None


@given(
    st.integers(0, 10**6), st.sampled_from(["the alert fired on host-{}", "{} rolled back, v{}.2.3 is live"])
)
def test_topics_have_their_own_numbers(number, text):
    """Texts that differ by a number alone name the same points, each in its own words."""
    text = text.format(number, number)
    assert all(topic.words == text[topic.start : topic.end] for topic in topics_in(text))
    assert topics_in(text)
