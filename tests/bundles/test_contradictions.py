"""A bundle that contradicts this log, or an earlier bundle of its own log, is refused; those that agree are taken."""

import shutil

import pytest

from tests import builders as b
from tests.bundles.making import bring, bundle_of, told
from tests.bundles.test_import import imports_in, whole
from tracker.bundles.history import History
from tracker.errors import LogNotWholeError
from tracker.log import Log

COMMON = [b.deploy(1), b.declared(2), b.note(3, text="it began"), b.note(4, text="so far the same")]
HONEST = [b.note(5, text="rolled back by alice in time"), b.note(6, text="it is over"), b.resolved(7)]
FORGED = [b.note(5, text="alice slept until noon"), b.resolved(6, decided_by="alice")]


@pytest.fixture
def fork(tmp_path):
    """Two logs that are one up to a position, and go on differently: `fork(common, first, second)`."""

    def make(common, *endings, seal_every=0):
        start = told(str(tmp_path / "start.db"), common, seal_every=seal_every)
        stores = []
        for number, ending in enumerate(endings):
            store = str(tmp_path / f"fork{number}.db")
            with Log(start) as log:
                log.application.rows.clean()
            shutil.copy(start, store)
            stores.append(told(store, ending, seal_every=seal_every))
        return stores

    return make


def refused(store, data, *words):
    with Log(store) as log:
        before = log.position
    with pytest.raises(LogNotWholeError) as wrong:
        bring(store, data)
    assert wrong.value.exit_code == 5
    for word in words:
        assert word in wrong.value.message
    with Log(store) as log:
        assert log.position == before


@pytest.mark.parametrize("seal_every", [0, 1, 3])
@pytest.mark.parametrize("alices", [HONEST, HONEST[:1], []], ids=["longer", "one", "none"])
def test_another_history_of_this_log_is_refused(fork, alices, seal_every):
    """
    Whether it is shorter, as long, or longer than this log's; nothing of it is recorded.
    """
    alice, mallory = fork(COMMON, [*alices, b.note(8, text="mine")], FORGED, seal_every=seal_every)

    refused(alice, bundle_of(mallory), "contradicts this log")


def test_another_history_is_refused_on_both_stores(tmp_path, store_url):
    told(store_url, [*COMMON, *HONEST])
    mallory = told(str(tmp_path / "mallory.db"), [*COMMON, *FORGED])

    refused(store_url, bundle_of(mallory), "contradicts this log")


@pytest.mark.parametrize("seal_every", [0, 1, 3])
def test_bundles_of_this_log_are_taken_and_add_nothing(fork, seal_every):
    """
    As of every position since the declaration, of a log that went on since.
    """
    (alice,) = fork(COMMON, HONEST, seal_every=seal_every)
    with Log(alice) as log:
        last = log.position

    for position in range(4, last + 1):
        _, appended = bring(alice, bundle_of(alice, up_to=position))
        assert appended.recorded == ()
    whole(alice)


def test_what_this_log_lost_comes_back_from_its_own_newer_bundle(fork):
    """
    A log that was restored from a backup and did not go on has nothing that contradicts it.
    """
    restored, lost = fork(COMMON, [], HONEST)

    _, appended = bring(restored, bundle_of(lost))

    assert len(appended.recorded) == len(HONEST) + 1


@pytest.mark.parametrize("seal_every", [0, 1, 3])
@pytest.mark.parametrize("forged", [FORGED, FORGED[:1], [*FORGED, b.note(9), b.note(10)]])
@pytest.mark.parametrize("swapped", [False, True])
def test_two_bundles_of_one_log_that_contradict_each_other_are_noticed(
    tmp_path, fork, forged, seal_every, swapped
):
    """
    By whoever imports both, in whichever order.
    """
    pair = [bundle_of(store) for store in fork(COMMON, HONEST, forged, seal_every=seal_every)]
    first, second = reversed(pair) if swapped else pair
    bob = str(tmp_path / "bob.db")
    bring(bob, first)

    refused(bob, second, "contradicts the bundle of INC-1", "carol")


@pytest.mark.parametrize("seal_every", [0, 1, 3])
def test_bundles_of_one_log_that_went_on_are_all_taken(tmp_path, fork, seal_every):
    """
    In any order, of any two positions.
    """
    (alice,) = fork(COMMON, HONEST, seal_every=seal_every)
    with Log(alice) as log:
        last = log.position
    data = {position: bundle_of(alice, up_to=position) for position in range(4, last + 1)}

    for number, order in enumerate(
        [sorted(data), sorted(data, reverse=True), sorted(data, key=lambda at: at % 3)]
    ):
        bob = str(tmp_path / f"bob{number}.db")
        for position in order:
            bring(bob, data[position])
        whole(bob)


def test_bundles_of_two_incidents_of_one_log_are_compared(tmp_path, fork):
    """
    They have no event in common: what they prove of other events differs.
    """
    other = [b.declared(20, incident="INC-2", title="Another"), b.note(21, incident="INC-2")]
    alice, mallory = fork(COMMON, HONEST, [b.note(5, text="forged"), *other])
    bob = str(tmp_path / "bob.db")
    bring(bob, bundle_of(alice))

    refused(bob, bundle_of(mallory, "INC-2"), "contradicts the bundle of INC-1")


def test_a_forged_history_that_comes_through_a_third_log_is_refused(tmp_path, fork):
    """
    Bob's log names this log as the origin of what Mallory made up.
    """
    alice, mallory = fork(COMMON, HONEST, FORGED)
    bob = told(str(tmp_path / "bob.db"), [b.deploy(1, service="other")])
    bring(bob, bundle_of(mallory))

    refused(alice, bundle_of(bob), "contradicts this log")


def test_an_honest_history_that_comes_back_through_a_third_log_is_taken(tmp_path, fork):
    (alice,) = fork(COMMON, HONEST)
    bob = told(str(tmp_path / "bob.db"), [b.deploy(1, service="other")])
    bring(bob, bundle_of(alice))
    told(bob, [b.note(60, text="bob's own")])

    plan, appended = bring(alice, bundle_of(bob))

    assert plan.incident == "INC-1"
    assert len(appended.recorded) == 3  # the note, and both imports
    whole(alice)


def test_imports_of_earlier_versions_are_compared_by_their_head(tmp_path, fork, monkeypatch):
    """
    They kept no proof: only the head, and the last event.
    """
    alice, mallory = fork(COMMON, HONEST, [*FORGED, b.note(9)])
    bob = str(tmp_path / "bob.db")
    with monkeypatch.context() as patch:
        patch.setattr(History, "encoded", lambda _: b"")
        bring(bob, bundle_of(alice))
    assert len(imports_in(bob)) == 1

    refused(bob, bundle_of(mallory), "contradicts the bundle of INC-1")
