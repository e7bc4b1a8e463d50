"""`tracker backup`, and every command line of docs/backup.md in the order in which it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Typed, refused

PAGE = Path(__file__).parents[2] / "docs" / "backup.md"


def test_the_lines_of_the_page_are_typed_in(declared: Typed, tmp_path: Path, postgres_url: str, monkeypatch):
    """
    Backup, check, restore, PostgreSQL and back: each line ends with 0, and the last copy is the log.
    """
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "tracker.db"\n')
    monkeypatch.delenv("TRACKER_STORE")
    lines = "\n".join(
        re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    assert lines.count("tracker backup") == 3
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    typed = subprocess.run(
        ["bash", "-e", "-u", "-c", lines],
        cwd=tmp_path,
        env={**os.environ, "DATABASE": postgres_url, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert typed.returncode == 0, typed.stderr
    heads = [
        declared("verify", "--store", tmp_path / name, "--json").json["head"]
        for name in ("tracker.db", "tracker-from-postgresql.db", "tracker-monday.db")
    ]
    assert len(set(heads)) == 1


def test_a_backup_says_its_position_and_head(declared: Typed):
    """
    As the log has them; a second time the file is there, and is not touched.
    """
    head = declared("verify", "--json").json["head"]
    answer = declared("backup", "copy.db")
    before = Path("copy.db").read_bytes()

    assert answer.code == 0
    position = declared("verify", "--json").json["position"]
    assert answer.out.splitlines() == ["copy.db", f"position {position}", f"head {head}"]
    assert f"tracker verify --store copy.db --head {head}" in answer.err
    refused(declared("backup", "copy.db"), 12, "copy.db already exists")
    refused(declared("backup", "none/copy.db"), 11, "there is no folder none")
    assert Path("copy.db").read_bytes() == before
    assert declared("backup", "again.db", "--json").json["head"] == head
