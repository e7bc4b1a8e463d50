"""Exporting the log every few minutes, where [lake] says so: each time in a process of its own.

deltalake brings threads that survive no fork and memory that nothing else here needs.
"""

import json
import subprocess
import sys
import threading

from tracker.application.session import Session
from tracker.server.telemetry import Telemetry, log_line
from tracker.times import duration_seconds

_LOOK_SECONDS = 1.0


class LakeWorker:
    """Exports while the server runs; what does not work is logged, and tried again the next time."""

    def __init__(self, session: Session, telemetry: Telemetry) -> None:
        self._session, self._telemetry = session, telemetry

    def run(self, stopping: threading.Event) -> None:
        waited = float("inf")
        while not stopping.is_set():
            settings = self._session.settings.file.lake
            if settings.folder is not None and waited >= duration_seconds(settings.every):
                waited = 0.0
                self._telemetry.guarded("lake", lambda: self.export(stopping))
            stopping.wait(_LOOK_SECONDS)
            waited += _LOOK_SECONDS

    def export(self, stopping: threading.Event) -> None:
        """Run `tracker export` to its end; a server that stops ends it, and the next one goes on from there."""
        settings = self._session.settings
        folder = settings.folder / (settings.file.lake.folder or "")
        words = [sys.executable, "-m", "tracker", "export", str(folder), "--store", settings.store, "--json"]
        if settings.path is not None:
            words += ["--config", str(settings.path)]
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            while True:
                try:
                    answer, trouble = child.communicate(timeout=_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if stopping.is_set():
                        child.kill()
        if child.returncode == 0:
            made = json.loads(answer)
            if made["rows"]:
                log_line(
                    "exported the log",
                    folder=str(folder),
                    position=made["position"],
                    rows=sum(made["rows"].values()),
                )
        elif not stopping.is_set():
            why = trouble.strip().splitlines() or [f"exit code {child.returncode}"]
            log_line(
                "the log was not exported; trying again",
                40,
                folder=str(folder),
                why=why[0],
                next=why[-1].strip(),
            )
