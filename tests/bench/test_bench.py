"""The benchmark works. No test here fails because a machine is slow."""

import json
import subprocess
import sys

import pytest

from tests.bench.commands import heavy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def said():
    """What a small run answers to a program."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--small", "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def test_every_promise_is_measured_or_says_why_not(said):
    """
    A row without a figure names what is missing on this machine.
    """
    assert len(said["rows"]) >= 12
    assert all(row["measured"] or row["note"].startswith("not measured") for row in said["rows"])


def test_a_ratio_stands_beside_its_limit(said):
    """
    A ratio says what was wanted of it, and whether that was met.
    """
    compared = [row for row in said["rows"] if row["wanted"] and row["ratio"] is not None]

    assert len(compared) >= 8
    assert all(row["met"] is not None and row["ratio"] > 0 for row in compared)


def test_figures_name_their_machine(said):
    """
    A number without its machine says little.
    """
    assert {"python", "sqlite", "cores", "load_1m"} <= said["machine"].keys()


def test_help_imports_nothing_heavy(tmp_path):
    """
    That is not a question of speed but of which modules import which: it holds on every machine.
    """
    assert heavy(["--help"], tmp_path) == []
