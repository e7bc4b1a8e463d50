"""A real Bugsink: it takes what Sentry's SDKs send, has issues, an API and a webhook.

It is no dependency of this project; `make servers` puts it into a folder of its own.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.servers.process import answers, end, start, start_on_a_free_port

FOLDER = Path(__file__).parents[2] / ".venv-bugsink"
WORKED_SECONDS = 120

_DIRECT = build_opener(ProxyHandler({}))
_DATABASES = {"default": "bugsink.sqlite3", "snappea": "snappea.sqlite3"}
_SETTINGS = """
DATABASES["default"]["NAME"] = {folder!r} + "/bugsink.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/snappea.sqlite3"
BUGSINK["BASE_URL"] = {url!r}
BUGSINK["PHONEHOME"] = False
BUGSINK["ALERTS_WEBHOOK_DENY_NON_GLOBAL"] = False
"""
_NEW_SERVICE = """
from alerts.models import MessagingServiceConfig
MessagingServiceConfig.objects.create(project_id={project}, display_name="tracker", kind="custom", config={config!r})
"""


@dataclass
class Bugsink:
    """A running server."""

    url: str
    folder: Path
    token: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def api(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """Ask its API, or with a body, or a method, change something."""
        request = Request(
            f"{self.url}/api/canonical/0/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with _DIRECT.open(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def project(self, name: str, webhook_url: str | None = None) -> dict[str, Any]:
        """Make a project, which has a `dsn`; its alerts go to the webhook."""
        team = self.api("teams/", {"name": f"team of {name}"})
        made = self.api("projects/", {"team": team["id"], "name": name})
        if webhook_url:
            config = json.dumps({"webhook_url": webhook_url})
            self.manage("shell", "-c", _NEW_SERVICE.format(project=made["id"], config=config))
        found: dict[str, Any] = self.api(f"projects/{made['id']}/")
        return found

    def manage(self, *words: str) -> str:
        """Run one of its commands.

        Raises:
            RuntimeError: If that failed; with the end of what it said.
        """
        done = subprocess.run(
            [FOLDER / "bin" / "bugsink-manage", *words],
            cwd=self.folder,
            env={**os.environ, **_environment(self.folder)},
            capture_output=True,
            text=True,
            timeout=WORKED_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"bugsink-manage {words[0]}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def stop(self) -> None:
        """End it now; a second time does nothing."""
        if self.process is not None:
            end(self.process)


def _environment(folder: Path) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONPATH": str(folder)}


def installed() -> None:
    """Skip the test where `make servers` could not install it."""
    if not (FOLDER / ".stamp").is_file():
        pytest.skip("needs Bugsink: make servers")


@contextlib.contextmanager
def bugsink(tmp_path: Path) -> Iterator[Bugsink]:
    """Start a Bugsink that knows nothing yet; 16 s the first time, some 6 s after that."""
    installed()
    folder = Path(tempfile.mkdtemp(prefix="bugsink-", dir=tmp_path))
    configure(folder, "http://127.0.0.1:1")
    new_databases(folder)

    def launch(port: int) -> Bugsink:
        server = Bugsink(f"http://127.0.0.1:{port}", folder)
        configure(folder, server.url)
        server.process = start(
            [
                *("env", *(f"{name}={value}" for name, value in _environment(folder).items())),
                *(FOLDER / "bin" / "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1", "--threads=2"),
                *("--graceful-timeout=1", "--keep-alive=1", "bugsink.wsgi"),
            ],
            ready=answers(f"{server.url}/health/ready"),
            log=folder / "bugsink.log",
        )
        return server

    running = start_on_a_free_port(launch)
    try:
        running.token = running.manage("create_auth_token").split()[-1]
        yield running
    finally:
        running.stop()


def configure(folder: Path, url: str) -> None:
    """Write its settings."""
    path = folder / "bugsink_conf.py"
    path.unlink(missing_ok=True)
    subprocess.run(
        [
            *(FOLDER / "bin" / "bugsink-create-conf", "--template=local", "--host=127.0.0.1"),
            f"--port={url.rpartition(':')[2]}",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(_SETTINGS.format(folder=str(folder), url=url))


def new_databases(folder: Path) -> None:
    """Give it empty databases. They take 14 s to make, so they are made once and kept beside the program."""
    kept = FOLDER / "empty-databases"
    if not kept.is_dir():
        making = Bugsink("", folder)
        making.manage("migrate")
        making.manage("migrate", "snappea", "--database=snappea")
        with tempfile.TemporaryDirectory(dir=FOLDER) as beside:
            for name in _DATABASES.values():
                shutil.copy(folder / name, beside)
            with contextlib.suppress(OSError):
                shutil.copytree(beside, f"{beside}-whole")
                Path(f"{beside}-whole").rename(kept)
            shutil.rmtree(f"{beside}-whole", ignore_errors=True)
        return
    for name in _DATABASES.values():
        shutil.copy(kept / name, folder)
