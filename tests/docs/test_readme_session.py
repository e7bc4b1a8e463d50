"""The README's sessions are typed here, and what they print is what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CHANGING = (
    (re.compile(r"\b[0-9a-v]{24}\b"), "<id>"),
    (re.compile(r"\b[0-9a-v]{7}\b(?=  | noted| deploy| rollback| linked|$)", re.MULTILINE), "<handle>"),
    (re.compile(r"\b\d+ s\b"), "<n> s"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z"), "<instant>"),
    (re.compile(r"^── \d{4}-\d{2}-\d{2} UTC", re.MULTILINE), "── <day>"),
    (re.compile(r"\b\d{2}:\d{2}(:\d{2})?\b"), "<clock>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
)


def sessions() -> list[str]:
    """Return the README's console blocks."""
    return _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def steps(block: str) -> list[tuple[str, str]]:
    """Take a block apart: what is typed after `$ `, and what then stands below it."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def test_the_readme_opens_with_a_session():
    """
    The first code that a stranger sees is one to type.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert text.index("```console") == text.index("```")
    assert len(sessions()) >= 2


@pytest.mark.parametrize("number", range(len(sessions())))
def test_typing_the_session_prints_what_the_readme_says(number: int, tmp_path: Path):
    """
    Handles, instants and hashes of one's own incident differ; everything else is to the letter.
    A line of dots stands for lines that are left out.
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TRACKER_USER": "alice",
        "TZ": "UTC",
        "COLUMNS": "100",
    }
    folder = tmp_path
    for typed, expected in steps(sessions()[number]):
        if typed.startswith(("make ", "git clone")):
            continue
        if typed.startswith("cd "):
            folder = folder / typed[3:]
            continue
        said = subprocess.run(
            ["bash", "-c", typed],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        ).stdout

        assert _matches(_steady(expected), _steady(said)), f"$ {typed}\n{said}"


def _steady(text: str) -> str:
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _matches(expected: str, said: str) -> bool:
    parts = [re.escape(part) for part in re.split(r"^…$", expected, flags=re.MULTILINE)]
    return re.fullmatch(r"[\s\S]*?".join(parts), said) is not None


def test_a_session_that_prints_something_else_is_found():
    """
    The comparison can fail.
    """
    assert _matches("one\n…\nthree", "one\ntwo\nthree")
    assert not _matches("one\n…\nfour", "one\ntwo\nthree")
