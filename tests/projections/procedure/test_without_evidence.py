"""What is not in the log is not met: each rule, with each fact taken away."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.procedure.check import RULES
from projections.procedure.rule import Evidence, Rule, Status
from reports.wording.procedure import says
from tests.builders import deploy, rollback
from tests.projections.procedure.shop import Shop, evidence, fixed, held, ran_before, story
from tracker.events.base import Recorded
from tracker.events.changes import BranchSeen, Change, CommitMade, VersionTagged

LINES = ("release/1.0",)


KINDS: dict[str, tuple[type | tuple[type, ...], ...]] = {
    # The fork and the name stand in the branch, and where that is gone in the merge.
    "branched_from_production": ((BranchSeen, CommitMade),),
    "branch_named": ((BranchSeen, CommitMade),),
    "commits_minimal": (CommitMade,),
    "new_version_after_rollback": (Change,),
    "merged_back": (BranchSeen, CommitMade),
    "version_bumped": (CommitMade, Change),
    "tagged": (VersionTagged,),
    "backported": (BranchSeen, CommitMade),
    "no_competing_hotfix": (BranchSeen, CommitMade),
}

ON_GIT = tuple((name, rule) for name, rule in RULES.items() if name in KINDS)
"""The rules that stand on git and deploys; test_check.py has the others."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Recorded]:
    """An incident by the book: fixed, rolled back, fixed again, merged back, tagged and backported."""
    shop = Shop(tmp_path_factory.mktemp("book") / "shop")
    shop.git("branch", "release/1.0", "main")
    shop.hotfix()
    first = shop.release()
    shop.merge("hotfix/v1.2.1", "develop", 22)
    shop.on("hotfix/v1.2.2", "main")
    shop.change("pool.py", 20, "connection.check()")
    second = shop.commit("fix: check connections", 30)
    shop.version("1.2.2")
    shop.commit("chore: bump version to 1.2.2", 31)
    last = shop.merge("hotfix/v1.2.2", "main", 33)
    shop.git("tag", "v1.2.2")
    shop.merge("hotfix/v1.2.2", "develop", 45)
    shop.on("release/1.0")
    shop.committed(46, "cherry-pick", shop.fix, second)
    told = [
        ran_before(shop),
        fixed(shop, sha=first),
        rollback(27, version="1.2.0"),
        deploy(35, version="1.2.2", sha=last),
    ]
    return held(shop.read(), told, story())


def asked(log: list[Recorded]) -> Evidence:
    return evidence(log, maintained_branches=LINES)


@pytest.mark.parametrize("rule", [rule for _, rule in ON_GIT], ids=[name for name, _ in ON_GIT])
def test_by_the_book_every_rule_is_met(log: list[Recorded], rule: Rule) -> None:
    """
    The whole evidence, and what each rule stands on is in the log.
    """
    ruled = rule(asked(log))

    assert ruled.status is Status.MET, ruled
    assert ruled.evidence
    assert set(ruled.evidence) <= {each.id for each in log}


@pytest.mark.parametrize("rule", [rule for _, rule in ON_GIT], ids=[name for name, _ in ON_GIT])
def test_nothing_is_met_without_git_and_deploys(log: list[Recorded], rule: Rule) -> None:
    """
    Only the incident itself: unknown, and what to type to know it.
    """
    kept = [each for each in log if getattr(each.event, "incident", None)]

    ruled = rule(asked(kept))

    assert ruled.status is Status.UNKNOWN, ruled
    assert "tracker " in says(ruled)


@pytest.mark.parametrize(("name", "rule"), ON_GIT)
def test_kinds_that_are_taken_away_leave_the_rule_unknown(log: list[Recorded], name: str, rule: Rule) -> None:
    """
    Without any fact of the kinds that it stands on, no rule is met.
    """
    for kinds in KINDS[name]:
        kept = [each for each in log if not isinstance(each.event, kinds)]

        assert rule(asked(kept)).status is not Status.MET, (name, kinds)


@pytest.mark.parametrize(
    ("name", "rule"), [(name, RULES[name]) for name in ("commits_minimal", "merged_back", "backported")]
)
def test_the_fixes_own_facts_are_needed_one_by_one(log: list[Recorded], name: str, rule: Rule) -> None:
    """
    Any commit of the hotfixes taken away: not met by what is left of them, where commits are counted or followed.
    """
    fixes = [
        each
        for each in log
        if isinstance(each.event, CommitMade)
        and each.event.subject_line.startswith("fix: ")
        and each.event.authored_at is None
    ]
    assert len(fixes) == 2
    # The first one was rolled back: whether that is on develop is not asked.
    for gone in fixes if name == "commits_minimal" else fixes[1:]:
        ruled = rule(asked([each for each in log if each is not gone]))

        assert ruled.status is not Status.MET, (gone.event, ruled)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_less_evidence_never_mends_a_fault(log: list[Recorded], data: st.DataObject) -> None:
    """
    From a history in which nothing was merged back, tagged or backported, no part makes it look done.
    """
    bad = [each for each in log if not _mends(each)]
    git = [each for each in bad if not getattr(each.event, "incident", None)]
    gone = data.draw(st.sets(st.sampled_from([each.id for each in git])))

    found = asked([each for each in bad if each.id not in gone])

    for name, rule in RULES.items():
        ruled = rule(found)
        if name in ("merged_back", "tagged", "backported", "new_version_after_rollback"):
            assert ruled.status is not Status.MET, (name, ruled)
        assert set(ruled.evidence) <= {each.id for each in bad}


def _mends(each: Recorded) -> bool:
    """Whether an event tells of the way back, the tag, the backport or the second version's deploy."""
    event = each.event
    if isinstance(event, CommitMade):
        return "into develop" in event.subject_line or event.authored_at is not None
    if isinstance(event, BranchSeen):
        return event.name in ("develop", "release/1.0")
    if isinstance(event, Change):
        return event.version == "1.2.2"
    return isinstance(event, VersionTagged) and event.name != "v1.2.0"


def test_a_repository_that_was_only_read_again_is_known_to_be_so(tmp_path: Path) -> None:
    """
    Nothing was new at minute 100: that it was read then is recorded, and so the merge is missed, not unknown.
    """
    from projections.procedure.merged_back import merged_back
    from tests.builders import repository_read

    shop = Shop(tmp_path / "shop")
    shop.hotfix()
    shop.release()
    early = held(shop.read(), [ran_before(shop), fixed(shop)], story(), minute=38)
    again = held([repository_read(100, repository="shop")], minute=100)

    before = merged_back(evidence(early, now=100))
    after = merged_back(evidence([*early, *_behind(again, len(early))], now=100))

    assert (before.status, after.status) == (Status.UNKNOWN, Status.MISSED)
    assert again[0].id in after.evidence


def _behind(log: list[Recorded], position: int) -> list[Recorded]:
    from msgspec.structs import replace

    return [replace(each, position=each.position + position) for each in log]
