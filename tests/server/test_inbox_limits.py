"""What a hostile body could do to the part that works up the inbox, and to the readers below it."""

import json
from pathlib import Path

import pytest

from tests.ingest.feeds import RULES
from tracker.application.session import Options, Session
from tracker.errors import BadInputError
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import MOST_BYTES_AT_ONCE, Delivery, Inbox
from tracker.ingest import alertmanager, cdevents
from tracker.ingest.sentry import envelope
from tracker.server.inbox_worker import InboxWorker
from tracker.server.telemetry import Telemetry


def _delivery(body: bytes, route: str = "alertmanager") -> Delivery:
    return Delivery(route=route, source="main", key="k", received_us=1, headers={}, body=body)


@pytest.fixture
def inbox(store_url: str) -> Inbox:
    return open_inbox(store_url)


def test_what_waits_is_given_out_in_pieces_that_fit_into_memory(inbox: Inbox) -> None:
    """
    Five hundred bodies of ten megabytes are not read at once, and one that is larger than a piece comes alone.
    """
    large = b"x" * (MOST_BYTES_AT_ONCE // 3)
    inbox.put([_delivery(b"y" * (MOST_BYTES_AT_ONCE + 1)), *[_delivery(large)] * 4, _delivery(b"small")])

    pieces = []
    while found := inbox.waiting(500):
        pieces.append(len(found))
        inbox.finish([each.number for each in found])
    inbox.close()

    assert pieces == [1, 3, 2]


@pytest.mark.parametrize(
    "label", ["\\ud800" * 3, "x" * 100_000, "\\u0000", "line\\nline"], ids=["half", "long", "nul", "lines"]
)
def test_a_reason_with_anything_in_it_is_parked(label: str, tmp_path: Path) -> None:
    """
    The names of a payload's fields stand in what is said of it. No store refuses that, and it is short:
    what cannot be parked would be tried again for ever, and all behind it would wait.
    """
    session = Session(Options(store=str(tmp_path / "tracker.db"), by="t"))
    inbox = open_inbox(str(tmp_path / "tracker.db"))
    body = f'{{"alerts":[{{"labels":{{"{label}":3}},"startsAt":"2026-03-01T14:00:00Z"}}]}}'
    inbox.put([_delivery(body.encode())])

    worker = InboxWorker(inbox, session, Telemetry())
    while worker.once():
        pass
    worker.close()
    parked = inbox.parked()
    inbox.close()
    session.close()

    assert len(parked) == 1
    assert len(parked[0].reason) <= 500


def _alert(number: int) -> dict[str, object]:
    return {"labels": {"alertname": str(number)}, "startsAt": "2026-03-01T14:00:00Z", "status": "firing"}


def test_a_long_word_before_many_alerts_is_not_copied_for_each() -> None:
    """
    Ten megabytes could become a hundred gigabytes: each alert is kept with what is said of all.
    """
    body = {"alerts": [_alert(n) for n in range(1_000)], "groupKey": "g" * 100_000}

    with pytest.raises(BadInputError, match="says the same of each of 1000 alerts"):
        alertmanager.read(json.dumps(body).encode(), where="feed", rules=RULES)


def test_an_ordinary_group_of_many_alerts_is_read() -> None:
    """
    Five thousand alerts of one group, with a key as long as its labels can be, are no attack.
    """
    body = {"alerts": [_alert(n) for n in range(5_000)], "groupKey": "g" * 2_000}

    assert len(alertmanager.read(json.dumps(body).encode(), where="feed", rules=RULES)) == 5_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}\n" * 300_000, "300001 lines are more than"),
        (b"[" + b"{}," * 100_000 + b"{}]", "has 100001 events, more than"),
    ],
    ids=["lines", "elements"],
)
def test_very_many_small_things_are_refused_before_they_are_made(data: bytes, said: str) -> None:
    """
    Three bytes would become three hundred each.
    """
    with pytest.raises(BadInputError, match=said):
        cdevents.read(data, where="feed", rules=RULES)


def test_very_many_alerts_in_one_body_are_refused() -> None:
    """
    The same for the list inside of a webhook's body.
    """
    data = b'{"alerts":[' + b"{}," * 100_000 + b"{}]}"

    with pytest.raises(BadInputError, match="has 100001 alerts, more than 100000"):
        alertmanager.read(data, where="feed", rules=RULES)


def test_a_long_header_of_an_envelope_is_not_copied_for_each_item() -> None:
    """
    Twenty megabytes could become two gigabytes: each item is kept with its envelope's header.
    """
    data = b'{"event_id":"' + b"e" * 70_000 + b'"}\n' + b'{"type":"event"}\n{"timestamp":1}\n' * 10

    with pytest.raises(BadInputError, match="header of 70015 bytes, more than 65536"):
        envelope.read(data, where="feed", rules=RULES)
