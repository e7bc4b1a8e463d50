"""What a table costs grows with the log, and no faster."""

import pytest

from tests.projections.frames.scale import TABLES, cpu_seconds, play

SMALL, TIMES = 50, 4


@pytest.mark.slow
def test_four_times_the_incidents_cost_no_more_than_some_four_times_the_time(tmp_path):
    """
    CPU of the process, of all tables but that of pairs; a table that is quadratic costs sixteen times.
    """
    for incidents in (SMALL, TIMES * SMALL):
        play(tmp_path / f"{incidents}.db", incidents)
    tables = [table for table in TABLES if table != "similar"]
    cpu_seconds(tmp_path / f"{SMALL}.db", "incidents")  # imports count once

    small, large = (
        {table: cpu_seconds(tmp_path / f"{size}.db", table) for table in tables}
        for size in (SMALL, TIMES * SMALL)
    )

    for table in tables:
        if large[table] >= _limit(small[table]):  # a busy machine makes one of two dearer
            small[table], large[table] = (
                min(cpu_seconds(tmp_path / f"{size}.db", table) for _ in range(3))
                for size in (SMALL, TIMES * SMALL)
            )
        assert large[table] < _limit(small[table]), table


def _limit(small_s: float) -> float:
    return 2.2 * TIMES * small_s + 0.2
