"""How checkout's metrics go from two weeks before the hotfix to the day after, as Prometheus would scrape them.

Made of a seed, so that a new recording holds the same numbers. Counters are whole numbers,
the quantile is rounded to milliseconds: what an exporter tells. The two weeks have seeds of
their own, so that the days of the story stay as they were.
"""

import math
import random
from datetime import UTC, datetime
from itertools import pairwise

from tests.servers.prometheus import Series

SEED = 5  # with which the alert fires and ends when the story says
STEP_SECONDS = 15
HISTORY_FIRST = datetime(2026, 1, 7, 13, 45, tzinfo=UTC)
FIRST = datetime(2026, 1, 21, 13, 45, tzinfo=UTC)
LAST = datetime(2026, 1, 23, 16, 0, tzinfo=UTC)
POOL_SIZE = 10

ALERT_LABELS = {"alertname": "HighErrorRatio", "service": "checkout", "severity": "critical"}
ALERT_ABOVE = 0.05
ALERT_FOR_SECONDS = 120

Point = tuple[str, float]
Sample = tuple[float, float]

# Between two points the truth goes in a straight line; before and after them it is healthy.
LEAKED: tuple[Point, ...] = (
    *(("14:21:00", 0.0), ("14:24:00", 1.0), ("14:28:00", 4.0), ("14:31:30", 8.5)),
    *(("15:08:50", 8.5), ("15:09:20", 5.0), ("15:10:05", 0.0)),
)
FAILING: tuple[Point, ...] = (
    *(("14:31:20", 0.0), ("14:32:00", 0.012), ("14:33:00", 0.062), ("14:35:30", 0.29), ("14:41:00", 0.40)),
    *(("14:52:00", 0.37), ("15:02:00", 0.43), ("15:08:45", 0.41), ("15:09:40", 0.19)),
    *(("15:10:20", 0.09), ("15:11:00", 0.05), ("15:12:00", 0.015), ("15:14:00", 0.002), ("15:16:00", 0.0)),
)
SLOWER: tuple[Point, ...] = (
    *(("14:27:00", 0.0), ("14:30:00", 0.35), ("14:31:30", 1.6), ("14:33:30", 4.7), ("15:08:50", 4.85)),
    *(("15:09:40", 2.4), ("15:10:30", 0.9), ("15:12:00", 0.16), ("15:15:00", 0.0)),
)


def history() -> list[Series]:
    """Make the counters, the quantile, the pool's gauge and ALERTS."""
    # One for each metric, so that a change to one leaves the numbers of the others alone.
    chance, waits, pool = (random.Random(f"{SEED} {name}") for name in ("requests", "latency", "pool"))
    requests, latency, in_use = _before()
    good, refused, bad = (int(requests[code][-1][1]) for code in ("200", "402", "500"))
    wander = drift = 0.0
    instants = range(int(FIRST.timestamp()), int(LAST.timestamp()) + 1, STEP_SECONDS)
    for instant in instants:
        wander = 0.97 * wander + chance.gauss(0, 0.012)
        drift = 0.9 * drift + waits.gauss(0, 0.006)
        failing = _at(FAILING, instant)
        asked = _poisson(chance, STEP_SECONDS * _per_second(instant) * (1 + wander) * (1 - 0.25 * failing))
        broken = _binomial(chance, asked, 0.0016 * (1 + 6 * max(wander, -0.1)) + failing)
        declined = _binomial(chance, asked - broken, 0.031)
        good, refused, bad = good + asked - broken - declined, refused + declined, bad + broken
        for code, total in (("200", good), ("402", refused), ("500", bad)):
            requests[code].append((instant, total))
        slower = _at(SLOWER, instant)
        base = 0.238 * (1 + 0.10 * _day_wave(instant)) * (1 + drift + waits.gauss(0, 0.03))
        latency.append((instant, round(base + slower * (1 + waits.gauss(0, 0.025)), 3)))
        leaked = _at(LEAKED, instant)
        busy = 2 + _binomial(pool, 3, 0.22 + 0.12 * _day_wave(instant)) + leaked
        in_use.append((instant, float(min(POOL_SIZE, round(busy + pool.random() * min(leaked, 1))))))
    made: list[Series] = [
        ("http_requests_total", {"service": "checkout", "code": code}, samples)
        for code, samples in requests.items()
    ]
    made += [
        ("http_request_duration_seconds", {"service": "checkout", "quantile": "0.95"}, latency),
        ("db_pool_connections_in_use", {"service": "checkout"}, in_use),
        ("ALERTS", {**ALERT_LABELS, "alertstate": "firing"}, _alerts(requests)),
    ]
    return made


def _before() -> tuple[dict[str, list[Sample]], list[Sample], list[Sample]]:
    """Make the two quiet weeks before the story: the same service, with fewer draws for each of so many scrapes."""
    chance, waits, pool = (random.Random(f"{SEED} {name} before") for name in ("requests", "latency", "pool"))
    totals = {"200": 0, "402": 0, "500": 0}
    wander = drift = 0.0
    requests: dict[str, list[Sample]] = {code: [] for code in totals}
    latency, in_use = [], []
    for instant in range(int(HISTORY_FIRST.timestamp()), int(FIRST.timestamp()), STEP_SECONDS):
        wander = 0.97 * wander + chance.gauss(0, 0.012)
        drift = 0.9 * drift + waits.gauss(0, 0.006)
        asked = _poisson(chance, STEP_SECONDS * _per_second(instant) * (1 + wander))
        broken = _rare(chance, asked * 0.0016 * (1 + 6 * max(wander, -0.1)))
        declined = _poisson(chance, (asked - broken) * 0.031)
        for code, more in (("200", asked - broken - declined), ("402", declined), ("500", broken)):
            totals[code] += more
            requests[code].append((instant, totals[code]))
        base = 0.238 * (1 + 0.10 * _day_wave(instant)) * (1 + drift + waits.gauss(0, 0.03))
        latency.append((instant, round(base, 3)))
        in_use.append((instant, 2.0 + _binomial(pool, 3, 0.22 + 0.12 * _day_wave(instant))))
    return requests, latency, in_use


def _alerts(requests: dict[str, list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Evaluate the rule as Prometheus does: above the limit, for its time, once at every scrape."""
    minute = 60 // STEP_SECONDS - 1
    firing: list[tuple[float, float]] = []
    since: float | None = None
    for n in range(minute, len(requests["500"])):
        grown = {code: samples[n][1] - samples[n - minute][1] for code, samples in requests.items()}
        instant = requests["500"][n][0]
        if grown["500"] / sum(grown.values()) <= ALERT_ABOVE:
            since = None
            continue
        since = instant if since is None else since
        if instant - since >= ALERT_FOR_SECONDS:
            firing.append((instant, 1.0))
    return firing


def _at(points: tuple[Point, ...], instant: float) -> float:
    known = [(datetime.fromisoformat(f"2026-01-22T{clock}Z").timestamp(), value) for clock, value in points]
    for (begins, low), (ends, high) in pairwise(known):
        if begins <= instant < ends:
            return low + (high - low) * (instant - begins) / (ends - begins)
    return 0.0


def _day_wave(instant: float) -> float:
    """Go from -1 at three in the night to 1 at three in the afternoon."""
    return math.sin(2 * math.pi * (instant / 86_400 - 0.375))


def _per_second(instant: float) -> float:
    return 21.0 * (1 + 0.45 * _day_wave(instant))


def _poisson(chance: random.Random, mean: float) -> int:
    return max(0, round(chance.gauss(mean, math.sqrt(mean))))


def _rare(chance: random.Random, mean: float) -> int:
    """Count what comes less than once or a few times: draw until the odds are used up."""
    odds, limit, count = chance.random(), math.exp(-max(mean, 0.0)), 0
    while odds > limit:
        odds *= chance.random()
        count += 1
    return count


def _binomial(chance: random.Random, of: int, share: float) -> int:
    share = min(max(share, 0.0), 1.0)
    return sum(chance.random() < share for _ in range(of))
