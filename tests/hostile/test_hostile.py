"""The hostile run in small; `make hostile REQUESTS=100000` is the large one."""

from pathlib import Path

import pytest

from tests.hostile import parsers
from tests.hostile.run import run

pytestmark = pytest.mark.slow


def test_hostile_requests_leave_a_whole_server_and_record_nothing_that_was_not_let_in(tmp_path: Path) -> None:
    """
    No 5xx, memory below its bound, nothing recorded of whom nobody knows, all that was answered 202 is
    in the log or parked, and it still answers.
    """
    report = run(tmp_path, requests=1_600, examples=1, runs=0, guided=False, seconds=600)

    assert report.wrong == []
    assert report.requests >= 1_600
    assert report.kept > 100
    assert report.found_again >= 15


@pytest.mark.parametrize("name", sorted(parsers.parsers()))
def test_no_parser_that_serve_reaches_breaks_on_hostile_bytes(name: str, tmp_path: Path) -> None:
    """
    Nothing but BadInputError comes out of it, within bounded memory and time.
    """
    fuzzed = parsers.fuzz(name, 300, tmp_path, guided=False)

    assert fuzzed.broken is None, fuzzed.broken


def test_atheris_drives_the_parsers(tmp_path: Path) -> None:
    """
    The coverage-guided run works where atheris is: here on the largest parser, in small.
    """
    if not parsers.atheris_is_here():
        pytest.skip("atheris has no wheel for this machine")

    fuzzed = parsers.fuzz("envelope", 300, tmp_path, guided=True)

    assert fuzzed.broken is None, fuzzed.broken
