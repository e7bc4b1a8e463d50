"""A bundle is taken as it was written, or not at all; and what is wrong with it is named by its place."""

import contextlib
import io
import tracemalloc
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders as b
from tests.bundles.making import bundle_of, checked, parts_of, rewritten, told
from tracker.bundles import container
from tracker.bundles.container import KIND, Manifest, pack, whole_file
from tracker.bundles.damage import BundleDamagedError
from tracker.bundles.reading import read
from tracker.bundles.writing import bundled
from tracker.errors import BadInputError, LogNotWholeError
from tracker.events.base import Incoming, encode, event_id
from tracker.events.housekeeping import LogSealed
from tracker.log import Log

HISTORY = [
    Incoming(event=b.deploy(3), payload=b'{"version": "1.4.2"}'),
    b.deploy(4, service="search"),
    b.alert(5),
    b.declared(7),
    b.note(12),
    b.amended(b.note(12), 13, changes={"text": "the pool is empty"}),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small bundle: a log with a seal in its midst, an event that is not in the bundle, an open tail."""
    return bundle_of(told(str(tmp_path_factory.mktemp("log") / "tracker.db"), HISTORY, seal_every=4))


def forged(whole, *, with_events=None, events_part=None, digests=None, with_seals=None, **manifest):
    """Write a bundle anew with other content: all its own hashes fit."""
    parts = parts_of(whole)
    bundle = checked(whole)
    if with_events is not None:
        part, length = pack(with_events)
        parts["events"] = part
        manifest = {"events": len(with_events), "events_bytes": length, **manifest}
    if events_part is not None:
        parts["events"] = events_part
    if digests is not None:
        parts["digests"] = digests
    if with_seals is not None:
        parts["seals"] = msgspec.msgpack.encode(with_seals)
        manifest = {"seals": len(with_seals), **manifest}
    parts["manifest"] = msgspec.structs.replace(bundle.manifest, **manifest).encoded()
    return whole_file(parts)


def events_of(whole):
    return [stored for stored, _ in checked(whole).events]


def problem(data):
    with pytest.raises(BundleDamagedError) as refused:
        checked(data)
    assert "\n" not in refused.value.message
    assert refused.value.exit_code == 5
    return refused.value


# ── what was written is read ─────────────────────────────────────────────────


def test_a_bundle_gives_back_what_the_log_holds_of_the_incident(whole):
    """
    Bytes beside an event too; what is another service's is not in it.
    """
    bundle = checked(whole)

    kinds = [event.TOPIC for _, event in bundle.events]
    assert kinds == ["deploy-finished", "alert-fired", "incident-declared", "note-added", "event-amended"]
    assert bundle.events[0][0].payload == b'{"version": "1.4.2"}'
    assert bundle.manifest.seals == 1
    assert len(parts_of(whole)["digests"]) == 2 * 32  # of the other deploy, and of the seal


def test_the_same_position_gives_the_same_bytes(tmp_path):
    """
    Whatever was recorded since, seals among it, and whoever writes it.
    """
    store = told(str(tmp_path / "tracker.db"), HISTORY, seal_every=4)
    before = bundle_of(store)

    told(
        store,
        [b.deploy(50, service="search"), b.declared(60, incident="INC-2", services=("search",))],
        seal_every=1,
    )

    assert bundle_of(store) == before


def test_a_bundle_reads_the_same_on_both_stores(tmp_path, postgres_url):
    """
    PostgreSQL gives the same rows, so the same file.
    """
    on_file = bundle_of(told(str(tmp_path / "tracker.db"), HISTORY, seal_every=4))

    assert bundle_of(told(postgres_url, HISTORY, seal_every=4)) == on_file


# ── damage ───────────────────────────────────────────────────────────────────


def test_no_bit_of_a_bundle_may_be_other_than_it_was_written(whole):
    """
    Every single one is tried. None is harmless.
    """
    taken = []
    for at in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            with contextlib.suppress(LogNotWholeError, BadInputError):
                checked(bytes(data))
                taken.append((at, bit))

    assert taken == []


def test_no_bundle_that_was_cut_off_or_grew_is_taken(whole):
    """
    At every length; and where it ends is said.
    """
    for length in range(len(whole)):
        with pytest.raises((LogNotWholeError, BadInputError)):
            checked(whole[:length])

    assert problem(whole[:-100]).place.part in ("events", "last line")
    assert problem(whole + b"x").what == "something follows it"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bundle_with_other_bytes_in_it_is_taken(whole, data):
    """
    Pieces that are moved, doubled, dropped or made up.
    """
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    piece = data.draw(
        st.one_of(st.binary(max_size=80), st.just(whole[start:end][::-1]), st.just(whole[start:end] * 2))
    )
    changed = whole[:start] + piece + whole[end:]

    if changed != whole:
        with pytest.raises((LogNotWholeError, BadInputError)):
            checked(changed)


def test_a_damaged_event_is_named_by_position_and_id(whole):
    """
    All hashes of the file fit: somebody edited it who knows how bundles are written.
    """
    events = events_of(whole)
    events[3] = events[3]._replace(state=encode(b.note(12, text="all is well")))

    refused = problem(forged(whole, with_events=events))

    assert (refused.place.position, refused.place.event) == (events[3].position, events[3].id)
    assert refused.what == "its bytes do not match its digest"
    assert f"position {events[3].position}" in refused.message


def test_an_event_that_was_edited_with_its_digest_does_not_fit_the_head(whole):
    """
    Its seal is of the event that was recorded.
    """
    events = events_of(whole)
    other = b.alert(5, severity="minor")
    events[1] = rewritten(events[1], state=encode(other), originator_id=event_id(other))

    refused = problem(forged(whole, with_events=events))

    assert (refused.place.part, refused.what) == (
        "digests",
        "the events at positions 1 to 4 do not match their seal",
    )


def test_an_open_tail_is_held_by_the_head_alone(whole):
    """
    No seal covers it, and yet nobody changes it.
    """
    events = events_of(whole)
    other = b.amended(b.note(12), 13, changes={"text": "nothing"})
    events[-1] = rewritten(events[-1], state=encode(other), decision_id=event_id(other))

    refused = problem(
        forged(whole, with_events=events, last_event=events[-1].id, last_digest=events[-1].digest.hex())
    )

    assert "do not match the head of the log" in refused.what


@pytest.mark.parametrize("place", range(5))
def test_an_event_that_was_dropped_is_missed(whole, place):
    """
    Any of them: the digests that are there are those of the others.
    """
    events = events_of(whole)
    del events[place]

    assert problem(forged(whole, with_events=events)).place.part in ("digests", "events")


def test_an_event_that_was_dropped_with_its_digest_left_in_its_place_goes_unseen_only_in_words(whole):
    """
    Its digest says that there was one. What a bundle leaves out nobody can tell from it: that is what it is for.
    """
    events = events_of(whole)
    left = events.pop(1)
    digests = parts_of(whole)["digests"]
    here = digests[:32] + left.digest + digests[32:]

    assert [each.id for each, _ in checked(forged(whole, with_events=events, digests=here)).events] == [
        each.id for each in events
    ]


def test_events_in_another_order_are_refused(whole):
    """
    The second says that it does not follow.
    """
    events = events_of(whole)
    events[0], events[1] = events[1], events[0]

    assert problem(forged(whole, with_events=events)).what == "it does not follow the event before it"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"head": "0" * 64}, "do not match the head"),
        ({"log": "0" * 16}, "the log's id is not that of its first event"),
        ({"position": 3}, "it is after position 3"),
        ({"last_event": "0" * 24}, "not the event that the manifest names"),
        ({"last_digest": "0" * 64}, "not the event that the manifest names"),
        ({"incident": "INC-2"}, "none of them declares INC-2"),
        ({"incident": "../INC-1"}, "it has no valid incident number"),
        ({"events": 4}, "there are 5 events; the manifest counts 4"),
        ({"seals": 2}, "not those that the manifest counts"),
    ],
)
def test_a_manifest_that_says_other_than_the_events_is_refused(whole, changes, what):
    """
    Nothing is believed that the events do not show, but for who wrote it.
    """
    assert what in problem(forged(whole, **changes)).what


@pytest.mark.parametrize("field", ["after", "through", "count", "digests_sha256", "previous_head", "head"])
def test_a_seal_that_was_changed_is_named(whole, field):
    """
    Seals are a chain.
    """
    [state] = msgspec.msgpack.decode(parts_of(whole)["seals"])
    seal = msgspec.msgpack.decode(state, type=LogSealed)
    value = getattr(seal, field)
    changed = msgspec.structs.replace(seal, **{field: value + 1 if isinstance(value, int) else bytes(32)})

    refused = problem(forged(whole, with_seals=[encode(changed)]))

    assert (refused.place.part, refused.what) == ("seals", "seal 1 does not follow the seal before it")


def test_parts_that_were_swapped_are_named(whole):
    """
    Each stands where it should.
    """
    parts = parts_of(whole)
    parts["seals"], parts["digests"] = parts["digests"], parts["seals"]

    assert problem(whole_file(parts)).place.part == "seals"


def test_a_part_of_another_bundle_is_refused(whole, tmp_path):
    """
    Two bundles that are whole make no third.
    """
    other = bundle_of(told(str(tmp_path / "other.db"), [*HISTORY, b.note(20, text="another")], seal_every=4))
    for name in ("manifest", "seals", "digests", "events"):
        parts = parts_of(whole)
        mine, parts[name] = parts[name], parts_of(other)[name]
        if mine != parts[name]:
            problem(whole_file(parts))


def test_a_hole_without_a_redaction_is_refused(whole):
    """
    Content that is gone without a word was taken away.
    """
    events = events_of(whole)
    events[0] = events[0]._replace(state=None, salt=None, payload=b"")

    refused = problem(forged(whole, with_events=events))

    assert refused.place.position == events[0].position
    assert "no redaction in the bundle names it" in refused.what


# ── what is no bundle, or a hostile one ──────────────────────────────────────


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"SQLite format 3\0", b"# INC-1: a report\n", b"\n" * 9, bytes(5000)]
)
def test_another_file_is_called_no_bundle(data):
    """
    Exit code 11: it is not damaged, it is the wrong one.
    """
    with pytest.raises(BadInputError, match="is not a bundle") as refused:
        checked(data)

    assert refused.value.exit_code == 11


def test_a_newer_format_says_to_upgrade(whole):
    """
    Before anything else of it is looked at.
    """
    newer = whole.replace(b"tracker bundle 1", b"tracker bundle 2", 1)

    with pytest.raises(BadInputError, match="a bundle of format 2") as refused:
        checked(newer)

    assert "upgrade" in refused.value.hint


def test_an_event_of_a_kind_or_with_a_field_that_a_newer_tracker_added_says_to_upgrade(whole):
    """
    What would be lost on the way is not taken at all.
    """
    events = events_of(whole)
    more = msgspec.msgpack.encode({**msgspec.msgpack.decode(events[3].state), "mood": "calm"})
    for changed in (
        rewritten(events[3], topic="mood-changed"),
        rewritten(events[3], state=more),
    ):
        with pytest.raises(BadInputError, match="does not know") as refused:
            checked(forged(whole, with_events=[*events[:3], changed, *events[4:]]))
        assert "upgrade" in refused.value.hint


def bombs(whole):
    zeros = zlib.compress(bytes(300 << 20), 9)
    giant = zlib.compress((2**32 - 1).to_bytes(4) + bytes(1 << 20), 9)
    yield forged(whole, events_part=zeros)
    yield forged(whole, events_part=zeros, events_bytes=300 << 20)
    yield forged(whole, events_part=zeros, events_bytes=2**60)
    yield forged(whole, events_part=giant, events_bytes=500 << 20)
    yield forged(whole, position=2**61)
    yield forged(whole, with_seals=[encode(b.seal(after=0, through=2**60, count=2**60))])
    yield KIND + b"1\nmanifest 99999999999 " + b"0" * 64 + b"\n"
    yield KIND + b"1" * 10_000_000


def test_a_hostile_bundle_takes_no_more_memory_than_its_bytes_and_a_bound(whole):
    """
    What unpacks to much is stopped while it unpacks; counts are compared before they are believed.
    """
    for data in bombs(whole):
        tracemalloc.start()
        with pytest.raises((LogNotWholeError, BadInputError)):
            checked(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < len(data) * 2 + (8 << 20)


def test_what_is_read_has_a_bound(whole, monkeypatch):
    """
    A bundle that is whole and larger than that is refused before it is unpacked.
    """
    monkeypatch.setattr(container, "MOST_UNPACKED_BYTES", 100)

    with pytest.raises(BadInputError, match="the limit is 100"):
        checked(whole)


def test_a_stream_that_gives_little_at_a_time_reads_the_same(whole):
    """
    A pipe does.
    """

    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 7) if size > 0 else size)

    assert read(Slow(whole), "stdin").sha256 == checked(whole).sha256


def test_a_manifest_is_written_in_one_way_only(whole):
    """
    Another way to write the same would be another file with the same content.
    """
    parts = parts_of(whole)
    parts["manifest"] = msgspec.json.encode(msgspec.json.decode(parts["manifest"], type=Manifest))

    assert problem(whole_file(parts)).what == "it is not encoded as a manifest"


def test_a_bundle_grows_with_the_incident_and_its_seals_not_with_the_log(tmp_path):
    """
    Of four thousand other events, the digests under the seals that its own events stand under are in it.
    """
    others = [b.error(minute / 60, service="search") for minute in range(4000)]
    store = str(tmp_path / "long.db")
    with Log(store, now=lambda: b.at(0)) as log:
        for at in range(0, 2000, 500):
            log.append(others[at : at + 500])
            log.seal()
    told(store, HISTORY)
    before = len(bundle_of(store))
    with Log(store, now=lambda: b.at(500)) as log:
        for at in range(2000, 4000, 500):
            log.append(others[at : at + 500])
            log.seal()

    assert len(bundle_of(store)) == before
    assert len(parts_of(bundle_of(store))["digests"]) < 600 * 32  # the first five hundred, and what lies open


@pytest.mark.parametrize("part", container.PARTS)
def test_damage_is_named_by_the_part_in_which_it_is(whole, part):
    """
    In its bytes, and in the line before them.
    """
    at = whole.index(b"%b %d " % (part.encode(), len(parts_of(whole)[part])))
    start = whole.index(b"\n", at) + 1
    for place in (at, at + len(part) + 1, start - 2, start, start + len(parts_of(whole)[part]) - 1):
        data = bytearray(whole)
        data[place] ^= 4

        assert problem(bytes(data)).place.part == part


def test_more_digests_than_prove_its_events_are_refused(whole):
    """
    Nothing stands in a bundle that is not checked.
    """
    digests = parts_of(whole)["digests"]
    for other in (digests + bytes(32), digests[:-32], digests[:-1], b""):
        assert "are not the 2 digests" in problem(forged(whole, digests=other)).what


def test_an_event_is_written_in_one_way_only(whole):
    """
    The same values in longer bytes are another file with the same content.
    """
    first, *others = events_of(whole)
    record = msgspec.msgpack.encode(first)
    longer = b"\xdc\x00" + bytes([record[0] & 15]) + record[1:]
    assert msgspec.msgpack.decode(longer) == msgspec.msgpack.decode(record)
    records = [longer, *map(msgspec.msgpack.encode, others)]
    whole_part = b"".join(len(each).to_bytes(4) + each for each in records)

    refused = problem(forged(whole, events_part=zlib.compress(whole_part), events_bytes=len(whole_part)))

    assert refused.what == "an event is not encoded as an event"


@pytest.mark.parametrize(
    "fields",
    [
        {"log": "`<script>"},
        {"head": "x"},
        {"was": "INC-1` ![](http://evil)"},
        {"number": "../../INC-1"},
        {"numbers": {"INC-1": "a\nb"}},
        {"last_event": "x" * 24},
    ],
)
def test_what_a_report_would_print_of_an_earlier_import_is_what_it_should_be(tmp_path, fields):
    """
    A log of somebody's own making says what it likes, and proves that it said so.
    """
    store = told(str(tmp_path / "made.db"), [b.declared(7), b.imported(8, **{"number": "INC-1", **fields})])
    with Log(store) as log, pytest.raises(LogNotWholeError, match="names no valid log"):
        bundled(log, "INC-1", log.read())


def test_an_incident_that_is_named_like_a_path_is_refused(tmp_path):
    """
    A report is written into a file of its number.
    """
    store = told(str(tmp_path / "made.db"), [b.declared(7), b.declared(8, incident="../../evil-1")])
    with Log(store) as log, pytest.raises(LogNotWholeError, match="incident number is not valid"):
        bundled(log, "INC-1", log.read())


@pytest.mark.parametrize(
    "event",
    [
        b.severity(9, severity="`<b>"),
        b.milestone(9, "eaten"),
        b.stage(9, stage="asleep"),
        b.note(9, kind="<script>"),
        b.resolved(9, resolution="never"),
        b.linked(b.declared(7), 9, role="](http://evil)"),
        b.sent(9, kind="spam"),
    ],
)
def test_a_word_that_nobody_can_type_is_refused(tmp_path, event):
    """
    Reports print these words as they are.
    """
    store = told(str(tmp_path / "made.db"), [b.declared(7), event])
    with Log(store) as log, pytest.raises(BadInputError, match="which this tracker does not know"):
        bundled(log, "INC-1", log.read())
