"""What was ever stored can be read for good.

NAME.hex is the state as stored, NAME.json the event that it must give, with its topic and
id. A new kind gets its files with `python -m tests.wire.write`; a file that is here is
never written again.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import deploy
from tracker.errors import StoreError
from tracker.events import base
from tracker.events.base import REGISTRY, decode, encode, event_id
from tracker.events.changes import DeployFinished
from tracker.log import Log

FOLDER = Path(__file__).parent
STORED = sorted(FOLDER.glob("*.hex"))


def builtins(event: base.Event) -> Any:
    return json.loads(msgspec.json.encode(event, order="deterministic"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_what_was_stored_is_read_for_good(path):
    """
    These very bytes give this very event, under the id that it was given then.
    """
    state = bytes.fromhex(path.read_text())
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    event = decode(expected["topic"], state)

    assert builtins(event) == expected["event"]
    assert event_id(event, state, expected["topic"]) == expected["id"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_today_writes_the_same_bytes(path):
    """
    Else a feed that is read again would be recorded twice. A kind whose bytes change gets a new topic.
    """
    state = bytes.fromhex(path.read_text())
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    if expected["topic"] in REGISTRY:
        assert encode(decode(expected["topic"], state)) == state


def test_each_kind_has_its_stored_form():
    """
    A kind that is new needs `python -m tests.wire.write`.
    """
    topics = {json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["topic"] for path in STORED}

    assert topics >= REGISTRY.keys()


def raise_1(state: bytes) -> DeployFinished:
    """Bring up what version 1 of a topic stored."""
    old = msgspec.msgpack.decode(state)
    return DeployFinished(
        occurred_at=old["occurred_at"], source="run", service=old["app"], version=old["release"]
    )


def test_an_old_topic_is_brought_up_on_reading(monkeypatch, store_url):
    """
    It keeps the id of what was stored, and the log with it is whole.
    """
    monkeypatch.setitem(base.UPCASTERS, "deployed", raise_1)

    class Deployed(DeployFinished, frozen=True, kw_only=True):
        TOPIC = "deployed"

    old = {"occurred_at": deploy().occurred_at, "app": "checkout", "release": "0.9"}
    state = msgspec.msgpack.encode(old)
    with Log(store_url) as log:
        with monkeypatch.context() as then:
            then.setattr("tracker.log.rows.encode", lambda event: state)
            log.append(
                [Deployed(occurred_at=old["occurred_at"], source="run", service="checkout", version="0.9")]
            )
        log.seal()

    with Log(store_url) as log:
        [first, _] = log.read()
        assert first.event == DeployFinished(
            occurred_at=old["occurred_at"], source="run", service="checkout", version="0.9"
        )
        assert first.id == event_id(first.event, state, "deployed")
        assert log.verify().first_problem is None


def test_a_topic_that_only_a_newer_version_knows_is_refused_in_one_line():
    """
    It is no damage: the tracker is old.
    """
    with pytest.raises(StoreError, match="'teleported', which this version does not know") as refused:
        decode("teleported", b"\x80")

    assert "\n" not in refused.value.message
    assert "upgrade" in refused.value.hint


@pytest.mark.parametrize("state", [b"", b"\x80", b"\xff", b"\x81\xa7version\x01"])
def test_bytes_that_are_no_such_event_are_refused_in_one_line(state):
    """
    A wrong byte is an error of the store, not a bug of ours.
    """
    with pytest.raises(StoreError, match="'deploy-finished' in the log cannot be read") as refused:
        decode("deploy-finished", state)

    assert "\n" not in refused.value.message


def test_a_field_that_only_a_newer_version_has_is_left_out():
    """
    A field that a later version adds does not keep this one from reading.
    """
    newer = msgspec.msgpack.decode(encode(deploy())) | {"colour": "blue"}

    assert decode("deploy-finished", msgspec.msgpack.encode(newer)) == deploy()
