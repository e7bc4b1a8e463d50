"""Errors with megabytes of extra data: message, type and group stay, what is cut is said."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.feeds import RULES
from tracker.events.alerts import ErrorSeen
from tracker.events.base import Arrival, event_id
from tracker.ingest.sentry import envelope
from tracker.ingest.sentry.trimming import KEPT_BYTES, trimmed

LARGE = 3 << 20
PUSHED = Arrival(via="webhook")


def packed(*errors: bytes) -> bytes:
    lines = [b'{"event_id":"' + b"a" * 32 + b'"}']
    for error in errors:
        lines += [b'{"type":"event","length":%d}' % len(error), error]
    return gzip.compress(b"\n".join(lines))


def read(data: bytes, arrival: Arrival = PUSHED) -> list[Any]:
    return envelope.read(data, where="feed", rules=RULES, arrival=arrival)


def error(extra: bytes, **fields: Any) -> bytes:
    known = {"event_id": "b" * 32, "timestamp": 1_772_373_900, "message": "boom", **fields}
    return json.dumps(known).encode()[:-1] + b',"extra":' + extra + b"}"


FILLINGS = {
    "one text": b'"' + b"A" * LARGE + b'"',
    "a text in an object": b'{"dump":"' + b"password=abcd1efg " * (LARGE // 18) + b'","pod":"a-1"}',
    "commas": b'{"dump":"' + b"A," * (LARGE // 2) + b'"}',
    "lists": b"[" + b"[]," * (LARGE // 3) + b"[]]",
    "names": b"{" + b",".join(b'"%d":0' % number for number in range(LARGE // 12)) + b"}",
    "one long name": b'{"' + b"n" * LARGE + b'":1}',
    "depth": b"[" * 400 + b'"' + b"A" * LARGE + b'"' + b"]" * 400,
    "escapes": b'"' + b"\\ud83d\\ude00\\n" * (LARGE // 14) + b'"',
    "a number": b"1" * LARGE,
    "a million of one": b"{" + b",".join(b'"k%d":"%s"' % (n, b"v" * 90) for n in range(60_000)) + b"}",
}


@pytest.mark.parametrize("extra", FILLINGS.values(), ids=FILLINGS.keys())
def test_a_large_error_is_stored_in_part_and_says_so(extra: bytes) -> None:
    """
    The row says how much was received, and the stored JSON where it was cut.
    """
    body = error(extra)

    [fact] = read(packed(body))

    assert isinstance(fact.event, ErrorSeen)
    assert (fact.event.title, fact.event.received_bytes) == ("boom", len(body))
    assert len(fact.payload) <= KEPT_BYTES + 1000
    assert b"[cut: " in fact.payload


def test_what_is_stored_is_the_same_error_when_it_is_read_again() -> None:
    """
    `tracker show --raw` gives an envelope that `tracker ingest sentry` reads.
    """
    [fact] = read(packed(error(FILLINGS["one text"])))

    [again] = read(fact.payload, Arrival(via="file"))

    assert event_id(again.event) == event_id(fact.event)
    assert again.payload == fact.payload


def test_a_sender_cannot_claim_that_something_was_cut() -> None:
    """
    Only what was cut here is reported as cut.
    """
    data = b'{}\n{"type":"event","received_bytes":9}\n' + error(b"1")

    assert read(data)[0].event.received_bytes is None


def test_an_error_of_an_ordinary_size_is_stored_as_it_came() -> None:
    body = error(b'{"dump":"' + b"A" * 200_000 + b'"}')

    [fact] = read(packed(body))

    assert fact.event.received_bytes is None
    assert fact.payload.endswith(body)


def test_many_errors_of_one_envelope_share_the_room() -> None:
    """
    A hundred items are stored with no more than one.
    """
    facts = read(packed(*[error(b'"' + b"A" * 60_000 + b'"', event_id=f"{n:032x}") for n in range(100)]))

    assert sum(len(fact.payload) for fact in facts) < 2 * KEPT_BYTES
    assert {fact.event.title for fact in facts} == {"boom"}


def test_exception_and_innermost_frames_survive_large_local_variables() -> None:
    """
    Title, place and group are those of the whole error.
    """
    frames = [
        {"function": f"f{n}", "module": "shop", "in_app": True, "vars": {"rows": "x" * 20_000}}
        for n in range(300)
    ]
    body = error(
        b"1", exception={"values": [{"type": "KeyError", "value": "k", "stacktrace": {"frames": frames}}]}
    )

    [fact] = read(packed(body))
    whole = json.loads(body)
    for frame in whole["exception"]["values"][0]["stacktrace"]["frames"]:
        del frame["vars"]
    [small] = read(packed(json.dumps(whole).encode()))

    assert fact.event.received_bytes == len(body)
    assert (fact.event.title, fact.event.culprit, fact.event.group) == (
        small.event.title,
        small.event.culprit,
        small.event.group,
    )


@pytest.mark.parametrize("odd", [b'"\\ud800', b'"\xff', b'NaN,"z":"'], ids=["half a pair", "no UTF-8", "NaN"])
def test_what_only_some_writers_call_json_is_cut_or_refused(odd: bytes) -> None:
    body = b'{"message":"boom","x":' + odd + b"A" * 400_000 + b'"}'
    try:
        cut = trimmed(body, KEPT_BYTES)
    except ValueError:
        assert odd == b'"\xff'
    else:
        assert json.loads(cut)["message"] == "boom"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3_000),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=40), inner, max_size=40),
    max_leaves=60,
)


@settings(max_examples=20)
@given(st.dictionaries(st.text(max_size=10), VALUES, max_size=10), st.integers(2_000, 20_000))
def test_whatever_is_cut_is_json_within_the_limit(value: dict[str, Any], most_bytes: int) -> None:
    body = json.dumps(value).encode()

    cut = trimmed(body, most_bytes)

    assert isinstance(json.loads(cut), dict)
    assert len(cut) <= max(most_bytes, 2_000) + 200
    assert len(body) > most_bytes or cut == body
