"""Send hostile requests to a real server and hostile bytes to its parsers: python -m tests.hostile --requests 100000."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hostile.run import run


def main() -> int:
    """Run, and say what was seen; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000, help="how many in all (default 5000)")
    parser.add_argument(
        "--examples", type=int, help="of schemathesis, for each operation (default: by the requests)"
    )
    parser.add_argument(
        "--runs", type=int, help="inputs for each parser (default: as many as requests, at most 20000)"
    )
    parser.add_argument("--seconds", type=float, default=3600, help="stop by then (default 3600)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="keep the server's folder here (default: a temporary one)"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run(
            folder,
            requests=given.requests,
            examples=given.examples if given.examples is not None else max(1, given.requests // 500),
            runs=given.runs if given.runs is not None else min(given.requests, 20_000),
            guided=True,
            seconds=given.seconds,
            seed=given.seed,
            tell=lambda said: print(said, flush=True),
        )
    print(
        f"{report.requests:,} requests in {report.seconds:.0f} s; the slowest answer took {report.slowest_seconds:.1f} s"
    )
    print(f"most memory: {report.peak_bytes >> 20} MiB")
    print(f"{report.found_again:,} marked bodies were answered 202 and stand in the log")
    print(f"kept {report.kept:,}, recorded {report.recorded:,} events, parked {dict(report.parked)}")
    if report.skipped:
        print(report.skipped)
    for each in report.wrong:
        print(f"WRONG  {each}")
    print("all that must hold holds" if not report.wrong else f"{len(report.wrong)} things are wrong")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
