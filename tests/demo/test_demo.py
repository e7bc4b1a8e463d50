"""The demo is whole, is the same everywhere, and leaves alone what is not its own."""

import hashlib
import json
import lzma
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo import metrics, record
from tests.reports.surfaces import contradictions, surfaces
from tracker.demo import repository, story
from tracker.log import Log

pytestmark = pytest.mark.slow

FEEDS = Path(repository.__file__).parent / "feeds"


def tracker(*words, cwd, expect=0, **environment):
    """Type a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tracker", *words],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == expect, done.stderr
    return done


def contents(folder):
    """Hash every file that the demo wrote, but for git's own."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts and path.name != ".tracker-demo"
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo that tests only read, and what it printed."""
    place = tmp_path_factory.mktemp("demo")
    done = tracker("demo", cwd=place)
    return place / "tracker-demo", done.stdout


def test_a_picture_of_one_series_is_named_after_its_metric(demo):
    """
    Labels tell series apart; of one alone they only fill the legend.
    """
    folder, _ = demo

    drawn = (folder / "INC-42" / "checkout-latency_seconds.svg").read_text(encoding="utf-8")

    assert ">P95 latency of checkout<" in drawn
    assert "quantile=" not in drawn


def test_every_surface_of_a_demo_says_the_same_of_one_fact(demo, tmp_path, capsys, monkeypatch):
    """
    It was mitigated at 15:12 by Alice's word, and back at 15:14 by the metrics: text and pictures go by the metrics.
    """
    shutil.copytree(demo[0], tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("TRACKER_USER", "Alice")

    different, counts = contradictions(surfaces(tmp_path / "shop" / "tracker.db", "INC-42", capsys))

    assert different == {}
    assert counts["back"] >= 4


def test_every_window_of_a_demo_has_its_verdict(demo):
    """
    Two weeks are recorded, as coarsely as `collect` asks for them: enough for an honest day.
    """
    folder, _ = demo

    rows = json.loads(tracker("compare", "INC-42", "--json", cwd=folder).stdout)["rows"]

    after_fix = {row["verdict"] for row in rows if row["baseline"] == "healthy"}
    assert after_fix == {"recovered"}
    assert {row["window"] for row in rows if row["baseline"] == "healthy"} == {"10m", "1h", "1d"}
    assert {row["verdict"] for row in rows} == {"regressed", "unchanged", "improved", "recovered"}
    # The day's verdict does not put off the end of an incident that was over within minutes.
    assert all(row["recovered_at"] < "2026-01-22T15:15" for row in rows if row["baseline"] == "healthy")


def test_the_procedure_of_a_demo_is_followed_in_part(demo):
    """
    Judged from its samples as anybody would: the alert came in time, the fix five minutes late, and it was proven.
    """
    folder, _ = demo

    answer = json.loads(tracker("check", "INC-42", "--json", cwd=folder, expect=4).stdout)

    found = {each["rule"]: each for each in answer["rules"]}
    status = {rule: each["status"] for rule, each in found.items()}
    assert status["team_alerted"] == status["verified"] == status["watched_1d"] == "met"
    assert (status["deployed_in_time"], found["deployed_in_time"]["late_seconds"]) == ("late", 289.733)
    assert [rule for rule, answer in status.items() if answer in ("late", "missed", "unknown")] == [
        "deployed_in_time"
    ]
    # The hotfix branch was tested, and what was deployed is its merge, with the same files.
    assert status["tested_before_deploy"] == "met"
    assert status["watched_10m"] == "waived"
    assert status["rolled_back_when_not_fixed"] == "not_applicable"


def test_a_demo_ends_in_a_report_with_its_pictures(demo):
    """
    Every picture that the report shows lies beside it, and each part of the guide has something in it.
    """
    folder, _ = demo

    report = (folder / "INC-42.md").read_text()

    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", report)
    assert len(shown) == 3
    assert all((folder / path).read_text().startswith("<?xml") for path in shown)
    for part in ("Summary", "Timeline", "Root Cause", "Fix", "Prevention", "Lessons Learned"):
        [section] = re.findall(rf"\n## {part}[^\n]*\n(.+?)(?=\n## |\n---)", report, re.DOTALL)
        assert "not recorded" not in section


def test_the_tour_shows_the_picture_of_today(demo):
    """
    `make pictures` draws it and the first screen anew.
    """
    folder, _ = demo
    shown = Path(__file__).parents[2] / "docs" / "tour" / "failed-requests.svg"

    assert shown.read_bytes() == (folder / "INC-42" / "checkout-error_ratio.svg").read_bytes()


def test_every_command_that_it_prints_works(demo):
    """
    What it says to try can be pasted; the story is one in which not all went well, so its check has findings.
    """
    folder, printed = demo

    commands = re.findall(r"^  \S*(?:python\S* -m )?tracker (.+)$", printed, re.MULTILINE)

    assert len(commands) == 5
    for command in commands:
        expect = 4 if command.startswith("check") else 0
        assert tracker(*shlex.split(command), cwd=folder, expect=expect).stdout.strip()


def test_its_log_is_whole_and_its_report_comes_out_the_same(demo):
    """
    The proof holds, and the report's footer stands in the log.
    """
    folder, printed = demo

    found = json.loads(tracker("verify", "--json", "--report", "INC-42.md", cwd=folder).stdout)

    assert found["whole"]
    assert found["unsealed"] == 0
    assert found["report_same"] is True
    assert f"{found['events']} events in all" in printed


def test_it_is_the_same_bytes_wherever_it_is_played(demo, tmp_path):
    """
    Neither zone, locale, home, hash seed, git's settings nor the tracker's own reach it.
    """
    foreign = tmp_path / "gitconfig"
    foreign.write_text(
        "[core]\n\tautocrlf = true\n[diff]\n\tnoprefix = true\n[log]\n\tshowSignature = true\n"
        "[init]\n\tdefaultBranch = trunk\n[user]\n\tname = Mallory\n"
    )
    (tmp_path / "tracker.toml").write_text('[tracker]\nprefix = "OPS"\nstore = "elsewhere.db"\n')

    tracker(
        "demo",
        "another place",
        cwd=tmp_path,
        TZ="America/New_York",
        LC_ALL="C",
        HOME="/nonexistent",
        PYTHONHASHSEED="7",
        GIT_CONFIG_GLOBAL=str(foreign),
        GIT_DIR="/nonexistent",
        TRACKER_TZ="No/Zone",
        TRACKER_STORE="strange://store",
        TRACKER_USER="Mallory",
        TRACKER_INCIDENT="INC-9",
    )

    assert contents(tmp_path / "another place") == contents(demo[0])
    assert not (tmp_path / "elsewhere.db").exists()


def test_nothing_of_this_machine_is_in_the_log(demo):
    """
    Every event was recorded at the story's instants, none of them today.
    """
    with Log(str(demo[0] / "tracker.db")) as log:
        recorded = list(log.read_all())

    assert {each.recorded_at.strftime("%m-%d") for each in recorded} == {"01-22", "01-23", "01-26", "01-27"}
    assert all(
        each.arrival.received_at is None or each.arrival.received_at == each.recorded_at for each in recorded
    )


def test_late_and_amended_entries_are_in_it(demo):
    """
    The timeline shows what people put right and what they remembered the morning after.
    """
    entries = json.loads(tracker("timeline", "INC-42", "--json", cwd=demo[0]).stdout)["entries"]

    [amended] = [entry for entry in entries if entry["amended"]]
    latest = max(entries, key=lambda entry: entry["late_seconds"] or 0)
    roles = {entry["title"]: entry["attribution"]["as"] for entry in entries if entry["attribution"]}
    assert amended["occurred_at"] == "2026-01-22T14:45:00.000Z"
    assert latest["late_seconds"] > 18 * 3600
    assert roles == {"Deployed v1.2.0": "caused", "Deployed v1.2.1": "fixed", "Deployed v3.8.0": "dismissed"}


def test_playing_it_again_replaces_only_an_untouched_demo(tmp_path):
    """
    A demo that somebody went on with is theirs.
    """
    first = json.loads(tracker("demo", "here", "--json", cwd=tmp_path).stdout)
    tracker("timeline", "INC-42", cwd=tmp_path / "here")
    second = json.loads(tracker("demo", "here", "--json", cwd=tmp_path).stdout)
    tracker("note", "INC-42", "mine", "--by", "Me", cwd=tmp_path / "here")
    before = contents(tmp_path / "here")

    refused = tracker("demo", "here", cwd=tmp_path, expect=12)

    assert first == second
    assert "rm -r here" in refused.stderr
    assert contents(tmp_path / "here") == before
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path):
    """
    A folder with a file in it, and a file, are refused; an empty folder is taken.
    """
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("all of it")
    (tmp_path / "empty").mkdir()

    refused = tracker("demo", "full", cwd=tmp_path, expect=12)
    on_a_file = tracker("demo", "full/thesis.tex", cwd=tmp_path, expect=12)
    tracker("demo", "empty", cwd=tmp_path)

    assert "is not empty" in refused.stderr
    assert "is a file" in on_a_file.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_without_git_it_goes_on_without_commits(tmp_path):
    """
    git is the one program that it asks; what is missing then is said.
    """
    (tmp_path / "bin").mkdir()

    done = tracker("demo", cwd=tmp_path, PATH=str(tmp_path / "bin"))

    assert "none, because git is not installed" in done.stdout
    assert "Deployed v1.2.1" in (tmp_path / "tracker-demo" / "INC-42.md").read_text()
    assert not (tmp_path / "tracker-demo" / "checkout").exists()


def test_the_story_goes_forward_and_uses_every_feed():
    """
    Steps stand in the order of their instants, and no recorded feed lies about unused.
    """
    instants = [story.instant(step.at) for step in story.STORY]
    used = {step.feed for step in story.STORY if isinstance(step, story.Delivered)}

    recorded = {str(path.relative_to(FEEDS)) for path in FEEDS.rglob("*") if path.is_file()}

    assert instants == sorted(instants)
    assert recorded - used == {"README.md", "checkout.bundle", "commits.json", "prometheus.json.xz"}
    assert sum(path.stat().st_size for path in FEEDS.rglob("*") if path.is_file()) < 400_000


def test_the_alert_fires_when_the_story_says():
    """
    The metrics that are recorded cross the rule's limit at the instants that Alertmanager was told.
    """
    *_, (name, _, firing) = metrics.history()

    assert name == "ALERTS"
    assert firing[0][0] == record.FIRED.timestamp()
    assert firing[-1][0] + metrics.STEP_SECONDS == record.ENDED.timestamp()


def test_a_demo_is_a_shop_window(demo):
    """
    Its report answers the first questions before any table, is short before its appendices, and nothing is overdue.
    """
    folder, _ = demo
    report = (folder / "INC-42.md").read_text(encoding="utf-8")
    main, appendices = report.split("## Appendix A", 1)
    first_screen = main.partition("\n| ")[0]

    for label in ("How bad", "How long", "Why", "What ended it", "Is it over", "What now", "Who"):
        assert f"- **{label}:** " in first_screen
    assert "Affected: 23,500 requests, 1,140 orders" in first_screen
    assert "![Failed requests of checkout" in first_screen
    assert len(main.split()) <= 1200
    rows = [
        line for line in main.split("## Timeline")[1].split("\n## ")[0].splitlines() if line.startswith("| ")
    ]
    assert len(rows) - 2 <= 15
    assert "Ben Okafor" not in report
    shown = tracker("show", "INC-42", cwd=folder).stdout
    assert "overdue" not in shown
    assert all(name in appendices for name in ("Appendix B", "Appendix C", "Appendix D"))


def test_nothing_names_a_folder_of_the_machine_that_recorded_it():
    """
    In the whole tree: the service runs in /srv/checkout, its libraries too; nobody's home or clone is in a feed.
    """
    root = Path(__file__).parents[2]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    machine = re.compile(
        rb"/(?:work|home|root|Users|tmp)/[^\s\"']*site-packages|/work/(?:main|[a-z]+)/\.venv|"
        + re.escape(str(root).encode())
        + rb"(?![\w-])"
    )

    named = []
    for name in listed.decode().split("\0")[:-1]:
        if name.startswith("tests/log/stores/"):
            continue  # what earlier versions recorded stays as they recorded it
        data = (root / name).read_bytes() if (root / name).is_file() else b""
        data = lzma.decompress(data) if name.endswith(".xz") else data
        if machine.search(data):
            named.append(name)

    assert named == []
