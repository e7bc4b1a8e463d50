"""What is left of an event after its redaction, and what may not be redacted."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    alert,
    amended,
    at,
    commit,
    deploy,
    error,
    event_id,
    note,
    one_of_each,
    recorded,
    redacted,
    seal,
    settings,
    stage,
)
from tracker.decisions.redaction import REDACTED, left_of, needles, pieces_of, redact
from tracker.errors import BadInputError, RefusedError
from tracker.events.base import decode, encode
from tracker.events.corrections import EventRedacted, effective

WHY = "a password was typed into it"


def decided(event, **options):
    [target] = recorded(event)
    return redact(target, by="ada", now=at(60), why=WHY, **options)


def left(event, **options):
    found = decided(event, **options)
    return decode(found.target_topic, found.left)


def test_structure_stays_and_text_goes():
    """
    What folds, durations and rules stand on is names, instants and numbers.
    """
    event = deploy(command="deploy --token hunter2", url="https://ci/42", sha="4f2d8c1e9b", exit_code=0)

    assert left(event) == msgspec.structs.replace(event, command=REDACTED, url=REDACTED)


def test_a_version_stays_where_it_is_a_number():
    """
    1.4.2 is one; a customer's name is none.
    """
    for version in ("1.4.2", "v1.2.0", "checkout@1.4.3", "2.0.0-rc.1", "2024.11.3", "4f2d8c1e9b"):
        assert left(deploy(version=version, command="x y")).version == version
    for version in ("for-acme-corp", "hunter2", "v1.2.0-for-acme", "latest"):
        assert left(deploy(version=version, command="x y")).version == REDACTED


def test_hashes_stay_where_they_name_a_thing():
    """
    A commit is found by its hash, whatever its subject said.
    """
    event = left(commit(subject_line="for ACME Corp", author="Ada"))

    assert (event.sha, event.subject_line, event.author) == (commit().sha, REDACTED, REDACTED)
    assert left(error(title="for ACME Corp")).error_id == error().error_id


def test_a_secret_in_a_name_goes_too():
    """
    Structure is kept because it tells nothing; a token tells all.
    """
    event = left(alert(source="alertmanager:https://u:hunter2@prod"))

    assert event.source == REDACTED


def test_labels_and_annotations_go_as_a_whole():
    """
    Their keys can be telling, too.
    """
    event = left(alert(labels={"customer": "acme"}, annotations={"summary": "x"}))

    assert (event.labels, event.annotations, event.name) == ({}, {}, REDACTED)
    assert (event.service, event.severity, event.fingerprint) == ("checkout", "critical", alert().fingerprint)


def test_fields_that_are_named_stay():
    """
    Whoever knows what is harmless says so.
    """
    found = left(alert(labels={"a": "b"}, annotations={"c": "d"}), keep=["name", "labels"])

    assert (found.name, found.labels, found.annotations) == ("HighErrorRate", {"a": "b"}, {})
    with pytest.raises(BadInputError, match="no field 'nme'"):
        left(alert(), keep=["nme"])


def test_an_amendment_keeps_what_is_no_text():
    """
    The instant that was set right stays right.
    """
    target = note()
    event = amended(target, changes={"text": "the password", "occurred_at": at(3)}, why="said the password")

    found = left(event, corrects=target)

    assert found.changes == {"text": REDACTED, "occurred_at": at(3)}
    assert (found.why, found.new_at) == (REDACTED, at(3))
    held = effective(recorded(target, found))[event_id(target)]
    assert (held.event.text, held.event.occurred_at) == (REDACTED, at(3))


def test_an_amendment_of_a_day_stays_and_one_that_no_mark_fits_goes():
    """
    What is left of an amendment must still fit what it amends.
    """
    from tests.builders import action

    target = action()
    event = amended(target, changes={"due_on": "2026-04-01", "text": "ask ACME", "owner": "Bob"}, why="x")
    strange = amended(target, changes={"due_on": "ask ACME", "nonsense": "ACME"}, why="x")

    assert left(event, corrects=target).changes == {
        "due_on": "2026-04-01",
        "text": REDACTED,
        "owner": REDACTED,
    }
    assert left(strange, corrects=target).changes == {}


def test_a_copy_loses_only_what_repeats_the_text():
    """
    Its other words were not asked for.
    """
    event = alert(
        annotations={"summary": "ACME Corp pays twice", "runbook": "restart it"}, labels={"team": "pay"}
    )

    found = left(event, only=["ACME Corp pays"])

    assert found.annotations == {"summary": REDACTED, "runbook": "restart it"}
    assert (found.name, found.labels) == (event.name, event.labels)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (redacted(note()), "is a redaction"),
        (seal(), "is a seal"),
        (settings(), "copy of tracker.toml"),
        (stage(), "has no text"),
    ],
)
def test_what_may_not_be_redacted_is_refused_with_the_reason(event, said):
    """
    The proof stays, and so does what verdicts stand on.
    """
    with pytest.raises(RefusedError, match=said) as told:
        decided(event)

    assert told.value.hint


def test_what_was_redacted_is_not_redacted_again():
    """
    The first one and his reason are told.
    """
    [target] = recorded(note())
    again = msgspec.structs.replace(
        target, redacted=msgspec.convert({"event": "x", "by": "bob", "at": at(50), "why": "a name"}, _type())
    )

    with pytest.raises(RefusedError, match=r"already redacted by bob on 2026-03-01T14:50:00.000Z: a name"):
        redact(again, by="ada", now=at(60), why=WHY)


def _type():
    from tracker.events.base import Redaction

    return Redaction


@pytest.mark.parametrize("why", ["", "  ", None])
def test_it_needs_a_reason(why):
    """
    A hole without one cannot be reviewed.
    """
    [target] = recorded(note())
    with pytest.raises(RefusedError, match="needs a reason"):
        redact(target, by="ada", now=at(60), why=why)


@pytest.mark.parametrize("why", ["it said the basket is empty", "password=hunter2x was in it"])
def test_the_reason_does_not_repeat_what_goes(why):
    """
    It stays for good: a redaction cannot be redacted.
    """
    [target] = recorded(note(text="the basket is empty"))
    with pytest.raises(RefusedError, match="repeats what is to be removed"):
        redact(target, by="ada", now=at(60), why=why)


MARK = "zqxj-marker"


def marked(value, name=""):
    """The event with a marker in every text that it holds."""
    if isinstance(value, str):
        return f"{value} {MARK}"
    if isinstance(value, msgspec.Struct):
        fields = {each.name: getattr(value, each.name) for each in msgspec.structs.fields(type(value))}
        return type(value)(**{key: marked(each, key) for key, each in fields.items()})
    if isinstance(value, dict):
        return {key: marked(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(marked(each) for each in value)
    return value


STRUCTURE = (
    *(
        "source",
        "service",
        "services",
        "incident",
        "decided_by",
        "severity",
        "detected_by",
        "milestone",
        "kind",
    ),
    *(
        "stage",
        "resolution",
        "role",
        "into",
        "target",
        "prepared",
        "message",
        "change",
        "claim",
        "inputs_hash",
    ),
    *(
        "repository",
        "environment",
        "status",
        "level",
        "window",
        "baseline",
        "verdict",
        "flags",
        "metric",
        "query",
    ),
    *("unit", "codec", "judge_version", "template", "zone_name", "rule", "noticed_by", "action", "normal"),
    *("not_normal", "unknown", "what", "waived", "target_scopes"),
)


@pytest.mark.parametrize("event", one_of_each(), ids=lambda event: event.TOPIC)
def test_no_text_of_any_kind_of_event_is_left(event):
    """
    A kind that is added tomorrow loses all its texts, but for fields that are known to be names.
    """
    full = marked(event)
    if event.TOPIC in ("event-redacted", "log-sealed", "settings-changed"):
        return

    found = left_of(full, corrects=note())

    fields = msgspec.to_builtins(found)
    assert {name for name, value in fields.items() if MARK in str(value)} <= {*STRUCTURE, "verdicts"}
    assert decode(found.TOPIC, encode(found)) == found
    assert left_of(found, corrects=note()) == found
    for verdict in fields.get("verdicts", ()):
        assert not {name for name, value in verdict.items() if MARK in str(value)} - {*STRUCTURE}


@given(st.text(), st.text(min_size=1))
def test_any_text_goes_whatever_it_says(text, version):
    """
    No text is left in what is left, and its place is that of the event.
    """
    event = note(text=text)

    assert left_of(event) == note(text=REDACTED if text else "")
    assert left_of(deploy(command=text, version=version)).command == (REDACTED if text else "")


def test_pieces_are_lines_and_secrets_and_no_names():
    """
    By a name that stands in many events no copy is known.
    """
    text = "first line of it\nok\npassword=hunter2x"

    assert pieces_of(note(text=text)) == ["password=hunter2x", "first line of it", "hunter2x"]
    assert pieces_of(alert(annotations={"a": "ACME pays twice"})) == ["ACME pays twice"]
    assert pieces_of(alert(), b'{"password": "hunter2x"}') == ["hunter2x"]


def test_needles_are_the_text_as_stores_and_payloads_write_it():
    """
    Plain, as JSON does with and without its own letters, and in one byte a letter.
    """
    assert needles(['"é"']) == ['"é"'.encode(), b'\\"\xc3\xa9\\"', b'\\"\\u00e9\\"', b'"\xe9"']


def test_a_redaction_says_what_stood_there_and_nothing_of_it():
    """
    Digest, arrival and kind; who, when and why.
    """
    [target] = recorded(note())
    target = msgspec.structs.replace(target, digest=b"d" * 32, arrival_state=b"\x80")

    assert redact(
        target, by="ada", now=datetime(2026, 3, 1, 15, tzinfo=UTC), why=f" {WHY} "
    ) == EventRedacted(
        occurred_at=at(60),
        decided_by="ada",
        incident="INC-1",
        target=target.id,
        why=WHY,
        target_topic="note-added",
        digest=b"d" * 32,
        left=encode(note(text=REDACTED)),
        arrival=b"\x80",
    )
