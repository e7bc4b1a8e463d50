"""CloudEvents in all their modes, secrets and signatures on the routes that have them, and what is refused."""

import contextlib
import hashlib
import hmac
import http.client
import json
import re
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.senders import ago, shown
from tests.servers.process import program
from tests.servers.serving import SECRETS, Reply, TrackerServer, tracker_server, until
from tracker.log import Log

DOCUMENT = Path(__file__).parents[2] / "docs" / "sources.md"
HOOK_BYTES = 10 << 20
BEARER = {"Authorization": f"Bearer {SECRETS['TRACKER_EVENTS_TOKEN']}"}
CONTENT = {"environment": {"id": "production"}, "artifactId": "pkg:oci/checkout@v1.2.1"}
ATTRIBUTES = {
    "specversion": "1.0",
    "type": "dev.cdevents.service.deployed.0.3.0",
    "source": "/ci/main",
    "id": "run-1",
    "subject": "checkout",
}


def cloud_event(time: str, **more: object) -> dict[str, object]:
    return {**ATTRIBUTES, "time": time, "data": CONTENT, **more}


@pytest.fixture
def moment() -> str:
    """An instant of a few minutes ago, in whole seconds."""
    return shown(ago(minutes=6).replace(microsecond=0))


def deploys(server: TrackerServer) -> list[tuple[str, str]]:
    server.digested()
    return [
        (row["title"], row["occurred_at"]) for row in server.timeline() if row["kind"] == "deploy-finished"
    ]


def nothing_is_left(server: TrackerServer) -> None:
    """Check that neither inbox nor log has heard of it."""
    inbox = sqlite3.connect(f"{(server.folder / 'tracker.db.inbox').as_uri()}?mode=ro", uri=True)
    try:
        # The number is never given twice: it tells of what came and went, too.
        assert inbox.execute("SELECT COUNT(*) FROM deliveries").fetchone() == (0,)
        assert inbox.execute("SELECT COUNT(*) FROM sqlite_sequence").fetchone() == (0,)
    finally:
        inbox.close()
    with Log(str(server.folder / "tracker.db")) as log:
        assert log.position == 0
    assert server.metric("tracker_inbox_kept_total") == 0


# ── CloudEvents and CDEvents ─────────────────────────────────────────────────


def test_an_event_in_structured_mode_is_a_deploy(server, moment):
    """
    The whole event is the body; the deploy stands at the event's own time.
    """
    body = json.dumps(cloud_event(moment)).encode()

    answer = server.request(
        "/hooks/events", body, {**BEARER, "Content-Type": "application/cloudevents+json; charset=utf-8"}
    )

    assert answer.status == 202
    assert deploys(server) == [("Deployed v1.2.1", moment)]


def test_an_event_in_binary_mode_is_the_same_deploy(server, moment):
    """
    Attributes in ce- headers, percent-encoded where they must be; the content alone is the body.
    """
    headers = {f"ce-{name}": value for name, value in {**ATTRIBUTES, "time": moment}.items()}
    encoded = {**headers, "ce-source": "/ci/ma%69n"}
    structured = json.dumps(cloud_event(moment)).encode()

    answers = [
        server.request(
            "/hooks/events",
            json.dumps(CONTENT).encode(),
            {**BEARER, **encoded, "Content-Type": "application/json"},
        ),
        server.request(
            "/hooks/events", structured, {**BEARER, "Content-Type": "application/cloudevents+json"}
        ),
    ]

    assert [each.status for each in answers] == [202, 202]
    assert deploys(server) == [("Deployed v1.2.1", moment)]
    assert server.metric("tracker_events_known_total") == 1


def test_a_batch_is_all_of_its_events(server, moment):
    """
    A list of events is one delivery, and each of them a row.
    """
    other = cloud_event(moment, id="run-2", data={**CONTENT, "artifactId": "pkg:oci/checkout@v1.2.2"})

    answer = server.request(
        "/hooks/events",
        json.dumps([cloud_event(moment), other]).encode(),
        {**BEARER, "Content-Type": "application/cloudevents-batch+json"},
    )

    assert answer.status == 202
    assert sorted(deploys(server)) == [("Deployed v1.2.1", moment), ("Deployed v1.2.2", moment)]


def test_curl_posts_the_documents_own_line(server):
    """
    What docs/sources.md says to paste works as it stands, with the address and the token of here.
    """
    curl = program("curl", "curl")
    [line] = re.findall(r"^(curl .*/hooks/events.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    typed = line.replace("https://tracker.example", server.url).replace("curl ", f"{curl} --max-time 20 ", 1)

    done = subprocess.run(
        ["sh", "-c", f"{typed} -w '%{{http_code}}'"],
        env={"TRACKER_EVENTS_TOKEN": SECRETS["TRACKER_EVENTS_TOKEN"], "PATH": str(Path(curl).parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "202"), done.stderr
    server.digested()
    answer = server.cli("timeline", "--from", "2026-03-01T14:00Z", "--to", "2026-03-01T15:00Z", "--json")
    assert [row["title"] for row in answer.json["entries"]] == ["Deployed v1.2.1"]


def test_what_is_authentic_and_not_understood_is_kept_and_shown(server):
    """
    202, for it is on disk; then parked with the reason, where a person finds it and tries again.
    """
    answer = server.request("/hooks/events", b"{not json", {**BEARER, "Content-Type": "application/json"})
    until(lambda: server.metric("tracker_inbox_parked") == 1)

    assert answer.status == 202
    assert "events" in server.cli("inbox", "list").out
    assert server.timeline() == []


# ── secrets and signatures ───────────────────────────────────────────────────


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


BODY = b'{"zen": "Keep it logically awesome."}'
OTHER = BODY.replace(b"awesome", b"awesomE")
SIGNED: dict[str, tuple[str, str, Callable[[bytes], str]]] = {
    "sentry": (
        "/hooks/sentry/prod",
        "Sentry-Hook-Signature",
        lambda body: signature(SECRETS["SENTRY_HOOK_SECRET"], body),
    ),
    "github": (
        "/hooks/github",
        "X-Hub-Signature-256",
        lambda body: "sha256=" + signature(SECRETS["GITHUB_HOOK_SECRET"], body),
    ),
}
TOKENS: dict[str, tuple[str, str, str]] = {
    "gitlab": ("/hooks/gitlab", "X-Gitlab-Token", SECRETS["GITLAB_HOOK_TOKEN"]),
    "alertmanager": (
        "/hooks/alertmanager/prod",
        "Authorization",
        f"Bearer {SECRETS['TRACKER_HOOK_TOKEN']}",
    ),
    "events": ("/hooks/events", "Authorization", f"Bearer {SECRETS['TRACKER_EVENTS_TOKEN']}"),
}


def sent(server: TrackerServer, path: str, body: bytes, *headers: tuple[str, bytes]) -> int:
    """POST with header values of any bytes, which no client library sends."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_nothing_is_taken_from_whom_the_secret_does_not_name(server):
    """
    Wrong, missing, cut, empty, in another's place, or bytes that are no text: 401 each time, and nothing is left.
    """
    refused: list[tuple[str, int]] = []
    for name, (path, header, sign) in SIGNED.items():
        right = sign(BODY)
        attempts = {
            "missing": (BODY, None),
            "empty": (BODY, b""),
            "of another body": (OTHER, right.encode()),
            "of another secret": (BODY, right.replace(right[-8:], "0" * 8).encode()),
            "cut": (BODY, right[:-1].encode()),
            "in capitals": (BODY, right.upper().encode()),
            "not ASCII": (BODY, "sha256=é".encode()),
            "not UTF-8": (BODY, b"\xff\xfe\x80" * 20),
            "the secret itself": (BODY, SECRETS["SENTRY_HOOK_SECRET"].encode()),
        }
        for how, (body, value) in attempts.items():
            headers = [] if value is None else [(header, value)]
            refused.append((f"{name}: {how}", sent(server, path, body, *headers)))
    # The prefix is part of GitHub's signature, and of nobody else's.
    bare = signature(SECRETS["GITHUB_HOOK_SECRET"], BODY).encode()
    refused.append(
        ("github: without sha256=", sent(server, "/hooks/github", BODY, ("X-Hub-Signature-256", bare)))
    )
    for name, (path, header, right) in TOKENS.items():
        for how, value in {
            "missing": None,
            "empty": b"",
            "wrong": right.replace("token", "Token").encode(),
            "longer": right.encode() + b"x",
            "without Bearer": right.removeprefix("Bearer ").encode() if "Bearer" in right else b"x",
            "not ASCII": "Bearer é".encode(),
            "not UTF-8": b"Bearer \xff\x80",
            "another route's": b"Bearer " + SECRETS["TRACKER_DSN_KEY"].encode(),
        }.items():
            headers = [] if value is None else [(header, value)]
            refused.append((f"{name}: {how}", sent(server, path, BODY, *headers)))

    assert [each for each in refused if each[1] != 401] == []
    nothing_is_left(server)


@pytest.mark.parametrize("name", [*SIGNED, *TOKENS])
def test_whoever_has_the_secret_comes_in(server, name):
    """
    The signature of the very bytes, or the token; 202, and the inbox has it.
    """
    if name in SIGNED:
        path, header, sign = SIGNED[name]
        value = sign(BODY)
    else:
        path, header, value = TOKENS[name]

    assert sent(server, path, BODY, (header, value.encode())) == 202
    until(lambda: server.metric("tracker_inbox_kept_total") == 1)


def test_a_route_without_a_secret_lets_nobody_in(tmp_path):
    """
    Where tracker.toml names none, an empty or invented one opens nothing; the start says which routes are shut.
    """
    with tracker_server(tmp_path, running=False) as server:
        (server.folder / "tracker.toml").write_text("[tracker]\n")
        server.start()
        attempts: list[Reply | int] = [
            sent(server, "/hooks/events", BODY, ("Authorization", b"Bearer ")),
            sent(server, "/hooks/gitlab", BODY, ("X-Gitlab-Token", b"")),
            sent(
                server,
                "/hooks/github",
                BODY,
                ("X-Hub-Signature-256", b"sha256=" + signature("", BODY).encode()),
            ),
            sent(server, "/hooks/sentry/prod", BODY, ("Sentry-Hook-Signature", signature("", BODY).encode())),
            sent(server, "/api/1/envelope/?sentry_key=", b"{}\n"),
        ]

        assert attempts == [401] * len(attempts)
        nothing_is_left(server)
        assert "/hooks/github rejects every request: set [github] hook_secret_env" in server.log()


# ── too much, and too full ───────────────────────────────────────────────────


def test_too_large_is_413_before_it_is_read(server):
    """
    A length that says so is refused at once; a body without one as soon as it passes the limit.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.putrequest("POST", "/hooks/events")
    for name, value in {**BEARER, "Content-Length": str(HOOK_BYTES + 1)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    declared = connection.getresponse().status  # though no byte of it was sent
    connection.close()

    pieces = (b"x" * size for size in [*[65536] * (HOOK_BYTES // 65536), 1])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # answered, and the rest is not wanted
        connection.request("POST", "/hooks/events", pieces, BEARER, encode_chunked=True)
    chunked = connection.getresponse().status
    connection.close()

    assert (declared, chunked) == (413, 413)
    nothing_is_left(server)


def test_as_much_as_the_limit_is_taken(server):
    """
    One byte less than too much; JSON may end in blanks.
    """
    body = b"[]" + b" " * (HOOK_BYTES - 2)

    assert server.request("/hooks/events", body, BEARER).status == 202


def test_503_while_the_inbox_takes_nothing(server, moment):
    """
    Another program holds the inbox: come again in a few seconds, says the answer, and then it is taken.
    """
    body = json.dumps(cloud_event(moment)).encode()
    holder = sqlite3.connect(server.folder / "tracker.db.inbox", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        refused = server.request("/hooks/events", body, BEARER)
    finally:
        holder.execute("ROLLBACK")
        holder.close()

    taken = until(lambda: (answer := server.request("/hooks/events", body, BEARER)).status == 202 and answer)

    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert taken.status == 202
    until(lambda: deploys(server) == [("Deployed v1.2.1", moment)])


def test_another_method_or_path_is_refused_in_order(server):
    """
    GET on a hook is 405, an unknown path 404; neither is a bug.
    """
    assert server.request("/hooks/events").status == 405
    assert server.request("/hooks/nobody", b"{}").status == 404
