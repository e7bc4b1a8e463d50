"""Of other incidents a bundle tells what this one's report tells of them, and nothing else."""

from datetime import date

import pytest

from projections.actions import relevant
from projections.review import State
from tests import builders as b
from tests.bundles.making import bring, bundle_of, checked, fold, report, session, told
from tests.bundles.test_import import whole
from tracker.application import action_items
from tracker.application.dossier import dossier
from tracker.application.report import gathered
from tracker.errors import BadInputError
from tracker.events.base import event_id
from tracker.events.incidents import PREVENTION
from tracker.log import Log

PROMISE = b.action(-580, incident="INC-7", text="alert on the pool", due_on=date(2026, 3, 1))
OTHER = b.action(-570, incident="INC-7", text="tell nobody of this one")
DEPLOY = b.deploy(3)
HISTORY = [
    b.declared(-600, incident="INC-7", title="Earlier outage"),
    b.note(-590, text="our secret", incident="INC-7"),
    PROMISE,
    OTHER,
    b.amended(PROMISE, -560, incident="INC-7", changes={"owner": "john"}),
    b.resolved(-500, incident="INC-7"),
    DEPLOY,
    b.declared(7),
    b.linked(PROMISE, 20, role=PREVENTION, why="the pool was full an hour before"),
    b.linked(DEPLOY, 21, role="caused", why="it cut the pool"),
    b.resolved(40),
    b.action_done(PROMISE, 50, incident="INC-7", proof="https://git.example.org/77"),
    b.linked(DEPLOY, 60, incident="INC-7", role="suspect", why="a secret suspicion"),
]


@pytest.fixture
def theirs(tmp_path):
    """A log with an earlier incident, whose open item would have prevented the later one."""
    return told(str(tmp_path / "theirs.db"), HISTORY, seal_every=5)


def items(store, incident="INC-1"):
    with Log(store) as log:
        asked = session(log)
        return relevant(dossier(asked, asked.incident(incident)))[0]


def state(store, incident="INC-1"):
    with Log(store) as log:
        asked = session(log)
        return gathered(asked, asked.incident(incident), None).standing


def test_an_item_of_an_earlier_incident_that_would_have_prevented_it_comes_along(theirs, store_url):
    """
    With its owner, its day, its proof; the earlier incident's other items, notes and judgements stay where they are.
    """
    data = bundle_of(theirs)

    bring(store_url, data)

    assert items(store_url) == items(theirs)
    assert [(each.owner, each.proof) for each in items(store_url)] == [("john", "https://git.example.org/77")]
    assert report(store_url) == report(theirs)
    assert "would have prevented" in report(store_url).markdown
    said = b"".join(stored.state or b"" for stored, _ in checked(data).events)
    for words in (b"our secret", b"tell nobody", b"secret suspicion"):
        assert words not in said
    whole(store_url)


def test_an_item_finds_its_incident_under_another_number(theirs, store_url):
    """
    The link, the item, and that it is done: each points at what the other became.
    """
    told(
        store_url,
        [b.declared(1, services=("search",)), b.declared(2, incident="INC-7", services=("search",))],
    )

    plan, _ = bring(store_url, bundle_of(theirs))

    assert plan.numbers == {"INC-1": "INC-8", "INC-7": "INC-9"}
    [item] = items(store_url, "INC-8")
    assert (item.incident, item.proof, [each.incident for each in item.prevented]) == (
        "INC-9",
        "https://git.example.org/77",
        ["INC-8"],
    )
    assert item.event != event_id(PROMISE)
    whole(store_url)


def test_an_incident_comes_with_what_its_item_would_have_prevented(theirs, store_url):
    """
    The later one is named with when it began; why is said in the link, and its notes are not told.
    """
    told(theirs, [b.note(70, text="ours alone")])
    data = bundle_of(theirs, "INC-7")

    bring(store_url, data)

    assert items(store_url, "INC-7") == items(theirs, "INC-7")
    assert report(store_url, "INC-7") == report(theirs, "INC-7")
    assert not any(b"ours alone" in (stored.state or b"") for stored, _ in checked(data).events)


def test_what_is_said_on_other_incidents_moves_no_position(theirs):
    """
    Of a shared deploy, or in a note: a report is of the last event that it stands on, and those are not in its bundle.
    """
    before = report(theirs)

    told(theirs, [b.linked(DEPLOY, 90, incident="INC-7", role="dismissed", why="it was not that")])
    told(theirs, [b.note(91, text="late", incident="INC-7"), b.lead(92, incident="INC-7")])

    assert report(theirs) == before


# ── reviewed and published ───────────────────────────────────────────────────


def published(store, minute=60, **fields):
    with Log(store) as log:
        asked = session(log)
        position = gathered(asked, asked.incident("INC-1"), None).provenance.position
    told(
        store,
        [
            b.reviewed(minute, incident="INC-1", position=position),
            b.published(minute + 1, incident="INC-1", position=position, **fields),
        ],
    )
    return position


@pytest.mark.parametrize("taken", [False, True])
def test_a_report_is_published_here_as_it_is_there(theirs, store_url, taken):
    """
    Under its own number and under another; what is added there since makes it amended.
    """
    published(theirs)
    if taken:
        told(store_url, [b.declared(1, services=("search",))])
    plan, _ = bring(store_url, bundle_of(theirs))
    assert state(theirs).state is State.PUBLISHED

    assert state(store_url, plan.incident).state is State.PUBLISHED
    assert state(store_url, plan.incident).published_by == state(theirs).published_by

    told(theirs, [b.note(70, text="one more")])
    bring(store_url, bundle_of(theirs))
    assert state(theirs).state is State.AMENDED
    assert state(store_url, plan.incident).state is State.AMENDED
    assert state(store_url, plan.incident).changes_since == state(theirs).changes_since == 1


def test_a_report_that_was_published_on_the_way_is_published_here(theirs, tmp_path, store_url):
    """
    Where in the second log the events of the first one stood is not known here; their order is.
    """
    between = str(tmp_path / "between.db")
    bring(between, bundle_of(theirs))
    told(between, [b.note(30_500, text="we saw the same", kind="lesson")])
    published(between, 31_000)
    assert state(between).state is State.PUBLISHED

    bring(store_url, bundle_of(between))

    assert state(store_url).state is State.PUBLISHED
    told(between, [b.note(31_500, text="one more")])
    bring(store_url, bundle_of(between))
    assert (state(store_url).state, state(store_url).changes_since) == (State.AMENDED, 1)
    assert fold(store_url).steps[-1].event.text == "one more"


# ── what somebody's own log may say ──────────────────────────────────────────


def test_headings_that_nobody_has_are_refused(tmp_path):
    """
    What was published is written anew in its headings.
    """
    store = told(
        str(tmp_path / "made.db"), [b.declared(7), b.published(8, incident="INC-1", template="theirs")]
    )

    with pytest.raises(BadInputError, match="template 'theirs', which this tracker does not know"):
        bundle_of(store)


@pytest.mark.parametrize("fields", [{"due_offset_minutes": 10**9}, {"due_on": date.max}])
def test_a_day_of_no_calendar_holds_up_no_list(tmp_path, store_url, fields):
    """
    `tracker actions` asks for the items of all incidents, ours among them.
    """
    theirs = told(str(tmp_path / "made.db"), [b.declared(7), b.action(8, incident="INC-1", **fields)])
    bring(store_url, bundle_of(theirs))
    told(store_url, [b.declared(30_001, incident="INC-2"), b.action(30_002, incident="INC-2")])

    with Log(store_url) as log:
        found = action_items.items_of(session(log))
        assert sorted(action_items.described(each, b.at(40_000))["state"] for each in found) == [
            "open",
            "overdue",
        ]
