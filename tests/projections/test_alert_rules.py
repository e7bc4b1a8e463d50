"""Alert rules judged by what they led to: precision, recall, detection and reset time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.alert_rules import judge_rules, metric_names, share, unwatched
from projections.alert_spans import spans
from projections.deduplication import deduplicate
from projections.incidents import incidents
from tests.builders import alert, alert_end, declared, milestone, recorded, resolved, rule
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.corrections import effective

NAME = alert(0).name


def judged(*events, defined=(), service=None):
    held = recorded(*events)
    alerts = [fact for fact in effective(held).values() if isinstance(fact.event, AlertFired | AlertResolved)]
    return judge_rules(spans(deduplicate(alerts)), defined, incidents(held), service=service)


def fired(start, end, mark="a", **fields):
    """One occurrence of the rule's alert, on an instance of its own."""
    labels = {"fingerprint": mark * 16, **fields}
    return (alert(start, **labels), alert_end(end, started=start, **labels))


def incident(number, begins, ends, **declaration):
    name = f"INC-{number}"
    return (
        declared(begins + 5, incident=name, **declaration),
        milestone(begins, incident=name),
        resolved(ends, incident=name),
    )


def test_a_rule_is_judged_by_its_firings_and_by_the_incidents():
    """
    Of three firings two led to incidents; of three incidents it fired in two.
    """
    (found,) = judged(
        *fired(3, 30),
        *incident(1, 0, 20),
        *fired(600, 601),
        *fired(1007, 1030),
        *incident(2, 1000, 1040),
        *incident(3, 2000, 2040),
    )

    assert (found.fired, found.led_to_incident, found.incidents) == (3, 2, ("INC-1", "INC-2"))
    assert (found.precision.of, found.precision.n, found.recall.of, found.recall.n) == (2, 3, 2, 3)
    assert (found.detection_seconds, found.detection_n) == (5 * 60, 2)
    # It went on for ten minutes after the first end, and stopped ten before the second.
    assert (found.reset_seconds, found.reset_n) == (0, 2)


def test_many_instances_are_one_firing():
    """
    Twenty pods that overlap led to one incident once.
    """
    pods = [event for pod in "0123456789abcdef" for event in fired(3, 30, pod)]
    (found,) = judged(*pods, *incident(1, 0, 20))

    assert (found.fired, found.precision.value) == (1, 1.0)


def test_a_false_alarm_is_no_incident():
    """
    What fired for it fired for nothing.
    """
    (found,) = judged(
        *fired(3, 30),
        declared(5),
        resolved(20, resolution="false-alarm"),
    )

    assert (found.fired, found.led_to_incident, found.recall.value) == (1, 0, None)


def test_an_incident_of_another_service_is_not_its_own():
    """
    A rule watches its own service.
    """
    (found,) = judged(*fired(3, 30), *incident(1, 0, 20, services=("search",)))

    assert (found.led_to_incident, found.recall.n) == (0, 0)


def test_a_customer_who_was_faster_is_named():
    """
    Only where the rule fired after we knew.
    """
    (late,) = judged(*fired(9, 30), *incident(1, 0, 20, detected_by="customer"))
    (soon,) = judged(*fired(2, 30), *incident(1, 0, 20, detected_by="customer"))

    assert (late.after_customer, soon.after_customer) == (("INC-1",), ())


def test_a_rule_that_never_fired_is_there_with_its_misses():
    """
    Only its definition says that it exists.
    """
    (found,) = judged(*incident(1, 0, 20), defined=[rule(name="PoolFull")])

    assert (found.rule, found.fired, found.precision.value, found.recall.value) == ("PoolFull", 0, None, 0.0)


def test_an_incident_before_the_rule_was_known_is_no_miss():
    """
    A rule of last week did not miss what happened last year.
    """
    (found,) = judged(
        *incident(1, 0, 20),
        *incident(2, 1000, 1020),
        defined=[rule(500, name="PoolFull"), rule(2000, name="PoolFull")],
    )

    assert (found.recall.of, found.recall.n) == (0, 1)


@given(st.integers(1, 400), st.data())
def test_a_share_lies_in_its_interval_and_in_0_to_1(n, data):
    """
    Wilson's interval holds its share for any count.
    """
    of = data.draw(st.integers(0, n))
    found = share(of, n)

    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("query", "watched"),
    [
        ("error_ratio", True),
        ('error_ratio{service="checkout"}', True),
        ("sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))", False),
        ("pool_in_use", False),
    ],
)
def test_a_metric_is_watched_by_a_rule_that_mentions_it(query, watched):
    """
    By its query, or by the names of all its metrics; a metric without a threshold needs no rule.
    """
    metrics = {"a": {"query": query, "threshold": 0.1}, "b": {"query": "x", "threshold": None}}
    defined = [rule(expression="max by (service) (error_ratio) > 0.01 and requests_total > 0")]

    assert unwatched(metrics, defined) == ([] if watched else ["a"])


def test_names_of_metrics_leave_out_labels_and_functions():
    """
    What is in brackets, quotes and `by (…)` is no metric.
    """
    query = (
        'histogram_quantile(0.9, sum by (le, pod) (rate(http_seconds_bucket{job="api"}[5m]))) > bool 2 or up'
    )

    assert metric_names(query) == {"http_seconds_bucket", "up"}
