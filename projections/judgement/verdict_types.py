"""What the judge says of one metric: plain, frozen answers without a word for the report."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down", "unchanged", "not_enough_data"]
Recovery = Literal[
    "recovered",
    "partly_recovered",
    "still_degraded",
    "unaffected",
    "within_normal",
    "regressed",
    "not_enough_data",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeJudgement:
    """One metric over one window after a change, beside what its past let expect.

    Values are in the metric's own unit and `None` where they could not be had.
    """

    direction: Direction
    #: The part of the shift that all good expectations agree on, over the swing: above 1 the metric changed,
    #: a deploy's headline asks for 1.5. At most 999.
    strength: float
    #: Which expectation predicted this metric best, see `projections.judgement.expectations.EXPECTATIONS`.
    candidate: str | None
    expected: float | None
    #: The mean of the window.
    observed: float | None
    #: `observed` - `expected`.
    shift: float | None
    #: The shift in percent of the expected level's size; none where zero was expected.
    shift_percent: float | None
    #: How far the same comparison missed on its own at earlier times, with a margin.
    swing: float | None
    #: How large the shift would have had to be: the swing or the smallest effect worth a word, whichever is larger,
    #: and how far the good expectations lie apart.
    smallest_visible_change: float | None
    #: The means of all replayed windows lay between these two.
    seen_lowest: float | None = None
    seen_highest: float | None = None
    #: How many earlier times the comparison was replayed at.
    replays: int
    samples: int
    samples_expected: int
    #: Positions in the baseline of the wild samples that were left out, see `projections.judgement.wild_samples`.
    left_out: tuple[int, ...] = ()
    #: Why there is no answer, in words; empty where there is one.
    reason: str = ""
    #: `spike`: one sample alone made the shift. `already_moving`: it moved the same way in the window before.
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryJudgement:
    """One metric after a fix: is what the incident did to it gone?"""

    verdict: Recovery
    #: The strength of what is left, see `ChangeJudgement.strength`.
    strength: float
    #: What is left of the incident's shift: 0 is all gone, 1 nothing, below 0 beyond the other side.
    remaining_ratio: float | None
    #: The incident against the healthy time before it.
    incident: ChangeJudgement
    #: The window after the fix against that same healthy time.
    after: ChangeJudgement
    reason: str = ""
