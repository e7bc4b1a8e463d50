"""What is imported reads as it did where it was recorded, and takes nothing that is ours."""

from datetime import timedelta

import msgspec
import pytest

from tests import builders as b
from tests.bundles.making import bring, bundle_of, checked, fold, redact_in, report, session, told
from tests.reports import histories
from tracker.application.auto_declare import pushed_of_late, rulings
from tracker.application.session import Options, Session
from tracker.application.verdicts import compute_verdicts
from tracker.bundles import importing
from tracker.bundles.importing import plan_import
from tracker.errors import LogNotWholeError
from tracker.events.base import Arrival, Incoming, event_id
from tracker.events.bundles import BundleImported
from tracker.events.corrections import Correction
from tracker.events.housekeeping import LogSealed, SettingsChanged
from tracker.log import Log

WEBHOOK = Arrival(via="webhook")
NAMES = ["whole_incident", "open_incident", "merged_incident", "false_alarm", "reopened_incident"]


@pytest.fixture
def theirs(tmp_path):
    """Another machine's log, with an incident told from its deploy to its end."""
    return told(str(tmp_path / "theirs.db"), histories.whole_incident(), seal_every=7)


def whole(store):
    with Log(store) as log:
        found = log.verify()
        assert found.first_problem is None, found.first_problem
        return found.events


def imports_in(store):
    with Log(store) as log:
        return [each.event for each in log.read_all(topics=("bundle-imported",))]


# ── the same answers ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_a_report_on_an_empty_machine_is_the_same_byte_for_byte(tmp_path, store_url, name):
    """
    Its pictures too; and its footer quotes the log that it was recorded in.
    """
    theirs = told(str(tmp_path / "theirs.db"), getattr(histories, name)(), seal_every=5)

    bring(store_url, bundle_of(theirs))

    assert report(store_url) == report(theirs)
    assert whole(store_url)


def test_verdicts_on_an_empty_machine_are_the_same(theirs, store_url):
    """
    Samples of the time before are in the bundle, and so are the settings: each row, each number.
    """
    bring(store_url, bundle_of(theirs))

    rows = []
    for store in (theirs, store_url):
        with Log(store) as log:
            asked = session(log)
            rows.append(compute_verdicts(asked, asked.incident("INC-1"), None).rows)
    assert rows[0] == rows[1]
    assert {row.verdict for row in rows[1]} - {"pending", "no_data"}


def test_every_kind_of_event_comes_along_as_it_was(tmp_path, store_url):
    """
    Same id, same content, same bytes beside it, same way in, and when their log learned of it. What was
    redacted too: a note, an alert and what was beside it.
    """
    # Samples whose numbers are none are tried with real ones above, and redactions are of real events.
    left_out = ("log-sealed", "bundle-imported", "metric-sampled", "event-redacted")
    everything = [each for each in b.one_of_each() if each.TOPIC not in left_out]
    linked = {each.target for each in everything if isinstance(each, Correction)}
    number = "INC-1"
    decisions = [each for each in everything if getattr(each, "incident", None) not in (None, number)]
    facts = [each for each in everything if getattr(each, "incident", None) is None]
    history = [
        *(Incoming(event=each, arrival=Arrival(via="webhook"), payload=b"beside it") for each in facts),
        *(each for each in everything if getattr(each, "incident", None) == number),
        *(
            b.linked(each, 49)
            for each in facts
            if event_id(each) not in linked and each.TOPIC != "settings-changed"
        ),
        *decisions,
    ]
    theirs = told(str(tmp_path / "theirs.db"), history, seal_every=9)
    gone = [b.note(), b.alert()]
    redact_in(theirs, *gone)
    data = bundle_of(theirs)

    bring(store_url, data)

    with Log(theirs) as there, Log(store_url) as here:
        held = {each.id: each for each in there.read_all()}
        own = (BundleImported, LogSealed)
        came = {each.id: each for each in here.read_all() if not isinstance(each.event, own)}
        payloads = here.payloads([each.position for each in came.values()])
        settings = [each for each in came.values() if isinstance(each.event, SettingsChanged)]
        for each in came.values():
            if each in settings:
                continue
            assert (each.event, each.recorded_at) == (held[each.id].event, held[each.id].recorded_at)
            assert each.arrival.via == held[each.id].arrival.via
            assert each.arrival.origin.position == held[each.id].position
            assert each.arrival.origin.digest == held[each.id].digest.hex()
            assert (each.redacted, each.id in map(event_id, gone)) == (
                held[each.id].redacted,
                bool(each.redacted),
            )
            beside = each.arrival.via and not each.redacted
            assert payloads.get(each.position, b"") == (b"beside it" if beside else b"")
        assert {each.event.TOPIC for each in came.values()} >= {
            each.TOPIC for each in everything if getattr(each, "incident", number) == number
        } - {"source-silent", "source-returned"}
    assert whole(store_url)


def test_when_it_was_recorded_is_when_their_log_learned_of_it(tmp_path, store_url):
    """
    What was late there is late here; this log's own clock still never goes back.
    """
    theirs = told(
        str(tmp_path / "theirs.db"),
        [b.alert(5), b.declared(7), b.milestone(90, "ended"), b.milestone(4, "started")],
    )

    bring(store_url, bundle_of(theirs))

    with Log(store_url) as log:
        late = log.incident("INC-1")[-1]
        assert late.recorded_at == b.at(90)
        assert log.recorded_at(late.position) == b.at(30_000)
        assert log.position_at(b.at(29_999)) == 0
        assert log.position_at(b.at(30_000)) == log.position
    assert report(store_url) == report(theirs)


# ── once, whole, or not at all ───────────────────────────────────────────────


def test_a_second_time_adds_nothing(theirs, store_url):
    """
    Not even that it was tried.
    """
    data = bundle_of(theirs)
    _, first = bring(store_url, data)

    plan, second = bring(store_url, data)

    assert second.recorded == ()
    assert set(second.known) == set(plan.known)
    assert len(second.known) == len(first.recorded) - 1  # the import itself is no event of the bundle
    assert len(imports_in(store_url)) == 1


def test_a_later_bundle_adds_what_is_new(theirs, store_url):
    """
    The report is then that of the later position.
    """
    bring(store_url, bundle_of(theirs))
    told(theirs, [b.note(60, text="a lesson", kind="lesson")])

    _, appended = bring(store_url, bundle_of(theirs))

    assert len(appended.recorded) == 2
    assert report(store_url) == report(theirs)
    assert [each.brought for each in imports_in(store_url)][1:] == [1]


def test_a_dry_run_records_nothing_and_says_the_same(theirs, store_url):
    """
    What it counts is what happens.
    """
    bundle = checked(data := bundle_of(theirs))
    with Log(store_url) as log:
        plan = plan_import(log, bundle, prefix="INC")
        assert log.position == 0

    _, appended = bring(store_url, data)

    assert (*plan.new,) == appended.recorded[:-1]
    assert plan.known == ()


def test_a_damaged_bundle_leaves_the_log_as_it_was(theirs, store_url):
    """
    All of it is checked first.
    """
    data = bytearray(bundle_of(theirs))
    data[-500] ^= 1

    with pytest.raises(LogNotWholeError):
        bring(store_url, bytes(data))

    with Log(store_url) as log:
        assert log.position == 0


def test_a_bundle_brought_back_to_its_own_log_is_known(theirs):
    """
    It is the very same incident.
    """
    plan, appended = bring(theirs, bundle_of(theirs))

    assert appended.recorded == ()
    assert plan.numbers == {"INC-1": "INC-1"}


def test_facts_that_both_logs_know_are_one(theirs, store_url):
    """
    The alert that reached both keeps how it reached us; the report then is of this log.
    """
    told(store_url, [b.alert(3, annotations={"summary": "more than 1 % of payments fail"})])

    plan, _ = bring(store_url, bundle_of(theirs))

    assert len(plan.known) == 1
    assert plan.overlapping == ("checkout",)
    footer = report(store_url).markdown
    with Log(store_url) as log:
        assert f"Log `{log.id}`, position {log.position}" in footer
    assert "It was imported in a bundle from log" in footer


# ── whose it is ──────────────────────────────────────────────────────────────


def test_a_report_is_of_this_log_once_something_was_added(theirs, store_url):
    """
    It names the log from which the rest came; cut off before, it is theirs again.
    """
    bring(store_url, bundle_of(theirs))
    with Log(store_url) as log:
        imported = log.position
        told(store_url, [b.note(40_000, text="we saw the same", kind="lesson")])

    written = report(store_url).markdown

    with Log(store_url) as log, Log(theirs) as other:
        assert f"Log `{log.id}`, position {log.position}" in written
        assert f"from log `{other.id}`, where it is INC-1, at position" in written
    assert report(store_url, up_to=imported) == report(theirs)


def test_their_settings_hold_for_their_incident_and_ours_for_ours(theirs, store_url):
    """
    In whatever order they were recorded.
    """
    mine = b.settings(minute=-900, service="checkout", settings={"settling_seconds": 7.0})
    told(store_url, [mine])

    bring(store_url, bundle_of(theirs))
    told(store_url, [b.settings(minute=41_000, service="checkout", settings={"settling_seconds": 9.0})])

    with Log(store_url) as log:
        asked = session(log)
        assert asked.settings_recorded("checkout").event.settings == {"settling_seconds": 9.0}
        assert asked.settings_recorded("checkout", None, "INC-7").event.settings == {"settling_seconds": 9.0}
        its = asked.settings_recorded("checkout", None, "INC-1").event
        assert its.settings == histories.SETTINGS
    assert report(store_url) == report(theirs)


def test_nothing_happens_by_itself_to_an_imported_incident(tmp_path, store_url):
    """
    A message that waits in their outbox is not ours to post, and their open incident takes none of our alerts.
    """
    from projections.incidents import open_ones, ours
    from tracker.application import outbox

    waiting = Incoming(event=b.prepared(8), arrival=Arrival(via=outbox.VIA))
    theirs = told(str(tmp_path / "theirs.db"), [b.declared(7), waiting])
    with Log(theirs) as log:
        assert outbox.waiting(log, b.at(9))

    bring(store_url, bundle_of(theirs))

    with Log(store_url) as log:
        assert outbox.waiting(log, b.at(9)) == []
        open_here = open_ones(session(log).incident_summaries())
        assert [each.id for each in open_here] == ["INC-1"]
        assert ours(open_here) == []


def test_an_alert_of_ours_declares_although_an_imported_incident_of_the_service_is_open(tmp_path, store_url):
    """
    Theirs would cover it, and nobody here would be told. What came along with theirs declares nothing here.
    """
    theirs = told(str(tmp_path / "theirs.db"), [Incoming(event=b.alert(5), arrival=WEBHOOK), b.declared(7)])
    bring(store_url, bundle_of(theirs))
    settings = tmp_path / "tracker.toml"
    settings.write_text(
        '[services.checkout]\nauto_declare = "critical"\nalert_labels = { service = "checkout" }\n'
    )
    ours = b.alert(8, fingerprint="b" * 16)

    with Log(store_url, now=lambda: b.at(9)) as log:
        asked = Session(Options(config=str(settings), store=store_url), log=log)

        [ruling] = rulings(asked, [Incoming(event=ours, arrival=WEBHOOK)])
        of_late = pushed_of_late(asked, timedelta(days=10_000))

    assert ruling.verdict == "declare"
    assert of_late == []


def test_a_number_that_is_taken_while_a_bundle_is_brought_in_stays_with_who_took_it(
    theirs, store_url, monkeypatch
):
    """
    What was planned is planned again, and nothing of the first plan is recorded.
    """
    plan, asked = importing.plan_import, []

    def overtaken(log, bundle, *, prefix):
        made = plan(log, bundle, prefix=prefix)
        if not asked:
            told(store_url, [b.declared(29_000, title="Ours", services=("search",))])
        asked.append(made)
        return made

    monkeypatch.setattr(importing, "plan_import", overtaken)

    made, _ = bring(store_url, bundle_of(theirs))

    assert [each.numbers for each in asked] == [{"INC-1": "INC-1"}, {"INC-1": "INC-2"}]
    assert made.numbers == {"INC-1": "INC-2"}
    assert [step.event.TOPIC for step in fold(store_url, "INC-1").steps] == ["incident-declared"]
    assert fold(store_url, "INC-2").title == "Payments answer 500"
    assert whole(store_url)


# ── numbers ──────────────────────────────────────────────────────────────────


def rich():
    """An incident in which events point at events: corrections of facts and of decisions, messages, actions."""
    fact = b.deploy(3)
    told_them, note = b.prepared(8), b.note(12)
    posted = b.sent(9, prepared=event_id(told_them))
    promise = b.action(60, incident="INC-1")
    amendment = b.amended(note, 20, changes={"text": "it was the pool"})
    return [
        fact,
        b.declared(7),
        told_them,
        b.posting(told_them, 8.5),
        posted,
        b.eta_missed(posted, 23),
        note,
        amendment,
        b.retracted(amendment, 21),
        b.linked(fact, 25, role="caused", why="it cut the pool"),
        b.verdicts(fact, 40),
        promise,
        b.action_done(promise, 90),
        b.resolved(95),
    ]


def test_a_number_in_use_stays_ours_and_the_imported_incident_gets_the_next(tmp_path, store_url):
    """
    Whatever pointed at an event of it points at what it became.
    """
    theirs = told(str(tmp_path / "theirs.db"), rich())
    told(store_url, [b.declared(1, title="Ours"), b.declared(2, incident="INC-4", title="Ours too")])

    plan, _ = bring(store_url, bundle_of(theirs))

    assert plan.numbers == {"INC-1": "INC-5"}
    assert fold(store_url, "INC-1").title == "Ours"
    mine, its = fold(theirs, "INC-1"), fold(store_url, "INC-5")
    assert [type(step.event) for step in its.steps] == [type(step.event) for step in mine.steps]
    ids = {step.id for step in its.steps} | {event_id(b.deploy(3))}
    for step in its.steps:
        for name in ("target", "prepared", "message", "action", "change"):
            assert getattr(step.event, name, None) in (None, *ids), (step.event.TOPIC, name)
    assert its.links == {event_id(b.deploy(3)): its.links[event_id(b.deploy(3))]}
    assert [bool(step.retraction) for step in its.steps] == [bool(step.retraction) for step in mine.steps]
    for step, there in zip(its.steps, mine.steps, strict=True):
        assert step.recorded.arrival.origin.event == there.id
        assert step.recorded.recorded_at == there.recorded.recorded_at
    assert whole(store_url)


def test_a_renumbered_incident_is_found_again(tmp_path, store_url):
    """
    The same bundle adds nothing, a later one adds to the number that it got.
    """
    theirs = told(str(tmp_path / "theirs.db"), rich())
    told(store_url, [b.declared(1, title="Ours")])
    bring(store_url, bundle_of(theirs))

    plan, again = bring(store_url, bundle_of(theirs))
    assert (again.recorded, plan.numbers) == ((), {"INC-1": "INC-2"})

    told(theirs, [b.note(99, text="one more")])
    plan, later = bring(store_url, bundle_of(theirs))
    assert (len(later.recorded), plan.numbers) == (2, {"INC-1": "INC-2"})
    assert fold(store_url, "INC-2").steps[-1].event.text == "one more"


def test_a_renumbered_report_does_not_pass_for_theirs(tmp_path, store_url):
    """
    Its number is another, so its footer is of this log and says what it was called.
    """
    theirs = told(str(tmp_path / "theirs.db"), rich())
    told(store_url, [b.declared(1, title="Ours", services=("search",))])
    bring(store_url, bundle_of(theirs))

    written = report(store_url, "INC-2").markdown

    with Log(store_url) as log, Log(theirs) as other:
        assert f"Log `{log.id}`" in written
        assert f"from log `{other.id}`, where it is INC-1" in written


def test_an_incident_that_was_merged_comes_with_what_it_was_merged_into(tmp_path, store_url):
    """
    Each gets its own number where theirs is in use.
    """
    theirs = told(str(tmp_path / "theirs.db"), histories.merged_incident())
    told(store_url, [b.declared(1, incident="INC-2", title="Ours", services=("search",))])

    plan, _ = bring(store_url, bundle_of(theirs))

    assert plan.numbers == {"INC-1": "INC-1", "INC-2": "INC-3"}
    assert fold(store_url, "INC-1").merged_from == ("INC-3",)
    assert fold(store_url, "INC-3").merged_into == "INC-1"
    assert [step.event.text for step in fold(store_url, "INC-3").steps if hasattr(step.event, "text")] == [
        "baskets answer 502"
    ]


def test_of_another_incident_only_which_it_is_and_when_is_told(tmp_path, store_url):
    """
    Its notes are nobody's business who gets this one; that it was is part of the verdicts.
    """
    other = {"incident": "INC-9", "title": "Earlier outage"}
    theirs = told(
        str(tmp_path / "theirs.db"),
        [
            b.declared(-600, **other),
            b.milestone(-610, incident="INC-9"),
            b.note(-590, text="our secret", incident="INC-9"),
            b.lead(-580, incident="INC-9"),
            b.resolved(-500, incident="INC-9"),
            *histories.whole_incident(),
        ],
    )
    data = bundle_of(theirs)

    bring(store_url, data)

    kinds = [event.TOPIC for _, event in checked(data).events if getattr(event, "incident", None) == "INC-9"]
    assert kinds == ["incident-declared", "milestone-set", "incident-resolved"]
    assert fold(store_url, "INC-9").title == "Earlier outage"
    assert report(store_url) == report(theirs)


def test_another_prefix_stays_and_can_be_typed(tmp_path, store_url):
    """
    OPS-1 of theirs is nobody's number here.
    """
    theirs = told(str(tmp_path / "theirs.db"), [b.declared(7, incident="OPS-1")])

    plan, _ = bring(store_url, bundle_of(theirs, "OPS-1"))

    assert plan.incident == "OPS-1"
    assert fold(store_url, "OPS-1").title == "Payments answer 500"


# ── from hand to hand ────────────────────────────────────────────────────────


def test_a_bundle_of_what_came_in_a_bundle_still_quotes_the_first_log(theirs, tmp_path, store_url):
    """
    Nothing was added on the way, so the report is that of the first.
    """
    between = str(tmp_path / "between.db")
    bring(between, bundle_of(theirs))

    bring(store_url, bundle_of(between))

    assert report(store_url) == report(theirs)
    with Log(theirs) as first, Log(store_url) as log:
        origins = {each.arrival.origin.log for each in log.incident("INC-1")}
        assert origins == {first.id}
    assert len(imports_in(store_url)) == 2


def test_what_was_added_on_the_way_is_of_the_log_that_added_it(theirs, tmp_path, store_url):
    """
    The report is then that of the second log, which names the first.
    """
    between = str(tmp_path / "between.db")
    bring(between, bundle_of(theirs))
    told(between, [b.note(40_000, text="we saw the same", kind="lesson")])

    bring(store_url, bundle_of(between))

    assert report(store_url) == report(between)
    assert "It was imported in a bundle from log" in report(store_url).markdown


# ── what answers stand on besides ────────────────────────────────────────────


def test_what_ran_before_the_change_comes_along(tmp_path, store_url):
    """
    The version of last week, another service's deploy that people looked at, and what was not sampled any more.
    """
    other = b.deploy(-9, service="search", version="3.8.0")
    old = histories.error_ratio(-60 * 24 * 40, -60 * 24 * 40 + 30, (0, 0))
    gone = [
        Incoming(event=msgspec.structs.replace(each.event, metric="pool"), payload=each.payload)
        for each in old
    ]
    theirs = told(
        str(tmp_path / "theirs.db"),
        [
            *gone,
            b.deploy(-60 * 24 * 6, version="1.4.0"),
            b.deploy(-60 * 24 * 5, service="basket", version="7.7.7"),
            other,
            *histories.whole_incident(),
            b.linked(other, 41, role="dismissed", why="it has its own database"),
        ],
    )

    bring(store_url, bundle_of(theirs))

    answers = []
    for store in (theirs, store_url):
        with Log(store) as log:
            asked = session(log)
            found = compute_verdicts(asked, asked.incident("INC-1"), None)
            answers.append((found.rows, found.changes))
            versions = {row.previous_version for row in found.changes}
    assert answers[0] == answers[1]
    assert "1.4.0" in versions
    assert any(row.metric == "pool" and row.verdict == "no_data" for row in answers[1][0])
    assert report(store_url) == report(theirs)
    with Log(store_url) as log:
        assert {getattr(each.event, "service", None) for each in log.read_all()} == {
            None,
            "checkout",
            "search",
        }


def test_a_metric_that_is_named_like_a_path_draws_no_picture_elsewhere(tmp_path, store_url):
    """
    A bundle of somebody's own making proves that his log says so.
    """
    named = [
        Incoming(event=msgspec.structs.replace(each.event, metric="../../../evil"), payload=each.payload)
        for each in histories.error_ratio(-70, 60, (0, 21))
    ]
    history = [b.declared(5), *named]
    theirs = told(str(tmp_path / "theirs.db"), history)

    bring(store_url, bundle_of(theirs))

    [path] = report(store_url).pictures
    assert path.count("/") == 1
    assert path.startswith("INC-1/")


def test_samples_that_were_retracted_are_used_by_no_answer(tmp_path):
    """
    As those of an import that was undone are.
    """
    store = told(str(tmp_path / "ours.db"), histories.whole_incident())
    span = ("checkout", "error_ratio", b.at(-600), b.at(600))
    with Log(store, now=lambda: b.at(20_000)) as log:
        assert session(log).samples(*span)
        sampled = list(log.read_all(topics=("metric-sampled",)))
        log.append([b.retracted(each.event, 700, incident=None) for each in sampled])
        assert session(log).samples(*span) == []
        asked = session(log)
        rows = compute_verdicts(asked, asked.incident("INC-1"), None).rows
    assert {row.verdict for row in rows} <= {"no_data", "pending"}
