"""The post-incident report: the same log position gives the same bytes, and nobody's text becomes markup."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.generated_regions import parse
from tests import builders as b
from tests.reports import histories
from tests.reports.histories import report, text_of, told
from tracker.application import report_files
from tracker.cli import main
from tracker.log import Log

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "</td><script>alert(1)</script> | a || `b` \n# head\r\n- *x* [l](http://evil) ![i](x) <!-- --> &lt; ~~s~~ \x1b[31m\u202e"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def without_footer(markdown: str) -> str:
    """Leave out what names the versions that wrote it."""
    told = re.sub(r"Written by [^\n]*", "Written by VERSIONS", markdown)
    return re.sub(r"(?<=tracker:begin footer )[0-9a-f]{12}", "HASH", told)


def footer_of(markdown: str) -> dict[str, str]:
    return report_files.footer_of(parse(markdown.encode()))


def table_rows(markdown: str) -> Iterator[list[list[str]]]:
    """Give each table as rows of cells, cut where GitHub cuts: at bars that no backslash stands before."""
    table: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("|"):
            table.append(re.split(r"(?<!\\)\|", line)[1:-1])
        elif table:
            yield table
            table = []


def outside_code(markdown: str) -> str:
    """Leave out code, and the marks around what was generated."""
    marks = r"^<!-- tracker:(begin|end) [^<>\n]* -->$"
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(marks, "", markdown, flags=re.MULTILINE))


# ── what it says ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("whole_incident", "open_incident", "merged_incident", "false_alarm", "reopened_incident"),
        "action_items",
    ],
)
def test_a_report_reads_as_its_golden_file(tmp_path, name):
    """
    A change of wording is reviewed as a reader will see it; new ones are written with UPDATE_GOLDEN=1.
    """
    path = told(tmp_path / "tracker.db", getattr(histories, name)())

    written = without_footer(text_of(path))

    golden = GOLDEN / f"{name.replace('_', '-')}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("template", ["google", "pagerduty"])
@pytest.mark.parametrize("name", ["whole_incident", "open_incident", "told_incident"])
def test_a_report_in_other_headings_reads_as_its_golden_file(tmp_path, template, name):
    """
    The same facts, below the headings that the team is used to.
    """
    path = told(tmp_path / "tracker.db", getattr(histories, name)())

    written = without_footer(text_of(path, template=template))

    golden = GOLDEN / f"{name.replace('_', '-')}-{template}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


def test_every_section_of_the_guide_is_in_every_template(tmp_path):
    """
    No fact gets lost with the headings: a section that a template has no place for stands at its end.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    said = [line for line in text_of(path).splitlines() if line.startswith(("- ", "| 14:", "**"))]

    for template in ("google", "pagerduty"):
        # Google has a heading of its own for the trigger, which needs no label there.
        written = text_of(path, template=template)
        assert [
            line
            for line in said
            if line.replace("**Trigger:** ", "") not in written.replace("**Trigger:** ", "")
        ] in ([], [said[0]])


def test_what_is_not_known_is_said_with_the_command_that_would_make_it_known(tmp_path):
    """
    A section without facts does not stay empty, and nothing is made up for it.
    """
    path = told(tmp_path / "tracker.db", [histories.settings(), b.declared(5), b.resolved(40)])

    written = text_of(path)

    assert "not recorded; `tracker impact INC-1 '…'`" in written
    for kind in ("root-cause", "fix", "prevention", "lesson"):
        assert f"not recorded; `tracker note INC-1 --kind {kind} '…'`" in written
    assert "No samples recorded; `tracker collect INC-1`" in written
    assert "| Downtime | unknown |" in written


def test_a_duration_is_said_once(tmp_path):
    """
    The time to recover and the downtime have one formula here; two rows of the same would make a reader compare them.
    """
    written = text_of(told(tmp_path / "tracker.db", histories.whole_incident()))

    assert "| Downtime | 21 min |" in written
    assert "Time to recover" not in written


def test_a_cause_by_time_alone_is_named_a_candidate(tmp_path):
    """
    Nobody judged the deploy: it is a candidate, and the command to judge it stands below.
    """
    bad = b.deploy(minute=-4)
    path = told(tmp_path / "tracker.db", [bad, b.declared(5), b.resolved(40)])

    written = text_of(path)

    assert "Candidates by time alone, not confirmed yet:" in written
    assert f"tracker link INC-1 {b._id(bad)[-7:]} --as caused --why '…'" in written


def test_the_part_of_a_deploy_is_told_with_its_author(tmp_path):
    """
    A judgement is somebody's: the name stands beside it.
    """
    written = text_of(told(tmp_path / "tracker.db", histories.whole_incident()))

    assert ", says ada: it cut the pool to 10" in written
    assert "- **Trigger:** Deployed 1.4.2 at" in written
    assert "Candidates by time alone" not in written


def test_an_instant_on_another_day_has_its_date(tmp_path):
    """
    A clock time alone would be taken for the day that was named before.
    """
    path = told(tmp_path / "tracker.db", [b.declared(5), b.resolved(60 * 24 + 5)])

    assert "resolved at 2026-03-02 14:05, 1 d 0 h after" in text_of(path)


def test_a_metric_that_should_be_high_is_counted_under_its_limit(tmp_path):
    """
    The limit of such a metric is a floor.
    """
    settings = {"metrics": {"error_ratio": {**histories.METRICS["error_ratio"], "better": "higher"}}}
    facts = [
        b.settings(-60, service="checkout", settings=settings),
        *histories.error_ratio(-70, 110, (0, 21)),
    ]
    path = told(tmp_path / "tracker.db", [*facts, b.declared(5), b.resolved(40)])

    assert "| Window | Median | Lowest | Samples | Under 1 % |" in text_of(path)


# ── the same bytes ───────────────────────────────────────────────────────────


def test_the_same_position_gives_the_same_bytes_whatever_the_environment(tmp_path):
    """
    Neither the machine's zone, nor its language, nor the order of hashes shows in a report or a picture.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    seen = set()
    for number, (zone, language, seed) in enumerate(
        [("UTC", "C", "0"), ("Pacific/Apia", "C.UTF-8", "1"), ("America/St_Johns", "de_DE.UTF-8", "4242")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {**os.environ, "TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "tracker", "report", "1", "--store", str(path)]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        files = sorted(each for each in folder.rglob("*") if each.is_file())
        seen.add(tuple((each.relative_to(folder).as_posix(), each.read_bytes()) for each in files))

    assert len(seen) == 1
    assert {name for name, _ in next(iter(seen))} == {"INC-1.md", "INC-1/checkout-error_ratio.svg"}


def test_another_services_silence_changes_no_byte_of_a_report(tmp_path):
    """
    Neither a metric of theirs that was silent, nor a source that was back before it began.
    """
    written = text_of(told(tmp_path / "alone.db", histories.whole_incident()))
    others = [
        b.silent(15, service="billing", what="latency"),
        b.silent(-900),
        b.returned(-800, since=-900),
    ]

    beside = text_of(told(tmp_path / "beside.db", [*histories.whole_incident(), *others]))

    assert footer_of(beside)["position"] == footer_of(written)["position"]
    assert without_footer(beside).partition("\n---\n")[0] == without_footer(written).partition("\n---\n")[0]


def test_what_others_do_changes_no_byte_of_a_report(tmp_path):
    """
    Other incidents, other services, their settings and samples are no part of it.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    before = report(path)

    other = {"service": "search"}
    told(
        path,
        [
            b.deploy(10, **other),
            b.alert(12, **other, fingerprint="ffff"),
            b.declared(13, incident="INC-2", services=("search",)),
            b.note(14, incident="INC-2"),
            histories.settings("search"),
            *histories.error_ratio(-70, 110, (0, 5), "search"),
            b.deploy(60 * 24 * 9, version="9.0.0"),
            b.commit(60 * 24 * 9, sha="7" * 40),
            b.run_of_tests(60 * 24 * 9, sha="7" * 40),
        ],
    )

    assert report(path) == before


def test_the_procedure_stands_in_the_report_with_its_events(tmp_path):
    """
    What was late stands out, what was waived says by whom; of its own publication a report says nothing.
    """
    waiver = b.waived(50, incident="INC-1", rule="updates_on_time", why="we sat in one room")

    written = text_of(told(tmp_path / "tracker.db", [*histories.whole_incident(), waiver]))

    section = written.partition(": Procedure")[2].partition("<!-- tracker:end")[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in section.splitlines() if line.startswith("| ")}
    assert (
        "| **late** | A note was written by grace 9 min after detection, 4 min late. | `4cecdre` |"
        in rows["team alerted"]
    )
    assert "| waived | Waived by alice: we sat in one room" in rows["updates on time"]
    assert f"`{b._id(waiver)[-7:]}`" in rows["updates on time"]
    assert "report written" not in rows


def test_a_fact_that_a_rule_names_is_part_of_the_report_however_late_it_came(tmp_path):
    """
    The tag that says which commit was deployed was told a week later: the position is that of the tag.
    """
    fix = b.deploy(30, version="1.4.3", sha=None)
    history = [
        b.declared(5),
        b.run_of_tests(27),
        fix,
        b.linked(fix, 33, role="fixed", why="x"),
        b.resolved(40),
    ]
    path = told(tmp_path / "tracker.db", history)
    before = text_of(path)

    told(path, [b.tag(60 * 24 * 7, name="v1.4.3"), b.deploy(60 * 24 * 9, version="9.0.0")])
    after = text_of(path)

    assert "passed for 4f2d8c1" not in before
    assert "passed for 4f2d8c1" in after
    assert int(footer_of(after)["position"]) > int(footer_of(before)["position"])
    assert text_of(path, up_to=int(footer_of(after)["position"])) == after
    assert text_of(path, up_to=int(footer_of(before)["position"])) == before


def test_what_was_not_seen_is_said_and_drawn(tmp_path):
    """
    A silent source stands below the timeline, at its metrics, and as a band in their pictures.
    """
    quiet = [b.silent(10), b.silent(12, source="sentry"), b.returned(30, since=10)]
    path = told(tmp_path / "tracker.db", [*histories.whole_incident(), *quiet])

    written = report(path)
    (picture,) = written.pictures.values()
    (plain,) = report(told(tmp_path / "plain.db", histories.whole_incident())).pictures.values()

    span = "from 2026-03-01 14:10:00Z to 14:30:00Z (20 min)"
    below = written.markdown.partition("Silent sources; ")[2].partition("##")[0]
    assert f"- prometheus silent {span}: " in below
    assert "- sentry silent from 2026-03-01 14:12:00Z; nothing was received since" in below
    metrics = written.markdown.partition(": Metrics")[2].partition("<!-- tracker:end")[0]
    assert metrics.count(f"No data: prometheus silent {span}") == 1
    assert "sentry" not in metrics
    assert b"no data" in picture
    assert b"no data" not in plain


def test_an_earlier_position_gives_the_earlier_report(tmp_path):
    """
    What was recorded later is not in it, though it happened before.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    before = report(path)
    told(path, [b.note(13, text="and the fan was loud", decided_by="eve")])

    assert "the fan was loud" in report(path).markdown
    assert report(path, up_to=int(footer_of(before.markdown)["position"])) == before


def test_a_zone_is_only_for_display(tmp_path):
    """
    The heading names it; the instants move with it.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())

    written = text_of(path, zone_name="Asia/Kathmandu")

    assert "## Timeline (Asia/Kathmandu)" in written
    assert "started at 19:45 +0545" in written
    assert "| 19:45:00 | Incident started" in written
    time.tzset()


# ── its proof ────────────────────────────────────────────────────────────────


def _written(tmp_path: Path, *options: str) -> Path:
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    assert main(["report", "1", "--store", str(path), "-o", str(tmp_path / "r.md"), *options]) == 0
    return tmp_path / "r.md"


@pytest.mark.parametrize(
    "options", [(), ("--tz", "Europe/Berlin"), ("--pictures", "png"), ("--pictures", "none")]
)
def test_a_report_as_written_comes_out_the_same(tmp_path, capsys, options):
    """
    `verify --report` writes it anew from the position in its footer, in its own zone and form, and compares the bytes.
    """
    written = _written(tmp_path, *options)

    assert main(["verify", "--store", "tracker.db", "--report", str(written)]) == 0
    assert "is reproduced byte for byte" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("was", "now"),
    [("8 % of payments fail", "1 % of payments fail"), ("14:03:00", "14:04:00"), ("\n## Fix", "\n\n## Fix")],
)
def test_an_edited_report_is_found(tmp_path, capsys, was, now):
    """
    One changed character is enough; the command that shows it is ready to paste.
    """
    written = _written(tmp_path)
    written.write_text(written.read_text(encoding="utf-8").replace(was, now, 1), encoding="utf-8")

    assert main(["verify", "--store", "tracker.db", "--report", str(written)]) == 5
    said = capsys.readouterr()
    assert " differs: " in said.out
    assert "tracker report INC-1 --at-seq 24 --pictures svg -o - | diff" in said.err


def _retold(tmp_path: Path, *events: object, minute: float) -> str:
    """Record these at one minute, and write their report."""
    with Log(str(tmp_path / "retold.db"), now=lambda: b.at(minute), salts=histories.salts) as log:
        for event in events:
            if getattr(event, "incident", None) is None:
                log.append([event])
            else:
                log.decide("INC-1", lambda held, event=event: [event])
    return text_of(tmp_path / "retold.db")


def test_a_story_that_was_recorded_afterwards_says_so_once(tmp_path):
    """
    Not on each row how late it was.
    """
    text = _retold(tmp_path, b.declared(5), b.note(9), b.deploy(20), b.resolved(40), minute=3000)

    timeline = text.split("Whole timeline")[1].split("<!-- tracker:end")[0]
    assert (
        "Reconstructed afterwards: recording began at 2026-03-03 16:00:00 UTC, 2 d 2 h after the incident began"
        in timeline
    )
    assert timeline.count("Reconstructed") == 1
    assert "Each row was recorded from then on." in timeline
    assert "late" not in timeline
    assert "live" not in timeline


def test_of_a_reconstructed_story_what_was_recorded_then_is_marked(tmp_path):
    """
    An alert that came by webhook is no memory.
    """
    path = tmp_path / "both.db"
    clock = [b.at(3)]
    with Log(str(path), now=lambda: clock[0], salts=histories.salts) as log:
        log.append([b.alert(3)])
        clock[0] = b.at(20)
        log.append([b.deploy(6)])
        clock[0] = b.at(100)
        for event in (b.declared(5), b.note(9), b.resolved(40)):
            log.decide("INC-1", lambda held, event=event: [event])
    rows = text_of(path).split("Whole timeline")[1].split("<!-- tracker:end")[0].split("\n")

    (alert,) = [row for row in rows if "HighErrorRate fired" in row]
    (deploy,) = [row for row in rows if "Deployed" in row]
    (note,) = [row for row in rows if "| 14:09" in row]
    assert "*[live]*" in alert
    assert "*[late 14 min]*" in deploy
    assert "*[" not in note


def test_what_was_recorded_while_it_lasted_is_not_called_reconstructed(tmp_path):
    """
    A declaration 20 minutes late, before the end, is a late row.
    """
    path = tmp_path / "lasting.db"
    clock = [b.at(25)]
    with Log(str(path), now=lambda: clock[0], salts=histories.salts) as log:
        log.decide("INC-1", lambda held: [b.declared(5)])
        clock[0] = b.at(41)
        log.decide("INC-1", lambda held: [b.resolved(40)])
    text = text_of(path)

    assert "Reconstructed" not in text
    assert "*[late 20 min]*" in text


def test_verdicts_are_no_rows_of_the_timeline(tmp_path):
    """
    They are the tracker's own, and stand with the metrics.
    """
    change = b.deploy(20)
    given = b.verdicts(change, 30, decided_by="tracker")
    text = _retold(tmp_path, b.declared(5), change, given, b.resolved(40), minute=41)

    timeline = text.split("Whole timeline")[1].split("<!-- tracker:end")[0]
    assert "Deployed 1.4.2" in timeline
    assert "| tracker |" not in timeline


LINK = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


@pytest.mark.parametrize("template", ["guide", "google", "pagerduty"])
@pytest.mark.parametrize("kind", ["svg", "png", "none"])
def test_each_picture_that_a_report_links_lies_beside_it(tmp_path, template, kind):
    """
    Without pictures it links none, and is written again without them; the numbers stand there all the same.
    """
    written = _written(tmp_path, "--template", template, "--pictures", kind)
    linked = LINK.findall(written.read_text(encoding="utf-8"))

    assert len(linked) == (0 if kind == "none" else 1)
    assert all((tmp_path / link).is_file() for link in linked)
    assert f"pictures={kind} " in written.read_text(encoding="utf-8")
    before = written.read_bytes()
    again = ["report", "1", "--store", str(tmp_path / "tracker.db"), "-o", str(written)]
    assert main(again) == 0
    assert written.read_bytes() == before


@pytest.mark.parametrize("as_json", [False, True])
def test_a_report_on_stdout_links_no_picture(tmp_path, capsysbinary, as_json):
    """
    Nothing lies beside it; saved, it verifies.
    """
    path = told(tmp_path / "tracker.db", histories.whole_incident())
    words = ["--json"] if as_json else ["-o", "-"]
    assert main(["report", "1", "--store", str(path), *words]) == 0
    said = capsysbinary.readouterr().out.decode()
    markdown = json.loads(said)["markdown"] if as_json else said

    assert not LINK.search(markdown)
    assert "error_ratio" in markdown
    (tmp_path / "saved.md").write_text(markdown, encoding="utf-8")
    assert main(["verify", "--store", str(path), "--report", str(tmp_path / "saved.md")]) == 0


def test_an_edited_picture_is_found(tmp_path):
    """
    The pictures beside a report are part of it.
    """
    written = _written(tmp_path)
    picture = tmp_path / "r" / "checkout-error_ratio.svg"
    picture.write_bytes(picture.read_bytes() + b" ")

    assert main(["verify", "--store", "tracker.db", "--report", str(written)]) == 5


def test_a_report_of_another_log_is_found(tmp_path, capsys):
    """
    Its head is not in this one.
    """
    written = _written(tmp_path)
    other = told(tmp_path / "other.db", [b.declared(5), b.resolved(40), *(b.note(n) for n in range(41, 70))])

    assert main(["verify", "--store", str(other), "--report", str(written)]) == 5
    assert "That head is not in this log" in capsys.readouterr().out


def test_a_file_that_is_no_report_is_refused(tmp_path, capsys):
    """
    It has no footer to check.
    """
    told(tmp_path / "tracker.db", [b.declared(5)])
    (tmp_path / "x.md").write_text("# INC-1: x\n")

    assert main(["verify", "--store", "tracker.db", "--report", "x.md"]) == 11
    assert "x.md has no footer" in capsys.readouterr().err


# ── hostile text ─────────────────────────────────────────────────────────────


def _hostile() -> Path:
    bad = b.deploy(minute=-4, version=f"v1 {HOSTILE}", sha="9" * 40)
    labels = {"alertname": HOSTILE, "service": "checkout"}
    told_here = [
        histories.settings(),
        bad,
        b.alert(3, name=HOSTILE, labels=labels, annotations={"summary": HOSTILE}, severity=HOSTILE),
        b.alert_end(23, started=3, name=HOSTILE),
        b.error(6, title=HOSTILE, culprit=HOSTILE, release=HOSTILE),
        b.issue(7, title=HOSTILE, short_id=HOSTILE),
        b.declared(5, title=HOSTILE, impact=HOSTILE, lead=HOSTILE, decided_by=HOSTILE),
        b.commit(8, subject_line=HOSTILE, author=HOSTILE),
        b.run_of_tests(9, command=HOSTILE),
        b.tag(9, name=HOSTILE),
        b.branch(9, name=HOSTILE),
        *(
            b.note(20 + n, text=HOSTILE, kind=k)
            for n, k in enumerate(("note", "root-cause", "fix", "prevention", "lesson", "impact"))
        ),
        b.file(30, name=HOSTILE),
        b.linked(bad, 32, role="caused", why=HOSTILE, decided_by=HOSTILE),
        b.linked(b.deploy(31), 33, role="fixed", why=HOSTILE),
        b.severity(34, why=HOSTILE),
        b.waived(35, incident="INC-1", rule="verified", why=HOSTILE, decided_by=HOSTILE),
        b.prepared(36, text=HOSTILE),
        b.not_sent(b.prepared(36, text=HOSTILE), 37, reason=HOSTILE),
        b.resolved(40),
        b.reopened(41, why=HOSTILE),
        b.resolved(42),
    ]
    return told(Path("tracker.db"), [b.deploy(31), *told_here])


def test_hostile_text_does_not_become_markup():
    """
    Every character of what sources and people wrote stands for itself: no tag, no link, no picture, no heading.
    """
    written = text_of(_hostile())
    prose = outside_code(written)

    assert "<" not in prose
    assert not re.search(r"(?<!\\)\]\(", prose)
    assert not re.search(r"(?<!\\)!\[", prose)
    assert [line for line in written.splitlines() if re.match(r"#{1,6} head", line)] == []
    assert all(char.isprintable() or char == "\n" for char in written)


def test_hostile_text_does_not_break_a_table():
    """
    All rows of a table have as many cells as its head.
    """
    for table in table_rows(text_of(_hostile())):
        assert {len(row) for row in table} == {len(table[0])}


def test_hostile_labels_do_not_break_a_picture_or_its_table(tmp_path):
    """
    Labels of series come from Prometheus, and stand in the table and in the legend.
    """
    from xml.etree import ElementTree

    import numpy as np

    from tests.reports.histories import QUERY, _Columns
    from tracker.ingest.samples import intake
    from tracker.times import to_ms

    instants = np.array([to_ms(b.at(n)) for n in range(40)], np.int64)
    columns = [_Columns({"path": HOSTILE, "n": str(n)}, instants, np.full(40, 0.5)) for n in range(2)]
    facts = intake(
        columns, {}, service="checkout", metric="error_ratio", query=QUERY, unit="ratio",
        step_seconds=60.0, source="prometheus:prod", captured_at=b.at(50),
    )  # fmt: skip
    path = told(tmp_path / "tracker.db", [histories.settings(), *facts, b.declared(5), b.resolved(30)])

    written = report(path)

    assert "<" not in outside_code(written.markdown)
    for table in table_rows(written.markdown):
        assert {len(row) for row in table} == {len(table[0])}
    [picture] = written.pictures.values()
    assert not list(ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}script"))
