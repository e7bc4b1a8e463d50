"""An unchanged pipeline tells of its releases, commits and deploys with the real sentry-cli."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, read_or_refused
from tracker.errors import BadInputError
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import (
    CommitMade,
    DeployFinished,
    DeployStarted,
    ReleaseCreated,
    VersionReleased,
)
from tracker.ingest import git
from tracker.ingest.sentry.cli import MAX_COMMITS, answer, read

RELEASES = "/api/0/organizations/acme/releases/"
RELEASE = f"{RELEASES}shop@1.5.0/"
DEPLOYS = f"{RELEASE}deploys/"
SHA = "0123456789abcdef0123456789abcdef01234567"
NEW = {"version": "shop@1.5.0", "projects": ["shop"], "dateStarted": "2026-03-01T14:40:00.813579686Z"}
COMMITS = {
    "commits": [
        {
            "patch_set": [{"path": "shop/basket.py", "type": "M"}, {"path": "README.md", "type": "A"}],
            "repository": "acme/shop",
            "author_name": "Ann",
            "author_email": "ann@example.com",
            "timestamp": "2026-03-01T15:30:00+01:00",
            "message": "Do not divide by an empty basket\n\nIt was empty.\n",
            "id": SHA,
        }
    ]
}
FINALIZE = {"projects": ["shop"], "dateReleased": "2026-03-01T14:42:00Z"}
DEPLOY = {
    "environment": "production",
    "name": "deploy 42",
    "url": "https://ci.example/42",
    "dateStarted": "2026-03-01T14:43:00Z",
    "dateFinished": "2026-03-01T14:44:00Z",
}
REQUESTS = [
    ("POST", RELEASES, NEW),
    ("PUT", RELEASE, COMMITS),
    ("PUT", RELEASE, FINALIZE),
    ("POST", DEPLOYS, DEPLOY),
]


@dataclass
class Tracker:
    """A server that answers with `answer`, and keeps what was asked."""

    url: str
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)

    def read(self) -> list[Incoming]:
        return [
            each
            for method, path, body in self.bodies
            for each in read(body, where="feed", rules=RULES, method=method, path=path)
        ]


@pytest.fixture
def server() -> Iterator[Tracker]:
    """What the tracker's route does, and nothing besides."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            status, said = answer(self.command, path, query, body)
            tracker.asked.append((self.command, path, status))
            if status < 300:
                tracker.bodies.append((self.command, path, body))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            self.handle_any()

        def do_POST(self) -> None:
            self.handle_any()

        def do_PUT(self) -> None:
            self.handle_any()

        def do_DELETE(self) -> None:
            self.handle_any()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        tracker = Tracker(f"http://127.0.0.1:{listening.server_port}/")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        with contextlib.ExitStack() as after:
            after.callback(thread.join)
            after.callback(listening.shutdown)
            yield tracker


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with three commits."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for words in (("init", "-q"), ("remote", "add", "origin", "https://git.example/acme/shop.git")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    for number in (1, 2, 3):
        (folder / f"file{number}.txt").write_text(f"{number}\n")
        subprocess.run(["git", "add", "."], cwd=folder, check=True)
        subprocess.run(["git", "commit", "-qm", f"Change {number}\n\nAt length."], cwd=folder, check=True)
    return folder


def sentry_cli(server: Tracker, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the real program as a pipeline does."""
    program = Path(sys.executable).parent / "sentry-cli"
    return subprocess.run(
        [str(program), *words],
        cwd=folder,
        env={
            **os.environ,
            "SENTRY_URL": server.url,
            "SENTRY_AUTH_TOKEN": "token",
            "SENTRY_ORG": "acme",
            "SENTRY_PROJECT": "shop",
            "SENTRY_DISABLE_UPDATE_CHECK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def told(method: str, path: str, body: Any, **options: Any) -> list[Incoming]:
    return read(json.dumps(body).encode(), where="feed", rules=RULES, method=method, path=path, **options)


def test_a_pipeline_needs_no_change_but_the_address(server: Tracker, clone: Path) -> None:
    """
    The real sentry-cli is content with every answer, and release, commits and deploy are read.
    """
    for words in (
        ("releases", "new", "shop@1.5.0"),
        ("releases", "set-commits", "shop@1.5.0", "--local"),
        ("releases", "set-commits", "shop@1.5.0", "--auto", "--ignore-missing"),
        ("releases", "finalize", "shop@1.5.0"),
        *(
            ("deploys", "new", "--release", "shop@1.5.0", "-e", "production", "-n", "deploy 42", *times)
            for times in (("--started", "1772376180", "--finished", "1772376240"), ())
        ),
        ("deploys", "list", "--release", "shop@1.5.0"),
        ("releases", "list"),
    ):
        done = sentry_cli(server, clone, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr, server.asked)

    found = events(server.read())
    finished = [each for each in found if isinstance(each, DeployFinished)]

    assert {status for _, _, status in server.asked} == {200, 201}
    assert [type(each) for each in found if not isinstance(each, CommitMade)] == [
        *(ReleaseCreated, VersionReleased, DeployStarted, DeployFinished, DeployFinished),
    ]
    assert all(each.service == "checkout" for each in found if not isinstance(each, CommitMade))
    assert finished[0] == DeployFinished(
        occurred_at=datetime(2026, 3, 1, 14, 44, tzinfo=UTC),
        precision_seconds=1.0,
        source="sentry:acme",
        service="checkout",
        version="shop@1.5.0",
        environment="production",
        run_id="deploy 42",
        duration_seconds=60.0,
    )


def test_a_commit_is_the_one_that_the_clone_holds(server: Tracker, clone: Path) -> None:
    """
    Read from the clone or told by the pipeline, twice as it is: one subject, one instant, and the paths besides.
    """
    for _ in range(2):
        done = sentry_cli(server, clone, "releases", "set-commits", "shop@1.5.0", "--local")
        assert done.returncode == 0, done.stderr

    commits = {each.sha: each for each in events(server.read()) if isinstance(each, CommitMade)}
    held = [each for each in events(git.read(clone, service="checkout")) if isinstance(each, CommitMade)]

    assert len(held) == len(commits) == 3
    assert len(set(ids(server.read()))) == 3
    for each in held:
        same = commits[each.sha]
        assert (same.subject(), same.occurred_at) == (each.subject(), each.occurred_at)
        assert (same.subject_line, same.author) == (each.subject_line, each.author)
        assert same.files_changed == each.files_changed == 1
    assert sorted(path for each in commits.values() for path in each.changed_paths) == [
        *("file1.txt", "file2.txt", "file3.txt"),
    ]


def test_what_the_tracker_does_not_do_it_says(server: Tracker, clone: Path) -> None:
    """
    A release is neither looked up nor deleted, and no source maps are taken: the program fails with the reason.
    """
    deleted = sentry_cli(server, clone, "releases", "delete", "shop@1.5.0")
    looked_up = sentry_cli(server, clone, "releases", "info", "shop@1.5.0")

    assert deleted.returncode != 0
    assert "cannot be deleted" in deleted.stderr
    assert looked_up.returncode != 0
    assert answer("POST", f"{RELEASE}files/", "", b"")[0] == 404
    assert server.bodies == []


def test_a_release_is_told_as_it_was_written() -> None:
    """
    The version stays whole; a cut of the digits below a microsecond is all that is lost.
    """
    (created,), (released,) = (events(told(*REQUESTS[number])) for number in (0, 2))

    assert created == ReleaseCreated(
        occurred_at=datetime(2026, 3, 1, 14, 40, 0, 813579, tzinfo=UTC),
        precision_seconds=1e-6,
        source="sentry:acme",
        service="checkout",
        version="shop@1.5.0",
    )
    assert isinstance(released, VersionReleased)
    assert released.occurred_at == datetime(2026, 3, 1, 14, 42, tzinfo=UTC)


def test_a_commit_keeps_its_zone_and_its_first_line() -> None:
    """
    As it does when it is read from a clone.
    """
    (commit,) = told("PUT", RELEASE, COMMITS)

    assert commit.event == CommitMade(
        occurred_at=datetime(2026, 3, 1, 14, 30, tzinfo=UTC),
        precision_seconds=1.0,
        utc_offset_minutes=60,
        source="sentry:acme",
        service="checkout",
        repository="shop",
        sha=SHA,
        subject_line="Do not divide by an empty basket",
        author="Ann",
        files_changed=2,
        changed_paths=("shop/basket.py", "README.md"),
    )
    assert json.loads(commit.payload) == COMMITS["commits"][0]


@pytest.mark.parametrize(
    ("path", "body", "services"),
    [
        (RELEASES, NEW, ["checkout"]),
        (RELEASES, {**NEW, "projects": ["payments", "shop", "shop"]}, ["payments", "checkout"]),
        (RELEASES, {**NEW, "projects": ["unheard-of"]}, ["checkout"]),
        (RELEASES, {**NEW, "projects": ["unheard-of"], "version": "1.5.0"}, [None]),
        (RELEASES, {**NEW, "projects": None, "version": "payments@1.5.0+7"}, ["payments"]),
        ("/api/0/projects/acme/shop/releases/", {**NEW, "projects": None, "version": SHA}, ["checkout"]),
    ],
)
def test_the_service_is_that_of_the_projects_else_of_the_version(path: str, body: Any, services: Any) -> None:
    """
    A release of two services is told for both; one of nobody is kept without a service.
    """
    assert [getattr(each, "service", "?") for each in events(told("POST", path, body))] == services


def test_older_programs_name_the_project_in_the_address() -> None:
    """
    sentry-cli 2 sends releases to /projects/acme/shop/releases/.
    """
    for method, path, body in REQUESTS[:3]:
        older = path.replace("/organizations/acme/", "/projects/acme/shop/")

        assert events(told(method, older, body)) == events(told(method, path, body))
        assert answer(method, older, "", json.dumps(body).encode())[0] in (200, 201)


def test_a_version_in_an_address_is_unpacked() -> None:
    """
    Versions hold plus signs and blanks, which addresses cannot.
    """
    (_, finished) = events(told("POST", f"{RELEASES}shop%401.5.0%2B7%20rc/deploys/", DEPLOY))

    assert isinstance(finished, DeployFinished)
    assert finished.version == "shop@1.5.0+7 rc"


def test_a_version_that_is_a_commit_names_it() -> None:
    """
    `sentry-cli releases propose-version` gives the commit.
    """
    for version in (SHA, f"shop@{SHA}"):
        (_, finished) = events(told("POST", f"{RELEASES}{version}/deploys/", DEPLOY))

        assert isinstance(finished, DeployFinished)
        assert (finished.sha, finished.version) == (SHA, version)


def test_a_deploy_that_names_no_instant_finished_when_it_came() -> None:
    """
    sentry-cli always names one; what curl sends may not. Without an arrival it is refused.
    """
    bare = {"environment": "staging"}
    came = Arrival(via="webhook", received_at=datetime(2026, 3, 1, 14, 44, 1, tzinfo=UTC))

    (finished,) = events(told("POST", DEPLOYS, bare, arrival=came))

    assert finished.occurred_at == came.received_at
    assert answer("POST", DEPLOYS, "", json.dumps(bare).encode())[0] == 201
    with pytest.raises(BadInputError, match="dateFinished"):
        told("POST", DEPLOYS, bare)


def test_what_names_no_instant_is_not_placed_in_time() -> None:
    """
    set-commits makes sure that the release is there, and a commit may come without its time.
    """
    bare = changed(COMMITS, commits__0__timestamp=...)

    assert told("POST", RELEASES, {"version": "shop@1.5.0", "projects": ["shop"]}) == []
    assert told("PUT", RELEASE, bare) == []


def test_questions_are_no_facts() -> None:
    """
    Pages, repositories and the commits before are asked for, and nothing is recorded of it.
    """
    for path in ("/api/0/organizations/acme/repos/", f"{RELEASE}previous-with-commits/", DEPLOYS, "/api/0/"):
        assert read(b"", where="feed", rules=RULES, method="GET", path=path) == []
        assert answer("GET", path, "cursor=", b"")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", RELEASES, b"{", 400),
        ("POST", RELEASES, b"[]", 400),
        ("POST", RELEASES, b'{"projects": ["shop"]}', 400),
        ("POST", RELEASES, b'{"version": "1", "projects": [7]}', 400),
        ("POST", RELEASES, b'{"version": "1", "dateStarted": "yesterday"}', 400),
        ("POST", DEPLOYS, b'{"dateFinished": "2026-03-01T14:44:00Z"}', 400),
        ("PUT", RELEASE, json.dumps({"commits": [{"id": "1"}] * (MAX_COMMITS + 1)}).encode(), 400),
        ("PUT", f"{RELEASES}{'v' * 251}/", b"{}", 400),
        ("PUT", RELEASES, b"{}", 405),
        ("DELETE", RELEASE, b"", 405),
        ("GET", "/api/0/organizations/acme/chunk-upload/", b"", 404),
    ],
)
def test_what_cannot_be_read_is_not_accepted(method: str, path: str, body: bytes, status: int) -> None:
    """
    The program says the reason, instead of a pipeline that is green and a log that is empty.
    """
    said = answer(method, path, "", body)

    assert said[0] == status
    assert json.loads(said[1])["detail"]


@given(
    body=st.binary(max_size=80) | anything.map(lambda value: json.dumps(value).encode()),
    way=st.text(max_size=20),
)
def test_no_body_and_no_path_breaks_the_reader(body: bytes, way: str) -> None:
    """
    Whatever comes is read, or refused in a line.
    """
    for method, path, _ in (*REQUESTS, ("PUT", f"{RELEASES}{way}/", None), ("POST", f"/api/0/{way}", None)):
        read_or_refused(
            lambda method=method, path=path: read(body, where="feed", rules=RULES, method=method, path=path)
        )  # type: ignore[misc]
        assert 200 <= answer(method, path, way, body)[0] < 500


@given(data=st.data(), number=st.integers(min_value=0, max_value=3))
def test_a_damaged_request_is_read_or_refused_and_answered_so(data: st.DataObject, number: int) -> None:
    """
    What the answer accepts can be read; what it refuses cannot.
    """
    method, path, body = REQUESTS[number]
    sent = json.dumps(data.draw(damaged(body))).encode()
    came = Arrival(received_at=datetime(2026, 3, 1, tzinfo=UTC))

    read_or_refused(lambda: read(sent, where="feed", rules=RULES, method=method, path=path, arrival=came))

    accepted = answer(method, path, "", sent)[0] < 300
    with contextlib.nullcontext() if accepted else pytest.raises(BadInputError):
        read(sent, where="feed", rules=RULES, method=method, path=path, arrival=came)


@given(order=st.lists(st.integers(min_value=0, max_value=3), min_size=1, max_size=12))
def test_neither_order_nor_repeats_matter(order: list[int]) -> None:
    """
    A pipeline that runs a step again tells nothing new.
    """
    known = {number: set(ids(told(*REQUESTS[number]))) for number in range(4)}

    found = set(ids([each for number in order for each in told(*REQUESTS[number])]))

    assert found == set().union(*(known[number] for number in order))
