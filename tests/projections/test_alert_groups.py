"""Alerts of one name that fire together are one row, and can be told apart."""

from hypothesis import given
from hypothesis import strategies as st

from projections.timeline import entries
from projections.timeline_rows import Entry
from reports.wording.timeline import detail, title
from tests.builders import alert, alert_end, at, recorded
from tracker.events.base import Event
from tracker.events.corrections import effective


def rows(*events: Event) -> list[Entry]:
    return entries(effective(recorded(*events)).values())


def worker(number: int, minute: float = 5, **labels: str) -> Event:
    return alert(minute, **_of(number, labels))


def worker_end(number: int, minute: float = 25, started: float = 5, **labels: str) -> Event:
    return alert_end(minute, started, **_of(number, labels))


def _of(number: int, labels: dict[str, str]) -> dict[str, object]:
    named = {"alertname": "WorkerDown", "service": "checkout", **(labels or {"worker": f"w{number}"})}
    return {"name": "WorkerDown", "fingerprint": f"{number:016x}", "labels": named, "annotations": {}}


def test_twenty_alerts_of_one_name_are_two_rows():
    """
    One of their beginnings, one of their ends; each names how many they are and which.
    """
    facts = [worker(n, 5 + n / 10) for n in range(20)] + [
        worker_end(n, 25 + n / 10, 5 + n / 10) for n in range(20)
    ]

    fired, resolved = rows(*facts)

    assert (fired.alerts, resolved.alerts) == (20, 20)
    assert len(fired.evidence) == len(resolved.evidence) == 20
    assert fired.occurred_at == at(5)
    assert title(fired) == "Alert WorkerDown fired"
    assert "20 alerts · worker w0, w1, w2, w3, w4 and 15 more" in (detail(fired) or "")


def test_alerts_that_end_together_did_not_all_fire_as_long():
    """
    The row says the shortest and the longest; equal ones are one, and of one without a start nothing is said.
    """
    facts = [worker(n, 5 + 2 * n) for n in range(3)]

    _, ended = rows(*facts, *(worker_end(n, 25, 5 + 2 * n) for n in range(3)))
    assert (detail(ended) or "").endswith("after 16 min to 20 min")

    _, ended = rows(*facts, *(worker_end(n, 25, 5 + 2 * n) for n in range(2)), worker_end(2, 25, 25))
    assert (detail(ended) or "").endswith("after 18 min to 20 min · its source names no start of 1")

    _, ended = rows(*[worker(n, 5) for n in range(3)], *(worker_end(n, 25, 5) for n in range(3)))
    assert (detail(ended) or "").endswith(" · after 20 min")


def test_pod_and_instance_come_first():
    """
    The label that people know a machine by, if it tells all apart; else those that differ.
    """
    by_pod = rows(*(worker(n, pod=f"p{n}", instance=f"10.0.0.{n}", app="x") for n in range(3)))
    assert list(by_pod[0].told_apart_by) == ["pod"]
    by_two = rows(*(worker(n, pod=f"p{n // 2}", instance=f"i{n % 2}", app="x") for n in range(4)))
    assert by_two[0].told_apart_by == {"pod": ("p0", "p1"), "instance": ("i0", "i1")}


def test_alerts_far_apart_are_rows_that_can_be_told_apart():
    """
    Each names its own; an alert that is alone of its name needs no more words.
    """
    first, second = rows(worker(1, 5), worker(2, 30))

    assert (detail(first) or "").startswith("worker w1")
    assert (detail(second) or "").startswith("worker w2")
    [alone] = rows(worker(1))
    assert alone.told_apart_by == {}


def test_what_differs_in_name_severity_or_kind_is_never_folded():
    """
    Nor is an alert with itself: one that flaps is no group.
    """
    assert len(rows(worker(1), alert(5))) == 2
    assert len(rows(worker(1), alert(5, **{**_of(2, {}), "severity": "warning"}))) == 2
    flapping = [worker(1, 5), worker_end(1, 6, 5), worker(1, 7), worker_end(1, 8, 7)]
    assert len(rows(*flapping)) == 4


@given(
    st.permutations([worker(n, 5 + n) for n in range(8)] + [worker_end(n, 20 + n, 5 + n) for n in range(8)])
)
def test_the_order_in_which_they_come_does_not_matter(facts):
    """
    Every alert is in exactly one row of its kind.
    """
    found = rows(*facts)

    assert [(row.kind, row.alerts) for row in found] == [
        ("alert-fired", 6),
        ("alert-fired", 2),
        ("alert-resolved", 6),
        ("alert-resolved", 2),
    ]
    evidence = [event for row in found for event in row.evidence]
    assert len(evidence) == len(set(evidence)) == 16
