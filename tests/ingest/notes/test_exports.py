"""Exports of Slack and of Rocket.Chat: by their own instants, with the names that the file or a list of users has."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.notes.reading import read, read_file, refused
from tracker.errors import BadInputError

USERS = json.dumps(
    [
        {"id": "U1", "name": "ana", "profile": {"display_name": "", "real_name": "Ana Lee"}},
        {"id": "U2", "name": "ben", "profile": {"display_name": "benny", "real_name": "Ben Roy"}},
    ]
).encode()
FIRST = {"type": "message", "user": "U1", "text": "the queue is full", "ts": "1772375200.000100"}
SECOND = {
    "type": "message",
    "user": "U2",
    "text": "<@U1> rolling back &amp; waiting",
    "ts": "1772375200.000200",
}


def dumped(*messages: dict[str, Any]) -> str:
    return json.dumps(list(messages))


def test_messages_are_at_their_ts_by_their_users() -> None:
    """
    Two of one second stay in their order, whichever the file begins with.
    """
    found = read_file(dumped(SECOND, FIRST), users=USERS)

    assert found.newest_first
    notes = [note.event for note in found.notes]
    assert [(note.occurred_at.isoformat(), note.decided_by, note.text) for note in notes] == [  # type: ignore[attr-defined]
        ("2026-03-01T14:26:40.000100+00:00", "Ana Lee", "the queue is full"),
        ("2026-03-01T14:26:40.000200+00:00", "benny", "@Ana Lee rolling back & waiting"),
    ]


def test_the_file_names_its_users_where_it_can() -> None:
    """
    By user_profile, for bots by their name; else the id stands, and no name is made up.
    """
    profiled = FIRST | {"user_profile": {"real_name": "Ana Lee", "display_name": ""}}
    bot = {
        "type": "message",
        "subtype": "bot_message",
        "username": "deploybot",
        "text": "v2",
        "ts": "1772375201.0",
    }

    assert [note.decided_by for note in read(dumped(profiled, SECOND, bot))] == ["Ana Lee", "U2", "deploybot"]


def test_what_nobody_said_is_left_out_and_an_edited_message_is_once() -> None:
    """
    Joins and deleted messages are counted; a parent that came twice with its thread is one.
    """
    join = {
        "type": "message",
        "subtype": "channel_join",
        "user": "U2",
        "text": "joined",
        "ts": "1772375190.0",
    }
    deleted = {"type": "message", "subtype": "message_deleted", "ts": "1772375195.0", "hidden": True}
    edited = FIRST | {"edited": {"user": "U1", "ts": "1772375300.0"}}

    found = read_file(json.dumps({"ok": True, "messages": [edited, SECOND, edited, join, deleted]}))

    assert (len(found.notes), found.left_out) == (2, 2)


def test_rocket_chat_names_instant_and_user_with_each_message() -> None:
    """
    As its API and its export write them; a join has a type.
    """
    messages = [
        {"ts": "2026-03-01T14:26:40.500Z", "u": {"username": "ana", "name": "Ana Lee"}, "msg": "full"},
        {"ts": {"$date": 1772375210000}, "u": {"username": "ben"}, "msg": "gone"},
        {"ts": "2026-03-01T14:26:39Z", "u": {"username": "ben"}, "msg": "ben", "t": "uj"},
    ]

    found = read_file(json.dumps({"messages": messages}))

    assert [(f"{n.event.occurred_at:%H:%M:%S}", n.event.decided_by) for n in found.notes] == [  # type: ignore[attr-defined]
        ("14:26:40", "Ana Lee"),
        ("14:26:50", "ben"),
    ]
    assert found.left_out == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (dumped(FIRST | {"ts": "yesterday"}), "message 1: its ts is no instant"),
        (
            dumped(FIRST, {"type": "message", "text": "x", "ts": "1772375200.1"}),
            "message 2: it names no user",
        ),
        (dumped(FIRST | {"ts": "4102444800.0"}), "in the future"),
        (dumped({"ts": "2026-03-01T14:26:40", "u": {"name": "Ana"}, "msg": "x"}), "no time zone"),
        ('{"users": []}', "holds no list of messages"),
        ("[{]", "it is no JSON"),
    ],
)
def test_an_export_that_cannot_be_read_is_refused_whole(text: str, says: str) -> None:
    """
    With the number of the message.
    """
    assert says in refused(text).message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["type", "user", "text", "ts", "subtype", "u", "msg", "t", "files", "bot_profile", "user_profile"]
)


@given(st.lists(st.dictionaries(keys, json_values | st.just("1772375200.0"), max_size=6), max_size=4))
def test_any_json_is_read_or_refused(messages: list[dict[str, Any]]) -> None:
    """
    Never a traceback, never a note without words or without a writer.
    """
    try:
        found = read(json.dumps(messages))
    except BadInputError:
        return

    assert all(note.text and note.decided_by for note in found)
