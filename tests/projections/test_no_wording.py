"""Projections return codes and facts: they import no report and spell no command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.wording import commands, procedure
from tracker.cli.commands import COMMANDS

FOLDER = Path(__file__).parents[2] / "projections"
MODULES = [path for path in sorted(FOLDER.rglob("*.py")) if "frames" not in path.parts]
"""All but `frames`, which notebooks ask as people ask the command line: it words its answers."""


def strings(path: Path) -> Iterator[str]:
    """Every string of a module but its docstrings, and what its errors tell to type."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    errors = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    errors += [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "hint"]
    raised = [node for error in errors for node in ast.walk(error)]
    names = {node.id for node in raised if isinstance(node, ast.Name)}
    hints = [node.value for node in tree.body if isinstance(node, ast.Assign) and _name(node) in names]
    left_out = {id(node) for node in raised}
    left_out |= {id(node) for hint in hints for node in ast.walk(hint)}
    left_out |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def _name(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


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
