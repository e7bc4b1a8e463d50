"""Every fault there is."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.kill import kill
from tests.faults.outcome import Outcome
from tests.servers.postgres import postgres

STORES = ("sqlite", "postgresql")
FAULTS: dict[str, Callable[[Path, str, int, int], Outcome]] = {"kill": kill}


def run(fault: str, store: str, folder: Path, seed: int, times: int) -> Outcome:
    """Let one fault happen on a new store."""
    if store == "sqlite":
        return FAULTS[fault](folder / "server", str(folder / "tracker.db"), seed, times)
    with postgres() as server, server.database() as url:
        return FAULTS[fault](folder / "server", url, seed, times)
