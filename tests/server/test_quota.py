"""What the public DSN key may send: a quota by minute, a floor of free disk; authenticated senders are asked for neither."""

import gzip
import http.client
import json

import pytest
import sentry_sdk

from tests.server.doors import KEY, Kept, door, listening
from tracker.inbox.queue import Lane
from tracker.server.app import build
from tracker.server.quota import RETRY_SECONDS, PublicQuota
from tracker.server.telemetry import Telemetry
from tracker.settings.schema import Serve

ENVELOPE = b'{}\n{"type":"event"}\n{"message":"boom"'


def send(port: int, body: bytes, encoding: str = "") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Encoding": encoding} if encoding else {}
    connection.request("POST", f"/api/1/envelope/?sentry_key={KEY}", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def alert(port: int, size: int = 10) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    body = json.dumps({"alerts": [], "x": "x" * size})
    connection.request("POST", "/hooks/alertmanager/am", body, {"Authorization": "Bearer a"})
    status = connection.getresponse().status
    connection.close()
    return status


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_fills_up_again_within_a_minute():
    """
    Each key has its own; a burst may use all of a minute at once.
    """
    clock = Clock()
    quota = PublicQuota(Serve(public_envelopes_per_minute=60), None, Telemetry(), clock)

    assert [quota.takes("one", 1) for _ in range(61)] == [True] * 60 + [False]
    assert quota.takes("another", 1)
    clock.now = 10.0
    assert [quota.takes("one", 1) for _ in range(11)] == [True] * 10 + [False]
    clock.now = 1000.0
    assert [quota.takes("one", 1) for _ in range(61)] == [True] * 60 + [False]


def test_ordinary_envelopes_are_counted_and_large_ones_weighed():
    """
    A burst of real errors at the start of an incident is no flood; a few megabytes more are.
    """
    quota = PublicQuota(Serve(public_bytes_per_minute=1_000_000), None, Telemetry(), Clock())

    assert all(quota.takes("key", 16_000) for _ in range(1_000))
    assert [quota.takes("key", 616_384) for _ in range(2)] == [True, False]
    assert quota.takes("key", 16_000)


def test_one_envelope_that_is_larger_than_the_quota_passes_alone():
    quota = PublicQuota(Serve(public_bytes_per_minute=1_000), None, Telemetry(), Clock())

    assert [quota.takes("key", 1_000_000) for _ in range(2)] == [True, False]


def test_what_counts_is_the_inflated_size():
    """
    20 kB that become 19 MB are 19 MB.
    """
    kept = Kept()
    context = door(kept, Serve(public_bytes_per_minute=25_000_000))
    bomb = gzip.compress(ENVELOPE + b',"x":"' + b"A" * (19 << 20) + b'"}')
    with listening(build(context)) as port:
        statuses = [send(port, bomb, "gzip").status for _ in range(3)]
        refused = send(port, bomb)
        assert alert(port) == 202

    assert statuses == [202, 429, 429]
    assert (refused.status, refused.headers["Retry-After"]) == (429, str(RETRY_SECONDS))
    assert (
        context.telemetry.registry.get_sample_value("tracker_public_refused_total", {"reason": "quota"}) == 3
    )
    assert [each.lane for each in kept.deliveries] == [Lane.PUBLIC_LARGE, Lane.KNOWN]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ""])
def test_what_inflates_beyond_the_limit_is_answered_413(encoding: str):
    """
    It is not kept; nothing but what is authentic and within the limits reaches the inbox.
    """
    kept = Kept()
    bomb = gzip.compress(ENVELOPE + b',"x":"' + b"A" * (21 << 20) + b'"}')
    with listening(inbox=kept) as port:
        assert send(port, bomb, encoding).status == 413

    assert kept.deliveries == []


def test_each_delivery_waits_in_its_lane():
    """
    Small before large, authenticated before public.
    """
    kept = Kept()
    with listening(inbox=kept) as port:
        send(port, ENVELOPE + b"}")
        send(port, ENVELOPE + b',"x":"' + b"A" * 100_000 + b'"}')
        alert(port)
        alert(port, 100_000)

    lanes = [each.lane for each in kept.deliveries]
    assert lanes == [Lane.PUBLIC, Lane.PUBLIC_LARGE, Lane.KNOWN, Lane.LARGE]


def test_too_little_free_disk_keeps_authenticated_senders_only(tmp_path):
    """
    Strangers are asked to send again later.
    """
    kept = Kept()
    context = door(kept)
    context.quota = PublicQuota(Serve(public_free_disk_bytes=1 << 60), tmp_path, context.telemetry)
    with listening(build(context)) as port:
        answer = send(port, ENVELOPE + b"}")
        assert alert(port) == 202

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert [each.route for each in kept.deliveries] == ["alertmanager"]
    assert (
        context.telemetry.registry.get_sample_value("tracker_public_refused_total", {"reason": "disk"}) == 1
    )


def test_a_real_sdk_backs_off():
    """
    After the first 429 sentry-sdk drops its errors by itself and sends none.
    """
    kept = Kept()
    context = door(kept, Serve(public_envelopes_per_minute=2))
    with listening(build(context)) as port:
        client = sentry_sdk.Client(
            dsn=f"http://{KEY}@127.0.0.1:{port}/1", default_integrations=False, auto_session_tracking=False
        )
        transport = client.transport
        assert transport is not None
        for number in range(20):
            client.capture_event({"message": f"boom {number}"})
            client.flush(timeout=60)
        client.close()

    refused = context.telemetry.registry.get_sample_value("tracker_public_refused_total", {"reason": "quota"})
    assert None in transport._disabled_until, "of every category"
    assert len(kept.deliveries) + refused < 20, "it sent them all"
