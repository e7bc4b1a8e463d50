"""Print how well the judge does: `make judge`, or on recorded cases `CASES=folder make judge`."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from projections.comparison import judge_change, judge_recovery
from tests.judge.cases import WINDOWS, Change, Fix, generated, generated_fixes, recorded, spoiled


@dataclass
class Tally:
    """What was said of the cases of one window."""

    quiet: int = 0
    strengths: list[float] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    cases: int = 0

    def false_percent(self, above: float = 1.0) -> float:
        """How many quiet cases reached a strength, in percent."""
        return 100 * sum(each > above for each in self.strengths) / max(1, self.quiet)

    def found_percent(self, size: str) -> float:
        """How many changes of a size were found with their direction, in percent."""
        return 100 * self.found[size] / max(1, self.changed[size])


def changes(cases: Iterable[Change]) -> dict[str, Tally]:
    """Judge each case alone, and count."""
    tallies = {window: Tally() for window in (*WINDOWS, "all")}
    for case in cases:
        said = judge_change(
            case.baseline.reshape(len(case.baseline), -1),
            case.after.reshape(len(case.after), -1),
            step_seconds=case.step_seconds,
            window_seconds=WINDOWS[case.window],
        )[0]
        for tally in (tallies[case.window], tallies["all"]):
            tally.cases += 1
            if said.direction == "not_enough_data":
                tally.unknown += 1
            elif case.truth == "unchanged":
                tally.quiet += 1
                tally.strengths.append(said.strength)
            else:
                sizes = ["2-4"] if 2 <= case.g < 4 else []
                sizes += ["4+"] if case.g >= 4 else []
                sizes += ["8+"] if case.g >= 8 else []
                for size in sizes:
                    tally.changed[size] += 1
                    tally.found[size] += said.direction == case.truth
    return tallies


def fixes(cases: Iterable[Fix]) -> dict[str, Counter[str]]:
    """Judge each fix whose incident was clear, and count the verdicts by the truth."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        if case.g < 6:
            continue
        parts = [each.reshape(len(each), -1) for each in (case.baseline, case.incident, case.after)]
        said = judge_recovery(*parts, step_seconds=case.step_seconds, window_seconds=3_600)[0]
        found.setdefault(case.truth, Counter())[said.verdict] += 1
    return found


def main() -> int:
    """Print the two tables."""
    folder = os.environ.get("CASES")
    if folder and not (Path(folder) / "single.json").is_file():
        print(
            f"{folder}: there is no single.json in it\n  CASES=folder make judge, or without CASES",
            file=sys.stderr,
        )
        return 11
    told, mended = recorded(Path(folder)) if folder else (list(generated()), list(generated_fixes()))
    print(
        f"{'recorded' if folder else 'generated'} cases: {len(told)} windows after a deploy, {len(mended)} fixes"
    )
    _print("as they are", told, mended)
    _print("with one to three wild samples in each baseline", list(spoiled(told)), list(spoiled(mended)))
    return 0


def _print(title: str, told: list[Change], mended: list[Fix]) -> None:
    print(f"\n{title}\n")
    print(
        "window   quiet   false alarms %  (strength > 1.5)  (> 2)   found %: g 2-4   g >= 4   g >= 8   not enough data %"
    )
    for window, tally in changes(told).items():
        print(
            f"{window:6} {tally.quiet:7} {tally.false_percent():15.2f} {tally.false_percent(1.5):17.2f} "
            f"{tally.false_percent(2):6.2f} {tally.found_percent('2-4'):16.1f} {tally.found_percent('4+'):8.1f} "
            f"{tally.found_percent('8+'):8.1f} {100 * tally.unknown / max(1, tally.cases):19.1f}"
        )
    print("\nfixes of clear incidents, an hour after")
    for truth, said in sorted(fixes(mended).items()):
        print(f"  {truth:17} " + ", ".join(f"{verdict} {count}" for verdict, count in said.most_common()))


if __name__ == "__main__":
    sys.exit(main())
