"""Every command line of docs/team.md, typed on two laptops with one database."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "team.md"


def test_the_lines_of_the_page_are_typed_in(tmp_path, postgres_url):
    """
    Each line ends with 0, both notes are there, and each row has its author.
    """
    lines = "\n".join(
        re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    typed = subprocess.run(
        ["bash", "-e", "-u", "-x", "-c", lines],
        cwd=tmp_path,
        env={**os.environ, "DATABASE": postgres_url, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert typed.returncode == 0, typed.stderr
    shown = typed.stdout
    for text in ("Payments answer 500", "the error rate is back to normal", "watching it"):
        assert text in shown
    report = (tmp_path / "ben" / "INC-1.md").read_text(encoding="utf-8")
    assert "Ana" in report
    assert "Ben" in report
