"""The HTTP client of all sources: its limits, what it never sends, and one sentence for every failure."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.stubs import saying
from tracker.errors import SettingsError, SourceUnreachableError
from tracker.ingest.forges.github_api import GithubApi
from tracker.ingest.http import MOST_VALUES, HttpClient, Limits, NoAnswerError, RateLimitedError, retry_at
from tracker.ingest.sentry.client import SentryClient

NOW = datetime(2026, 3, 1, 14, tzinfo=UTC)


def client(url: str, **options: Any) -> HttpClient:
    return HttpClient(url, name="Shop", section="shop", **options)


@contextlib.contextmanager
def talking(*pieces: bytes, every_seconds: float = 0.0, hold: bool = False) -> Iterator[str]:
    """Send these very bytes to whoever connects, one piece after the other; `hold` keeps the connection open."""
    done = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)
                    if done.wait(every_seconds):
                        return
                if hold:
                    done.wait(60)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def test_an_answer_is_given_whatever_its_status() -> None:
    """
    What it means is for the client of the source to say.
    """
    with saying(lambda path, headers: (418, {"X-Kind": "tea"}, b'{"a": 1}')) as url, client(url) as http:
        answer = http.get("/pot", {"q": "1 2"})

        assert (answer.status, answer.headers["x-kind"], answer.json) == (418, "tea", {"a": 1})
        assert answer.url == f"{url}/pot?q=1+2"


def test_an_answer_that_drips_is_given_up() -> None:
    """
    Each byte comes within the limit between two pieces; the whole answer does not come within its own.
    """
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    limits = Limits(read_seconds=5.0, whole_seconds=0.3)

    with talking(head, *[b"x"] * 10_000, every_seconds=0.02) as url, client(url, limits=limits) as http:
        with pytest.raises(NoAnswerError, match=r"did not finish its answer within 0\.3 s") as slow:
            http.get("/")
        assert slow.value.stage == "answer"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",), "broke the connection off"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",), "broke the connection off"),
        ((b"no HTTP at all\r\n\r\n",), "broke the connection off"),
        ((b"",), "broke the connection off"),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",),
            "sent an answer that cannot be unpacked",
        ),
    ],
)
def test_half_an_answer_is_none(pieces: tuple[bytes, ...], reason: str) -> None:
    """
    Part of a list would read like the whole of it.
    """
    with talking(*pieces) as url, client(url) as http:
        with pytest.raises(NoAnswerError, match=f"^Shop at {url} {reason}$") as broken:
            http.get("/")
        assert (broken.value.stage, broken.value.reason) == ("answer", reason)


def test_a_chunked_answer_is_read_whole() -> None:
    """
    As pieces come, with and without a pause between them.
    """
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    with talking(head, b"2\r\nab\r\n", b"1\r\nc\r\n", b"0\r\n\r\n", every_seconds=0.01) as url:
        assert client(url).get("/").body == b"abc"


@pytest.mark.parametrize(
    ("url", "reason", "stage"),
    [
        ("http://shop.invalid", "has a host name that cannot be resolved", "connect"),
        ("http://127.0.0.1:9", "refused the connection", "connect"),
    ],
)
def test_what_was_not_sent_is_told_from_what_may_have_arrived(url: str, reason: str, stage: str) -> None:
    """
    Only then may a message be posted again.
    """
    with client(url) as http, pytest.raises(NoAnswerError, match=reason) as away:
        http.get("/")

    assert away.value.stage == stage
    assert away.value.hint == f"Is it up? curl -i {url}"


def test_credentials_go_to_the_configured_address_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Not to where a redirect points, not through a proxy, and no password of .netrc is added.
    """
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    asked: list[dict[str, str]] = []

    def answer(path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        asked.append(dict(headers))
        return 302, {"Location": "/elsewhere"}, b""

    with saying(answer) as url, client(url, headers={"X-Token": "s3cret"}) as http:
        assert http.get("/").status == 302
        assert str(http.refusal()).endswith("redirected to /elsewhere (HTTP 302); redirects are not followed")

    assert [(headers["x-token"], headers.get("authorization")) for headers in asked] == [("s3cret", None)]


@pytest.mark.parametrize("token", ["a\nb", "a\r", "ключ", "a\0b"])
def test_credentials_that_no_header_can_carry_are_refused(token: str) -> None:
    """
    Before anything is sent, with the variable that has them and not with what is in it.
    """
    with pytest.raises(
        SettingsError, match="holds a line break or a character that no header can carry"
    ) as refused:
        client("http://shop.example", headers={"X-Token": token}, secret_name="SHOP_TOKEN")

    assert "SHOP_TOKEN" in refused.value.hint
    assert token not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://h", "http://", "http://h:99999", "http://h?a", "http://a:hunter2@h"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    """
    A password in it is not repeated.
    """
    with pytest.raises(SettingsError, match="is not an HTTP address") as refused:
        client(url)

    assert "hunter2" not in refused.value.message


def test_an_answer_beyond_its_size_is_not_read() -> None:
    """
    Counted as it is unpacked.
    """
    large = (200, {}, b"x" * (3 << 20))

    with (
        saying(lambda path, headers: large) as url,
        client(url, limits=Limits(most_bytes=1 << 20)) as http,
        pytest.raises(SourceUnreachableError, match="answered with more than 1 MiB"),
    ):
        http.get("/")


@pytest.mark.parametrize("piece", [b"[],", b'"",', b'{"":0},', b"0,"])
def test_an_answer_of_very_many_values_is_not_parsed(piece: bytes) -> None:
    """
    Three bytes of JSON can be sixty of memory.
    """
    large = (200, {}, b"[" + piece * MOST_VALUES + b"0]")

    with (
        saying(lambda path, headers: large) as url,
        client(url) as http,
        pytest.raises(SourceUnreachableError, match="answered with more than 3,000,000 values"),
    ):
        http.get("/")


@pytest.mark.parametrize(
    ("status", "headers", "until"),
    [
        (429, {"Retry-After": "90"}, NOW + timedelta(seconds=90)),
        (429, {"Retry-After": "0.5"}, NOW + timedelta(seconds=0.5)),
        (403, {"Retry-After": "Sun, 01 Mar 2026 14:45:00 GMT"}, NOW + timedelta(minutes=45)),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772376300"}, NOW + timedelta(minutes=45)),
        (429, {"RateLimit-Reset": "1772376300"}, NOW + timedelta(minutes=45)),
        (429, {"X-Sentry-Rate-Limit-Reset": "1772376300"}, NOW + timedelta(minutes=45)),
        (429, {"Retry-After": "soon", "RateLimit-Reset": "9" * 12}, None),
        (429, {"Retry-After": "-3"}, None),
        (429, {}, None),
    ],
)
def test_a_rate_limit_is_known_and_its_end_where_it_is_said(
    status: int, headers: dict[str, str], until: datetime | None
) -> None:
    """
    In the words of HTTP, GitHub, GitLab and Sentry.
    """
    with saying(lambda path, _: (status, headers, b"")) as url, client(url) as http:
        answer = http.get("/")

        assert answer.is_rate_limit
        assert retry_at(answer.headers, NOW) == until
        assert isinstance(http.refusal(), RateLimitedError)


def test_403_without_a_limit_is_no_rate_limit() -> None:
    """
    It is about the credentials.
    """
    with saying(lambda path, _: (403, {"X-RateLimit-Remaining": "7"}, b"")) as url, client(url) as http:
        assert not http.get("/").is_rate_limit
        assert "rejected the credentials (HTTP 403)" in http.refusal().message


@pytest.mark.parametrize("forge", [GithubApi, SentryClient], ids=["github", "sentry"])
def test_many_pages_are_bounded_together(forge: type[Any]) -> None:
    """
    Each page is small enough, and the next one is always there.
    """
    count = iter(range(100))

    def page(path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        following = f'<{path.partition("?")[0]}?cursor={next(count)}>; rel="next"; results="true"; cursor="{next(count)}"'
        return 200, {"Content-Type": "application/json", "Link": following}, b'[{"a":"' + b"x" * 900 + b'"}]'

    with (
        saying(page) as url,
        forge(url, token="t", token_name="T", limits=Limits(most_bytes=1_000)) as http,
        pytest.raises(SourceUnreachableError, match="in its pages"),
    ):
        list(http.pages("/list", {}))
