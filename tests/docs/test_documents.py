"""The documents are held to what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.commands_page import PAGE, page
from tracker.cli.commands import COMMANDS, GROUPS
from tracker.cli.dispatch import parser_for

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_every_command_stands_in_the_page_of_commands_as_it_is():
    """
    The page is what the commands say of themselves; mend it with python -m tests.docs.commands_page.
    """
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_command_is_listed_in_the_help():
    """
    A command that `tracker --help` does not name is one that nobody finds.
    """
    listed = [name for _, names in GROUPS for name in names]

    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_that_ends_with_a_line_to_paste(name: str):
    """
    Help opens with what the command does and ends with an example of it.
    """
    parser = parser_for(name)

    assert (parser.description or "").strip()
    assert f"tracker {name}" in (parser.epilog or "").splitlines()[-1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    """
    Every relative link of a document names a file that is there.
    """
    broken = [
        link
        for link in _LINK.findall(_without_code(document.read_text(encoding="utf-8")))
        if "://" not in link
        and not (document.parent / link.partition("#")[0]).exists()
        and not link.startswith("#")
    ]

    assert not broken


def _without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def test_nothing_of_the_project_needs_what_a_clone_does_not_have():
    """
    A stranger's clone has no ../shared.
    """
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    named = [
        name
        for name in files
        if name.endswith((".py", ".toml", ".md", ".sh", ".ipynb", "Makefile"))
        and name != "tests/docs/test_documents.py"
        and "../shared" in (ROOT / name).read_text(encoding="utf-8")
    ]

    assert not named


def test_help_and_timeline_import_nothing_heavy():
    """
    What an on-call engineer waits for does not load tables, pictures or numbers.
    """
    script = (
        "import sys; from tracker.cli import main; main(['--help']); import tracker.cli.timeline, projections.timeline, tracker.log;"
        "print([m for m in ('numpy','pandas','matplotlib','requests','sentry_sdk','psycopg') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert said.splitlines()[-1] == "[]"


_PATH = re.compile(r"`((?:tracker|projections|reports|tests|docs|notebooks)/[\w./-]*\w/?)`")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_the_files_that_the_maps_name_are_there(name: str):
    """
    Whoever follows a map finds each folder and file that it names.
    """
    named = _PATH.findall((ROOT / name).read_text(encoding="utf-8"))

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
