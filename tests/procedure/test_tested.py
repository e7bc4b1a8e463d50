"""Which test runs count for what was deployed: real merges, squashes and rebases of a tested branch."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.procedure import tested
from projections.procedure.rule import Status
from tests.builders import run_of_tests
from tests.procedure.shop import Shop, evidence, fixed, held, ran_before, story


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def merged(shop: Shop) -> None:
    shop.release()


def squashed(shop: Shop) -> None:
    shop.on("main")
    shop.git("merge", "-q", "--squash", "hotfix/v1.2.1")
    shop.released = shop.commit("fix: give connections back (#42)", 15)


def fast_forwarded(shop: Shop) -> None:
    shop.released = shop.merge("hotfix/v1.2.1", "main", 15, "--ff-only")


def moved_and_merged(shop: Shop) -> None:
    shop.on("main")
    shop.write("other.py", "other = 1\n")
    shop.commit("feat: something else", 11)
    shop.release()


def merged_and_edited(shop: Shop) -> None:
    shop.minute = 15
    shop.on("main")
    shop.git("merge", "-q", "--no-ff", "--no-commit", "hotfix/v1.2.1")
    shop.change("pool.py", 2, "and this besides")
    shop.released = shop.commit("Merge branch 'hotfix/v1.2.1'", 15)


@pytest.mark.parametrize(
    ("bring", "status"),
    [
        (merged, Status.MET),
        (squashed, Status.MET),
        (fast_forwarded, Status.MET),
        (moved_and_merged, Status.UNKNOWN),
        (merged_and_edited, Status.UNKNOWN),
    ],
)
def test_the_branch_was_tested_and_what_was_made_of_it_was_deployed(
    shop: Shop, bring: Callable[[Shop], None], status: Status
) -> None:
    """
    It counts where nothing else came in by that, to the byte.
    """
    shop.hotfix()
    bring(shop)
    run = run_of_tests(13, sha=shop.head)

    ruled = tested.tested_before_deploy(
        evidence(held(shop.read(), [ran_before(shop), fixed(shop), run], story()))
    )

    assert ruled.status is status, ruled.says
