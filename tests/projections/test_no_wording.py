"""Projections return codes and facts: they import no report and spell no command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.wording import commands, procedure
from tracker.cli import COMMANDS

FOLDER = Path(__file__).parents[2] / "projections"
FRONT = FOLDER / "frames.py"
"""Notebooks ask it as people ask the command line: it may word its answers, and its errors name commands."""
MODULES = [path for path in sorted(FOLDER.rglob("*.py")) if path != FRONT]


def strings(path: Path) -> Iterator[str]:
    """Every string of a module but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_projection_spells_a_command(path: Path) -> None:
    """
    `reports.wording` does, quoted for a shell.
    """
    pattern = re.compile(rf"\btracker ({'|'.join(map(re.escape, COMMANDS))})\b")

    assert [text for text in strings(path) if pattern.search(text)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_projection_imports_a_report(path: Path) -> None:
    """
    Reports stand on projections.
    """
    names = [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]

    assert [name for name in names if name.split(".")[0] == "reports"] == []


def test_every_reason_of_a_rule_has_a_sentence_and_every_sentence_a_reason() -> None:
    """
    Reasons are the strings beside a status, and what says how a fix came onto a branch.
    """
    known = {text for path in (FOLDER / "procedure").glob("*.py") for text in strings(path)}

    assert procedure.REASONS - known == set()
    assert commands.STEPS - known == set()
    assert _reasons_given() - procedure.REASONS == set()


def _reasons_given() -> set[str]:
    """The texts that are given to an answer, or to a reason, as its code."""
    found = set()
    for path in (FOLDER / "procedure").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CODE_AT:
                code = node.args[_CODE_AT[node.func.id]]
                found |= {each.value for each in ast.walk(code) if isinstance(each, ast.Constant)}
    return found


_CODE_AT = {"Reason": 0, "unknown": 0, "_unknown": 0, "_branched_elsewhere": 0, "answer": 1}
