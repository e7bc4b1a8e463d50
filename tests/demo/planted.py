"""How often what is planted in the made-up company is found, and how often something is claimed where nothing is.

python -m tests.demo.planted [FIRST LAST]
"""

import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from projections import frames
from tracker.application.company import play_company
from tracker.application.trends import Trends, trends
from tracker.demo.company import CERTIFICATE, NOISE, SILENT
from tracker.log import Log

YEAR = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC))
"""Compared with the year before."""


def claims(page: Trends) -> set[tuple[str, str]]:
    return {(each.measure, f"{each.service} {each.claim}") for each in page.measures if each.claim}


EXPECTED = {
    ("incidents", "search more"),
    ("deployment_frequency", "search more"),
    *((name, "search higher") for name in ("change_fail_rate", "deployment_rework_rate")),
    *(
        (name, "checkout shorter")
        for name in (
            "time_to_fix_deployed", "time_to_recover", "downtime", "time_to_resolve", "failed_deployment_recovery_time",
        )
    ),
}  # fmt: skip
"""What recovers sooner is fixed sooner; with twice the incidents more deploys cause or fix one."""


def found(folder: Path) -> dict[str, bool]:
    """Say of each planted pattern whether page, rules, similar and the tables of the notebooks have it."""
    with Log(str(folder / "tracker.db")) as log:
        page = trends(log, *YEAR)
    with frames.open(folder) as tables:
        incidents, similar = tables.incidents(), tables.similar()
        judged, unwatched = tables.judged_rules().set_index("rule"), tables.unwatched_metrics()
        figures = tables.trends(*YEAR)
    claimed = claims(page)
    expired = sorted(
        incidents[incidents["title"] == CERTIFICATE]["incident"], key=lambda name: int(name.partition("-")[2])
    )
    again = similar[similar["claimed"].astype(bool)]
    mine = again[again["incident"].isin(expired) & again["earlier"].isin(expired)]
    promised = [text for texts in mine["open_actions"] for text in texts]
    in_table = figures[figures["claim"].notna()]
    return {
        "page: checkout recovers in half the time": ("downtime", "checkout shorter") in claimed,
        "page: search has twice the incidents": ("incidents", "search more") in claimed,
        "page: the certificate came back": bool({each.incident for each in page.repeats} & set(expired)),
        "page: claims nothing else": claimed <= EXPECTED
        and {each.incident for each in page.repeats} <= set(expired),
        "tables: have the page's claims": len(in_table)
        == len([each for each in page.measures if each.claim]),
        "similar: each later expiry is the same again": set(mine["incident"]) == set(expired[1:]),
        "similar: the open action item is named": any("Renew" in text for text in promised),
        "similar: claims nothing else": len(again) == len(mine),
        "rules: DiskAlmostFull never led to an incident": judged.loc[NOISE, "fired"] > 0
        and judged.loc[NOISE, "led_to_incident"] == 0,
        "rules: SearchHeapFull never fired": judged.loc[SILENT, "fired"] == 0,
        "rules: customers were faster than payments": len(judged.loc["PaymentsErrorRatio", "after_customer"])
        > 40,
        "rules: nothing watches the mailer's queue": "queue_age_seconds" in set(unwatched["metric"]),
    }


def of_seed(seed: int) -> Counter[str]:
    """Count what is found in the company of a seed, and what is claimed of the same one without patterns."""
    with tempfile.TemporaryDirectory() as planted, tempfile.TemporaryDirectory() as plain:
        play_company(Path(planted), seed)
        hits = Counter({name: int(is_found) for name, is_found in found(Path(planted)).items()})
        play_company(Path(plain), seed, patterns=False)
        with Log(str(Path(plain) / "tracker.db")) as log:
            pages = {
                "by year": trends(log, *YEAR),
                "by quarter": trends(log, datetime(2024, 1, 1, tzinfo=UTC), YEAR[1], by="quarter"),
            }
    for name, page in pages.items():
        counts = any(one.beyond_chance for one in page.over_time.counts)
        hits[f"no pattern: the page {name} claims a change"] = int(bool(claims(page)))
        hits[f"no pattern: the page {name} names a count beyond chance"] = int(counts)
        hits[f"no pattern: the page {name} calls an incident the same again"] = int(bool(page.repeats))
    return hits


def main() -> None:
    first, last = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (1, 20)
    hits: Counter[str] = Counter()
    with ProcessPoolExecutor() as pool:
        for done, one in enumerate(pool.map(of_seed, range(first, last + 1)), start=1):
            hits.update(one)
            print(f"{done} companies: {dict(hits)}", file=sys.stderr, flush=True)
    for name, count in hits.items():
        print(f"{count:5} of {last - first + 1}  {name}")


if __name__ == "__main__":
    main()
