"""`tracker doctor`: every source as it may be found, each with what mends it, and nothing appended."""

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from tests.builders import alert
from tests.servers.process import free_port
from tests.servers.stubs import Said, black_hole, saying
from tracker.application import diagnosis
from tracker.application.diagnosis import store as store_check
from tracker.log import Log


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., None]:
    """Write tracker.toml."""

    def write(text: str) -> None:
        (tmp_path / "tracker.toml").write_text(text)

    return write


@pytest.fixture
def servers() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def findings(tracker, *more: str) -> tuple[int, dict[str, list[dict]]]:
    """The exit code, and the findings by what was looked at."""
    answer = tracker("doctor", "--json", *more)
    assert answer.json["exit_code"] == answer.code, answer.out
    found: dict[str, list[dict]] = {}
    for each in answer.json["findings"]:
        assert each["status"] in ("ok", "warning", "broken", "not_configured")
        assert each["status"] not in ("warning", "broken") or each["fix"], each
        found.setdefault(each["check"], []).append(each)
    return answer.code, found


def only(found: dict[str, list[dict]], check: str, status: str) -> dict:
    (one,) = [each for each in found[check] if each["status"] == status]
    return one


def fingerprint(folder: Path) -> dict[str, str]:
    """What the files of a folder hold, without what SQLite keeps beside an open log."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def clone(folder: Path, *branches: str) -> Path:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)

    folder.mkdir()
    git("init", "-q")
    for number in range(2):
        git("commit", "-q", "--allow-empty", "-m", f"commit {number}")
    for branch in branches:
        git("branch", branch)
    return folder


def recent(value: float = 1.0) -> list[tuple[str, dict[str, str], list[tuple[float, float]]]]:
    now = int(time.time())
    return [("requests", {"service": "checkout"}, [(now - 600 + n * 5, value) for n in range(240)])]


# ── the whole ────────────────────────────────────────────────────────────────


def test_all_is_well_with_real_servers_and_nothing_is_appended(
    tracker, tmp_path, told, make_prometheus, alertmanager_server, monkeypatch
):
    """
    A line for each, 0 as exit code, and the log's file is the same to the byte.
    """
    clone(tmp_path / "checkout", "develop")
    monkeypatch.setenv("HOOK", "hush")
    told(f"""
[prometheus]
url = "{make_prometheus(recent()).url}"
[alertmanager]
url = "{alertmanager_server.url}"
token_env = "HOOK"
[services.checkout]
repositories = ["checkout"]
[services.checkout.metrics.requests]
query = 'requests{{service="checkout"}}'
""")
    tracker("declare", "Payments fail", "--service", "checkout", "--severity", "major")
    before = fingerprint(tmp_path)

    answer = tracker("doctor")

    assert answer.code == 0, answer.out
    assert answer.out.splitlines()[-1] == "0 errors, 1 warning. The command after → fixes each."
    assert answer.out.splitlines()[-2] == "not configured: sentry, github, gitlab, slack, teams, webhook"
    checks = [line.split()[:2] for line in answer.out.splitlines()[:-2]]
    assert [status for status, name in checks if name != "serve"] == ["ok"] * (len(checks) - 1)
    assert ["warning", "serve"] in checks  # nobody receives what the Alertmanager is to send
    assert [name for _, name in checks] == [
        *("settings", "secrets", "store", "serve", "prometheus", "prometheus", "alertmanager", "git", "time")
    ]
    assert "is whole: 3 events, 3 not sealed yet" in answer.out
    assert "1 configured query gives a series now" in answer.out
    assert "/hooks/alertmanager/prod with the Bearer token of HOOK" in answer.out
    assert alertmanager_server.receiver.deliveries == []
    assert fingerprint(tmp_path) == before


def test_a_new_folder_is_told_to_begin(tracker, tmp_path):
    """
    Nothing is made by looking.
    """
    answer = tracker("doctor")

    assert answer.code == 0
    assert "→ tracker init" in answer.out
    assert "holds no log yet" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_read_are_the_only_line(tracker, told):
    """
    Nothing else can be looked at without them.
    """
    told("[prometheus]\nurll = 1\n")

    code, found = findings(tracker)

    assert code == 3
    assert list(found) == ["settings"]
    assert "'prometheus.urll' is not a setting" in found["settings"][0]["says"]
    assert found["settings"][0]["fix"] == "The nearest is 'prometheus.url'"


def every_source(url: str) -> str:
    return f"""
[prometheus]
url = "{url}"
[alertmanager]
url = "{url}"
token_env = "SECRET"
[sentry]
url = "{url}"
organization = "acme"
token_env = "SECRET"
[github]
url = "{url}"
token_env = "SECRET"
[gitlab]
url = "{url}"
token_env = "SECRET"
[services.checkout]
github_repository = "acme/checkout"
gitlab_project = "acme/checkout"
[services.checkout.metrics.requests]
query = "requests"
"""


SOURCES = ("prometheus", "alertmanager", "sentry", "github", "gitlab")


def test_a_refused_connection_is_10_and_names_what_to_type(tracker, told, monkeypatch):
    """
    Each source has its own line; the store's is not touched by it.
    """
    monkeypatch.setenv("SECRET", "hush")
    url = f"http://127.0.0.1:{free_port()}"
    told(every_source(url))

    code, found = findings(tracker)

    assert code == 10
    for source in SOURCES:
        (one,) = found[source]
        assert (one["status"], one["exit_code"]) == ("broken", 10)
        assert one["says"].endswith("refused the connection")
        assert "curl" in one["fix"]
        assert url in one["fix"]
    assert found["store"][0]["status"] == "ok"


def test_a_black_hole_holds_up_nobody_else(tracker, told, servers, monkeypatch):
    """
    A server that takes the connection and never answers costs its own line.
    """
    monkeypatch.setenv("SECRET", "hush")
    told(every_source(servers.enter_context(black_hole())))

    code, found = findings(tracker)

    assert code == 10
    for source in SOURCES:
        assert found[source][0]["says"].endswith("did not answer within 5 s"), found[source]
    assert found["store"][0]["status"] == "ok"
    assert found["time zone"][0]["status"] == "ok"


def test_what_takes_longer_than_the_deadline_is_told_of_and_not_waited_for(
    tracker, told, servers, monkeypatch
):
    """
    However slowly somebody answers, doctor ends.
    """
    monkeypatch.setenv("SECRET", "hush")
    monkeypatch.setattr(diagnosis, "DEADLINE_SECONDS", 0.5)
    told(every_source(servers.enter_context(black_hole())))

    code, found = findings(tracker)

    assert code == 10
    assert "not done after 0.5 s" in found["prometheus"][0]["says"]
    assert found["store"][0]["status"] == "ok"


def test_who_is_not_let_in_is_told_which_secret_to_renew(tracker, told, servers, monkeypatch):
    """
    401 is no outage: the line names the variable.
    """
    monkeypatch.setenv("SECRET", "hush")
    url = servers.enter_context(saying(lambda path, headers: (401, {}, b"Unauthorized")))
    told(every_source(url))

    code, found = findings(tracker)

    assert code == 10
    assert "rejected the credentials (HTTP 401: Unauthorized)" in found["prometheus"][0]["says"]
    assert "bearer_token_env" in found["prometheus"][0]["fix"]
    assert "rejected the credentials (HTTP 401)" in found["alertmanager"][0]["says"]
    for source in ("sentry", "github", "gitlab"):
        assert "SECRET" in found[source][0]["says"], found[source]
        assert "hush" not in json.dumps(found)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"), "but not as"),
        ((200, {}, b"[]"), "but not as"),
        ((200, {}, b""), "but not as"),
        (
            (302, {"Location": "https://login.example/"}, b""),
            "redirected to https://login.example/ (HTTP 302)",
        ),
        ((503, {}, b"later"), "cannot answer now (HTTP 503"),
    ],
)
def test_somebody_elses_answer_is_named(tracker, told, servers, monkeypatch, said: Said, word: str):
    """
    A login page, a proxy's page or another program is none of the sources.
    """
    monkeypatch.setenv("SECRET", "hush")
    told(every_source(servers.enter_context(saying(lambda path, headers: said))))

    code, found = findings(tracker)

    assert code == 10
    for source in SOURCES:
        assert word in found[source][0]["says"], found[source]


# ── secrets ──────────────────────────────────────────────────────────────────


def test_secrets_are_looked_at_before_what_needs_them(tracker, told, tmp_path, monkeypatch):
    """
    Missing, empty, in a file that is away, in a file that everybody reads; and no source is asked without its own.
    """
    open_file, safe_file = tmp_path / "open", tmp_path / "safe"
    for file, mode in ((open_file, 0o644), (safe_file, 0o600)):
        file.write_text("hush\n")
        file.chmod(mode)
    monkeypatch.setenv("EMPTY", "  ")
    monkeypatch.setenv("AWAY", f"@{tmp_path}/away")
    monkeypatch.setenv("OPEN", f"@{open_file}")
    monkeypatch.setenv("SAFE", f"@{safe_file}")
    told(f"""
[prometheus]
url = "http://127.0.0.1:{free_port()}"
bearer_token_env = "ABSENT"
[alertmanager]
token_env = "EMPTY"
[sentry]
client_secret_env = "AWAY"
[github]
hook_secret_env = "OPEN"
[gitlab]
hook_token_env = "SAFE"
""")

    code, found = findings(tracker)

    assert code == 3
    says = {each["says"]: each for each in found["secrets"]}
    assert "the environment has no ABSENT, which tracker.toml names" in says
    assert "EMPTY, which [alertmanager] token_env names, is empty" in says
    assert any("AWAY names the file" in each for each in says)
    assert only(found, "secrets", "warning")["fix"] == f"chmod 600 {open_file}"
    assert only(found, "secrets", "ok")["says"].endswith(": SAFE")
    assert found["prometheus"][0]["says"] == "not checked: its secret is missing"


# ── the store ────────────────────────────────────────────────────────────────


def test_a_log_that_somebody_holds_is_locked(tracker, tmp_path):
    """
    The line names the file and how to see who it is; the source's codes come after the store's.
    """
    store = tmp_path / "tracker.db"
    with Log(str(store)) as log:
        log.append([alert()])
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, found = findings(tracker)
        other.execute("ROLLBACK")

    assert code == 9
    assert "is locked by another program" in only(found, "store", "broken")["says"]
    assert f"fuser -v {store}" in only(found, "store", "broken")["fix"]
    assert findings(tracker)[0] == 0


def test_a_log_that_is_not_whole_is_5(tracker, tmp_path):
    """
    One byte of one event.
    """
    store = tmp_path / "tracker.db"
    with Log(str(store)) as log:
        log.append([alert(), alert(6)])
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("UPDATE stored_events SET recorded_us = recorded_us + 1 WHERE position = 2")

    code, found = findings(tracker)

    assert code == 5
    assert "not whole: position 2" in only(found, "store", "broken")["says"]


def test_a_long_log_is_not_proven_but_counted(tracker, tmp_path, monkeypatch):
    """
    Doctor is for the moment; the whole proof has a command of its own.
    """
    monkeypatch.setattr(store_check, "PROVEN_AT_ONCE", 2)
    with Log(str(tmp_path / "tracker.db")) as log:
        log.append([alert(), alert(6)])
        log.seal()
        log.append([alert(7)])

    code, found = findings(tracker)

    assert code == 0
    says = only(found, "store", "ok")["says"]
    assert "is at position 4, sealed through 2" in says
    assert "tracker verify" in says


def test_a_file_that_is_no_log_of_ours_is_9(tracker, tmp_path):
    """
    A missing folder, a text, another program's database, a newer tracker's log: none is touched.
    """
    (tmp_path / "text").write_text("hello")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (a)")
    Log(str(tmp_path / "newer.db")).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "newer.db", isolation_level=None)) as newer:
        newer.execute("UPDATE log_settings SET value='99'")
    before = fingerprint(tmp_path)

    for name, word in (
        ("nowhere/tracker.db", "does not exist"),
        ("text", "is not a SQLite file"),
        ("other.db", "another program"),
        ("newer.db", "tables of version 99"),
        (".", "is a folder"),
    ):
        code, found = findings(tracker, "--store", str(tmp_path / name))
        assert code == 9, (name, found)
        assert word in only(found, "store", "broken")["says"]

    assert fingerprint(tmp_path) == before


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_log_that_we_may_not_write_is_9(tracker, tmp_path):
    """
    Reading alone is not enough for a tracker.
    """
    Log(str(tmp_path / "tracker.db")).close()
    (tmp_path / "tracker.db").chmod(0o400)

    code, found = findings(tracker)

    assert code == 9
    assert "cannot be written by us" in only(found, "store", "broken")["says"]


def test_a_log_in_postgresql(tracker, postgres_url):
    """
    An empty database stays empty; a log is whole; one that is held, or may only be read, is 9.
    """
    code, found = findings(tracker, "--store", postgres_url)
    assert code == 0
    assert "no log yet" in only(found, "store", "ok")["says"]
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT to_regclass('stored_events')").fetchone() == (None,)

    with Log(postgres_url) as log:
        log.append([alert()])
    assert "is whole: 1 events" in only(findings(tracker, "--store", postgres_url)[1], "store", "ok")["says"]

    with psycopg.connect(postgres_url) as holder:
        holder.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        code, found = findings(tracker, "--store", postgres_url)
        assert code == 9
        assert "locked by another program" in only(found, "store", "broken")["says"]

    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS reader")
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    try:
        code, found = findings(tracker, "--store", postgres_url.replace("tracker@", "reader@"))
        assert code == 9
        assert "reader may not write the log" in only(found, "store", "broken")["says"]
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as owner:
            owner.execute("DROP OWNED BY reader")
            owner.execute("DROP ROLE reader")


def test_a_database_server_that_is_away_is_9(tracker):
    """
    In one line, and its password in none.
    """
    code, found = findings(tracker, "--store", f"postgresql://me:hush@127.0.0.1:{free_port()}/x")

    assert code == 9
    assert "does not answer" in only(found, "store", "broken")["says"]
    assert "hush" not in json.dumps(found)


def test_what_waits_is_counted_and_left(tracker, tmp_path):
    """
    The spool is not delivered by looking; the inbox is read and not made.
    """
    Log(str(tmp_path / "tracker.db")).close()
    spooled = tracker("note", "1", "x", "--store", "postgresql://me@127.0.0.1:1/x")
    assert "kept in the spool" in spooled.err
    with contextlib.closing(sqlite3.connect(tmp_path / "tracker.db.inbox", isolation_level=None)) as inbox:
        inbox.execute("CREATE TABLE deliveries (number INTEGER PRIMARY KEY, parked TEXT)")
        inbox.execute("INSERT INTO deliveries (parked) VALUES (NULL), ('no JSON'), (NULL)")

    _, away = findings(tracker, "--store", "postgresql://me@127.0.0.1:1/x")
    code, found = findings(tracker)

    assert away["spool"][0]["says"].startswith("1 typed while the store was away")
    assert code == 0
    assert [each["says"] for each in found["inbox"]] == [
        "1 deliveries could not be understood",
        "2 deliveries wait to be worked up",
    ]


# ── Prometheus ───────────────────────────────────────────────────────────────


def test_each_query_is_tried(tracker, told, make_prometheus):
    """
    One that gives nothing, or no number, is a warning; one that cannot be read is a setting to correct.
    """
    server = make_prometheus(recent(0.0), retention="10d")
    metrics = {"good": "requests", "none": "nothing_at_all", "nan": "requests / requests", "bad": "sum(("}
    text = "".join(f"[services.checkout.metrics.{k}]\nquery = '{v}'\n" for k, v in metrics.items())
    told(f'[prometheus]\nurl = "{server.url}"\n{text}')

    code, found = findings(tracker)

    assert code == 3
    told_of = {each["says"].split(":")[0]: each for each in found["prometheus"]}
    assert "checkout/none gives no series now" in told_of
    assert "curl -sG" in told_of["checkout/none gives no series now"]["fix"]
    assert "checkout/nan gives no number now (0 / 0, perhaps)" in told_of
    assert told_of["checkout/bad"]["exit_code"] == 3
    assert "1 configured query gives a series now" in told_of
    keeps = next(each for each in found["prometheus"] if "verdicts over a day" in each["says"])
    assert (keeps["status"], "retention.time=15d" in keeps["fix"]) == ("warning", True)


@pytest.mark.parametrize(
    ("off", "word"), [(-90.0, "90 s behind ours"), (3_600.0, "1 h 00 min ahead of ours")]
)
def test_a_clock_that_differs_is_named(tracker, told, servers, off: float, word: str):
    """
    Instants of the two would not fit together.
    """

    def answer(path: str, headers: Mapping[str, str]) -> Said:
        if path.startswith("/api/v1/query"):
            data = {"resultType": "scalar", "result": [0, str(time.time() + off)]}
            return 200, {}, json.dumps({"status": "success", "data": data}).encode()
        return 404, {}, b"not found"

    told(f'[prometheus]\nurl = "{servers.enter_context(saying(answer))}"\n')

    code, found = findings(tracker)

    assert code == 0
    assert word in only(found, "prometheus", "warning")["says"]


def test_metrics_without_a_prometheus_are_a_setting(tracker, told):
    """
    Somebody forgot the url.
    """
    told("[services.checkout.metrics.requests]\nquery = 'requests'\n")

    code, found = findings(tracker)

    assert code == 3
    assert found["prometheus"][0]["fix"].startswith("[prometheus] url")


# ── other sources ────────────────────────────────────────────────────────────


def api(routes: dict[str, tuple[int, object]]) -> Callable[[str, Mapping[str, str]], Said]:
    """Answer these paths with JSON, to the right token only."""

    def answer(path: str, headers: Mapping[str, str]) -> Said:
        if "hush" not in (headers.get("authorization", "") + headers.get("private-token", "")):
            return 401, {}, b"{}"
        status, said = routes.get(path, (404, {"detail": "not found"}))
        return status, {"Content-Type": "application/json"}, json.dumps(said).encode()

    return answer


def test_sentrys_organization_and_projects_are_looked_up(tracker, told, servers, monkeypatch):
    """
    A mistyped project gives errors without a service; a mistyped organization gives nothing.
    """
    monkeypatch.setenv("SECRET", "hush")
    home = "/api/0/organizations/acme/"
    routes = {home: (200, {"slug": "acme"}), f"{home}projects/": (200, [{"slug": "shop", "id": "7"}])}
    url = servers.enter_context(saying(api(routes)))
    text = '[sentry]\nurl = "{}"\norganization = "{}"\ntoken_env = "SECRET"\n'
    service = '[services.checkout]\nsentry_projects = ["7", "shpo"]\n'

    told(text.format(url, "acme") + service)
    code, found = findings(tracker)
    assert code == 0
    assert "reads the organization acme" in only(found, "sentry", "ok")["says"]
    assert "no project 'shpo'" in only(found, "sentry", "warning")["says"]
    assert "one of shop" in only(found, "sentry", "warning")["fix"]

    told(text.format(url, "amce") + service)
    code, found = findings(tracker)
    assert code == 3
    assert "no organization 'amce'" in only(found, "sentry", "broken")["says"]

    told(f'[sentry]\nurl = "{url}"\norganization = "acme"\n')
    code, found = findings(tracker)
    assert code == 3
    assert "token_env" in found["sentry"][0]["fix"]


BUGSINK = "/api/canonical/0/projects/"


def bugsink(path, headers):
    """A Bugsink with the project shop, for whoever has the token."""
    if path.partition("?")[0] != BUGSINK:
        return 404, {}, b'{"detail": "Not found."}'
    if headers.get("authorization") != "Bearer hush":
        return 401, {}, b'{"detail": "Invalid token."}'
    projects = [{"id": 1, "name": "shop", "slug": "shop", "is_deleted": False}]
    body = json.dumps({"next": None, "previous": None, "results": projects}).encode()
    return 200, {"Content-Type": "application/json"}, body


def test_a_bugsink_is_asked_as_collect_asks_it(tracker, told, servers, monkeypatch):
    """
    It has no organization; its projects are known by name and by number.
    """
    monkeypatch.setenv("SECRET", "hush")
    url = servers.enter_context(saying(bugsink))
    text = f'[sentry]\nurl = "{url}"\ntoken_env = "SECRET"\n[services.checkout]\nsentry_projects = {{}}\n'

    told(text.format('["shop", "1"]'))
    code, found = findings(tracker)
    assert code == 0
    assert "answers as a Bugsink: the token in SECRET" in only(found, "sentry", "ok")["says"]

    told(text.format('["shpo"]'))
    code, found = findings(tracker)
    assert code == 0
    assert "no project 'shpo'" in only(found, "sentry", "warning")["says"]

    monkeypatch.setenv("SECRET", "hash")
    code, found = findings(tracker)
    assert code == 10
    assert "rejected the token in SECRET" in only(found, "sentry", "broken")["says"]


def test_a_sentry_without_its_organization_is_told_what_is_missing(tracker, told, servers, monkeypatch):
    """
    It is no Bugsink; one that does not answer is 10.
    """
    monkeypatch.setenv("SECRET", "hush")
    url = servers.enter_context(saying(api({})))
    told(f'[sentry]\nurl = "{url}"\ntoken_env = "SECRET"\n')
    code, found = findings(tracker)
    assert code == 3
    assert only(found, "sentry", "broken")["fix"] == '[sentry] organization = "acme"'

    told(f'[sentry]\nurl = "http://127.0.0.1:{free_port()}"\ntoken_env = "SECRET"\n')
    code, found = findings(tracker)
    assert code == 10
    assert "refused the connection" in only(found, "sentry", "broken")["says"]


def test_repositories_on_github_and_gitlab_are_found_or_named(tracker, told, servers, monkeypatch):
    """
    Not found is a setting; no more questions is to be waited for.
    """
    monkeypatch.setenv("SECRET", "hush")
    routes = {"/repos/acme/checkout": (200, {"id": 1}), "/api/v4/projects/acme%2Fcheckout": (200, {"id": 1})}
    url = servers.enter_context(saying(api(routes)))
    text = (
        f'[github]\nurl = "{url}"\ntoken_env = "SECRET"\n[gitlab]\nurl = "{url}"\ntoken_env = "SECRET"\n'
        '[services.checkout]\ngithub_repository = "acme/checkout"\ngitlab_project = "acme/checkout"\n'
    )

    told(text)
    code, found = findings(tracker)
    assert code == 0
    assert found["github"][0]["says"].endswith("acme/checkout found")
    assert found["gitlab"][0]["says"].endswith("acme/checkout found")

    told(text + '[services.search]\ngithub_repository = "acme/serach"\n')
    code, found = findings(tracker)
    assert code == 3
    assert "no repository acme/serach" in only(found, "github", "broken")["says"]
    assert only(found, "github", "ok")["says"].endswith("acme/checkout found")

    spent = servers.enter_context(saying(lambda path, headers: (403, {"X-RateLimit-Remaining": "0"}, b"{}")))
    told(f'[github]\nurl = "{spent}"\n[services.checkout]\ngithub_repository = "acme/checkout"\n')
    code, found = findings(tracker)
    assert code == 10
    assert "rate-limited by GitHub" in found["github"][0]["says"]
    assert "token_env" in found["github"][0]["fix"]


def test_clones_are_looked_at(tracker, told, tmp_path):
    """
    A folder that is none, one that is no repository, a shallow one, one without the procedure's branches.
    """
    whole = clone(tmp_path / "whole", "develop")
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{whole}", str(tmp_path / "shallow")],
        check=True,
        capture_output=True,
    )
    (tmp_path / "plain").mkdir()
    told(
        '[services.checkout]\nrepositories = ["whole", "shallow", "plain", "nowhere"]\n'
        '[procedure]\nmaintained_branches = ["release/1.0"]\n'
    )

    code, found = findings(tracker)

    assert code == 3
    says = [(each["status"], each["says"]) for each in found["git"]]
    assert ("ok", f"{whole}: 2 branches") in says
    assert any(status == "warning" and "shallow clone" in said for status, said in says)
    assert any(status == "warning" and "no branch release/1.0" in said for status, said in says)
    assert any(status == "warning" and "no branch develop" in said for status, said in says)
    assert any(status == "broken" and "is not a git repository" in said for status, said in says)
    assert any(status == "broken" and "is no folder" in said for status, said in says)


def test_slack_is_never_posted_to(tracker, told, receiver, monkeypatch):
    """
    Its address is looked at; what is none is a setting.
    """
    told('[slack]\nwebhook_url_env = "SLACK_URL"\n')

    monkeypatch.setenv("SLACK_URL", receiver.url)
    code, found = findings(tracker)
    assert code == 0
    assert "not tried" in found["slack"][0]["says"]
    assert receiver.deliveries == []

    monkeypatch.setenv("SLACK_URL", "hooks.slack.com/services/x")
    code, found = findings(tracker)
    assert code == 3
    assert "services/x" not in json.dumps(found)


@pytest.mark.parametrize(
    ("dsn", "code", "word"),
    [
        ("http://key@127.0.0.1:8321/1", 3, "points at tracker serve itself"),
        ("http://key@localhost:8321/1", 3, "points at tracker serve itself"),
        ("http://key@127.0.0.1:9000/1", 0, "go to 127.0.0.1:9000"),
        ("https://key@sentry.example/1", 0, "go to sentry.example:443"),
        ("sentry.example", 3, "is no DSN"),
    ],
)
def test_own_errors_do_not_go_round_in_circles(tracker, monkeypatch, dsn: str, code: int, word: str):
    """
    A DSN that leads back to serve would make an error of each error.
    """
    monkeypatch.setenv("TRACKER_SENTRY_DSN", dsn)

    answered, found = findings(tracker)

    assert answered == code
    assert word in found["own errors"][0]["says"]


def test_a_zone_that_is_none_is_a_setting(tracker, monkeypatch):
    """
    Every time typed without a zone would be refused.
    """
    monkeypatch.setenv("TRACKER_TZ", "Europe/Berln")

    code, found = findings(tracker)

    assert code == 3
    assert "Europe/Berln" in found["time zone"][0]["says"]
