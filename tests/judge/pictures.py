"""Draw the pictures of docs/judge.md: python -m tests.judge.pictures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from reports.charts import Band, Chart, Line, Mark, Span, draw
from tracker.times import to_ms

FOLDER = Path(__file__).parents[2] / "docs" / "judge"
_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _at(minute: float) -> datetime:
    return _NOON + timedelta(minutes=minute)


def _chart(title: str, level: np.ndarray, marks: tuple[Mark, ...], spans: tuple[Span, ...] = ()) -> Chart:
    minutes = np.arange(-120, 121)
    values = level + 0.02 * np.random.default_rng(5).normal(size=len(minutes))
    instants = np.array([to_ms(_at(int(minute))) for minute in minutes], np.int64)
    return Chart(
        title=title,
        unit="seconds",
        start=_at(-120),
        end=_at(120),
        lines=(Line("latency", instants, values, 60.0),),
        marks=marks,
        spans=spans,
        band=Band(instants[[0, -1]], np.array([0.2, 0.2]), np.array([0.4, 0.4]), "expected ± natural swing"),
    )


def pictures() -> dict[str, bytes]:
    """Return each picture's bytes by its file's name."""
    minutes = np.arange(-120, 121)
    usual = 0.3 + 0.04 * np.sin(minutes / 11)
    broken = np.where((minutes >= -60) & (minutes < 3), 0.9, usual)
    return {
        "unchanged.svg": draw(_chart("Within its swing: unchanged", usual, (Mark(_at(0), "deploy", "v2"),))),
        "regressed.svg": draw(
            _chart("Beyond its swing: regressed", np.where(minutes >= 0, 0.6, usual), (Mark(_at(0), "deploy", "v2"),)),
        ),
        "recovered.svg": draw(
            _chart("Back three minutes after the fix: recovered", broken, (Mark(_at(0), "fix", "v3"),),
                   (Span(_at(-60), _at(3), "incident", "INC-1"),)),
        ),
    }  # fmt: skip


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in pictures().items():
        (FOLDER / name).write_bytes(drawn)
        print(FOLDER / name)
