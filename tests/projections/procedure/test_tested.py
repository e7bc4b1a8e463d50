"""Which test runs count for what was deployed: real merges, squashes and rebases of a tested branch."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.procedure import testing_evidence
from projections.procedure.rule import Status
from projections.procedure.versions import next_version
from reports.wording.procedure import says, todo
from tests import builders as b
from tests.builders import at, deploy, rollback, run_of_tests
from tests.projections.procedure.histories import answers
from tests.projections.procedure.shop import Shop, evidence, fixed, held, ran_before, story
from tracker.events.base import Event


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

    ruled = testing_evidence.tested_before_deploy(
        evidence(held(shop.read(), [ran_before(shop), fixed(shop), run], story()))
    )

    assert ruled.status is status, says(ruled)


def test_what_is_to_be_tested_is_said_before_it_goes_out(shop: Shop) -> None:
    """
    Live, with the branch known and no green run of its head; a green one ends it.
    """
    shop.hotfix()
    before = [ran_before(shop)]

    asked = testing_evidence.tested_before_deploy(
        evidence(held(shop.read(), before, story(over=False), minute=1), now=14)
    )
    run = run_of_tests(13, sha=shop.head)
    done = testing_evidence.tested_before_deploy(
        evidence(held(shop.read(), [*before, run], story(over=False), minute=1), now=14)
    )

    assert asked.status is done.status is Status.UNKNOWN
    assert (asked.due_at, todo(done.next_step)) == (at(30), None)
    assert todo(asked.next_step) == f"tracker run test checkout --sha {shop.head[:10]} -- COMMAND"


@pytest.mark.parametrize(
    ("ran", "version"),
    [
        ([], "VERSION"),
        ([deploy(-9, version="v1.2.0")], "v1.2.1"),
        ([deploy(-9, version="1.2.0"), deploy(2, version="1.2.1"), rollback(4, version="1.2.0")], "1.2.2"),
        ([deploy(-9, version="4be9f31")], "VERSION"),
    ],
)
def test_the_next_version_is_a_patch_that_was_not_used(shop: Shop, ran: list[Event], version: str) -> None:
    """
    Named in the command that deploys the fix; what was rolled back has its number for good.
    """
    assert next_version(evidence(held(shop.read(), ran, story(over=False), minute=1), now=14)) == version


# ── a fix that did not hold ──────────────────────────────────────────────────

OLD_SHA, TRIED_SHA, HELD_SHA = "a" * 40, "b" * 40, "c" * 40
OUTAGE = [b.deploy(-60, version="1.4.1", sha=OLD_SHA), b.alert(5), b.declared(7)]
TRIED = b.deploy(10, version="1.4.3", sha=TRIED_SHA)
BACK = b.rollback(20, version="1.4.1", sha=OLD_SHA)
HELD = b.deploy(20, version="1.4.4", sha=HELD_SHA)


@pytest.mark.parametrize("after", [BACK, HELD], ids=["rolled back", "replaced"])
@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([], "unknown"),
        ([b.run_of_tests(8, sha=TRIED_SHA, exit_code=1)], "missed"),
        ([b.run_of_tests(8, sha=TRIED_SHA, exit_code=0)], "met"),
    ],
    ids=["none", "red", "green"],
)
def test_a_fix_that_did_not_hold_is_asked_for_its_tests_too(after, runs, status):
    """
    It went out; the one that held is asked as well, and a rollback is asked for nothing. The answer names which.
    """
    good = b.run_of_tests(9, sha=HELD_SHA, exit_code=0)

    answer = answers(*OUTAGE, *runs, good, TRIED, after, b.resolved(40))["tested_before_deploy"]

    assert answer.status.value == status
    assert "1.4.3" in says(answer) or TRIED_SHA[:7] in says(answer)


def test_a_version_that_is_deployed_again_is_no_new_fix():
    """
    A restart of what ran before, by whatever name, brings nothing that could be tested.
    """
    again = b.deploy(10, version="main", sha=OLD_SHA)
    good = b.run_of_tests(9, sha=HELD_SHA, exit_code=0)

    answer = answers(*OUTAGE, again, good, HELD, b.resolved(40))["tested_before_deploy"]

    assert (answer.status.value, answer.parts) == ("met", ())


def test_an_incident_that_a_rollback_ended_may_have_had_a_fix_all_the_same():
    """
    What its commits were is unknown where no repository was read: that none was changed is not.
    """
    found = answers(*OUTAGE, TRIED, BACK, b.resolved(40))

    for rule in ("branch_named", "version_bumped", "tagged", "commits_minimal"):
        assert (found[rule].status.value, "1.4.3" in says(found[rule])) == ("unknown", True)
    assert found["merged_back"].status.value == "not_applicable"
