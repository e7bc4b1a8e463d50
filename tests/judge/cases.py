"""Cases whose truth is known: metrics as services have them, quiet or with a change put in, made from fixed seeds.

Or read from a folder of recorded ones: `single.json` lists cases with `id`, `step_s` and, for each
window, `truth` (unchanged, up, down) and `g`; `single.npz` holds `id|base` and `id|after`;
`recovery.json` and `.npz` the same with `truth`, `incident_g` and `id|incident`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOWS = {"10m": 600, "1h": 3_600, "1d": 86_400}
STEP_SECONDS = {"10m": 60, "1h": 60, "1d": 300}
PAST = {"10m": 5_760, "1h": 5_760, "1d": 4_032}


@dataclass(frozen=True, eq=False)
class Change:
    """A window after a deploy. `g` is the change in units of the metric's own movement from window to window."""

    kind: str
    window: str
    step_seconds: int
    baseline: Floats
    after: Floats
    truth: str
    g: float


@dataclass(frozen=True, eq=False)
class Fix:
    """An hour after a fix: `truth` is recovered, partly_recovered or still_degraded."""

    step_seconds: int
    baseline: Floats
    incident: Floats
    after: Floats
    truth: str
    g: float


def _ar(rng: np.random.Generator, count: int, memory: float) -> Floats:
    noise = rng.normal(size=count)
    for at in range(1, count):
        noise[at] += memory * noise[at - 1]
    return noise * (1 - memory**2) ** 0.5


def _season(count: int, step: int, phase: float) -> Floats:
    result: Floats = np.sin(2 * np.pi * (np.arange(count) * step / 86_400 + phase))
    return result


KINDS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "steady": lambda rng, n, step: 100 + 2 * rng.normal(size=n),
    "remembers": lambda rng, n, step: 100 + 5 * _ar(rng, n, 0.95),
    "daily": lambda rng, n, step: 100 + 30 * _season(n, step, rng.random()) + 3 * _ar(rng, n, 0.7),
    "drifts": lambda rng, n, step: 100 + np.cumsum(rng.normal(size=n)) * 0.05 + rng.normal(size=n),
    "bursts": lambda rng, n, step: 20 + rng.normal(size=n) + 60 * (rng.random(n) < 0.01) * rng.random(n),
    "heavy tails": lambda rng, n, step: 50 * np.exp(0.3 * _ar(rng, n, 0.5)) + rng.pareto(2.5, n),
    "near zero": lambda rng, n, step: rng.binomial(2_000, 0.001, n) / 2_000,
    "near one": lambda rng, n, step: 1 - rng.binomial(500, 0.002, n) / 500,
    "busy by day": lambda rng, n, step: (
        rng.poisson(np.maximum(1, 200 + 150 * _season(n, step, rng.random()))) * 1.0
    ),
}
SIZES = (2.8, 5.0, 10.0, 20.0)


def movement(series: Floats, window: int) -> float:
    """Return the root mean square of the differences from one window's mean to the next one's."""
    count = len(series) // window
    means = series[len(series) - count * window :].reshape(count, window).mean(axis=1)
    return float(np.sqrt(np.mean(np.diff(means) ** 2)))


def _shape(rng: np.random.Generator, count: int) -> Floats:
    """A step, a ramp over a third of the window, or something that comes and goes; its mean is one."""
    shape = [
        np.ones(count),
        np.minimum(1, np.arange(1, count + 1) / max(1, count / 3)),
        (rng.random(count) < 0.6) * 1.0,
    ]
    chosen = shape[rng.integers(3)]
    return chosen / chosen.mean() if chosen.any() else np.ones(count)


def generated(each: int = 6) -> Iterator[Change]:
    """Make cases: of each kind and window so many quiet ones and, of each size, as many changed ones."""
    for kind_number, (kind, make) in enumerate(KINDS.items()):
        for window_number, (window, seconds) in enumerate(WINDOWS.items()):
            step, past = STEP_SECONDS[window], PAST[window]
            length = seconds // step
            for size_number, g in enumerate((0.0, *SIZES)):
                for number in range(each * (4 if not g else 1)):
                    rng = np.random.default_rng([kind_number, window_number, size_number, number])
                    series = make(rng, past + length, step)
                    sign = 1 if rng.random() < 0.5 else -1
                    after = series[past:] + sign * g * movement(series[:past], length) * _shape(rng, length)
                    truth = "unchanged" if not g else "up" if sign > 0 else "down"
                    yield Change(kind, window, step, series[:past], after, truth, g)


def generated_fixes(each: int = 6) -> Iterator[Fix]:
    """Make incidents of an hour of ten and more natural movements, and fixes that mend all, half or nothing."""
    left = {"recovered": 0.0, "partly_recovered": 0.5, "still_degraded": 1.0}
    for kind_number, make in enumerate(KINDS.values()):
        for truth, share in left.items():
            for number in range(each):
                rng = np.random.default_rng([99, kind_number, number])
                series = make(rng, 5_760 + 120, 60)
                size = rng.uniform(10, 30) * movement(series[:5_760], 60)
                yield Fix(
                    60, series[:5_760], series[5_760:5_820] + size, series[5_820:] + share * size, truth, 10.0
                )


WILD: dict[str, Callable[[np.random.Generator, Floats], float]] = {
    "far up": lambda rng, known: known.mean() + known.std() * 10 ** rng.uniform(1, 4),
    "far down": lambda rng, known: known.mean() - known.std() * 10 ** rng.uniform(1, 4),
    "zero": lambda rng, known: 0.0,
    "many times": lambda rng, known: known.max() * rng.uniform(3, 100),
    "two fifths": lambda rng, known: 0.4 * known.mean(),
    "an error's code": lambda rng, known: rng.choice([-1.0, 65_535.0, 2.0**31, 2.0**63]),
}


def with_wild_samples(baseline: Floats, rng: np.random.Generator) -> Floats:
    """Put one to three wild samples anywhere into a baseline: apart, next to each other, or near its end."""
    wild, known = baseline.copy(), np.flatnonzero(np.isfinite(baseline))
    count, where = int(rng.integers(1, 4)), rng.random()
    if where < 0.6:
        chosen = rng.choice(len(known), count, replace=False)
    else:
        begin = rng.integers(len(known) - (30 if where < 0.75 else len(known)), len(known) - count)
        chosen = begin + np.arange(count)
    value = WILD[rng.choice(list(WILD))]
    for at in known[chosen]:
        wild[at] = value(rng, baseline[known])
    return wild


C = TypeVar("C", Change, Fix)


def spoiled(cases: Iterable[C]) -> Iterator[C]:
    """Return the same cases with wild samples in their baselines."""
    for number, case in enumerate(cases):
        yield replace(case, baseline=with_wild_samples(case.baseline, np.random.default_rng([5, number])))


def recorded(folder: Path) -> tuple[list[Change], list[Fix]]:
    """Read a folder of recorded cases."""
    changes, fixes = [], []
    arrays = np.load(folder / "single.npz")
    for case in json.loads((folder / "single.json").read_text()):
        for window, truth in case["windows"].items():
            length = WINDOWS[window] // case["step_s"]
            baseline, after = (
                np.asarray(arrays[f"{case['id']}|{part}"], float) for part in ("base", "after")
            )
            changes.append(
                Change(
                    "recorded",
                    window,
                    case["step_s"],
                    baseline,
                    after[:length],
                    truth["truth"],
                    truth.get("g", 0.0),
                )
            )
    arrays = np.load(folder / "recovery.npz")
    for case in json.loads((folder / "recovery.json").read_text()):
        parts = [np.asarray(arrays[f"{case['id']}|{part}"], float) for part in ("base", "incident", "after")]
        fixes.append(Fix(case["step_s"], *parts, case["truth"], case["incident_g"]))
    return changes, fixes
