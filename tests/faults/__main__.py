"""Break it under load, and compare what was promised with what stands in the log.

python -m tests.faults [--fault kill|beside|locked|full|limited|restarted|failover|clock] [--store sqlite|postgresql] [--times N] [--seed N] [--json]
Exit code 1 where a promise was broken.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from _pytest.outcomes import Skipped

from tests.faults.outcome import Outcome
from tests.faults.table import FAULTS, STORES, run


def main() -> int:
    """Run what was asked for; one line an outcome."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--fault", choices=FAULTS, action="append", help="only this one (default: all)")
    parser.add_argument("--store", choices=STORES, action="append", help="only this one (default: both)")
    parser.add_argument(
        "--times", type=int, default=int(os.environ.get("KILLS") or 100), help="kills (default 100)"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="no kill after so long (default: no limit)"
    )
    parser.add_argument("--seed", type=int, help="to see the same again (default: a new one)")
    parser.add_argument("--json", action="store_true", help="one JSON document a line on stdout")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    stores = arguments.store or [each for each in STORES if each == (os.environ.get("STORE") or each)]
    bad = 0
    for fault in arguments.fault or FAULTS:
        for store in stores:
            sys.stderr.write(f"{fault} on {store}, seed {seed}\n")
            folder = Path(tempfile.mkdtemp(prefix="tracker-faults-"))
            try:
                found = run(fault, store, folder, seed, arguments.times, arguments.minutes)
            except Skipped as why:
                sys.stderr.write(f"  skipped: {why.msg}\n")
                continue
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            print(found.json() if arguments.json else said(found), flush=True)
            bad += not found.good
    return 1 if bad else 0


def said(found: Outcome) -> str:
    """Put an outcome into a few lines for people."""
    answers = ", ".join(f"{count:,} × {answer}" for answer, count in sorted(found.answers.items()))
    lines = [
        f"{'kept' if found.good else 'BROKEN'}: {found.fault} × {found.times:,} on {found.store}, "
        f"seed {found.seed}, {found.seconds:,.0f} s",
        f"  {found.acknowledged:,} acknowledged, {len(found.missing)} missing, {len(found.doubled)} doubled, "
        f"{found.unasked:,} recorded without an answer",
        f"  answers: {answers}; the slowest took {found.slowest_seconds} s",
    ]
    if found.notes:
        lines.append("  " + ", ".join(f"{name}: {value}" for name, value in found.notes.items()))
    if not found.good:
        lines.append("  " + found.json()[:2000])
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
