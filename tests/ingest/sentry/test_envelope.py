"""A real SDK's envelopes become errors and check-ins; hostile ones are refused before they cost anything."""

import gzip
import json
import subprocess
import sys
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, payload, read_or_refused
from tests.servers.webhooks import Delivery, Receiver
from tracker.errors import BadInputError
from tracker.events.alerts import CheckInRecorded, ErrorSeen
from tracker.events.base import Arrival, Incoming
from tracker.ingest.documents import Record
from tracker.ingest.sentry.envelope import MAX_ITEMS, group_of, inflate, is_envelope, read
from tracker.ingest.services import ServiceRule, ServiceRules

RECORDED = payload("sentry_sdk_event.envelope")
CHECK_IN = payload("sentry_sdk_check_in.envelope")
EVENT = json.loads(RECORDED.splitlines()[2])
SENT_AT = "2026-03-01T14:45:12.500Z"

PROGRAM = """
import sys
import sentry_sdk
from sentry_sdk.crons import monitor

sentry_sdk.init(dsn=sys.argv[1], release="shop@1.4.2", environment="production", enable_logs=True,
                auto_session_tracking=True, traces_sample_rate=1.0)
sentry_sdk.set_tag("service", "checkout")

def pay(card):
    return {}[card]

def fail(card, fingerprint=None):
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = fingerprint
        scope.add_attachment(bytes=b"hello\\nworld", filename="a.txt")
        try:
            pay(card)
        except KeyError as error:
            sentry_sdk.capture_exception(error)

with sentry_sdk.start_transaction(op="http.server", name="POST /checkout"):
    fail("card-17")
    fail("card-18")
    fail("card-19", fingerprint=["checkout", "{{ default }}"])
sentry_sdk.capture_message("payment provider slow", "warning")
sentry_sdk.logger.warning("queue depth {depth}", depth=12)

@monitor(monitor_slug="nightly-etl")
def job():
    pass

job()
sentry_sdk.flush(10)
"""


def envelope(*items: tuple[dict[str, Any], bytes], **header: Any) -> bytes:
    """Write an envelope; each item gets its length unless it says one."""
    lines = [json.dumps(header).encode()]
    for about, data in items:
        lines += [json.dumps({"length": len(data), **about}).encode(), data]
    return b"\n".join(lines) + b"\n"


def of_event(event: Any, **header: Any) -> bytes:
    return envelope(({"type": "event"}, json.dumps(event).encode()), **header)


def of_check_in(check_in: Any, **header: Any) -> bytes:
    return envelope(({"type": "check_in"}, json.dumps(check_in).encode()), **header)


def packed() -> bytes:
    """Pack the recorded error; without the time, so that every process names its tests the same."""
    return gzip.compress(RECORDED, mtime=0)


def told(data: bytes, **options: Any) -> Any:
    (event,) = events(read(data, where="feed", rules=RULES, **options))
    return event


def refused(data: bytes, **options: Any) -> BadInputError:
    with pytest.raises(BadInputError) as said:
        read(data, where="feed", rules=RULES, **options)
    assert said.value.hint
    return said.value


# ── with a real SDK ──────────────────────────────────────────────────────────


def test_a_real_sdk_is_read(receiver: Receiver) -> None:
    """
    What sentry-sdk sends of a failing service: its errors and check-ins, and nothing else.
    """
    dsn = receiver.url.replace("http://", "http://abc123@") + "1"
    began = datetime.now(UTC)
    subprocess.run([sys.executable, "-c", PROGRAM, dsn], check=True, timeout=120, capture_output=True)
    ended = datetime.now(UTC)
    deliveries = receiver.wait_for(7)

    def read_all(deliveries: list[Delivery]) -> list[Incoming]:
        return [
            incoming
            for each in deliveries
            for incoming in read(
                each.body,
                where=each.path,
                rules=RULES,
                project=each.path.split("/")[2],
                content_encoding=each.headers.get("content-encoding"),
            )
        ]

    found = read_all(deliveries)
    errors = [each for each in events(found) if isinstance(each, ErrorSeen)]
    check_ins = [each for each in events(found) if isinstance(each, CheckInRecorded)]
    assert [each.title for each in errors] == [
        "KeyError: 'card-17'",
        "KeyError: 'card-18'",
        "KeyError: 'card-19'",
        "payment provider slow",
    ]
    first, second, named, slow = errors
    assert (first.project, first.service, first.release) == ("1", "checkout", "shop@1.4.2")
    assert (first.environment, first.level, first.culprit) == ("production", "error", "POST /checkout")
    assert first.group == second.group
    assert first.group is not None
    assert named.group == "fingerprint:checkout," + first.group.removeprefix("computed:")
    assert slow.level == "warning"
    assert [each.status for each in check_ins] == ["in_progress", "ok"]
    assert {each.monitor for each in check_ins} == {"nightly-etl"}
    assert len({each.check_in_id for each in check_ins}) == 1
    assert check_ins[1].duration_seconds is not None
    assert all(began - timedelta(seconds=1) <= each.occurred_at <= ended for each in [*errors, *check_ins])
    assert len(set(ids(found))) == 6
    assert ids(read_all(deliveries)) == ids(found)
    again = [
        each for incoming in found for each in read(incoming.payload, where="kept", rules=RULES, project="1")
    ]
    assert ids(again) == ids(found)


# ── recorded, or written to the same shape ───────────────────────────────────


def test_a_recorded_error_has_its_own_instant() -> None:
    """
    Not when it was sent, not when it came.
    """
    error = told(RECORDED, project="shop")

    assert error == ErrorSeen(
        occurred_at=datetime(2026, 11, 22, 22, 22, 59, 329951, tzinfo=UTC),
        precision_seconds=1e-6,
        source="sentry-sdk",
        service="checkout",
        project="shop",
        error_id="55ef0b99db7d46c98b15a3eba43d01d6",
        title="KeyError: 'card'",
        culprit="__main__ in pay",
        release="shop@1.4.2",
        environment="production",
        group=error.group,
        tags={"service": "checkout"},
    )


def test_a_recorded_check_in_has_its_own_instant() -> None:
    """
    Python's SDK names one.
    """
    check_in = told(CHECK_IN, project="shop")

    assert check_in == CheckInRecorded(
        occurred_at=datetime(2026, 11, 22, 22, 22, 59, 330679, tzinfo=UTC),
        precision_seconds=1e-6,
        source="sentry-sdk",
        service="checkout",
        project="shop",
        check_in_id="ac05443f46434b31acdb22a55eadb0da",
        monitor="nightly-etl",
        status="ok",
        duration_seconds=1.5,
        release="shop@1.4.2",
        environment="production",
    )


def test_a_check_in_without_instant_is_as_old_as_its_envelope() -> None:
    """
    JavaScript's SDK names no instant; sentry-cli's envelope has none either, and then the arrival is all there is.
    """
    bare = {"check_in_id": "cbcac5e3-4033-407a-821c-827f70980d63", "monitor_slug": "payments", "status": "ok"}
    received = datetime(2026, 3, 1, 14, 45, 13, tzinfo=UTC)

    sent = told(of_check_in(bare, sent_at=SENT_AT))
    came = told(of_check_in(bare), arrival=Arrival(received_at=received))

    assert sent.occurred_at == datetime(2026, 3, 1, 14, 45, 12, 500000, tzinfo=UTC)
    assert (sent.check_in_id, sent.service) == ("cbcac5e34033407a821c827f70980d63", "payments")
    assert came.occurred_at == received
    assert refused(of_check_in(bare)).message == (
        "feed: item 1 has no timestamp, and its envelope no sent_at"
    )


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-03-01T14:45:12.250117Z", datetime(2026, 3, 1, 14, 45, 12, 250117, tzinfo=UTC)),
        ("2026-03-01T14:45:12.250117", datetime(2026, 3, 1, 14, 45, 12, 250117, tzinfo=UTC)),
        ("2026-03-01T14:45:12.250117999+00:00", datetime(2026, 3, 1, 14, 45, 12, 250117, tzinfo=UTC)),
        (1772376312.250117, datetime(2026, 3, 1, 14, 45, 12, 250117, tzinfo=UTC)),
        (1772376312, datetime(2026, 3, 1, 14, 45, 12, tzinfo=UTC)),
        (None, datetime(2026, 3, 1, 14, 45, 12, 500000, tzinfo=UTC)),
    ],
)
def test_sdks_write_instants_in_many_ways(timestamp: Any, at: datetime) -> None:
    """
    Texts with and without a zone (then UTC, as Sentry reads them), seconds, or only the envelope's.
    """
    assert told(of_event(changed(EVENT, timestamp=timestamp), sent_at=SENT_AT)).occurred_at == at


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        (
            {
                "exception": {
                    "values": [{"type": "KeyError", "value": "'a'"}, {"type": "Failed", "value": "b"}]
                }
            },
            "Failed: b",
        ),
        ({"exception": [{"type": "Timeout", "value": None}]}, "Timeout"),
        ({"exception": {"values": [{"type": None, "value": "js msg"}]}}, "js msg"),
        ({"logentry": {"message": "took %s s", "params": [3], "formatted": "took 3 s"}}, "took 3 s"),
        ({"logentry": {"message": "took too long"}}, "took too long"),
        ({"message": "slow\nand then some"}, "slow"),
        ({"message": {"formatted": "took 4 s"}}, "took 4 s"),
        ({"message": "\ud800 half"}, "? half"),
        ({}, "(no title)"),
        ({"message": "x" * 5000}, "x" * 299 + "…"),
    ],
)
def test_an_error_is_called_by_its_exception_or_its_message(fields: dict[str, Any], title: str) -> None:
    """
    One line: the exception that reached the SDK last, else what was logged.
    """
    bare = {"event_id": "a" * 32, "timestamp": 1772376312, **fields}

    assert told(of_event(bare)).title == title


def group(**fields: Any) -> str:
    return group_of(Record(fields, "feed: item 1", "hint"))


def failing(value: str, *functions: str, line: int = 7, kind: str = "KeyError") -> dict[str, Any]:
    frames = [{"module": "shop.pay", "function": each, "lineno": line, "in_app": True} for each in functions]
    library = {"module": "requests", "function": f"send{line}", "lineno": 1, "in_app": False}
    return {
        "exception": {
            "values": [{"type": kind, "value": value, "stacktrace": {"frames": [*frames, library]}}]
        }
    }


def test_repeats_of_an_error_have_one_group() -> None:
    """
    What changes from one to the next is no part of it: numbers, ids, quoted texts, lines, libraries.
    """
    first = group(**failing("'card-17' of 3f1b9c7e-2a5d-4e6f-8091-a2b3c4d5e6f7", "checkout", "pay"))

    again = group(**failing("'card-18' of 00000000-2a5d-4e6f-8091-a2b3c4d5e6f7", "checkout", "pay", line=9))
    assert again == first
    assert group(**failing("'card-17'", "checkout", "pay", kind="ValueError")) != first
    assert group(**failing("'card-17'", "refund", "pay")) != first
    assert group(**failing("no card", "checkout", "pay")) != first
    assert group(logentry={"message": "took %s s", "formatted": "took 3 s"}) == group(
        logentry={"message": "took %s s", "formatted": "took four s"}
    )


def test_the_fingerprint_that_an_application_sets_is_its_group() -> None:
    """
    Unless it only says: the default.
    """
    computed = group(**failing("x", "pay")).removeprefix("computed:")

    assert (
        group(fingerprint=["checkout", "keyerror"], **failing("x", "pay")) == "fingerprint:checkout,keyerror"
    )
    assert group(fingerprint=["{{ default }}"], **failing("x", "pay")) == f"computed:{computed}"
    assert group(fingerprint=["{{default}}", "eu"], **failing("x", "pay")) == f"fingerprint:{computed},eu"
    assert group(fingerprint=[], **failing("x", "pay")) == f"computed:{computed}"


def test_the_project_is_the_dsn_of_the_envelope_before_the_route() -> None:
    """
    A tunnel posts for many projects to one address.
    """
    dsn = "https://abc123@tracker.example/prefix/42"

    assert told(of_event(EVENT, dsn=dsn), project="1").project == "42"
    assert told(of_event(EVENT), project="1").project == "1"
    assert told(of_event(EVENT)).project == "unknown"


def test_the_service_is_that_of_the_project_before_the_tag() -> None:
    """
    What tracker.toml says of a project counts more than what an application says of itself.
    """
    rules = ServiceRules((ServiceRule("payments", sentry_projects=("42",)), ServiceRule("checkout")))

    (by_project,) = read(RECORDED, where="feed", rules=rules, project="42")
    (by_tag,) = read(RECORDED, where="feed", rules=rules, project="43")

    assert isinstance(by_project.event, ErrorSeen)
    assert isinstance(by_tag.event, ErrorSeen)
    assert (by_project.event.service, by_tag.event.service) == ("payments", "checkout")


@pytest.mark.parametrize(
    ("tags", "read_as"),
    [
        (
            {"service": "checkout", "try": 3, "cold": True, "none": None},
            {"service": "checkout", "try": "3", "cold": "true"},
        ),
        ([["service", "checkout"], ["broken"], 3], {"service": "checkout"}),
        ([{"key": "service", "value": "checkout"}], {"service": "checkout"}),
        ("service", {}),
    ],
)
def test_tags_come_in_many_shapes(tags: Any, read_as: dict[str, str]) -> None:
    """
    What is no tag is left out: an error is worth more than its tags.
    """
    assert told(of_event(changed(EVENT, tags=tags))).tags == read_as


def test_other_items_are_left_out_and_each_piece_stands_alone() -> None:
    """
    The bytes beside an event are an envelope that holds it alone.
    """
    data = json.dumps(EVENT).encode()
    mixed = envelope(
        ({"type": "attachment", "filename": "a.txt"}, b'hello\n{"type":"event"}\n\x00'),
        ({"type": "transaction"}, b"{}"),
        ({"type": "session"}, b"not even JSON"),
        ({"type": "event", "length": None}, data),
        ({"type": "client_report"}, b"{}"),
        sent_at=SENT_AT,
    )

    (found,) = read(mixed, where="feed", rules=RULES, project="1")

    assert found.payload.splitlines()[0] == json.dumps({"sent_at": SENT_AT}).encode()
    assert found.payload.endswith(data)
    assert b"hello" not in found.payload
    assert ids(read(found.payload, where="feed", rules=RULES, project="1")) == ids([found])


def test_an_envelope_of_another_kind_gives_no_events() -> None:
    """
    Sessions and logs come all the time.
    """
    assert read(envelope(({"type": "session"}, b"{}")), where="feed", rules=RULES) == []
    assert read(b"{}\n", where="feed", rules=RULES) == []
    assert read(b"{}", where="feed", rules=RULES) == []


# ── packing ──────────────────────────────────────────────────────────────────


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("data", "content_encoding"),
    [
        (RECORDED, None),
        (RECORDED, "identity"),
        (RECORDED.replace(b"\n", b"\r\n").replace(b'"length":', b'"ignored":'), None),
        (packed(), "gzip"),
        (packed(), "GZip"),
        (packed(), None),
        (zlib.compress(RECORDED), "deflate"),
        (zlib.compress(RECORDED), None),
        (raw_deflate(RECORDED), "deflate"),
    ],
)
def test_an_envelope_is_read_however_it_is_packed(data: bytes, content_encoding: str | None) -> None:
    """
    As the header says, or as its first bytes show.
    """
    found = read(data, where="feed", rules=RULES, project="shop", content_encoding=content_encoding)

    assert ids(found) == ids(read(RECORDED, where="feed", rules=RULES, project="shop"))


def test_packing_that_cannot_be_undone_here_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    zstandard is optional: the answer is what to install.
    """
    monkeypatch.setitem(sys.modules, "zstandard", None)

    said = refused(b"\x28\xb5\x2f\xfd", content_encoding="zstd")

    assert "is not installed" in said.message
    assert "pip install" in said.hint


@pytest.mark.parametrize(("encoding", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_optional_packing_is_undone_behind_the_limit(encoding: str, package: str) -> None:
    """
    Where the module is there, it reads, stops at the limit, and damage is told.
    """
    module = pytest.importorskip(package)

    def pack(data: bytes) -> bytes:
        packed: bytes = module.compress(data)
        return packed

    options: dict[str, Any] = {"where": "feed", "content_encoding": encoding, "most_bytes": 100_000}

    assert inflate(pack(RECORDED), **options) == RECORDED
    for data in (pack(b"0" * 50_000_000), b"damaged" + pack(RECORDED), pack(RECORDED)[:-9]):
        with pytest.raises(BadInputError):
            inflate(data, **options)


def test_a_bomb_costs_no_memory() -> None:
    """
    200 kB that would inflate to 200 MB is refused at the limit.
    """
    bomb = gzip.compress(b"0" * 200_000_000, 9)

    tracemalloc.start()
    said = refused(bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert said.message == "feed: it inflates to more than 20971520 bytes"
    assert peak_bytes < 64 << 20


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"0" * 1_048_577, "feed: 1048577 bytes are more than 1048576"),
        (packed()[:-12], "feed: its gzip ends too early"),
        (packed()[:-8] + b"damaged!", "feed: its gzip is damaged"),
        (packed() + b"more", "feed: something follows its gzip"),
        (b"", "feed: the envelope has a header that is not JSON"),
        (b"[]\n", "feed: the envelope has a header that is not an object"),
        (b"[" * 60_000, "feed: the envelope has a header that is not JSON"),
        (b"[" * 100_000, "feed: the envelope has a header of 100000 bytes, more than 65536"),
        (b"{}\nnot JSON\n", "feed: item 1 has a header that is not JSON"),
        (b"{}\n[]\n", "feed: item 1 has a header that is not an object"),
        (b'{}\n{"type":"event","length":-1}\n{}', "feed: item 1 has a length that is not a whole number"),
        (b'{}\n{"type":"event","length":"2"}\n{}', "feed: item 1 has a length that is not a whole number"),
        (b'{}\n{"type":"event","length":9}\n{}', "feed: item 1 says that it has 9 bytes, and 2 follow"),
        (b'{}\n{"type":"event","length":1}\n{}', "feed: item 1 goes on after its 1 bytes"),
        (b'{}\n{"type":"event"}\n{', "feed: item 1: its event is not JSON"),
        (b'{}\n{"type":"event"}\n', "feed: item 1: its event is not JSON"),
        (b'{}\n{"type":"event"}\n[]', "feed: item 1 is a list, not a JSON object"),
        (b'{}\n{"type":"check_in"}\n' + b"[" * 100_000, "feed: item 1: its check_in is not JSON"),
        (b'{}\n{"type":"event"}\n{"timestamp":NaN}', "feed: item 1 has timestamp nan, which is not a number"),
        (b'{}\n{"type":"event"}\n{}', "feed: item 1 has no timestamp"),
        (b'{}\n{"type":"event"}\n{"timestamp":1}', "feed: the envelope has no event_id"),
        (envelope(*[({"type": "session"}, b"{}")] * (MAX_ITEMS + 1)), "feed: it has more than 100 items"),
    ],
)
def test_a_broken_envelope_says_where(data: bytes, said: str) -> None:
    """
    Whatever sentry-sdk's own parser would do with it.
    """
    assert refused(data).message == said


def test_an_unknown_packing_is_named() -> None:
    """
    The header is quoted back.
    """
    assert refused(RECORDED, content_encoding="lzma").message == "feed: its encoding 'lzma' is unknown"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (RECORDED, True),
        (CHECK_IN, True),
        (packed(), True),
        (b"{}\n", True),
        (b'{"event_id":"a"}\n', True),
        (b'{"action": "created", "data": {}}\n{"action": "created", "data": {}}', False),
        (payload("sentry_issue.json"), False),
        (payload("sentry_legacy_plugin.json"), False),
        (payload("bugsink_webhook.json"), False),
        (b"", False),
        (b"[1]", False),
    ],
)
def test_an_envelope_is_told_from_a_webhook_body(data: bytes, expected: bool) -> None:
    """
    Both come as files of JSON.
    """
    assert is_envelope(data) is expected


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """
    No bytes make a bug.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES))


@given(anything, anything, st.sampled_from(["event", "check_in"]))
def test_any_json_is_read_or_refused(header: Any, value: Any, kind: str) -> None:
    """
    No JSON makes a bug, not even NaN and half characters, which Python's parser lets through.
    """
    lines = (json.dumps(header), json.dumps({"type": kind}), json.dumps(value))
    read_or_refused(lambda: read("\n".join(lines).encode(), where="feed", rules=RULES))


@given(
    damaged(
        [
            {"sent_at": SENT_AT},
            {"type": "event"},
            EVENT,
            {"type": "check_in"},
            json.loads(CHECK_IN.splitlines()[2]),
        ]
    )
)
def test_any_damage_is_read_or_refused(value: Any) -> None:
    """
    A real envelope with anything in one place makes no bug either.
    """
    lines = value if isinstance(value, list) else [value]
    data = "\n".join(json.dumps(each) for each in lines).encode()
    read_or_refused(lambda: read(data, where="feed", rules=RULES))


# ── clocks ───────────────────────────────────────────────────────────────────

ARRIVED = datetime(2026, 3, 1, 14, 45, 13, tzinfo=UTC)


def of_device(happened: datetime, sent: datetime, via: str = "webhook") -> ErrorSeen:
    """An error of a device that names these instants by its own clock, as it arrives at ARRIVED."""
    header = {"event_id": "a" * 32, "sent_at": sent.isoformat()}
    event = {"event_id": "a" * 32, "timestamp": happened.isoformat(), "message": "pool is empty"}
    lines = b"\n".join(json.dumps(line).encode() for line in (header, {"type": "event"}, event))
    arrival = Arrival(via=via, received_at=ARRIVED)
    [seen] = events(read(lines, where="envelope", rules=RULES, project="shop", arrival=arrival))
    assert isinstance(seen, ErrorSeen)
    return seen


@given(
    off=st.one_of(
        st.timedeltas(timedelta(seconds=3), timedelta(days=4000)),
        st.timedeltas(-timedelta(hours=23), -timedelta(seconds=61)),
    ),
    delay=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_a_clock_that_is_off_is_corrected_by_the_arrival(off, delay):
    """
    Fast or slow, by seconds or by years; the time that the device kept it stays a delay.
    """
    seen = of_device(ARRIVED + off - delay, ARRIVED + off)

    assert abs(seen.occurred_at - (ARRIVED - delay)) < timedelta(milliseconds=1)
    assert seen.clock_off_seconds == round(off.total_seconds(), 3)


@given(
    transit=st.timedeltas(timedelta(0), timedelta(seconds=59)),
    delay=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_a_right_clock_is_believed(transit, delay):
    """
    Also where the error happened days before it was sent.
    """
    seen = of_device(ARRIVED - transit - delay, ARRIVED - transit)

    assert (seen.occurred_at, seen.clock_off_seconds) == (ARRIVED - transit - delay, None)


def test_what_was_kept_replayed_or_read_from_a_file_is_not_corrected():
    """
    A file has no arrival to compare with, and what was sent days ago was kept by somebody.
    """
    days_ago = ARRIVED - timedelta(days=3)

    assert of_device(days_ago, days_ago).occurred_at == days_ago
    assert of_device(days_ago, days_ago).clock_off_seconds is None
    fast = ARRIVED + timedelta(hours=3)
    assert of_device(fast, fast, via="file").occurred_at == fast


def test_an_error_without_a_time_of_sending_is_not_after_its_arrival():
    """
    Nobody knows by how much the clock is off, but by so much at least.
    """
    event = {"event_id": "a" * 32, "timestamp": (ARRIVED + timedelta(hours=3)).isoformat(), "message": "x"}
    lines = b"\n".join(
        json.dumps(line).encode() for line in ({"event_id": "a" * 32}, {"type": "event"}, event)
    )
    arrival = Arrival(via="webhook", received_at=ARRIVED)

    [seen] = events(read(lines, where="envelope", rules=RULES, project="shop", arrival=arrival))

    assert isinstance(seen, ErrorSeen)
    assert (seen.occurred_at, seen.clock_off_seconds) == (ARRIVED, 3 * 3600.0)


def test_an_error_that_happened_after_it_was_sent_is_not_after_its_arrival():
    """
    A device corrected its clock between the two.
    """
    sent = ARRIVED + timedelta(hours=3)

    assert of_device(sent + timedelta(minutes=5), sent).occurred_at == ARRIVED
