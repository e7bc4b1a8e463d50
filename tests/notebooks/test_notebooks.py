"""Every notebook runs on the demo's log, and none is stored with what it printed."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.clear import NOTEBOOKS, cleared

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a demo."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "tracker", "demo", str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return folder


def ran(path, folder):
    """Run a notebook in a kernel of its own and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_it_runs_on_the_demo_and_draws(path, demo, monkeypatch):
    """
    From the first cell to the last, without a warning, with a picture at least.
    """
    monkeypatch.setenv("TRACKER_DEMO", str(demo))
    monkeypatch.delenv("MPLBACKEND")  # as in a notebook, where pictures go into the cells

    found = outputs(ran(path, demo))

    assert [each.text for each in found if each.output_type == "stream"] == []
    assert any("image/png" in each.get("data", {}) for each in found)
    assert any("v1.2.0" in each.get("data", {}).get("text/plain", "") for each in found)


def test_it_plays_a_demo_of_its_own_when_it_is_given_none(path, tmp_path, monkeypatch):
    """
    Nothing has to be prepared to try it.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    ran(path, tmp_path)

    assert list(tmp_path.glob("tracker-demo-*/tracker.toml"))


def test_it_is_stored_without_what_it_printed(path):
    """
    A review sees questions, not data; take it out with: python -m tests.notebooks.clear
    """
    text = path.read_text(encoding="utf-8")

    assert text == cleared(text)


def test_it_imports_of_ours_only_the_tables(path):
    """
    What a notebook may rely on is projections.frames; all else may change.
    """
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    imports = [
        line for source in cells for line in source.splitlines() if line.startswith(("import ", "from "))
    ]
    ours = [
        line
        for line in imports
        if line.split()[1].split(".")[0] in ("tracker", "projections", "reports", "tests")
    ]

    assert ours == ["from projections import frames"]
