"""A little of `make faults`: whatever breaks, what was answered 202 stands in the log exactly once."""

import pytest

from tests.faults.table import FAULTS, STORES, run

pytestmark = pytest.mark.slow

TIMES = 5


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_acknowledged_is_lost_or_doubled(fault, store, tmp_path):
    """
    Killed, locked, full, started again, with a clock that jumps: all acknowledged is there once, the log is whole.
    """
    found = run(fault, store, tmp_path, seed=20261126, times=TIMES)

    assert found.good, found.json()
    if fault in ("full", "limited"):
        assert found.answers["503"]
    if fault == "kill":
        assert found.times >= TIMES
        assert found.answers["no answer"]
