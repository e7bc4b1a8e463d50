"""An alert as it is typed: what it means, and what is said where it means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.alert_expression import OPERATORS, SUFFIXES, parse
from tracker.errors import UsageError
from tracker.settings.schema import UNITS


@pytest.mark.parametrize(
    ("text", "metric", "operator", "number", "suffix", "for_seconds"),
    [
        ("error_ratio > 0.01 for 2m", "error_ratio", ">", 0.01, "", 120),
        ("error_ratio>1%for 2m", "error_ratio", ">", 1, "%", 120),
        ("  error_ratio  >=  1 %  FOR  1h30m ", "error_ratio", ">=", 1, "%", 5400),
        ("latency < 500ms", "latency", "<", 500, "ms", 0),
        ("pool-size.max <= -1.5e3", "pool-size.max", "<=", -1500, "", 0),
        ("up == 0 for 30s", "up", "==", 0, "", 30),
        ("memory != 1GiB", "memory", "!=", 1, "GiB", 0),
    ],
)
def test_one_metric_one_comparison_one_number(text, metric, operator, number, suffix, for_seconds):
    """
    Blanks do not matter; without `for` it fires at once.
    """
    found = parse(text)

    assert (found.metric, found.operator, found.number) == (metric, operator, number)
    assert (found.suffix, found.for_seconds) == (suffix, for_seconds)


@pytest.mark.parametrize(
    ("text", "unit", "threshold"),
    [
        ("m > 1%", "ratio", 0.01),
        ("m > 1", "ratio", 1.0),
        ("m > 1%", "percent", 1.0),
        ("m > 500ms", "seconds", 0.5),
        ("m > 2s", "seconds", 2.0),
        ("m > 2m", "seconds", 120.0),
        ("m > 1MiB", "bytes", 1048576.0),
        ("m > 1MB", "bytes", 1e6),
        ("m > 5/s", "per_second", 5.0),
        ("m > 5", None, 5.0),
    ],
)
def test_a_number_without_a_unit_is_in_the_metrics_own(text, unit, threshold):
    """
    A suffix is turned into it.
    """
    assert parse(text).threshold(unit) == pytest.approx(threshold)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("m > 5ms", "ratio", "has the unit ratio"),
        ("m > 5%", None, "m has no unit"),
        ("m > 5%", "count", "count"),
    ],
)
def test_a_suffix_of_another_unit_is_refused(text, unit, message):
    """
    Milliseconds are no ratio, whatever number stands before them.
    """
    with pytest.raises(UsageError, match=message):
        parse(text).threshold(unit)


@pytest.mark.parametrize(
    ("text", "character", "what", "better"),
    [
        ("error_ratio = 0.01", 13, "the operator must be one of > >= < <= == !=", "error_ratio > 0.01"),
        ("error_ratio", 12, "the operator", "the shell takes > for a file"),
        ("error_ratio for 2m", 13, "the operator", "the shell takes > for a file"),
        ("", 1, "name is missing", "error_ratio > 0.01 for 2m"),
        ("0.01 < a", 1, "name is missing", "error_ratio > 0.01 for 2m"),
        ("a > for 2m", 5, "a number is missing", "error_ratio > 0.01 for 2m"),
        ("a > 1e999", 5, "too large", "error_ratio"),
        ("a > 500MS", 8, "a unit is expected: ", "error_ratio"),
        ("a > 0,01 for 2m", 6, "'for' or a unit", "error_ratio"),
        ("a > 1 for", 10, "'' is not a duration", "1h30m"),
        ("a > 1 for 120", 11, "'120' is not a duration", "1h30m"),
        ("a > 1 for 9999999999w", 11, "more than a year", "error_ratio"),
        ("a > 1 and b > 2", 7, "only one comparison", "alone"),
        ("rate(a[1m]) > 1", 5, "the operator", "[services.S.metrics.NAME]"),
        ('a{pod="b"} > 1', 2, "the operator", "[services.S.metrics.NAME]"),
    ],
)
def test_an_error_names_the_character_and_what_to_type(text, character, what, better):
    """
    Characters are counted from one, as people do.
    """
    with pytest.raises(UsageError) as refused:
        parse(text)

    assert f", character {character}: " in refused.value.message
    assert what in refused.value.message
    assert better in refused.value.hint


@given(st.text(alphabet="ab_0 1.5e%ms,<>=!for2-{('\"\n²é", max_size=30))
def test_whatever_is_typed_is_read_or_refused(text):
    """
    Never a traceback, and every refusal says what to do.
    """
    found = outcome(text)

    if isinstance(found, UsageError):
        assert found.hint
        assert "\n" not in found.message
    else:
        assert found.operator in OPERATORS


def outcome(text):
    try:
        return parse(text)
    except UsageError as refused:
        return refused


@given(
    st.sampled_from(OPERATORS),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 100_000),
)
def test_what_is_written_properly_is_read_as_it_is(operator, number, seconds):
    """
    Any number and any duration of up to a year.
    """
    found = parse(f"error_ratio {operator} {number!r} for {seconds}s")

    assert (found.operator, found.threshold("ratio"), found.for_seconds) == (operator, number, seconds)


def test_every_unit_of_the_settings_is_known():
    """
    A unit that is added there needs its suffixes here.
    """
    assert set(SUFFIXES) == set(UNITS)
