"""What the log holds, as pandas tables for notebooks: the only projection that opens a log.

    from projections import frames

    with frames.open("tracker.toml") as log:
        log.incidents()

Each table says what one row is. Instants are timezone-aware and in UTC, a duration carries
its unit in its column's name, and what is unknown is NaT or NA: absence is not zero. Columns
and their types are the same for an empty answer. Texts are pandas strings, lists are tuples
(`explode` makes rows of them), labels are dicts. Corrections are applied, and retracted events are left out.
Nothing is ever appended, and no table reads more samples than its span needs.
"""

from projections.frames.log_frames import Frames
from projections.frames.opening import open  # noqa: A004 - the name that notebooks rely on

__all__ = ["Frames", "open"]
