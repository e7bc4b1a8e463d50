"""Patterns that may take for ever are known before they meet a name; ordinary ones are let through."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.errors import SettingsError
from tracker.settings.loading import parse
from tracker.settings.slow_patterns import LONGEST_TEXT, is_slow, matches

SLOW = [
    *("(a+)+$", "hotfix/(a+)+$", "(a|a)*b", "(a|ab|b)*c", ".*.*.*.*.*x", "(.*)*", r"(\w+\s?)*x", "((ab)*)*c"),
    *("(a?){30}a{30}", "a?" * 30 + "a" * 30, "(x+x+)+y", "(?=(a+)+$)b", "(a+?)+?b", "(a{0,40}){0,40}b"),
]
ORDINARY = [
    *("hotfix/.+", "(hotfix|fix)/[a-z]+(-[a-z]+)*", r"([a-z0-9-]+/)*[A-Z]+-\d+", r"hotfix/[\w.-]+"),
    *(
        "(.+/)?hotfix/.+",
        "[0-9a-f]{40}",
        r"hotfix/\d{4}-\d{2}-\d{2}(-\w+)?",
        r"(hotfix|bugfix)/([A-Z]+-\d+-)?.+",
        r"(feat|fix|hotfix)(\([\w-]+\))?/[A-Z]{2,10}-\d{1,6}[-_].{3,80}",
    ),
    *("(?i)hotfix/(?!main).+", "(a++)+b", "(?>a+)+b", r"(?:hot)?fix/(?P<n>\d+)(?(n)-.+|x)", "^hotfix/.*.*$"),
]


@pytest.mark.parametrize("pattern", SLOW)
def test_what_may_take_for_ever_is_slow(pattern):
    assert is_slow(pattern)


@pytest.mark.parametrize("pattern", ORDINARY)
def test_what_people_write_is_not(pattern):
    assert not is_slow(pattern)


@pytest.mark.parametrize("pattern", [*SLOW, *ORDINARY])
def test_the_answer_does_not_depend_on_how_fast_the_machine_is(pattern, monkeypatch):
    for name in ("process_time", "perf_counter", "monotonic", "time"):
        monkeypatch.setattr(time, name, lambda: pytest.fail("a clock was asked"))
    is_slow.cache_clear()

    assert is_slow(pattern) == (pattern in SLOW)


@settings(max_examples=20)
@given(
    repeats=st.lists(
        st.sampled_from(["a*", "a+", "b?", "(a|b)", "[ab]{0,3}", "(?:a+b)*"]), min_size=2, max_size=4
    )
)
def test_what_is_not_slow_takes_no_more_steps_than_that(repeats):
    """
    Whatever is let through ends: a text that almost matches is matched here, and the test would hang.
    """
    pattern = "".join(repeats) + "x"

    if not is_slow(pattern):
        assert not matches(pattern, ("ab" * LONGEST_TEXT)[: LONGEST_TEXT - 1] + "y")
        assert not matches(pattern, "a" * (LONGEST_TEXT - 1) + "y")


def test_a_long_name_is_matched_by_its_beginning():
    assert matches("hotfix/.+", "hotfix/" + "x" * 10 * LONGEST_TEXT)


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        ('[procedure]\nbranch_pattern = "hotfix/(a+)+$"', "procedure.branch_pattern"),
        ('[services.checkout]\nsettling = "2d"', "services.checkout.settling"),
        ('[procedure]\nreport_within = "400d"', "procedure.report_within"),
        (f'[procedure]\nreport_within = "{"9" * 400}d"', "procedure.report_within"),
        (f'[procedure]\nreport_within = "{"9" * 5000}d"', "procedure.report_within"),
    ],
    ids=["pattern", "settling", "limit", "many digits", "too many digits"],
)
def test_tracker_toml_is_refused_with_the_place(toml, place):
    with pytest.raises(SettingsError, match=place):
        parse(toml.encode(), "tracker.toml")
