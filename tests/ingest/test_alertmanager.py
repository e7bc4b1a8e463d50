"""What Alertmanager sends again is known, what it resolved has its start, what is broken is refused whole."""

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, payload, read_or_refused
from tests.servers.alertmanager import Alertmanager, alert
from tests.servers.webhooks import Receiver
from tracker.errors import BadInputError
from tracker.events.alerts import AlertFired, AlertResolved, AlertsLeftOut
from tracker.events.base import Arrival
from tracker.ingest.alertmanager import read
from tracker.ingest.services import ServiceRule, ServiceRules
from tracker.times import to_ms

LABELS = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "team": "payments"}
RECORDED = payload("alertmanager_webhook.jsonl")
FIRING, REPEATED, RESOLVED = (json.loads(line) for line in RECORDED.splitlines())
LISTED = json.loads(payload("alertmanager_api_v2_alerts.json"))


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def bodies(receiver: Receiver, *, until: Callable[[dict[str, Any]], bool], more: int = 0) -> list[bytes]:
    """Wait for the first body that is so, and for some more; give all."""
    for count in range(1, 200):
        if until(json.loads(receiver.wait_for(count)[-1].body)):
            return [each.body for each in receiver.wait_for(count + more)]
    raise AssertionError("it never came")


# ── with a real Alertmanager ─────────────────────────────────────────────────


def test_a_real_alert_is_one_event_however_often_it_is_sent(
    make_alertmanager: Callable[..., Alertmanager], receiver: Receiver
) -> None:
    """
    Repeats add nothing; the resolved body gives the same start again and one end.
    """
    server = make_alertmanager(receiver.url, repeat_interval="200ms")
    started = datetime.now(UTC) - timedelta(seconds=90)
    words = {"summary": "12 % of checkouts fail"}

    server.post(alert(LABELS, starts_at=started, annotations=words))
    repeats = bodies(receiver, until=lambda each: each["status"] == "firing", more=2)
    ended = datetime.now(UTC)
    server.post(alert(LABELS, starts_at=started, ends_at=ended, annotations=words))
    sent = bodies(receiver, until=lambda each: each["status"] == "resolved")

    firing = [read(each, where="hook", rules=RULES) for each in repeats]
    assert len(firing) >= 3
    assert len({each for found in firing for each in ids(found)}) == 1
    fired, resolved = events(read(sent[-1], where="hook", rules=RULES))
    assert [fired] == events(firing[0])
    assert isinstance(fired, AlertFired)
    assert isinstance(resolved, AlertResolved)
    assert (fired.occurred_at, resolved.occurred_at) == (started, ended)
    assert (resolved.started_at, resolved.fingerprint) == (started, fired.fingerprint)
    everything = read(b"\n".join(each.strip() for each in sent), where="spool", rules=RULES)
    assert len(set(ids(everything))) == 2


def test_a_real_api_tells_of_the_same_alert_as_the_webhook(
    alertmanager_server: Alertmanager, receiver: Receiver
) -> None:
    """
    Alerts of Prometheus start at whole milliseconds: push and pull give one event.
    """
    started = datetime.now(UTC).replace(microsecond=250_000) - timedelta(seconds=90)

    alertmanager_server.post(alert(LABELS, starts_at=started))
    pushed = read(receiver.wait_for(1)[0].body, where="hook", rules=RULES)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{alertmanager_server.url}/api/v2/alerts", timeout=120) as answer:
        pulled = read(answer.read(), where="api", rules=RULES)

    assert ids(pulled) == ids(pushed)


def test_ours_is_the_fingerprint_of_a_real_alertmanager(
    alertmanager_server: Alertmanager, receiver: Receiver
) -> None:
    """
    An alert without its fingerprint gets the one that Alertmanager would give it.
    """
    alertmanager_server.post(alert({**LABELS, "path": '/käse?x=1&y="2"', "zone": "a"}))
    sent = json.loads(receiver.wait_for(1)[0].body)

    (fired,) = events(read(body(changed(sent, alerts__0__fingerprint=...)), where="hook", rules=RULES))

    assert isinstance(fired, AlertFired)
    assert fired.fingerprint == sent["alerts"][0]["fingerprint"]


def test_many_real_alerts_in_one_body_are_one_event_each(
    make_alertmanager: Callable[..., Alertmanager], receiver: Receiver
) -> None:
    """
    A group of alerts is told alert by alert.
    """
    server = make_alertmanager(receiver.url, group_by=["alertname"], group_wait="300ms")
    server.post(*(alert({**LABELS, "instance": f"web-{n}"}) for n in range(50)))

    found = read(receiver.wait_for(1)[0].body, where="hook", rules=RULES)

    assert len(set(ids(found))) == 50


def test_a_list_that_a_real_alertmanager_cut_says_how_many_are_missing(
    make_alertmanager: Callable[..., Alertmanager], receiver: Receiver
) -> None:
    """
    `max_alerts` of its webhook cuts the group; each body of that group gives the same fact.
    """
    server = make_alertmanager(
        receiver.url, group_by=["alertname"], group_wait="300ms", repeat_interval="200ms", max_alerts=3
    )
    server.post(*(alert({**LABELS, "instance": f"web-{n}"}) for n in range(8)))

    told = [each.body for each in receiver.wait_for(2)]
    found = [read(each, where="hook", rules=RULES) for each in told]

    [left_out] = [event for event in events(found[0]) if isinstance(event, AlertsLeftOut)]
    assert (left_out.missing_count, left_out.listed_count, left_out.name) == (5, 3, "HighErrorRate")
    assert left_out.service == "checkout"
    assert ids(found[0])[-1] == ids(found[1])[-1]


def test_what_was_left_out_concerns_each_service_of_the_list() -> None:
    """
    Which of them the missing ones are of, nobody knows. A body that is whole has nothing to say.
    """
    other = changed(FIRING["alerts"][0], labels__service="payments", fingerprint="00000000000000aa")
    both = {**FIRING, "alerts": [FIRING["alerts"][0], other], "truncatedAlerts": 1}

    found = [
        event
        for event in events(read(body(both), where="hook", rules=RULES))
        if isinstance(event, AlertsLeftOut)
    ]

    assert [(event.service, event.missing_count) for event in found] == [("checkout", 1), ("payments", 1)]
    assert len(read(body({**both, "truncatedAlerts": 0}), where="hook", rules=RULES)) == 2
    assert len(read(body(changed(both, truncatedAlerts=...)), where="hook", rules=RULES)) == 2


# ── recorded ─────────────────────────────────────────────────────────────────


def test_a_recorded_feed_is_two_events() -> None:
    """
    Firing, repeated, resolved: one start, one end, at the alert's own instants.
    """
    found = read(RECORDED, where="feed", rules=RULES)

    assert len(found) == 4
    assert len(set(ids(found))) == 2
    fired, resolved = events(found)[-2:]
    assert fired == AlertFired(
        occurred_at=datetime(2026, 11, 22, 22, 21, 28, 829543, tzinfo=UTC),
        source="alertmanager",
        service="checkout",
        name="HighErrorRate",
        fingerprint="ee4797c6de45ec0b",
        severity="critical",
        labels=LABELS,
        annotations={"summary": "12 % of checkouts fail"},
    )
    assert resolved.occurred_at == datetime(2026, 11, 22, 22, 22, 59, 135135, tzinfo=UTC)


def test_the_piece_kept_is_one_alert_and_what_was_said_of_its_group() -> None:
    """
    The bytes beside an event hold its own alert as sent, and none of the others.
    """
    other = changed(FIRING["alerts"][0], labels__instance="web-2", fingerprint="00000000000000aa")
    both = {**FIRING, "alerts": [FIRING["alerts"][0], other]}

    first, second = read(body(both), where="feed", rules=RULES)

    assert json.loads(second.payload) == {
        "alert": other,
        "groupKey": FIRING["groupKey"],
        "receiver": "webhook",
        "externalURL": FIRING["externalURL"],
        "status": "firing",
        "truncatedAlerts": 0,
    }
    assert b": " not in first.payload.replace(b'"{}:', b"")


def test_the_arrival_is_kept_beside_the_event_and_changes_nothing() -> None:
    """
    When and how a fact came is told, and is no part of what it is.
    """
    later = Arrival(via="webhook", received_at=datetime(2027, 1, 1, tzinfo=UTC))

    (now,) = read(body(FIRING), where="feed", rules=RULES)
    (then,) = read(body(FIRING), where="feed", rules=RULES, arrival=later)

    assert then.arrival == later
    assert then.event == now.event


@pytest.mark.parametrize(
    "delivery",
    [
        {"receiver": "other"},
        {"groupKey": "{}/{}:{}"},
        {"externalURL": "http://second:9093"},
        {"groupLabels": {}, "commonLabels": {}},
    ],
)
def test_what_differs_from_receiver_to_receiver_is_no_part_of_an_event(delivery: dict[str, Any]) -> None:
    """
    One route with three receivers delivers three times; a pair of servers, twice.
    """
    first = read(body(FIRING), where="feed", rules=RULES)

    assert ids(read(body({**FIRING, **delivery}), where="feed", rules=RULES)) == ids(first)


def test_an_alert_in_the_api_fires_though_its_end_is_named() -> None:
    """
    The API names the end that an alert will have when nobody tells of it again.
    """
    (silenced,) = changed(LISTED, **{"0__status__state": "suppressed", "0__status__silencedBy": ["s-1"]})

    (fired,) = events(read(body(LISTED), where="feed", rules=RULES))

    assert isinstance(fired, AlertFired)
    assert fired.occurred_at == datetime(2026, 11, 22, 22, 21, 28, 829000, tzinfo=UTC)
    assert events(read(body([silenced]), where="feed", rules=RULES)) == [fired]


def test_an_alert_in_the_api_is_over_when_its_end_lies_before_its_update() -> None:
    """
    A list that was saved may hold alerts that had ended by then.
    """
    over = changed(LISTED, **{"0__endsAt": "2026-11-22T22:22:00.000Z"})

    fired, resolved = events(read(body(over), where="feed", rules=RULES))

    assert isinstance(resolved, AlertResolved)
    assert resolved.started_at == fired.occurred_at


def test_polling_again_tells_nothing_new() -> None:
    """
    Prometheus repeats an alert every minute, and updatedAt moves: the alert is the same.
    """
    later = changed(
        LISTED, **{"0__updatedAt": "2026-11-22T22:24:58.830Z", "0__endsAt": "2026-11-22T22:29:58.830Z"}
    )

    assert ids(read(body(later), where="feed", rules=RULES)) == ids(
        read(body(LISTED), where="feed", rules=RULES)
    )


def test_one_alert_of_the_api_on_each_line_is_read() -> None:
    """
    jq -c .[] makes lines of the list.
    """
    lines = b"\n".join(body(LISTED[0]) for _ in range(2)) + b"\n\n"

    assert len(read(lines, where="feed", rules=RULES)) == 2


@pytest.mark.parametrize(
    ("written", "microseconds", "offset"),
    [
        ("2026-03-01T14:45:00.123456789Z", 123456, 0),
        ("2026-03-01T14:45:00.25Z", 250000, 0),
        ("2026-03-01T14:45:00Z", 0, 0),
        ("2026-03-01T20:30:00.1+05:45", 100000, 345),
    ],
)
def test_starts_are_read_as_go_writes_them(written: str, microseconds: int, offset: int) -> None:
    """
    Go leaves out zeros at the end: how many digits there are says nothing of how exact they are.
    """
    (fired,) = events(read(body(changed(FIRING, alerts__0__startsAt=written)), where="feed", rules=RULES))

    assert fired.occurred_at == datetime(2026, 3, 1, 14, 45, 0, microseconds, tzinfo=UTC)
    assert (fired.precision_seconds, fired.utc_offset_minutes) == (0.001, offset)


def test_an_unknown_service_is_kept_as_none() -> None:
    """
    A fact about a service that nobody configured is a fact.
    """
    (found,) = read(body(FIRING), where="feed", rules=ServiceRules((ServiceRule("search"),)))

    assert isinstance(found.event, AlertFired)
    assert found.event.service is None


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"", "feed: it is empty"),
        (b"alerts", "feed: it is not JSON: invalid character at column 1"),
        (b'{"alerts":\n  [1,]}', "feed: it is not JSON: trailing comma in array in line 2, column 6"),
        (b'"alerts"', "feed: it is 'alerts', not a JSON object"),
        (b"{}", "feed: it has no list of alerts"),
        (b'{"alerts": []}\n{"alerts": 3}', "feed: line 2 has alerts 3, which is not a list"),
        (b'{"alerts": []}\n{"alerts": [}', "feed: line 2: it is not JSON: invalid character at column 13"),
        (b'{"alerts": ["x"]}', "feed: alert 1 is 'x', not a JSON object"),
        (b"[7]", "feed: alert 1 is 7, not a JSON object"),
        (b'{"alerts": [{"labels": {}}]}', "feed: alert 1 has no labels"),
        (b'\xff\xfe{"\x00', "feed: it is not UTF-8: byte 0 of it"),
        (b"[" * 100_000, "feed: its JSON is nested too deep"),
    ],
)
def test_a_broken_feed_says_where(broken: bytes, said: str) -> None:
    """
    The file, the line, the alert and the field: what one needs to look it up.
    """
    with pytest.raises(BadInputError) as refused:
        read(broken, where="feed", rules=RULES)

    assert refused.value.message == said
    assert "/api/v2/alerts" in refused.value.hint


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("labels", ..., "has no labels"),
        ("labels", {"alertname": 3}, "has labels.alertname 3, which is not a text"),
        ("annotations", ["x"], "has annotations a list, which is not an object"),
        ("startsAt", ..., "has no startsAt"),
        ("startsAt", "soon", "has startsAt 'soon', which is not an instant such as 2026-03-01T14:45:00Z"),
        ("startsAt", "5m-ago", "has startsAt '5m-ago', which is not an instant such as 2026-03-01T14:45:00Z"),
        (
            "startsAt",
            "2026-03-01T14:45:00",
            "has startsAt '2026-03-01T14:45:00', which is not an instant such as 2026-03-01T14:45:00Z",
        ),
        ("startsAt", "0001-01-01T00:00:00Z", "has startsAt '0001-01-01T00:00:00Z', which is not an instant"),
        ("status", "over", "has status 'over', which is not firing or resolved"),
        ("status", "resolved", "is resolved and has no endsAt"),
    ],
)
def test_one_broken_alert_refuses_the_whole_body(field: str, value: Any, said: str) -> None:
    """
    Half of a feed in the log would look like all of it.
    """
    good = FIRING["alerts"][0]
    broken = changed(good, **{field: value})

    with pytest.raises(BadInputError) as refused:
        read(body({**FIRING, "alerts": [good, broken]}), where="feed", rules=RULES)

    assert refused.value.message == f"feed: alert 2 {said}"


@given(st.binary(max_size=300))
@example(b'{"alerts": [{"labels": {"alertname": "\\ud800"}}]}')
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """
    No bytes make a bug.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES))


@given(anything)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """
    No JSON makes a bug.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES))


@given(damaged(RESOLVED) | damaged(LISTED))
def test_any_damage_is_read_or_refused(value: Any) -> None:
    """
    A real body with anything in one place makes no bug either.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES))


def test_a_large_body_is_read_whole() -> None:
    """
    Alertmanager sends all alerts of a group at once.
    """
    alerts = [changed(FIRING["alerts"][0], fingerprint=f"{n:016x}") for n in range(5_000)]

    assert len(read(body({**FIRING, "alerts": alerts}), where="feed", rules=RULES)) == 5_000


def test_the_same_start_to_the_millisecond_is_the_same_alert() -> None:
    """
    The API cuts microseconds off; the alert stays one, by its subject.
    """
    (pushed,) = events(read(body(FIRING), where="feed", rules=RULES))
    (pulled,) = events(read(body(LISTED), where="feed", rules=RULES))

    assert pushed.subject() == pulled.subject()
    assert to_ms(pushed.occurred_at) == to_ms(pulled.occurred_at)
