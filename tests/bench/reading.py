"""What is done in memory: reading a body, looking for secrets, packing samples, judging metrics."""

import json
from collections.abc import Iterator

import numpy as np

from projections.comparison import judge_change
from tests.bench.measure import Row, Sizes, at_most, fastest, seconds
from tests.ingest.feeds import RULES, changed, payload
from tracker.events.codec import encode
from tracker.ingest import alertmanager
from tracker.text.secrets import find_secrets

ALERTS = 5_000
ALMOST_SECRETS = ("password ", "a" * 50, "://", "eyJ", "4111 ", "token=", "-----BEGIN ", "x@", "secret_")
TEXT_BYTES = 300_000
STEP_SECONDS = 60


def rows(sizes: Sizes) -> Iterator[Row]:
    """Time each of them; a limit is some ten times of what it takes on a quiet machine."""
    firing = json.loads(payload("alertmanager_webhook.jsonl").splitlines()[0])
    alerts = [changed(firing["alerts"][0], fingerprint=f"{number:016x}") for number in range(ALERTS)]
    body = json.dumps({**firing, "alerts": alerts}).encode()
    chance = np.random.default_rng(20260301)
    instants_ms = 1_772_373_600_000 + 15_000 * np.arange(sizes.samples_in_a_series, dtype=np.int64)
    series = [np.cumsum(chance.poisson(20, len(instants_ms)).astype(float)) for _ in range(sizes.series)]
    before, after = 100 + chance.normal(0, 1, (5_760, 50)), 100 + chance.normal(0, 1, (1_440, 50))

    def judge() -> None:
        for window_seconds in (600, 3_600, 86_400):
            judge_change(
                before,
                after[: window_seconds // STEP_SECONDS],
                step_seconds=STEP_SECONDS,
                window_seconds=window_seconds,
            )

    works = {
        f"read an Alertmanager body of {ALERTS:,} alerts": (
            lambda: alertmanager.read(body, where="feed", rules=RULES),
            1.0,
        ),
        f"look for secrets in {len(ALMOST_SECRETS)} texts of {TEXT_BYTES:,} bytes that almost hold one": (
            lambda: [find_secrets(text * (TEXT_BYTES // len(text))) for text in ALMOST_SECRETS],
            2.0,
        ),
        f"pack {sizes.series} series of {sizes.samples_in_a_series:,} samples": (
            lambda: [encode(instants_ms, values) for values in series],
            1.0,
        ),
        "judge 50 metrics over three windows": (judge, 0.2),
    }
    for what, (work, limit_seconds) in works.items():
        [taken] = fastest([lambda work=work: seconds(work)], sizes.repeats)  # type: ignore[misc]
        yield at_most(what, taken, limit_seconds, 1, "s")
