"""What was redacted travels as a hole with its reason, and nothing brings back what was removed."""

import contextlib
import hashlib
import sqlite3

import msgspec
import pytest

from tests import builders as b
from tests.bundles.making import bring, bundle_of, checked, fold, redact_in, report, told
from tests.bundles.test_bundle_file import forged, problem
from tests.bundles.test_import import whole
from tests.log.test_stores import raw
from tests.reports import histories
from tracker.bundles.importing import plan_import
from tracker.bundles.writing import bundled
from tracker.errors import LogNotWholeError, RefusedError
from tracker.events.base import Incoming, event_id
from tracker.log import Log, erasure
from tracker.log.holes import left_by
from tracker.log.rows import imported_hole_digest

SECRET = "correct-horse-battery-staple"
ALERT = b.alert(5, annotations={"summary": f"login with {SECRET}"})
NOTE = b.note(12, text=f"the password is {SECRET}")
FILE = SECRET.encode() * 3
BYTES = {"size_bytes": len(FILE), "sha256": hashlib.sha256(FILE).digest()}
ATTACHED = b.file(13, name="pool.txt", **BYTES)
HISTORY = [
    Incoming(event=ALERT, payload=b'{"summary": "' + SECRET.encode() + b'"}'),
    b.declared(7),
    NOTE,
    Incoming(event=ATTACHED, payload=FILE),
    b.amended(NOTE, 14, changes={"kind": "hypothesis"}),
    b.resolved(40),
]


@pytest.fixture
def theirs(tmp_path):
    """Another machine's log, as it was before anything was redacted."""
    return told(str(tmp_path / "theirs.db"), HISTORY, seal_every=4)


def everything_in(store):
    """All that a log holds, as text of its bytes."""
    with Log(store) as log:
        found = list(log.read_all())
        payloads = log.payloads([each.position for each in found])
        return b"".join([*(msgspec.msgpack.encode(each.event) for each in found), *payloads.values()])


def redactions_in(store):
    with Log(store) as log:
        return [each.event for each in log.read_all(topics=("event-redacted",))]


def ours_first(store):
    """A log in which INC-1 is taken."""
    return told(store, [b.declared(1, title="Ours", services=("search",))])


def note_in(store, incident="INC-1"):
    [found] = [step for step in fold(store, incident).steps if step.event.TOPIC == "note-added"]
    return found.recorded


# ── there and back ───────────────────────────────────────────────────────────


def test_what_was_redacted_reads_as_it_does_where_that_was_done(theirs, store_url):
    """
    The report and all rows; who removed it; and the log into which it came is whole.
    """
    redact_in(theirs, ALERT, NOTE, ATTACHED)
    data = bundle_of(theirs)
    assert SECRET.encode() not in b"".join(stored.state or b"" for stored, _ in checked(data).events)

    plan, _ = bring(store_url, data)

    assert plan.redacted_there == 3
    assert report(store_url) == report(theirs)
    assert report(store_url).markdown.count("redacted by dora") >= 3
    assert SECRET.encode() not in everything_in(store_url)
    whole(store_url)
    with Log(store_url) as log:
        assert log.verify().redacted == 3
        assert log.unfinished_redactions() == []


def test_a_redacted_declaration_still_declares(theirs, store_url):
    """
    Its title is gone, its services and its severity are not.
    """
    redact_in(theirs, b.declared(7))

    bring(store_url, bundle_of(theirs))

    assert (fold(store_url).title, fold(store_url).services) == ("[redacted]", ("checkout",))
    assert report(store_url) == report(theirs)
    whole(store_url)


def test_samples_that_were_redacted_are_missing_there_too(tmp_path, store_url):
    """
    The verdict that cannot be given any more, the gap in the picture, and who made it.
    """
    theirs = told(str(tmp_path / "shop.db"), histories.whole_incident(), seal_every=7)
    with Log(theirs) as log:
        samples = [each.id for each in log.read_all(topics=("metric-sampled",))]
    redact_in(theirs, samples[-1], minute=200)

    bring(store_url, bundle_of(theirs))

    assert report(store_url) == report(theirs)
    assert "redacted by dora" in report(store_url).markdown
    whole(store_url)


def test_a_hole_comes_under_another_number(theirs, store_url):
    """
    Nobody can tell the id that it would have: it keeps its own, and what points at it finds it.
    """
    redact_in(theirs, NOTE, ALERT)
    ours_first(store_url)

    bring(store_url, bundle_of(theirs))

    there, here = fold(theirs), fold(store_url, "INC-2")
    assert [step.recorded.redacted and step.recorded.redacted.why for step in here.steps] == [
        step.recorded.redacted and step.recorded.redacted.why for step in there.steps
    ]
    assert note_in(store_url, "INC-2").event.incident == "INC-2"
    assert [len(step.amendments) for step in here.steps] == [len(step.amendments) for step in there.steps]
    whole(store_url)
    assert bring(store_url, bundle_of(theirs))[1].recorded == ()


def test_a_hole_goes_from_hand_to_hand(theirs, tmp_path, store_url):
    """
    What was redacted at first, and what was on the way; each log is whole.
    """
    redact_in(theirs, NOTE)
    between = str(tmp_path / "between.db")
    bring(between, bundle_of(theirs))
    redact_in(between, ATTACHED, by="emil")
    whole(between)

    bring(store_url, bundle_of(between))

    whole(store_url)
    assert report(store_url) == report(between)
    said = [step.recorded.redacted for step in fold(store_url).steps if step.recorded.redacted]
    assert [each.by for each in said] == ["dora", "emil"]
    again = str(tmp_path / "again.db")
    bring(again, bundle_of(store_url))
    whole(again)
    assert report(again) == report(between)


def test_a_bundle_as_of_a_time_before_the_redaction_is_refused(theirs):
    """
    Nothing in it would say why something is gone; what to type instead is named.
    """
    with Log(theirs) as log:
        before = log.position
    redact_in(theirs, NOTE)
    with pytest.raises(RefusedError, match="was redacted at position") as refused:
        bundle_of(theirs, up_to=before)

    with Log(theirs) as log:
        [said] = log.read_all(topics=("event-redacted",))
    assert f"--at-seq {said.position}" in refused.value.hint
    assert bundle_of(theirs, up_to=said.position)


# ── what is here in full, what is gone here ──────────────────────────────────


def test_an_old_bundle_does_not_bring_back_what_was_redacted_here(theirs, store_url):
    """
    Text, file and payload stay gone; nothing is recorded.
    """
    old = bundle_of(theirs)
    bring(store_url, old)
    redact_in(store_url, NOTE, ATTACHED, ALERT)

    plan, appended = bring(store_url, old)

    assert (appended.recorded, len(plan.redacted_here)) == ((), 3)
    assert set(appended.known) == set(plan.known) == {stored.id for stored, _ in checked(old).events}
    assert SECRET.encode() not in everything_in(store_url)
    whole(store_url)


@pytest.mark.parametrize("number", ["INC-1", "INC-2"])
def test_an_old_bundle_does_not_bring_back_what_came_as_a_hole(theirs, store_url, number):
    """
    Under the same number, and under another, where the text would have another id than the hole.
    """
    old = bundle_of(theirs)
    redact_in(theirs, NOTE, ATTACHED, ALERT)
    if number == "INC-2":
        ours_first(store_url)
    bring(store_url, bundle_of(theirs))

    plan, appended = bring(store_url, old)

    assert plan.incident == number
    assert (appended.recorded, len(plan.redacted_here)) == ((), 3)
    assert SECRET.encode() not in everything_in(store_url)
    whole(store_url)


@pytest.mark.parametrize("number", ["INC-1", "INC-2"])
def test_an_import_removes_nothing_and_says_what_was_redacted_there(theirs, store_url, number):
    """
    Who has it decides. Once it is redacted here, their redaction comes along too, and the log stays whole.
    """
    if number == "INC-2":
        ours_first(store_url)
    bring(store_url, bundle_of(theirs))
    redact_in(theirs, NOTE)
    new = bundle_of(theirs)

    plan, _ = bring(store_url, new)

    mine = note_in(store_url, number)
    assert plan.incident == number
    assert {event: said.decided_by for event, said in plan.in_full.items()} == {mine.id: "dora"}
    assert (mine.redacted, SECRET in mine.event.text) == (None, True)
    assert redactions_in(store_url) == []
    whole(store_url)

    redact_in(store_url, mine.id, by="carol")
    plan, appended = bring(store_url, new)

    assert (plan.in_full, len(appended.recorded)) == ({}, 2)
    assert note_in(store_url, number).redacted.by == "carol"
    whole(store_url)


def test_a_redaction_of_what_is_not_in_the_bundle_is_left_out(theirs, store_url):
    """
    It would tell of something that nobody sees here; should that come later, it comes as it was.
    """
    redact_in(theirs, NOTE)
    with Log(theirs) as log:
        about = (event_id(NOTE), event_id(HISTORY[4]))
        kept = [each for each in log.read() if each.id not in about and each.event.TOPIC != "log-sealed"]
        data, _ = bundled(log, "INC-1", kept)

    plan, _ = bring(store_url, data)

    assert plan.redacted_there == 0
    assert redactions_in(store_url) == []
    assert report(store_url).markdown
    whole(store_url)


# ── what does not fit ────────────────────────────────────────────────────────


def test_how_a_hole_came_is_proven(theirs, tmp_path):
    """
    In a log that never held its content either: where its first log had it, and when it learned of it.
    """
    redact_in(theirs, NOTE)
    here = str(tmp_path / "here.db")
    bring(here, bundle_of(theirs))
    with Log(here) as log:
        [hole] = [each for each in log.read_all() if each.id == event_id(NOTE)]
    arrival = hole.arrival
    moved = msgspec.structs.replace(
        arrival, origin=msgspec.structs.replace(arrival.origin, recorded_at=b.at(1))
    )
    with contextlib.closing(sqlite3.connect(here)) as log, log:
        log.execute(
            "UPDATE stored_events SET arrival=? WHERE position=?",
            (msgspec.msgpack.encode(moved, order="deterministic"), hole.position),
        )

    with Log(here) as log:
        found = log.verify().first_problem

    assert (found.position, "names another digest" in found.what) == (hole.position, True)


def test_a_hole_that_another_kind_of_event_names_is_refused(theirs):
    """
    A correction points at it too, and is no reason for its being gone.
    """
    data = bundle_of(theirs)
    events = [stored for stored, _ in checked(data).events]
    at = next(place for place, stored in enumerate(events) if stored.id == event_id(NOTE))
    events[at] = events[at]._replace(state=None, salt=None)

    refused = problem(forged(data, with_events=events))

    assert refused.place.position == events[at].position
    assert "no redaction in the bundle names it" in refused.what


def test_a_hole_whose_redaction_is_of_something_else_is_refused(theirs):
    """
    Its digest is that of what was removed.
    """
    redact_in(theirs, NOTE)
    data = bundle_of(theirs)
    events = [stored for stored, _ in checked(data).events]
    at = next(place for place, stored in enumerate(events) if stored.state is None)
    for changes, what in (
        ({"digest": bytes(32)}, "names another digest"),
        ({"topic": "lead-changed"}, "its kind does not match"),
        ({"originator_id": "INC-9"}, "in another incident's stream"),
        ({"payload": b"left over"}, "not all of it was removed"),
        ({"arrival": b"\x80"}, "its arrival does not match"),
    ):
        changed = [*events[:at], events[at]._replace(**changes), *events[at + 1 :]]
        assert what in problem(forged(data, with_events=changed)).what


def test_what_is_taken_while_a_hole_is_brought_in_is_planned_again(theirs, store_url, monkeypatch):
    """
    Somebody imports the whole text meanwhile: it is not called redacted while it stands there.
    """
    from tracker.bundles import importing

    old = bundle_of(theirs)
    redact_in(theirs, NOTE)
    new = bundle_of(theirs)
    plan, asked = importing.plan_import, []

    def overtaken(log, bundle, *, prefix):
        made = plan(log, bundle, prefix=prefix)
        asked.append(made)
        if len(asked) == 1:
            bring(store_url, old)
        return made

    monkeypatch.setattr(importing, "plan_import", overtaken)

    made, _ = bring(store_url, new)

    assert list(made.in_full) == [event_id(NOTE)]
    assert redactions_in(store_url) == []
    whole(store_url)


# ── files that are kept once ─────────────────────────────────────────────────


def twice(store, *, first="INC-9"):
    """One content attached to two incidents, first to the other one: its bytes lie there."""
    return told(
        store,
        [
            b.declared(1, incident=first, services=("search",)),
            Incoming(event=b.file(2, incident=first, name="theirs.txt", by_hash=True, **BYTES), payload=FILE),
            b.declared(7),
            Incoming(event=b.file(13, name="mine.txt", by_hash=True, **BYTES), payload=FILE),
            Incoming(event=b.file(14, name="again.txt", by_hash=True, **BYTES), payload=FILE),
        ],
    )


def kept_files(store):
    """What each event of a file gives back, and how often bytes are kept."""
    with Log(store) as log, log.application.rows.reading() as transaction:
        found = list(log.read_all(topics=("file-attached",)))
        kept = transaction.rows(
            "SELECT COUNT(*) FROM event_payloads p JOIN stored_events e ON e.position=p.position WHERE topic='file-attached'"
        )[0][0]
        return list(log.payloads([each.position for each in found]).values()), kept


def test_a_file_whose_bytes_lie_with_another_incident_comes_along_once(tmp_path, store_url):
    """
    Each event of it gives the bytes back; the other incident's is not in the bundle.
    """
    theirs = twice(str(tmp_path / "theirs.db"))
    data = bundle_of(theirs)
    assert sum(stored.payload == FILE for stored, _ in checked(data).events) == 1

    bring(store_url, data)

    assert kept_files(store_url) == ([FILE, FILE], 1)
    assert report(store_url) == report(theirs)
    assert {step.event.name for step in fold(store_url).steps if step.event.TOPIC == "file-attached"} == {
        "mine.txt",
        "again.txt",
    }
    whole(store_url)
    assert bundle_of(store_url)


def test_a_file_that_is_here_already_is_not_kept_again(tmp_path, store_url):
    """
    By whatever incident it was attached here.
    """
    theirs = twice(str(tmp_path / "theirs.db"))
    ours_first(store_url)
    told(
        store_url,
        [Incoming(event=b.file(2, name="ours.txt", by_hash=True, **BYTES), payload=FILE)],
    )

    bring(store_url, bundle_of(theirs))

    assert kept_files(store_url) == ([FILE] * 3, 1)
    whole(store_url)


def test_a_bundle_without_the_bytes_of_its_file_is_refused(tmp_path):
    """
    And one with other bytes, or with them twice.
    """
    data = bundle_of(twice(str(tmp_path / "theirs.db")))
    events = [stored for stored, _ in checked(data).events]
    places = [place for place, stored in enumerate(events) if stored.topic == "file-attached"]

    def with_payloads(*payloads):
        changed = list(events)
        for place, payload in zip(places, payloads, strict=True):
            changed[place] = changed[place]._replace(payload=payload)
        return problem(forged(data, with_events=changed)).what

    assert with_payloads(b"", FILE) == "the bytes of its file are not in the bundle"
    assert with_payloads(b"other", b"") == "its bytes do not match its digest"
    assert with_payloads(FILE, FILE) == "the bytes of its file are in the bundle twice"


def test_a_plan_counts_what_is_left_alone_as_known(theirs, store_url):
    """
    A dry run says the same as the import.
    """
    old = bundle_of(theirs)
    bring(store_url, old)
    redact_in(store_url, NOTE)
    with Log(store_url) as log:
        plan = plan_import(log, checked(old), prefix="INC")

    assert (plan.new, set(plan.known)) == ((), {stored.id for stored, _ in checked(old).events})


@pytest.mark.parametrize("by_microseconds", [1, -1])
def test_the_recording_time_of_an_imported_hole_is_proven(tmp_path, store_url, by_microseconds):
    note = b.note(20, text="the password is hunter2-hunter2")
    theirs = told(str(tmp_path / "theirs.db"), [b.declared(2), note, b.resolved(30)])
    redact_in(theirs, note)
    bring(store_url, bundle_of(theirs))
    whole(store_url)
    with Log(store_url) as log:
        [hole] = log.by_ids([event_id(note)])
    moved = (
        f"UPDATE stored_events SET recorded_us=recorded_us+({by_microseconds}) WHERE position={hole.position}"  # noqa: S608
    )
    raw(store_url)(moved)

    with Log(store_url) as log:
        assert log.verify().first_problem.position == hole.position


def test_holes_of_earlier_versions_stay_valid(tmp_path, monkeypatch):
    """
    A redaction had no hash of the content, and an imported hole's digest was of the removed content and its arrival.
    """
    note = b.note(20, text="the password is hunter2-hunter2")
    theirs, ours = (str(tmp_path / name) for name in ("theirs.db", "ours.db"))
    told(theirs, [b.declared(2), note, b.resolved(30)])
    monkeypatch.setattr(erasure, "_with_body", lambda transaction, redaction: redaction)
    redact_in(theirs, note)
    whole(theirs)
    bring(ours, bundle_of(theirs))
    whole(ours)
    with Log(ours) as log:
        [hole] = log.by_ids([event_id(note)])
        [row] = log.stored([hole.position])
        [redaction] = [each.event for each in log.read_all(topics=("event-redacted",))]
        assert redaction.body == b""
        earlier = row._replace(digest=imported_hole_digest(redaction.digest, row.arrival))
        assert left_by(redaction, "x", earlier)[1] is None
        assert left_by(redaction, "x", row._replace(recorded_us=row.recorded_us + 1))[1] is not None


def test_a_hole_whose_recording_time_was_changed_makes_no_bundle(tmp_path):
    note = b.note(20, text="the password is hunter2-hunter2")
    theirs = told(str(tmp_path / "theirs.db"), [b.declared(2), note, b.resolved(30)])
    redact_in(theirs, note)
    raw(theirs)("UPDATE stored_events SET recorded_us=recorded_us+1 WHERE position=2")

    with pytest.raises(LogNotWholeError, match="recording time does not match"):
        bundle_of(theirs)
