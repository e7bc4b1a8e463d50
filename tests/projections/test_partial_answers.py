"""Which spans are still known in part."""

from projections.partial_answers import partial_answers
from tests.builders import at, collected

DOWN = ("store is down",)


def answer(start: float, end: float, *incomplete: str, **fields):
    known = {"query": "up", "what": "error_ratio", "step_seconds": 15.0, "problem": None}
    return collected(start, until=at(end), incomplete=incomplete, **{**known, **fields})


def found(*answers):
    return [
        ((each.start - at(0)).total_seconds() / 60, (each.end - at(0)).total_seconds() / 60, each.reported)
        for each in partial_answers(answers, "error_ratio", "up")
    ]


def test_a_span_is_known_in_part_until_it_is_answered_in_whole():
    """
    By whatever answers, in whatever order; what is left are the pieces between.
    """
    assert found(answer(0, 60, *DOWN)) == [(0, 60, DOWN)]
    assert found(answer(0, 60, *DOWN), answer(0, 60)) == []
    assert found(answer(10, 20), answer(0, 60, *DOWN)) == [(0, 10, DOWN), (20, 60, DOWN)]
    assert found(answer(0, 60, *DOWN), answer(0, 60, step_seconds=60.0)) == [(0, 60, DOWN)]
    assert found(answer(0, 60, *DOWN), answer(0, 60, step_seconds=5.0)) == []


def test_only_the_answers_to_this_question_count():
    """
    Another query, another metric, a failure.
    """
    others = [
        answer(0, 60, query="down"),
        answer(0, 60, what="latency_seconds"),
        answer(0, 60, problem="timeout"),
    ]

    assert found(answer(0, 60, *DOWN), *others) == [(0, 60, DOWN)]


def test_spans_that_touch_are_one():
    """
    A source that is polled every minute says so every minute.
    """
    assert found(*(answer(0, end, *DOWN) for end in (10, 11, 12)), answer(12, 20, *DOWN)) == [(0, 20, DOWN)]
    assert found(answer(0, 10, *DOWN), answer(10, 20, "another")) == [(0, 10, DOWN), (10, 20, ("another",))]
