"""Draw the pictures of docs/judge.md, with what the judge really says: python -m tests.judge.pictures."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projections.comparison import ChangeJudgement, judge_change, judge_recovery
from reports.charts import Band, Chart, ChartInterval, Line, Mark, draw
from tracker.times import to_ms

FOLDER = Path(__file__).parents[2] / "docs" / "judge"
#: The deploy, and the fix.
NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)
DAY, HOUR, SETTLED = 1_440, 60, 3

Floats = NDArray[np.float64]


def _latency() -> Floats:
    """Four days before noon and three hours after it, a sample a minute: it follows the clock and remembers."""
    values, restless = [], 0.0
    for minute, noise in enumerate(np.random.default_rng(5).normal(size=4 * DAY + 3 * HOUR)):
        restless = 0.8 * restless + 0.008 * float(noise)
        values.append(0.3 + 0.08 * math.sin(2 * math.pi * minute / DAY) + restless)
    return np.array(values)


def _after(series: Floats, moment: int) -> ChangeJudgement:
    """What the judge says of the hour after a moment, once it has settled."""
    begins = moment + SETTLED
    return judge_change(
        series[:moment, None], series[begins : moment + HOUR, None],
        step_seconds=60, window_seconds=60 * (HOUR - SETTLED), gap_seconds=60 * SETTLED,
    )[0]  # fmt: skip


def _at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def _instants(first: int, last: int, step: int = 1) -> NDArray[np.int64]:
    return np.array([to_ms(_at(minute)) for minute in range(first, last, step)], np.int64)


def _beside(
    series: Floats, said: ChangeJudgement, title: str, mark: Mark, spans: tuple[ChartInterval, ...] = ()
) -> bytes:
    expected, visible = said.expected or 0.0, said.smallest_visible_change or 0.0
    ends = _instants(SETTLED, HOUR + 1, HOUR - SETTLED)
    band = Band(
        ends, np.full(2, expected - visible), np.full(2, expected + visible), "expected ± what would show"
    )
    line = Line(
        "latency", _instants(-3 * HOUR, 2 * HOUR), series[4 * DAY - 3 * HOUR : 4 * DAY + 2 * HOUR], 60.0
    )
    return draw(
        Chart(
            title=title,
            unit="seconds",
            start=_at(-3 * HOUR),
            end=_at(2 * HOUR),
            lines=(line,),
            marks=(mark,),
            spans=spans,
            band=band,
        )
    )


def _replays(series: Floats, said: ChangeJudgement) -> bytes:
    """The shift that the judge would have found after each quarter of an hour of the day before, and the deploy's."""
    step = 15
    shifts = [_after(series, 4 * DAY + minute).shift or 0.0 for minute in range(-DAY, -HOUR, step)]
    shifts += [math.nan] * (HOUR // step) + [said.shift or 0.0] * 3
    instants = _instants(-DAY, 3 * step, step)
    visible = said.smallest_visible_change or 0.0
    band = Band(
        instants[[0, -1]], np.full(2, -visible), np.full(2, visible), "would not show"
    )  # fmt: skip
    return draw(
        Chart(
            title="The same comparison at earlier times, and after the deploy",
            unit="seconds",
            start=_at(-DAY),
            end=_at(2 * step),
            lines=(Line("shift of the hour that followed", instants, np.array(shifts), 60.0 * step),),
            marks=(Mark(_at(0), "deploy", "v2"),),
            band=band,
        )
    )


def pictures() -> dict[str, bytes]:
    """Return each picture's bytes by its file's name."""
    usual = _latency()
    slower, broken = usual.copy(), usual.copy()
    slower[4 * DAY :] += 0.12
    broken[4 * DAY - HOUR : 4 * DAY + SETTLED] += 0.6
    quiet, moved = _after(usual, 4 * DAY), _after(slower, 4 * DAY)
    mended = judge_recovery(
        broken[: 4 * DAY - HOUR, None], broken[4 * DAY - HOUR : 4 * DAY, None],
        broken[4 * DAY + SETTLED : 4 * DAY + HOUR, None],
        step_seconds=60, window_seconds=60 * (HOUR - SETTLED), gap_seconds=60 * SETTLED,
    )[0]  # fmt: skip
    deploy, fix = Mark(_at(0), "deploy", "v2"), Mark(_at(0), "fix", "v3")
    incident = ChartInterval(_at(-HOUR), _at(SETTLED), "incident", "INC-1")
    verdict = mended.verdict.replace("_", " ")
    return {
        "unchanged.svg": _beside(
            usual, quiet, f"Within its swing: {quiet.direction}, strength {quiet.strength:.1f}", deploy
        ),
        "replays.svg": _replays(slower, moved),
        "regressed.svg": _beside(
            slower, moved, f"Beyond its swing: {moved.direction}, strength {moved.strength:.1f}", deploy
        ),
        "recovered.svg": _beside(broken, mended.after, f"An hour after the fix: {verdict}", fix, (incident,)),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in pictures().items():
        (FOLDER / name).write_bytes(drawn)
        print(FOLDER / name)
