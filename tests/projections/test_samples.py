"""Chunks become series: the first recorded value stands, and damage is told."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.samples import (
    Summary,
    asked_count,
    between,
    expected_count,
    merge,
    spaced,
    summary,
)
from tracker.errors import LogNotWholeError, StoreError
from tracker.events.base import Recorded, event_id
from tracker.events.codec import columns_sha256, encode
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.times import from_ms, to_ms, to_us

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAN, OTHER_NAN = (np.array([bits]).view(np.float64)[0] for bits in (0x7FF8000000000000, 0x7FF0000000000002))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def chunk(
    samples: dict[float, float], *, position: int = 1, metric: str = "error_ratio", **header: object
) -> tuple[Recorded, bytes]:
    instants = np.array([to_ms(at(second)) for second in samples], np.int64)
    values = np.array(list(samples.values()), np.float64)
    codec, data = encode(instants, values)
    fields: dict[str, object] = {
        "occurred_at": from_ms(int(instants.min())) if samples else NOON,
        "last_at": from_ms(int(instants.max())) if samples else NOON,
        "source": "prometheus",
        "service": "checkout",
        "metric": metric,
        "query": "q",
        "step_seconds": 15.0,
        "count": len(samples),
        "codec": codec,
        "sha256": columns_sha256(instants, values),
        "unit": "ratio",
    }
    event = msgspec.convert(fields | header, MetricSampled)
    return Recorded(
        id=event_id(event), event=event, position=position, recorded_us=to_us(NOON) + position
    ), data


def test_chunks_of_one_series_are_joined_in_the_order_of_time():
    """
    It does not matter in which order they were recorded or read.
    """
    late, early = chunk({30: 3.0, 45: 4.0}, position=1), chunk({15: 2.0, 0: 1.0}, position=2)

    [series] = merge([early, late])

    assert series.instants_ms.tolist() == [to_ms(at(s)) for s in (0, 15, 30, 45)]
    assert series.values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert (series.service, series.metric, series.unit, series.source) == (
        "checkout",
        "error_ratio",
        "ratio",
        "prometheus",
    )


def test_the_first_recorded_value_of_an_instant_stands():
    """
    A later value that differs is ignored.
    """
    first, second = chunk({0: 1.0, 15: 2.0}, position=1), chunk({15: 9.0, 30: 3.0}, position=2)

    [series] = merge([second, first])

    assert series.values.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("before", "after"), [(NAN, OTHER_NAN), (OTHER_NAN, NAN), (NAN, 1.0), (0.0, -0.0)])
def test_the_first_value_keeps_all_its_bits(before, after):
    """
    Prometheus's mark for the end of a series is another NaN than 0/0.
    """
    [series] = merge([chunk({0: before}, position=1), chunk({0: after, 15: 1.0}, position=2)])

    assert series.values.view(np.int64)[0] == np.array([before]).view(np.int64)[0]


def test_series_differ_by_labels_query_and_metric():
    """
    One event of each makes as many series, in one fixed order.
    """
    chunks = [
        chunk({0: 1.0}, labels={"pod": "b"}),
        chunk({0: 1.0}, labels={"pod": "a"}),
        chunk({0: 1.0}, query="other"),
        chunk({0: 1.0}, metric="cpu"),
    ]

    names = [(series.metric, series.query, series.labels) for series in merge(chunks)]

    assert names == [
        ("cpu", "q", {}),
        ("error_ratio", "other", {}),
        ("error_ratio", "q", {"pod": "a"}),
        ("error_ratio", "q", {"pod": "b"}),
    ]
    assert merge(reversed(chunks))[0].metric == "cpu"


def test_a_chunk_given_twice_counts_once():
    """
    Two selections may overlap.
    """
    one = chunk({0: 1.0})

    [series] = merge([one, one])

    assert series.values.tolist() == [1.0]


def test_the_widest_step_is_the_series_step():
    """
    Else a chunk at one minute would be drawn as a row of gaps.
    """
    [series] = merge([chunk({0: 1.0}), chunk({60: 1.0}, position=2, step_seconds=60.0)])

    assert series.step_seconds == 60.0


def test_no_chunks_make_no_series_and_an_empty_chunk_an_empty_one():
    """
    A source that was asked and had nothing is not the same as one never asked.
    """
    assert merge([]) == []

    [series] = merge([chunk({})])

    assert len(series.instants_ms) == len(series.values) == 0


def test_the_columns_cannot_be_written_to():
    """
    An answer that is shared must not change under its readers.
    """
    [series] = merge([chunk({0: 1.0})])

    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2.0


@pytest.mark.parametrize("header", [{"sha256": b"0" * 32}, {"count": 3}])
def test_columns_that_are_not_the_recorded_ones_are_refused(header):
    """
    The message names the event by the handle that people type.
    """
    damaged = chunk({0: 1.0, 15: 2.0}, **header)

    with pytest.raises(LogNotWholeError, match=damaged[0].handle):
        merge([damaged])


def test_a_codec_of_a_newer_tracker_is_no_damage():
    """
    The hint is then to upgrade, and the event is still named.
    """
    newer = chunk({0: 1.0}, codec="pco9")

    with pytest.raises(StoreError, match=newer[0].handle):
        merge([newer])


def test_between_takes_the_start_and_leaves_the_end():
    """
    So that two windows side by side share no sample.
    """
    [series] = merge([chunk({0: 1.0, 15: 2.0, 30: 3.0})])

    assert between(series, at(0), at(30)).values.tolist() == [1.0, 2.0]
    assert between(series, at(0.0001), at(30.0001)).values.tolist() == [2.0, 3.0]
    assert between(series, at(30), at(0)).values.tolist() == []


def test_a_summary_looks_at_finite_values_only():
    """
    Infinity and NaN are samples that say nothing about the level.
    """
    [series] = merge([chunk({0: 4.0, 15: NAN, 30: 1.0, 45: float("inf"), 60: 3.0, 75: 7.0})])

    assert summary(series, at(0), at(75)) == Summary(
        count=3, expected_count=5, minimum=1.0, median=3.0, maximum=4.0, first=4.0, last=3.0
    )


def test_a_summary_of_nothing_has_no_numbers():
    """
    Absence is not zero.
    """
    [series] = merge([chunk({0: 1.0})])

    nothing = Summary(0, 40, None, None, None, None, None)
    assert summary(series, at(600), at(1200)) == nothing
    assert summary(replace(series, values=series.values * NAN), at(0), at(600)) == nothing


def test_expected_samples_stand_on_multiples_of_the_step():
    """
    Range queries start on absolute multiples, wherever a window begins.
    """
    assert expected_count(15, at(0), at(60)) == 4
    assert expected_count(15, at(1), at(61)) == 4
    assert expected_count(15, at(1), at(60)) == 3
    assert expected_count(15, at(60), at(0)) == 0
    assert expected_count(0, at(0), at(60)) == 0


def every(step: int, start: int, end: int, *, without: int | None = None) -> dict[float, float]:
    """Samples at the multiples of a step from `start` up to `end`, but for those of another step."""
    return {n: 1.0 for n in range(start, end, step) if without is None or n % without}


HISTORY_THEN_DETAIL = [
    chunk(every(300, 0, 3600), position=1, step_seconds=300.0),
    chunk(every(60, 3600, 7200), position=2, step_seconds=60.0),
    chunk(every(15, 7200, 9000), position=3),
]


def test_each_span_has_the_step_that_was_asked_there():
    """
    The history before an incident is coarser, and does not make its detail look half empty.
    """
    [series] = merge(HISTORY_THEN_DETAIL)

    assert series.step_seconds == 300.0
    assert between(series, at(7200), at(9000)).step_seconds == 15.0
    assert between(series, at(3600), at(9000)).step_seconds == 60.0
    assert between(series, at(0), at(600)).step_seconds == 300.0
    detail = spaced(series, at(7200), at(9000))
    assert (detail.step_seconds, len(detail.instants_ms)) == (15.0, len(series.instants_ms))
    for start, end, expected in [(0, 3600, 12), (3600, 7200, 60), (7200, 9000, 120), (0, 9000, 192)]:
        found = summary(series, at(start), at(end))
        assert (found.count, found.expected_count) == (expected, expected)


def test_a_finer_question_over_a_coarser_one_counts_once():
    """
    The history of a later incident is where an earlier one's detail is: only the instants that lacked came after.
    """
    [series] = merge(
        [
            chunk(every(60, 0, 7200), position=1, step_seconds=60.0),
            chunk(every(15, 3600, 5400, without=60), position=2),
            chunk(every(15, 5400, 7200, without=60), position=3),
        ]
    )

    assert between(series, at(3600), at(7200)).step_seconds == 15.0
    assert between(series, at(0), at(3600)).step_seconds == 60.0
    assert asked_count(series, at(3600), at(7200)) == 240
    assert asked_count(series, at(0), at(7200)) == 60 + 240
    assert summary(series, at(0), at(7200)).count == 300


def test_what_is_missing_is_counted_at_the_finer_step_beside_it():
    """
    A metric that fell silent in the middle of the detail, or came back with it, misses samples of the detail.
    """
    [series] = merge(
        [
            chunk(every(60, 0, 3600), position=1, step_seconds=60.0),
            chunk(every(15, 7200, 9000), position=2),
        ]
    )

    assert asked_count(series, at(3600), at(7200)) == 240
    assert asked_count(series, at(9000), at(9600)) == 40
    assert asked_count(series, at(-600), at(0)) == 10
    assert between(series, at(4000), at(5000)).step_seconds == 15.0
    assert asked_count(series, at(600), at(0)) == 0


@given(
    finer=st.lists(
        st.tuples(st.sampled_from([15, 60]), st.integers(0, 11), st.integers(1, 6)), min_size=1, max_size=5
    ),
    turn=st.integers(0, 5),
    window=st.tuples(st.integers(-100, 3700), st.integers(-100, 3700)).map(sorted),
)
def test_nothing_is_missing_where_a_source_gave_all_that_it_was_asked_for(finer, turn, window):
    """
    An hour at five minutes, and finer questions about parts of it before and after: at every
    instant the finest question counts, whatever came first.
    """
    asked = [(step, first * 300, min(3600, (first + blocks) * 300)) for step, first, blocks in finer]
    asked.insert(turn, (300, 0, 3600))
    known: set[int] = set()
    chunks = []
    for position, (step, first, last) in enumerate(asked, start=1):
        instants = sorted({*range(first, last, step)} - known)
        known.update(instants)
        if instants:
            new = dict.fromkeys(instants, 1.0)
            chunks.append(chunk(new, position=position, step_seconds=float(step)))

    [series] = merge(chunks)

    start, end = (min(max(each, 0), 3600) for each in window)
    assert asked_count(series, at(start), at(end)) == sum(start <= each < end for each in known)
    for first in range(0, 3600, 300):
        finest = min(step for step, low, high in asked if low <= first < high)
        assert between(series, at(first), at(first + 300)).step_seconds == finest


def test_importing_it_does_not_import_numpy():
    """
    Every command pays for what its modules import.
    """
    code = (
        "import projections.samples, reports.charts, sys; print({'numpy', 'matplotlib'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"


def whole_answer(start: float, end: float, **fields: object) -> SourceCollected:
    known: dict[str, object] = {
        "occurred_at": at(start),
        "until": at(end),
        "asked_at": NOON,
        "source": "prometheus",
        "service": "checkout",
        "what": "error_ratio",
        "query": "q",
        "step_seconds": 15.0,
    }
    return msgspec.convert(known | fields, SourceCollected)


_columns = st.dictionaries(st.integers(0, 40).map(lambda step: step * 15), st.floats(0, 1), min_size=1)


@given(in_part=_columns, whole=_columns, order=st.permutations([1, 2]))
def test_a_partial_answer_yields_to_a_whole_one_sample_by_sample(in_part, whole, order):
    """
    Whichever was recorded first: within the whole answer nothing of the partial one is left, outside all of it.
    """
    answer = whole_answer(150, 450)
    inside = {second: value for second, value in whole.items() if 150 <= second < 450}
    chunks = [chunk(in_part, position=order[0], partial=True)]
    if inside:
        chunks.append(chunk(inside, position=order[1]))

    joined = merge(chunks, [answer])

    expected = {second: value for second, value in in_part.items() if not 150 <= second < 450} | inside
    found = {
        instant: value
        for series in joined
        for instant, value in zip(series.instants_ms.tolist(), series.values.tolist(), strict=True)
    }
    assert found == {to_ms(at(second)): value for second, value in expected.items()}


def test_what_had_expired_before_the_whole_answer_stays_known_in_part():
    """
    Nobody will report it again; nor does an answer to another query, or at a coarser step, replace it.
    """
    known = chunk({0: 0.1, 15: 0.2, 30: 0.3}, partial=True)

    def left(**fields: object) -> int:
        return sum(len(series.values) for series in merge([known], [whole_answer(0, 600, **fields)]))

    assert left() == 0
    assert left(missing_until=at(20)) == 2
    assert left(query="another") == 3
    assert left(step_seconds=60.0) == 3
    assert left(incomplete=("store is down",)) == 3
