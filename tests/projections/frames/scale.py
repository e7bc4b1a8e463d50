"""Measure every table of a log with many incidents and deploys: python -m tests.projections.frames.scale [INCIDENTS]."""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projections import frames
from tests import builders as make
from tests.builders import at
from tracker.events.base import Event
from tracker.log import Log

TABLES = (
    "incidents", "timeline", "changes", "notes", "commits", "alerts", "errors", "rules", "checks", "messages",
    "comparisons", "actions", "durations", "procedure", "similar",
)  # fmt: skip
_WORDS = [
    "pool",
    "cache",
    "queue",
    "lock",
    "index",
    "memory",
    "disk",
    "certificate",
    "timeout",
    "deploy",
    "migration",
    "replica",
    "shard",
    "token",
]


def play(path: Path, incidents: int) -> None:
    """Write so many incidents and five deploys for each, six hours apart and of five services."""
    rng, span = random.Random(1), incidents * 360.0
    services = [f"service{number}" for number in range(5)]
    facts: list[Event] = []
    for number in range(5 * incidents):
        deploy = make.deploy(rng.uniform(0, span), version=f"v1.{number}", service=rng.choice(services))
        facts.append(deploy)
    with Log(str(path), now=lambda: at(span + 3000)) as log:
        for number in range(1, incidents + 1):
            minute, service, name = rng.uniform(0, span), rng.choice(services), f"INC-{number}"
            fired = {"fingerprint": f"{number:016x}", "service": service, "name": f"Rule{number % 40}"}
            facts += [make.alert(minute - 3, **fired), make.alert_end(minute + 40, minute - 3, **fired)]
            decisions = [
                make.declared(
                    minute, incident=name, services=(service,), title=" ".join(rng.sample(_WORDS, 4))
                ),
                make.milestone(minute - 5, incident=name),
                make.note(minute + 20, " ".join(rng.sample(_WORDS, 9)), kind="root-cause", incident=name),
                make.resolved(minute + 60, incident=name),
            ]
            log.decide(name, lambda _, decisions=decisions: decisions)
        log.append(facts)


def cpu_seconds(path: Path, table: str) -> float:
    """Return what a table costs, in a log that was opened for it."""
    with frames.open(path) as log:
        before = time.process_time()
        getattr(log, table)()
        return time.process_time() - before


def main() -> None:
    incidents = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tracker.db"
        play(path, incidents)
        for table in TABLES:
            # In a process of its own: memory is never given back.
            code = f"from tests.projections.frames.scale import one; one({str(path)!r}, {table!r})"
            subprocess.run([sys.executable, "-c", code], check=True)


def one(path: str, table: str) -> None:
    import pandas  # noqa: F401 - its import is not the table's

    seconds = cpu_seconds(Path(path), table)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"table": table, "cpu_seconds": round(seconds, 2), "peak_mb": round(megabytes)}))


if __name__ == "__main__":
    main()
