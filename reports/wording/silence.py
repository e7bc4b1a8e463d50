"""Silences of sources, in words. Recorded verdicts have them in their reasons, so the same silence reads the same for good."""

from projections.silence import Silence
from tracker.text.shortening import short
from tracker.times import spoken


def period(silence: Silence) -> str:
    """Write from when to when it lasted, in UTC, and how long."""
    start = f"{silence.start:%Y-%m-%d %H:%M:%SZ}"
    if silence.end is None:
        return f"from {start}; nothing was received since"
    same_day = silence.start.date() == silence.end.date()
    end = f"{silence.end:%H:%M:%SZ}" if same_day else f"{silence.end:%Y-%m-%d %H:%M:%SZ}"
    return f"from {start} to {end} ({spoken((silence.end - silence.start).total_seconds())})"


def describe(silence: Silence) -> str:
    """Say which source was silent, from when to when, and why."""
    watched = silence.watched
    of = f" of {watched.service}" if watched.service else ""
    name = f"{watched.what}{of} from {watched.source}" if watched.what else f"{watched.source}{of}"
    why = f": {short(silence.reason, 160)}" if silence.reason else ""
    return f"{short(name, 120)} silent {period(silence)}{why}"
