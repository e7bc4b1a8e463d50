"""The stream of an incident's page: nothing is missed and nothing comes twice, whatever is killed or cut."""

import json
import re
import socket
import time
from collections import Counter
from http.client import HTTPConnection

import pytest

from tests.servers.serving import until
from tests.servers.sse import LiveReader
from tracker.events.incidents import NoteAdded
from tracker.log import Log

pytestmark = pytest.mark.slow
EVENTS, KILLS, CUTS = 60, 2, 4


@pytest.fixture
def served(make_server):
    """A server whose INC-1 is open."""
    server = make_server()
    typed = server.cli("declare", "payments fail", "--service", "checkout", "--severity", "critical")
    assert typed.code == 0, typed.err
    return server


def note(log: Log, number: int) -> str:
    """Add a note by another process's door to the log."""

    def decided(held):
        return [
            NoteAdded(
                incident="INC-1",
                occurred_at=log.now(),
                decided_by="ana",
                text=f"note {number}",
            )
        ]

    return log.decide("INC-1", decided).recorded[0]


def get(server, path, headers=None):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def position_of(page: str) -> int:
    return int(re.search(r'data-position="(\d+)"', page)[1])


def keys_of(page: str) -> list[str]:
    return re.findall(r'<li id="(e-[^"]+)"', page)


def test_nothing_is_missed_and_nothing_comes_twice(served):
    """
    Notes are recorded while the server is killed and connections are cut: each comes once, with the position of its
    event, and the rows are in the order of `timeline --json`.
    """
    page = get(served, "/INC-1")[2]
    reader = LiveReader(served.port, "INC-1", position_of(page))
    until(lambda: reader.connections > 0)
    told = []
    with Log(served.store) as log:
        for number in range(EVENTS):
            told.append(note(log, number))
            if number % (EVENTS // KILLS) == EVENTS // KILLS - 1:
                served.kill()
                told.append(note(log, number + EVENTS))
                served.start()
            elif number % (EVENTS // CUTS) == 3:
                reader.cut()
            time.sleep(0.02)
        until(lambda: len(reader.rows) >= len(told), seconds=120)
        reader.stop()
        positions = {event.id: event.position for event in log.by_ids(told)}

    assert Counter(reader.added) == Counter({f"e-{event}": 1 for event in told})
    assert reader.ids == sorted(set(reader.ids))
    assert {positions[event] for event in told} <= set(reader.ids)
    rows = served.cli("timeline", "INC-1", "--json").json["entries"]
    everything = [f"e-{row['event']}" for row in rows]
    assert [*keys_of(page), *reader.keys] == everything
    assert keys_of(get(served, "/INC-1")[2]) == everything


def test_corrections_change_the_row_in_place(served):
    """
    An amended note has its new text at its new place, a redacted one says who removed its text, a retracted one goes.
    """
    made = [served.cli("note", "1", f"note {n}", "--json").json["events"][0] for n in range(3)]
    reader = LiveReader(served.port, "INC-1", position_of(get(served, "/INC-1")[2]))
    until(lambda: reader.connections > 0)
    for words in (
        ("amend", made[0], "--text", "corrected", "--why", "typo"),
        ("redact", made[1], "--why", "a customer's name"),
        ("retract", made[2], "--why", "wrong incident"),
    ):
        assert served.cli(*words).code == 0
    page = ""

    def shows() -> bool:
        nonlocal page
        page = get(served, "/INC-1")[2]
        return f"e-{made[2]}" not in page and "corrected" in page and "a customer&#x27;s name" in page

    until(shows)
    until(lambda: f"e-{made[0]}" in reader.rows and f"e-{made[1]}" in reader.rows)
    reader.stop()

    assert "corrected" in reader.rows[f"e-{made[0]}"][1]
    assert "redacted" in reader.rows[f"e-{made[1]}"][1]
    assert "note 1" not in reader.rows[f"e-{made[1]}"][1]
    assert f"e-{made[2]}" not in reader.rows
    assert reader.added == []


def test_a_removed_text_is_in_nothing_that_is_sent_later(served):
    """
    Whoever resumes from before the redaction gets the row without its text.
    """
    start = position_of(get(served, "/INC-1")[2])
    first = LiveReader(served.port, "INC-1", start)
    made = served.cli("note", "1", "the password is hunter2", "--json").json["events"][0]
    until(lambda: f"e-{made}" in first.rows)
    assert served.cli("redact", made, "--why", "a password").code == 0
    until(lambda: "redacted" in first.rows[f"e-{made}"][1])
    first.stop()

    late = LiveReader(served.port, "INC-1", start)
    until(lambda: f"e-{made}" in late.rows)
    late.stop()

    assert "redacted" in late.rows[f"e-{made}"][1]
    assert "hunter2" not in json.dumps(late.rows)
    assert "hunter2" not in get(served, "/INC-1")[2]


def test_it_ends_soon_while_many_look(served):
    """
    Every stream ends when the server is asked to, and the server with them.
    """
    streams = []
    for _ in range(40):
        stream = socket.create_connection(("127.0.0.1", served.port))
        stream.sendall(b"GET /INC-1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in stream.recv(4096)
        streams.append(stream)

    served.stop()

    for stream in streams:
        stream.settimeout(30)
        while stream.recv(65536):
            pass
        stream.close()


def test_an_incident_that_is_not_there_has_no_stream(served):
    """
    Neither a stream nor a page.
    """
    assert get(served, "/INC-9/events")[0] == 404
    assert get(served, "/INC-9")[0] == 404
    assert get(served, "/..%2fetc/events")[0] == 404


def test_a_position_that_the_log_has_not_asks_for_a_new_page(served):
    """
    The log was replaced by an older copy: what the reader has is not in it.
    """
    stream = socket.create_connection(("127.0.0.1", served.port))
    stream.sendall(b"GET /INC-1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: 99999\r\n\r\n")
    got = b""
    stream.settimeout(60)
    while b"event: reload" not in got:
        got += stream.recv(4096)
    stream.close()
