"""Projections return codes and facts: they import no report and spell no command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.wording import commands, durations, procedure_sentences, verdict_phrases
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


def test_every_reason_has_a_sentence_and_every_sentence_a_reason() -> None:
    """
    Of rules, verdicts and durations; the codes are written out where they are given.
    """
    sentences = {*procedure_sentences.REASONS, *verdict_phrases.REASONS, *durations.REMARKS}
    known = {text for path in MODULES for text in strings(path)}

    assert _reasons_given() - sentences == set()
    assert {*sentences, *commands.STEPS} - known == set()


def _reasons_given() -> set[str]:
    """The texts that are given to an answer, or to a reason, as its code."""
    found = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = (
                getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            )
            if isinstance(node, ast.Call) and name in _CODE_AT:
                code = node.args[_CODE_AT[name]]
                found |= {text.value for text in ast.walk(code) if isinstance(text, ast.Constant)}
    return found


_CODE_AT = {"Reason": 0, "remarked": 0, "unknown": 0, "_unknown": 0, "_branched_elsewhere": 0, "answer": 1}
"""By function: where in its call the code is."""
