"""Every command line of docs/postgresql.md, typed against a real PostgreSQL with passwords, TLS and a standby."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.postgres import _binaries, database_user, postgres
from tests.servers.process import free_port
from tracker.log import Log

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
SUDO = """#!/bin/sh
# The page's sudo: another user where we are root, else nobody else.
owner=
[ "$1" = -u ] && { owner=$2; shift 2; }
if [ "$1" = install ]; then
    shift; [ "$1" = -o ] && { to=$2; shift 2; }
    install "$@"
    if [ "$(id -u)" = 0 ]; then for last; do :; done; chown "$DB_USER" "$last"/server.key "$last"/server.crt; fi
    exit
fi
if [ -n "$owner" ] && [ "$(id -u)" = 0 ]; then cd /; exec setpriv --reuid "$DB_USER" --regid "$DB_GROUP" --clear-groups -- "$@"; fi
exec "$@"
"""


@pytest.mark.slow
def test_the_lines_of_the_page_are_typed_in(tmp_path, monkeypatch):
    """
    Roles, rights, passwords, TLS, a standby, a failover and backups: each line ends with 0, and the log is whole.
    """
    if shutil.which("openssl") is None or shutil.which("setpriv") is None:
        pytest.skip("needs openssl and setpriv")
    lines = "\n".join(
        re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    assert lines.count("tracker ") > 8
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sudo").write_text(SUDO)
    (programs / "sudo").chmod(0o755)
    owner = database_user()
    home = tmp_path / "home"
    home.mkdir()
    with postgres() as server:
        data = server.folder / "data"
        # As in production: nobody but the administrator comes in without a password.
        (data / "pg_hba.conf").write_text(
            "host all tracker 127.0.0.1/32 trust\n"
            "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"
        )
        server.restart()
        port = free_port()
        environment = {
            **os.environ,
            "HOME": str(home),
            "PATH": f"{programs}:{Path(sys.executable).parent}:{_binaries()}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": "tracker",
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(server.port),
            "DB_SAN": "IP:127.0.0.1",
            "DB_DATA": str(data),
            "DB_USER": owner.pw_name if owner else "",
            "DB_GROUP": str(owner.pw_gid) if owner else "",
            "STANDBY_DATA": str(server.folder / "standby"),
            "STANDBY_PORT": str(port),
            "TRACKER_USER": "ada",
            **{
                f"{name}_PASSWORD": f"{name.lower()}-secret"
                for name in ("OWNER", "WRITER", "READER", "REPLICA")
            },
        }
        try:
            typed = subprocess.run(
                ["bash", "-e", "-u", "-x", "-c", lines],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert typed.returncode == 0, typed.stderr[-3000:]
        finally:
            subprocess.run(
                [
                    programs / "sudo",
                    "-u",
                    "postgres",
                    "pg_ctl",
                    "-D",
                    server.folder / "standby",
                    "-m",
                    "immediate",
                    "stop",
                ],
                env=environment,
                capture_output=True,
                check=False,
            )

    with Log(str(tmp_path / "tracker-tonight.db")) as log:
        texts = [getattr(one.event, "text", "") for one in log.read_all(["note-added"])]
    assert texts == ["typed by a writer", "on two disks before it is answered", "after the failover"]
