"""What notebooks open: a log, by its settings or its address, or a lake."""

from __future__ import annotations

from pathlib import Path

from projections.frames.lake_frames import LakeFrames
from projections.frames.log_frames import Frames
from tracker.errors import UsageError
from tracker.lake.folder import MARK
from tracker.lake.reading import open_lake
from tracker.settings.loading import load, locate
from tracker.settings.schema import FILE_NAME
from tracker.settings.store_address import check_address, is_address


def open(path: str | Path = FILE_NAME) -> Frames | LakeFrames:  # noqa: A001 - the name that notebooks rely on
    """Open a log for reading, or a lake.

    `path` is a tracker.toml, a folder that holds one, a SQLite log, a postgresql:// address, or a folder that
    `tracker export` made.
    Left out, it is the tracker.toml that counts for `tracker` here. Where a tracker.toml
    is read, TRACKER_STORE wins over the store that it names, as it does on the command line.

    Raises:
        UsageError: If there is no such file, or the folder holds no tracker.toml.
        StoreError: If there is no log yet: a notebook does not make one.
    """
    if is_address(str(path)):
        check_address(str(path))
        return Frames(str(path))
    place = Path(path).expanduser()
    if place == Path(FILE_NAME):
        place = locate() or place
    if (place / MARK).is_file():
        return LakeFrames(open_lake(place))
    if place.is_dir():
        if not (place / FILE_NAME).is_file():
            raise UsageError(f"the folder {place} holds no {FILE_NAME}", hint="Make one with: tracker init")
        place = place / FILE_NAME
    elif not place.exists():
        raise UsageError(
            f"there is no {place} in {Path.cwd()}",
            hint="Name a tracker.toml, its folder, or a log; or make one to look at: tracker demo",
        )
    if place.suffix != ".toml":
        return Frames(str(place))
    settings = load(str(place))
    return Frames(settings.store, settings)
