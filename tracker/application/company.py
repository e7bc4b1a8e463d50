"""Playing the made-up company into a log, on the company's own clock."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

from tracker.demo.company import BEGINS, company, toml
from tracker.events.base import Decision, Event, Recorded, encode
from tracker.log import Log


def play_company(
    folder: Path,
    seed: int,
    *,
    patterns: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, str]:
    """Write the company's tracker.toml and log into a folder; return the number of events and the head."""
    (folder / "tracker.toml").write_text(toml(), encoding="utf-8")
    clock = [BEGINS]
    steps = company(seed, patterns=patterns)
    with Log(str(folder / "tracker.db"), now=lambda: clock[0], salts=_salt) as log:
        done = 0
        # Facts that nobody decided are recorded by the hour, so that two years take seconds.
        for (_, incident), group in groupby(
            steps, key=lambda step: (step.at.replace(minute=0, second=0, microsecond=0), step.incident)
        ):
            together = list(group)
            clock[0] = together[-1].at + timedelta(seconds=1)
            if incident is not None:
                decisions = [one for step in together for one in step.decisions]
                clock[0] = max(clock[0], max(one.occurred_at for one in decisions))
                log.decide(incident, partial(_same, decisions))
            else:
                log.append([fact for step in together for fact in step.facts])
            done += len(together)
            progress(done, len(steps))
        log.seal()
        return log.position, log.head(log.position)


def _same(decisions: list[Decision], held: list[Recorded]) -> list[Decision]:
    return decisions


def _salt(event: Event) -> bytes:
    """Make a salt that is no secret: the company's log is the same bytes each time."""
    return hashlib.blake2b(encode(event), digest_size=16, person=b"tracker demo").digest()
