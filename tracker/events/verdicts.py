"""Verdicts of closed windows, and the checks of a watch: decisions that later versions never rewrite."""

from datetime import datetime

import msgspec

from tracker.events.base import Decision, topic


class Verdict(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One metric over one window, compared with one baseline; values are in the metric's own unit.

    `inputs_hash` is over the numbers that the judge was given: the same hash and the same judge
    give the same verdict. `confounded_by` are the versions whose deploys may have moved it as well, `cut_by` is
    the one whose deploy ended the window.
    """

    metric: str
    baseline: str
    verdict: str
    inputs_hash: str
    unit: str | None = None
    query: str | None = None
    expected: float | None = None
    observed: float | None = None
    shift: float | None = None
    swing: float | None = None
    strength: float | None = None
    smallest_visible_change: float | None = None
    replays: int = 0
    samples: int = 0
    samples_expected: int = 0
    recovered_at: datetime | None = None
    left_normal_at: datetime | None = None
    baseline_from: datetime | None = None
    baseline_to: datetime | None = None
    flags: tuple[str, ...] = ()
    reason: str = ""
    confounded_by: tuple[str, ...] = ()
    cut_by: str | None = None


@topic("verdicts-given", rank=85)
class VerdictsGiven(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A window after a change closed at `occurred_at`, and its metrics were judged.

    `change` is the event of the deploy or rollback, `window` is 10m, 1h or 1d.
    """

    change: str
    service: str
    version: str
    window: str
    window_from: datetime
    settling_seconds: float
    judge_version: str
    verdicts: tuple[Verdict, ...]


@topic("check-made", rank=84)
class CheckMade(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A watch checked the metrics when it was due, `due_seconds` after the change.

    Each metric is in one of the three lists. A check that is not recorded was not made.
    """

    change: str
    due_seconds: int
    normal: tuple[str, ...] = ()
    not_normal: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
