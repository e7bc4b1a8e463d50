"""No command for people to paste is built of a value that is not quoted for a shell."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracker
from tracker.cli.commands import COMMANDS

ROOT = Path(tracker.__file__).parents[1]
FILES = sorted(
    path for folder in ("tracker", "reports", "projections") for path in (ROOT / folder).rglob("*.py")
)
BEGIN = re.compile(
    rf"(?:\btracker (?:{'|'.join(COMMANDS)})|\bgit (?:-C|clone|checkout|config)|--config|\bexport"
    r"|\b(?:mv|cp|rm|cat|cd|ls|chmod|mkdir|sha256sum|fuser|df|curl|gzip|diff|kill)(?: -\w+)*)(?: |$)"
)
END = re.compile(r"[;,·()\n]|   ")
QUOTED = {"word", "command"}
OURS = {
    # Identities that this program makes: no payload and no person chooses their characters.
    *("id", "handle", "merged_into", "number", "key", "pid", "handle_of", "utc", "version"),
    *("incident", "LOCK_SECONDS", "LOCK_TIMEOUT_SECONDS"),
    # Words that are quoted where they are made.
    *("place", "again", "amend", "handles", "prog", "lies_here"),
}
TYPED = {"arguments", "request"}


def unquoted(source: str) -> Iterator[str]:
    """Yield each value that an f-string puts into a command as it is."""
    for text in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)):
        inside = False
        for part in text.values:
            if isinstance(part, ast.Constant):
                begins = list(BEGIN.finditer(part.value))
                rest = part.value[begins[-1].end() :] if begins else part.value
                inside = (inside or bool(begins)) and not END.search(rest)
            elif inside and isinstance(part, ast.FormattedValue) and not is_safe(part.value):
                yield f"line {part.lineno}: {ast.unparse(part.value)}"


def is_safe(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in QUOTED | OURS
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return attribute in OURS and name not in TYPED
        case ast.Attribute(attr=attribute):
            return attribute in OURS
        case ast.Name(id=name):
            return name in OURS
        case ast.BoolOp(values=values):
            return all(is_safe(one) for one in values)
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[ast.Name(id=name)]):
            return name in OURS
    return isinstance(value, ast.Constant)


def test_every_value_in_a_command_is_quoted():
    """
    Use `command` or `word` of tracker.text.shell, whatever the value is today.
    """
    places = [
        f"{path.relative_to(ROOT)}, {value}"
        for path in FILES
        for value in unquoted(path.read_text(encoding="utf-8"))
    ]
    assert places == []


@pytest.mark.parametrize(
    "line",
    [
        "f'tracker changes --service {service}'",
        "f'See: tracker note {incident.id} {text}; or not'",
        "f'tracker link {request.incident} X'",
        "f'ls -ld {path}'",
        "f'{word(a)} tracker show {b}'",
        "f'tracker note {word(a)} --by {b}'",
    ],
)
def test_a_value_that_is_not_quoted_is_noticed(line: str):
    assert len(list(unquoted(line))) == 1
