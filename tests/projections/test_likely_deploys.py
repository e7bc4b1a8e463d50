"""Tags and merges that may have been deploys which nobody recorded."""

import pytest

from projections.dossier import Dossier
from projections.likely_deploys import likely_deploys
from tests import builders as b
from tests.builders import at, recorded

BASE, WORK, MERGE = "a" * 40, "b" * 40, "c" * 40
HISTORY = [
    b.commit(-90, sha=BASE),
    b.commit(9, sha=WORK, parents=(BASE,)),
    b.merge_commit(10, sha=MERGE, parents=(BASE, WORK)),
    b.branch(10, name="main", sha=MERGE, fork_point=None, fork_branch=None),
    b.declared(7),
]


def likely(*more):
    events = sorted([*HISTORY, *more], key=lambda each: (each.occurred_at, each.RANK))
    found = likely_deploys(Dossier.of("INC-1", recorded(*events)))
    return [(each.kind, each.version, each.at) for each in found]


def test_a_merge_and_a_tag_are_offered_once_for_each_commit():
    """
    By the tag's name where there is one; they never become changes.
    """
    tag = b.tag(11, name="v1.4.3", sha=MERGE)

    assert likely(b.resolved(40)) == [("merge", MERGE[:7], at(10))]
    assert likely(tag, b.resolved(40)) == [("tag", "v1.4.3", at(11))]


@pytest.mark.parametrize(
    "more", [[b.deploy(12), b.resolved(40)], [b.resolved(9)]], ids=["a deploy is known", "after the end"]
)
def test_nothing_is_offered_without_a_reason(more):
    """
    Where a deploy of that time is known, or the merge came when it was over.
    """
    assert likely(*more) == []


def test_a_merge_on_another_branch_is_no_likely_deploy():
    """
    Only what is on the production branch goes out.
    """
    events = [each for each in HISTORY if each.TOPIC != "branch-seen"]
    elsewhere = b.branch(10, name="develop", sha=MERGE, fork_point=None, fork_branch=None)

    assert likely_deploys(Dossier.of("INC-1", recorded(*events, elsewhere))) == []
