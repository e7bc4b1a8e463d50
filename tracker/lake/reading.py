"""Reading a lake: which tables it has, and the files of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.errors import StoreError, UsageError
from tracker.lake.delta import DeltaFolder, load, require_libraries
from tracker.lake.folder import Mark, read_mark
from tracker.text.shell import command

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass(frozen=True)
class Lake:
    """One lake, for reading; each table is loaded when it is asked for."""

    folder: Path
    mark: Mark

    @property
    def position(self) -> int:
        """Up to which position of the log it goes."""
        return DeltaFolder(self.folder, self.mark.log).position("events")

    def table(self, name: str) -> DeltaTable:
        """Load a table.

        Raises:
            StoreError: If it was deleted, or files of it are missing.
        """
        if not DeltaFolder(self.folder, self.mark.log).has(name):
            raise StoreError(
                f"the lake in {self.folder} has no table {name}: it is incomplete",
                hint=f"Complete it from the log: {command('tracker', 'export', str(self.folder))}",
            )
        return load(self.folder, name)


def open_lake(folder: str | Path) -> Lake:
    """Open a folder that `tracker export` made.

    Raises:
        BadInputError: If it is none.
        RefusedError: If a newer tracker wrote it.
        UsageError: If it holds text files.
    """
    place = Path(folder).expanduser()
    mark = read_mark(place)
    if mark.format != "delta":
        raise UsageError(
            f"{place} holds {mark.format} files, not Delta tables",
            hint=f"Export into another folder: {command('tracker', 'export', 'DIR')}",
        )
    require_libraries()
    return Lake(place, mark)


def files_by_service(table: DeltaTable) -> list[list[str]]:
    """Return the files of each service's samples, in the order of their names; those of no service are last."""
    services = {partition["service"] for partition in table.partitions()}
    return [
        table.file_uris(file_pruning_predicate=[("service", "=", service or "")])
        for service in sorted(services, key=lambda name: (not name, name or ""))
    ]
