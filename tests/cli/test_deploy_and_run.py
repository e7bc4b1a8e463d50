"""`deploy` and `rollback` only record; `run` runs, whatever is wrong with the tracker."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, refused
from tests.servers.process import until

CHILD = (sys.executable, "-c")


def changes(tracker, *more):
    return tracker("changes", "--json", *more).json["changes"]


# ── deploy and rollback ──────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["deploy", "rollback"])
@pytest.mark.parametrize(
    ("step", "status"), [("start", "started"), ("finish", "finished"), ("fail", "failed")]
)
def test_a_deploy_is_only_recorded_and_says_so_first(tracker, command, step, status):
    """
    Nobody shall believe that this deployed anything.
    """
    answer = tracker(command, step, "checkout", "v1.2.1", "--sha", "abc1234", "--env", "staging")

    assert answer.code == 0
    assert answer.err.splitlines()[0] == "RECORDED ONLY, nothing was deployed"
    [change] = changes(tracker)
    assert (change["kind"], change["status"], change["version"]) == (command, status, "v1.2.1")
    assert (change["environment"], change["sha"], change["by"]) == ("staging", "abc1234", "ada")


def test_the_first_line_is_first_before_an_echoed_time_too(tracker):
    """
    A relative time is said in full, after it.
    """
    answer = tracker("deploy", "finish", "checkout", "v1", "--at", "5m-ago")

    assert answer.err.splitlines()[0] == "RECORDED ONLY, nothing was deployed"
    assert answer.err.splitlines()[1].startswith("--at 5m-ago is ")


@pytest.mark.parametrize(("more", "code"), [(("--at", "25:99Z"), 2), (("--by", " "), 2)])
def test_a_refused_deploy_does_not_say_that_it_was_recorded(tracker, more, code):
    """
    Nothing was.
    """
    answer = tracker("deploy", "finish", "checkout", "v1", *more)

    refused(answer, code)
    assert "RECORDED" not in answer.err


def test_a_deploy_in_json_is_a_recording_like_any_other(tracker):
    """
    The first line is talk: stdout stays one document.
    """
    answer = tracker("deploy", "finish", "checkout", "v1", "--json")

    assert (answer.json["recorded"], answer.json["known"], len(answer.json["events"])) == (1, 0, 1)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("deploy A,deploy B,deploy A", "deploy A,deploy B,rollback A"),
        ("deploy v2,rollback v1,deploy v2", "deploy v2,rollback v1,deploy v2"),
        ("deploy A,deploy B,deploy A,deploy B", "deploy A,deploy B,rollback A,deploy B"),
        ("deploy A,deploy A", "deploy A"),
        ("deploy A,deploy B,deploy A,deploy A", "deploy A,deploy B,rollback A"),
    ],
)
def test_what_is_typed_again_for_one_minute_after_another_version_is_new(tracker, typed, expected):
    """
    A statement after its opposite is a new one; the same one twice in a row is not.
    """
    for words in typed.split(","):
        kind, version = words.split()
        tracker(kind, "finish", "checkout", version, "--at", f"{DAY}T14:00Z")
        tracker(kind, "finish", "search", version, "--at", f"{DAY}T14:00Z")

    rows = changes(tracker, "--from", f"{DAY}T13:00Z")
    for service in ("checkout", "search"):
        of_service = [
            f"{row['kind']} {row['version']}" for row in reversed(rows) if row["service"] == service
        ]
        assert ",".join(of_service) == expected


def test_another_place_is_no_other_version(tracker):
    """
    Staging and production each have their own order.
    """
    for version, place in (("A", "production"), ("B", "staging"), ("A", "production"), ("B", "staging")):
        tracker("deploy", "finish", "checkout", version, "--env", place, "--at", f"{DAY}T14:00Z")

    assert len(changes(tracker, "--from", f"{DAY}T13:00Z")) == 2


def test_a_place_that_settings_do_not_call_production_is_named(tracker, tmp_path):
    """
    Elsewhere it may be production.
    """
    (tmp_path / "tracker.toml").write_text('[services.checkout]\nproduction = ["eu-live"]\n')
    tracker("deploy", "finish", "checkout", "v1", "--env", "EU-Live", "--at", f"{DAY}T14:00Z")
    tracker("deploy", "finish", "checkout", "v2", "--env", "prod", "--at", f"{DAY}T14:10Z")

    written = tracker("changes", "--from", f"{DAY}T13:00Z").out
    assert "deployed v2 in prod" in written
    assert "v1 in" not in written


def test_what_belongs_to_another_incident_says_so(tracker):
    """
    The deploy that ended the second one is no change of the first, which is open longer.
    """
    on = ("--service", "checkout", "--severity", "major")
    tracker("declare", "Slow", *on, "--at", f"{DAY}T14:00Z")
    tracker("declare", "Down", *on, "--new", "--at", f"{DAY}T14:30Z")
    tracker("deploy", "finish", "checkout", "v2", "--at", f"{DAY}T14:40Z")
    tracker("resolve", 2, "--at", f"{DAY}T14:50Z")

    assert [row["of_another_incident"] for row in changes(tracker, 1)] == [True]
    assert [row["of_another_incident"] for row in changes(tracker, 2)] == [False]
    assert "belongs to another incident" in tracker("changes", 1).out


def test_start_and_finish_are_one_change(tracker):
    """
    With how long it took.
    """
    tracker("deploy", "start", "checkout", "v1", "--at", f"{DAY}T14:00:00Z")
    tracker("deploy", "finish", "checkout", "v1", "--at", f"{DAY}T14:01:30Z")

    [change] = changes(tracker, "--from", f"{DAY}T13:00Z")
    assert change["duration_seconds"] == 90


@pytest.mark.parametrize(
    ("words", "said"), [(("deploy",), "SERVICE, VERSION"), (("deploy", "begin", "a", "b"), "'finish'")]
)
def test_half_a_deploy_is_refused(tracker, words, said):
    """
    With the help to read.
    """
    refused(tracker(*words), 2, said)


# ── run ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_run_returns_the_exit_code_of_its_child(tracker, code):
    """
    And records it.
    """
    answer = tracker("run", "deploy", "checkout", "v1", "--", *CHILD, f"raise SystemExit({code})")

    assert answer.code == code
    [change] = changes(tracker)
    assert change["status"] == ("finished" if code == 0 else "failed")
    shown = tracker("show", change["event"], "--json").json["fields"]
    assert shown.get("exit_code", 0) == code
    assert shown["duration_seconds"] > 0


def test_the_output_of_the_child_is_untouched(tracker):
    """
    Every byte, on its own stream; ours is on stderr.
    """
    program = "import sys; sys.stdout.buffer.write(bytes(range(32, 127))); sys.stderr.write('oh')"
    answer = tracker("run", "deploy", "checkout", "v1", "--", *CHILD, program)

    assert answer.out == bytes(range(32, 127)).decode()
    assert "oh" in answer.err


def test_options_behind_the_dashes_are_the_childs(tracker):
    """
    --json, --by and --help are not ours there.
    """
    program = "import sys; print(sys.argv[1:])"
    answer = tracker(
        "run", "deploy", "checkout", "v1", "--", *CHILD, program, "--json", "--", "--by", "--help"
    )

    assert answer.out == "['--json', '--', '--by', '--help']\n"


def test_the_child_reads_our_stdin(tracker, tmp_path):
    """
    A deploy that asks can be answered.
    """
    answer = subprocess.run(
        [sys.executable, "-m", "tracker", "run", "deploy", "checkout", "v1", "--", "cat"],
        input=b"yes\n",
        capture_output=True,
        check=False,
    )

    assert (answer.returncode, answer.stdout) == (0, b"yes\n")


@pytest.mark.parametrize(
    ("command", "code", "said"), [("./nothing-here", 127, "no such command"), ("/", 126, "/: ")]
)
def test_a_child_that_cannot_start_has_the_shells_codes(tracker, command, code, said):
    """
    127 not found, 126 not to be run; the attempt is recorded.
    """
    answer = tracker("run", "deploy", "checkout", "v1", "--", command)

    assert answer.code == code
    assert said in answer.err
    assert changes(tracker)[0]["status"] == "failed"


def test_a_child_that_a_signal_ended_has_128_and_its_number(tracker):
    """
    As a shell would say it.
    """
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    assert tracker("run", "deploy", "checkout", "v1", "--", *CHILD, program).code == 128 + 9


def _running(tmp_path: Path, what: str) -> subprocess.Popen[bytes]:
    """Start `tracker run` in a process group of its own, with a child that says when it is ready."""
    program = f"""
import pathlib, signal, sys, time
def stop(number, _):
    pathlib.Path("got").write_text(str(number))
    sys.exit(5)
signal.signal(signal.{what}, stop)
pathlib.Path("ready").touch()
time.sleep(300)
"""
    running = subprocess.Popen(
        [sys.executable, "-m", "tracker", "run", "deploy", "checkout", "v1", "--", *CHILD, program],
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    until((tmp_path / "ready").exists)
    return running


def test_ctrl_c_ends_the_child_and_its_end_is_recorded(tracker, tmp_path):
    """
    The terminal sends it to both; we wait for what the child makes of it.
    """
    running = _running(tmp_path, "SIGINT")
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)

    assert (running.returncode, (tmp_path / "got").read_text()) == (5, "2")
    assert b"Traceback" not in said
    assert changes(tracker)[0]["status"] == "failed"


def test_a_pipeline_that_is_cancelled_reaches_the_child(tracker, tmp_path):
    """
    CI ends only us: we pass it on, and record how the child ended.
    """
    running = _running(tmp_path, "SIGTERM")
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=120)

    assert (running.returncode, (tmp_path / "got").read_text()) == (5, "15")
    assert changes(tracker)[0]["status"] == "failed"


def _three_versions(tracker, tmp_path, **settings):
    """Record v1.0, v1.1 and v1.2, under these settings of the service."""
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    (tmp_path / "tracker.toml").write_text("\n".join(["[services.checkout]", *lines, ""]))
    for version, ago in (("v1.0", "3h-ago"), ("v1.1", "2h-ago"), ("v1.2", "1h-ago")):
        tracker("deploy", "finish", "checkout", version, "--at", ago)


@pytest.mark.parametrize("code", [0, 4])
def test_a_rollback_that_names_no_version_went_to_an_unknown_one(tracker, tmp_path, code):
    """
    The configured command runs in a shell, and only it knows what it goes back to; what it left is known.
    """
    _three_versions(tracker, tmp_path, rollback_command=f"echo undone | tee undone; exit {code}")

    answer = tracker("run", "rollback", "checkout")

    assert (answer.code, answer.out) == (code, "undone\n")
    assert (tmp_path / "undone").exists()
    [newest, *_] = tracker("changes", "--json").json["changes"]
    assert (newest["kind"], newest["version"], newest["previous_version"]) == ("rollback", None, "v1.2")
    assert newest["status"] == ("failed" if code else "finished")
    assert len(newest["evidence"]) == 2
    assert "an unknown version" in tracker("changes").out.splitlines()[0]


def test_a_rollback_by_hand_that_names_no_version_went_to_an_unknown_one(tracker, tmp_path):
    """
    A command after -- tells no more.
    """
    _three_versions(tracker, tmp_path)

    tracker("run", "rollback", "checkout", "--", "true")

    assert tracker("changes", "--json").json["changes"][0]["version"] is None


@pytest.mark.parametrize("what", ["rollback", "deploy"])
def test_the_version_command_is_asked_what_runs(tracker, tmp_path, what):
    """
    Once it was done, where nobody named a version.
    """
    _three_versions(tracker, tmp_path, version_command="cat running")

    tracker("run", what, "checkout", "--", "sh", "-c", "echo v1.0 > running")

    [newest, *others] = tracker("changes", "--json").json["changes"]
    assert (newest["version"], newest["kind"], newest["status"]) == ("v1.0", "rollback", "finished")
    assert len(others) == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [("false", "exit status 1"), ("true", "printed nothing"), ("echo two words", "printed two words"), ("echo v1.2", "still prints v1.2")],
)  # fmt: skip
def test_a_version_command_that_fails_leaves_the_version_unknown(tracker, tmp_path, asked, said):
    """
    The rollback counts all the same; the version that it replaces may still be there for a while.
    """
    _three_versions(tracker, tmp_path, rollback_command="true", version_command=asked)

    answer = tracker("run", "rollback", "checkout")

    assert (answer.code, said in answer.err) == (0, True)
    [newest, *_] = tracker("changes", "--json").json["changes"]
    assert (newest["version"], newest["status"]) == (None, "finished")


def test_a_version_command_is_not_asked_after_a_failure(tracker, tmp_path):
    """
    What runs then is not what the rollback went to.
    """
    _three_versions(tracker, tmp_path, rollback_command="false", version_command="echo v1.1")

    tracker("run", "rollback", "checkout")

    assert tracker("changes", "--json").json["changes"][0]["version"] is None


def test_the_version_that_was_typed_is_filled_into_the_command(tracker, tmp_path):
    """
    And is what is recorded; without one nothing runs.
    """
    _three_versions(tracker, tmp_path, rollback_command="echo {version} > running")

    refused(tracker("run", "rollback", "checkout"), 12, "no version was typed", "VERSION")
    refused(tracker("run", "rollback", "checkout", "v1;reboot"), 12, "that a shell reads", "-- COMMAND")
    assert not (tmp_path / "running").exists()
    tracker("run", "rollback", "checkout", "v1.0")

    assert (tmp_path / "running").read_text() == "v1.0\n"
    assert tracker("changes", "--json").json["changes"][0]["version"] == "v1.0"


def test_a_rollback_without_a_command_is_refused(tracker, tmp_path):
    """
    It says where to put one.
    """
    refused(tracker("run", "rollback", "checkout"), 12, "has no rollback_command", "-- COMMAND")


def test_a_deploy_without_a_version_runs_all_the_same(tracker):
    """
    A variable that is empty in a pipeline must not keep the fix from being deployed.
    """
    answer = tracker("run", "deploy", "checkout", "--sha", "abc1234", "--", "echo", "deployed")

    assert (answer.code, answer.out) == (0, "deployed\n")
    assert "no version given" in answer.err
    assert changes(tracker)[0]["version"] == "abc1234"


def test_a_mistyped_service_is_deployed_and_said(tracker, tmp_path):
    """
    Under the name that was typed; amending it is one command.
    """
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n")

    answer = tracker("run", "deploy", "chekout", "v1", "--", "echo", "ran")

    assert (answer.code, answer.out) == (0, "ran\n")
    assert "Did you mean checkout?" in answer.err
    assert answer.err.count("Did you mean") == 1


@pytest.mark.parametrize(
    "broken", ["[[[", "[services.checkout]\nstor = 1\n", '[tracker]\nstore = "elsewhere.db"\nx = 1\n']
)
def test_run_runs_under_a_broken_settings_file_and_loses_nothing(tracker, tmp_path, broken):
    """
    What it saw waits in the spool of the store that the file names, until the file is mended.
    """
    (tmp_path / "tracker.toml").write_text(broken)

    answer = tracker("run", "deploy", "checkout", "v1", "--", "echo", "ran")

    assert (answer.code, answer.out) == (0, "ran\n")
    assert answer.err.count("not recorded in the log") == 1
    (tmp_path / "tracker.toml").write_text(
        '[tracker]\nstore = "elsewhere.db"\n' if "elsewhere" in broken else ""
    )
    assert changes(tracker)[0]["status"] == "finished"


def test_run_needs_a_command(tracker):
    """
    There is nothing to run, and nothing is recorded.
    """
    refused(tracker("run", "deploy", "checkout", "v1"), 2, "it comes after --")
    refused(tracker("run", "deploy"), 2, "SERVICE")
    assert changes(tracker) == []


@pytest.mark.parametrize(
    "command",
    [
        "./deploy --password=hunter2",
        "./deploy --api-token hunter2 --fast",
        "curl -H 'Authorization: Bearer hunter2' x",
        "psql postgresql://me:hunter2@host/db",
        "DEPLOY_SECRET=hunter2 ./deploy",
    ],
)
def test_a_password_in_a_command_is_not_kept(tracker, tmp_path, command):
    """
    The log is for good, and is shown to many.
    """
    tracker("run", "deploy", "checkout", "v1", "--", "sh", "-c", f"true || {command}")

    assert all(b"hunter2" not in each.read_bytes() for each in tmp_path.glob("tracker.db*"))
    assert "***" in tracker("show", "checkout@v1", "--json").json["fields"]["command"]


# ── run test ─────────────────────────────────────────────────────────────────


@pytest.fixture
def clone(tmp_path):
    """A clone with one commit in the current folder; its hash."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / ".gitignore").write_text("tracker.db*\nstate\n")
    (tmp_path / "main.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return git("rev-parse", "HEAD")


def recorded_tests(tracker):
    rows = tracker("timeline", "--from", "10m-ago", "--to", "now", "--json").json["entries"]
    return [
        tracker("show", row["event"], "--json").json["fields"]
        for row in rows
        if row["kind"] == "tests-finished"
    ]


@pytest.mark.parametrize("code", [0, 3])
def test_a_test_run_is_tied_to_the_commit(tracker, clone, code):
    """
    HEAD of this clone, and how it ended.
    """
    assert tracker("run", "test", "checkout", "--", *CHILD, f"raise SystemExit({code})").code == code

    [found] = recorded_tests(tracker)
    assert (found["sha"], found["exit_code"], found.get("dirty", False)) == (clone, code, False)


def test_a_test_run_of_a_changed_clone_is_marked(tracker, clone, tmp_path):
    """
    What was tested is not that commit.
    """
    (tmp_path / "main.py").write_text("x = 2\n")
    tracker("run", "test", "checkout", "--", "true")

    assert recorded_tests(tracker)[0]["dirty"] is True


def test_a_test_run_outside_a_clone_is_recorded_without_a_commit(tracker):
    """
    It says so, and how to name one.
    """
    answer = tracker("run", "test", "checkout", "--", "true")

    assert "the commit under test is unknown" in answer.err
    assert "--sha SHA" in answer.err
    assert recorded_tests(tracker)[0]["sha"] is None


def test_a_test_run_of_a_named_commit(tracker, clone):
    """
    --sha wins over the clone.
    """
    tracker("run", "test", "checkout", "--sha", "feedface", "--", "true")

    assert recorded_tests(tracker)[0]["sha"] == "feedface"
