"""Every notebook runs on the demo's log and on a made-up company, and none is stored with what it printed."""

import json
import subprocess
import sys
from datetime import datetime

import nbformat
import pytest
from nbclient import NotebookClient

from projections import frames
from reports.trends import value
from tests.notebooks.clear import NOTEBOOKS, cleared
from tracker.application.company import play_company
from tracker.application.trends import trends
from tracker.log import Log

pytestmark = [pytest.mark.slow]
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
WHAT_HAPPENED = NOTEBOOKS[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a demo."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "tracker", "demo", str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The folder of a made-up company."""
    folder = tmp_path_factory.mktemp("company")
    play_company(folder, 1)
    return folder


def ran(path, folder):
    """Run a notebook in a kernel of its own and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts(notebook, kind="text/plain"):
    return [each["data"][kind] for each in outputs(notebook) if kind in each.get("data", {})]


@each
@pytest.mark.parametrize("log", ["demo", "company"])
def test_it_runs_draws_and_ends_with_an_answer(path, log, request, monkeypatch):
    """
    From the first cell to the last, without a warning, with a picture at least; its title is a question.
    """
    folder = request.getfixturevalue(log)
    monkeypatch.setenv("TRACKER_DEMO", str(folder))
    monkeypatch.delenv("MPLBACKEND")  # as in a notebook, where pictures go into the cells

    notebook = ran(path, folder)

    assert [each.text for each in outputs(notebook) if each.output_type == "stream"] == []
    assert any("image/png" in each.get("data", {}) for each in outputs(notebook))
    assert notebook.cells[0].source.split("\n")[0].endswith("?")
    assert len(texts(notebook, "text/markdown")) == 1
    if (path, log) == (WHAT_HAPPENED, "demo"):
        assert any("v1.2.0" in text for text in texts(notebook))


def test_what_changed_is_what_the_page_and_its_json_say(company, monkeypatch):
    """
    The notebook prints the command whose page has the same claims, in the same words.
    """
    monkeypatch.setenv("TRACKER_DEMO", str(company))
    notebook = ran(next(path for path in NOTEBOOKS if "what_changed" in path.stem), company)
    answer = texts(notebook, "text/markdown")[0]
    command = next(text for text in texts(notebook) if "tracker trends" in text).strip("'\"").split()

    def typed(*more):
        done = [sys.executable, "-m", *command, *more]
        return subprocess.run(done, cwd=company, check=True, capture_output=True, text=True).stdout

    page, found = typed(), json.loads(typed("--json"))["measures"]
    claimed = [each["says"] for each in found if each["claim"]]
    assert len(claimed) >= 3
    assert [line.partition("**: ")[2] for line in answer.split("\n")] == claimed
    assert all(says in page for says in claimed)


def test_the_tables_figures_are_those_of_page_and_json_to_the_digit(company):
    """
    By quarter: one function measures, whoever asks.
    """
    span = ("2025-01-01T00:00Z", "2025-12-31T00:00Z")
    by = "quarter"
    typed = ["tracker", "trends", "--from", span[0], "--to", span[1], "--by", by]
    page, answer = (
        subprocess.run(
            [sys.executable, "-m", *typed, *more], cwd=company, check=True, capture_output=True, text=True
        ).stdout
        for more in ((), ("--json",))
    )
    with frames.open(company) as tables, Log(str(company / "tracker.db")) as log:
        rows = tables.trends(*span, by=by)
        figures = trends(log, *map(datetime.fromisoformat, span), by=by).measures

    for row, told, figure in zip(
        rows.to_dict("records"), json.loads(answer)["measures"], figures, strict=True
    ):
        for name in ("value", "low", "high", "change", "change_low", "change_high", "n", "n_before"):
            there = None if row[name] != row[name] else row[name]
            assert (None if str(there) == "<NA>" else there) == told[name], (name, told)
        assert row["says"] == told["says"]
        assert value(figure) in page


def test_it_plays_a_log_of_its_own_when_it_is_given_none(tmp_path, monkeypatch):
    """
    Nothing has to be prepared to try it.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    ran(WHAT_HAPPENED, tmp_path)

    assert list(tmp_path.glob("tracker-demo-*/tracker.toml"))


@each
def test_it_is_stored_without_what_it_printed(path):
    """
    A review sees questions, not data; take it out with: python -m tests.notebooks.clear
    """
    text = path.read_text(encoding="utf-8")

    assert text == cleared(text)


@each
def test_it_imports_of_ours_only_the_tables(path):
    """
    What a notebook may rely on is projections.frames and projections.trends; all else may change.
    """
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    imports = [
        line for source in cells for line in source.splitlines() if line.startswith(("import ", "from "))
    ]
    ours = {
        line
        for line in imports
        if line.split()[1].split(".")[0] in ("tracker", "projections", "reports", "tests")
    }

    assert ours <= {"from projections import frames", "from projections import frames, trends"}
