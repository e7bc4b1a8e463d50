"""Sources that fall silent: noticed within two intervals, once, over restarts; and what was not seen meanwhile."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.attachment import windows
from projections.comparison import verdicts_to_record
from projections.dossier import Dossier
from projections.silence import WatchedSource, blind_for, blinding, noticed, silences
from projections.timeline import entries, timeline
from reports.wording.timeline import detail, title
from reports.wording.verdict_phrases import reason
from tests.builders import amended, at, declared, recorded, resolved, retracted, returned, silent
from tests.projections.judgement.test_verdicts import FIX, broken, judge, series
from tracker.application.source_silence import SilenceDetector
from tracker.errors import SourceUnreachableError
from tracker.events.base import Window
from tracker.events.corrections import effective
from tracker.events.silence import SILENCES, SourceReturned, SourceSilent
from tracker.incident import fold
from tracker.ingest.http import Limits
from tracker.ingest.prometheus.api import PrometheusApi
from tracker.log import Log
from tracker.times import to_ms

PROMETHEUS = WatchedSource("prometheus")
INTERVAL = 180.0
"""Seconds: three minutes."""


def notice(last_heard: float, now: float, *known, **more):
    return noticed(
        PROMETHEUS,
        last_heard=at(last_heard),
        now=at(now),
        interval_seconds=INTERVAL,
        known=silences(recorded(*known)),
        reason="it refused the connection",
        **more,
    )


# ── when it is noticed ───────────────────────────────────────────────────────


def test_the_second_miss_in_a_row_is_a_silence_since_it_was_last_heard():
    """
    One poll that fails is none; two polls after the last answer there is an event, and it says why.
    """
    assert notice(0, 3.0) is None

    found = notice(0, 6.0)

    assert isinstance(found, SourceSilent)
    assert found.occurred_at == at(0)
    assert found.expected_every_seconds == INTERVAL
    assert found.reason == "it refused the connection"


def test_a_silence_is_told_once_and_its_end_when_it_is_heard():
    """
    What stands in the log is not noticed again, however long it lasts.
    """
    began = notice(0, 6.0)

    assert notice(0, 600.0, began) is None
    back = notice(601, 601, began)
    assert isinstance(back, SourceReturned)
    assert (back.occurred_at, back.silent_since) == (at(601), at(0))
    assert notice(601, 602, began, back) is None


@settings(deadline=None)
@given(
    outages=st.lists(st.tuples(st.integers(3, 40), st.integers(3, 40)), min_size=1, max_size=5),
    restarts=st.sets(st.integers(0, 200), max_size=6),
    jitter=st.floats(-0.2, 0.2),
)
def test_every_outage_is_one_silence_whatever_is_restarted_meanwhile(outages, restarts, jitter):
    """
    `serve` may end and start at any poll: an outage of three polls and more has one beginning and one
    end in the log, noticed two polls after the last answer, or after the start where nobody listened before.
    """
    down: list[bool] = []
    for up_for, down_for in outages:
        down += [False] * up_for + [True] * down_for
    down += [False] * 3
    log: list = []
    detector = SilenceDetector([], since=at(0))
    started, last = 0, None
    for poll, is_down in enumerate(down):
        minute = poll * 3 + (jitter if poll % 2 else 0)
        if poll in restarts:
            detector, started, last = SilenceDetector(recorded(*log), since=at(minute)), poll, None
        event = (
            detector.failed(PROMETHEUS, at=at(minute), interval_seconds=INTERVAL, reason="down")
            if is_down
            else detector.answered(PROMETHEUS, at=at(minute))
        )
        last = last if is_down else poll
        if event is not None:
            log.append(event)
            detector.refresh(recorded(*log))
        lasts = [each for each in silences(recorded(*log)) if each.end is None]
        missed = poll - (started if last is None else last)
        assert len(lasts) <= 1
        assert not lasts or is_down
        assert lasts or not is_down or missed < 2

    kinds = [event.TOPIC for event in log]
    assert kinds == ["source-silent", "source-returned"] * (len(kinds) // 2)
    assert len(kinds) // 2 <= len(outages)
    assert len(kinds) // 2 == len(outages) or restarts


def test_nothing_is_said_of_the_time_in_which_nobody_listened():
    """
    A source that does not answer from the start is silent since the start, and the event says so.
    """
    detector = SilenceDetector([], since=at(100))
    asked = {"interval_seconds": INTERVAL, "reason": "HTTP 503"}

    assert detector.failed(PROMETHEUS, at=at(100), **asked) is None
    found = detector.failed(PROMETHEUS, at=at(106), **asked)

    assert isinstance(found, SourceSilent)
    assert (found.occurred_at, found.heard_before) == (at(100), False)


def test_a_metric_may_stop_while_its_source_answers():
    """
    Its silence begins at its last sample and ends at a new one; what never had one is not silent.
    """
    ratio = WatchedSource("prometheus", "checkout", "error_ratio")
    detector = SilenceDetector([], since=at(0))

    never = detector.sampled(ratio, last_sample_at=None, at=at(60), interval_seconds=INTERVAL)
    detector.sampled(ratio, last_sample_at=at(59), at=at(60), interval_seconds=INTERVAL)
    began = detector.sampled(ratio, last_sample_at=None, at=at(66), interval_seconds=INTERVAL)
    assert isinstance(began, SourceSilent)
    detector.refresh(recorded(began))
    still = detector.sampled(ratio, last_sample_at=at(59), at=at(90), interval_seconds=INTERVAL)
    back = detector.sampled(ratio, last_sample_at=at(92), at=at(93), interval_seconds=INTERVAL)

    assert (never, still) == (None, None)
    assert (began.occurred_at, began.service, began.what) == (at(59), "checkout", "error_ratio")
    assert isinstance(back, SourceReturned)
    assert (back.occurred_at, back.silent_since) == (at(92), at(59))
    assert detector.failed(PROMETHEUS, at=at(5), interval_seconds=INTERVAL, reason="x") is not None


def test_a_prometheus_that_is_stopped_falls_silent_with_its_own_words(make_prometheus):
    """
    What the poll said is what the event says.
    """
    server = make_prometheus()
    detector = SilenceDetector([], since=at(0))

    def poll(minute: float):
        with PrometheusApi(server.url, limits=Limits(1, 2)) as api:
            try:
                api.now()
            except SourceUnreachableError as trouble:
                return detector.failed(
                    PROMETHEUS, at=at(minute), interval_seconds=INTERVAL, reason=trouble.message
                )
            return detector.answered(PROMETHEUS, at=at(minute))

    assert poll(0) is None
    server.stop()
    assert poll(3) is None
    found = poll(6)

    assert isinstance(found, SourceSilent)
    assert found.reason == f"Prometheus at {server.url} refused the connection"
    assert found.occurred_at == at(0)


# ── which spans there are ────────────────────────────────────────────────────


def test_two_pollers_that_notice_one_silence_tell_of_one():
    """
    Their reasons differ; the silence is the same, with both as evidence.
    """
    first, second, back = silent(10), silent(10, reason="timed out"), returned(30, since=10)

    (found,) = silences(recorded(first, second, back))

    assert (found.start, found.end, found.reason) == (at(10), at(30), first.reason)
    assert len(found.evidence) == 3


def test_a_silence_that_was_set_right_keeps_its_end():
    """
    An amended start is shown; a retracted silence never was, and its end tells nothing.
    """
    began, back = silent(10), returned(30, since=10)

    (found,) = silences(recorded(began, back, amended(began, changes={"occurred_at": at(12)})))

    assert (found.start, found.end, found.began_at) == (at(12), at(30), at(10))
    assert silences(recorded(began, back, retracted(began))) == []


def test_whose_samples_were_not_seen():
    """
    A silent Prometheus hides all of its metrics and no other's; a silent metric hides itself.
    """
    whole, other, metric = (
        silent(10, source="prometheus:a:9090"),
        silent(10, source="prometheus:b:9090"),
        silent(10, service="checkout", what="latency"),
    )
    known = silences(recorded(whole, other, metric, silent(10, source="sentry")))

    def hidden(name: str, source: str) -> list[str]:
        return [
            each.watched.what or each.watched.source for each in blinding(known, "checkout", name, [source])
        ]

    assert hidden("error_ratio", "prometheus:a:9090") == ["prometheus:a:9090"]
    assert sorted(hidden("latency", "prometheus:a:9090")) == ["latency", "prometheus:a:9090"]
    assert len(hidden("error_ratio", "prometheus")) == 2


def test_less_than_three_minutes_leave_no_window_blind():
    """
    A silence counts by what of it lies in the window; one that lasts covers the rest of it.
    """
    (short,) = silences(recorded(silent(10), returned(12.9, since=10)))
    (lasting,) = silences(recorded(silent(10)))

    assert blind_for([short], at(0), at(60)) == ()
    assert blind_for([lasting], at(0), at(12)) == ()
    assert blind_for([lasting], at(0), at(13)) == (lasting,)
    assert blind_for([lasting], at(-60), at(5)) == ()


def test_the_log_finds_a_silence_that_began_long_before(store_url):
    """
    Incidents ask for silences up to their end; the end of one comes along, however late it was.
    """
    with Log(store_url) as log:
        log.append([silent(-100_000), returned(9_000, since=-100_000), silent(8_000)])
        held = [*recorded(declared(0), resolved(40))]

        found = silences(log.select(windows(fold("INC-1", held))))
        assert log.verify().whole

    assert [(each.start, each.end) for each in found] == [(at(-100_000), at(9_000))]


# ── what readers see ─────────────────────────────────────────────────────────


def rows(*events):
    held = recorded(declared(0), *events)
    return timeline(Dossier.of("INC-1", held))


def test_the_timeline_draws_the_span_and_its_end():
    """
    A silence is a row where it began, with its span and reason, and one where it ended.
    """
    _, began, back = rows(silent(10), returned(30, since=10))

    assert (began.occurred_at, title(began)) == (at(10), "prometheus silent")
    assert detail(began) == (
        "from 2026-03-01 14:10:00Z to 14:30:00Z (20 min) · prometheus at http://127.0.0.1:9090 refused the connection"
    )
    assert (back.occurred_at, title(back), detail(back)) == (at(30), "prometheus heard again", "after 20 min")


def test_a_silence_that_lasts_says_so():
    """
    Nobody knows its end yet.
    """
    (_, row) = rows(silent(10, heard_before=False))

    assert detail(row) is not None
    assert detail(row).startswith(
        "from 2026-03-01 14:10:00Z; nothing was received since · never heard from since the tracker started"
    )


def test_only_silences_in_which_something_may_have_been_missed_are_rows():
    """
    One that began the day before and lasts into the incident is; what was over, or another service's, is not.
    """
    into = (silent(-1_000, source="sentry"), returned(5, since=-1_000, source="sentry"))
    over = (silent(-900, source="github"), returned(-800, since=-900, source="github"))
    theirs = silent(10, service="billing", what="latency")

    found = rows(*into, *over, theirs)

    assert [title(row) for row in found] == [
        "sentry silent",
        "Declared critical: Payments answer 500",
        "sentry heard again",
    ]


def test_a_span_shows_the_silence_that_lasts_into_it():
    """
    `--from` cuts facts, not the silence in which they were missed.
    """
    held = recorded(silent(-30), returned(-20, since=-30), silent(-10))
    found = entries(effective(held).values(), start=at(0), end=at(60))

    assert [row.occurred_at for row in found] == [at(-10)]


# ── what verdicts say ────────────────────────────────────────────────────────


def held(*events):
    return silences(recorded(*events))


def flags(found) -> dict[str, bool]:
    return {row.window: "blind" in row.flags for row in found if row.baseline == "healthy"}


def test_a_verdict_whose_source_was_silent_is_blind_and_says_why():
    """
    The flag is set where the silence covers three minutes of the window, though the samples came later.
    """
    mine = held(silent(FIX + 20), returned(FIX + 30, since=FIX + 20))

    found = judge(series(broken), silences=tuple(mine))

    assert flags(found) == {"10m": False, "1h": True, "1d": True}
    hour = next(row for row in found if row.window == "1h" and row.baseline == "healthy")
    assert hour.verdict == "recovered"
    assert reason(hour) is not None
    assert "prometheus silent from 2026-03-01 14:50:00Z to 15:00:00Z (10 min)" in reason(hour)
    assert "57 of 57 samples of the window are in the log" in reason(hour)
    assert [row.flags.count("blind") for row in found if row.window == "1h"] == [1, 1]


def test_a_gap_in_the_samples_is_told_with_the_silence_behind_it():
    """
    The flag stands once, and the reason counts what is there.
    """
    gap = series(broken)
    quiet = (gap.instants_ms >= to_ms(at(FIX + 20))) & (gap.instants_ms < to_ms(at(FIX + 30)))
    gap = replace(gap, values=np.where(quiet, np.nan, gap.values))

    found = judge(gap, silences=tuple(held(silent(FIX + 20), returned(FIX + 30, since=FIX + 20))))

    hour = next(row for row in found if row.window == "1h" and row.baseline == "healthy")
    assert hour.flags.count("blind") == 1
    assert "47 of 57 samples" in (reason(hour) or "")


@pytest.mark.parametrize("length", [0.0, 2.9])
def test_a_short_silence_changes_no_verdict_and_no_hash(length):
    """
    Verdicts that were said before silences were known come out the same.
    """
    before = judge(series(broken))

    after = judge(
        series(broken), silences=tuple(held(silent(FIX + 5), returned(FIX + 5 + length, since=FIX + 5)))
    )

    assert after == before


def test_a_silence_that_is_told_of_later_is_a_new_verdict():
    """
    What was said stands, and is said again with what is known now.
    """
    said = verdicts_to_record(judge(series(broken)), [], "INC-1", reason)
    later = judge(series(broken), silences=tuple(held(silent(FIX + 20), returned(FIX + 30, since=FIX + 20))))

    again = verdicts_to_record(later, effective(recorded(*said)).values(), "INC-1", reason)

    assert sorted(event.window for event in again) == ["1d", "1h"]


def test_samples_that_a_silent_source_owes_are_waited_for_with_its_name():
    """
    A window whose samples are not in the log says which silence keeps them.
    """
    found = judge(series(broken, until=FIX + 20), as_of=FIX + 200, silences=tuple(held(silent(FIX + 20))))

    hour = next(row for row in found if row.window == "1h")
    assert hour.verdict == "pending"
    assert "prometheus silent from 2026-03-01 14:50:00Z; nothing was received since" in (reason(hour) or "")


def test_all_silences_are_found_in_one_place(store_url):
    """
    Sources' and metrics', whatever their service.
    """
    with Log(store_url) as log:
        log.append([silent(10), silent(11, service="checkout", what="error_ratio"), returned(30)])
        assert len(log.select([Window(SILENCES)])) == 3
