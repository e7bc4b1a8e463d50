"""How cost grows with the log: an append, an answer about one incident and a whole reading, each ten times larger."""

import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

from tests.bench.commands import BATCH, incident
from tests.bench.log import errors
from tests.bench.measure import Row, Sizes, at_most, process_seconds, said_in, seconds
from tracker.log import Log

FIRST = 1_000
_ONE_BATCH = 1_000


def rows(sizes: Sizes, folder: Path, picture: Path | None = None) -> Iterator[Row]:
    """Measure in one log that grows from a thousand events to `sizes.growth`, and draw it where a file is named."""
    store = str(folder / "growing.db")
    counts: list[int] = []
    taken: dict[str, list[float]] = {
        "append 1,000 events": [],
        "tracker report": [],
        "read the whole log": [],
    }
    with Log(store) as log:
        incident(log)
    count, number = FIRST, 0
    while count <= sizes.growth:
        with Log(store) as log:
            while number < count - _ONE_BATCH:
                size = min(BATCH, count - _ONE_BATCH - number)
                log.append(errors(size, first=number))
                number += size
            append = partial(log.append, errors(_ONE_BATCH, first=number))
            taken["append 1,000 events"].append(seconds(append))
            number += _ONE_BATCH
            taken["read the whole log"].append(seconds(lambda: sum(1 for _ in log.read_all())))
        ask = [sys.executable, "-m", "tracker", "report", "INC-1", "-o", "-", "--store", store]
        taken["tracker report"].append(min(process_seconds(ask, folder)() for _ in range(3)))
        counts.append(count)
        count *= 10
    for what in ("append 1,000 events", "tracker report"):
        said = f"{what}, in a log of {counts[-1]:,} events against one of {counts[0]:,}"
        yield at_most(said, taken[what][-1], taken[what][0], 1.2 if what == "tracker report" else 2, "s")
    for (few, few_s), (many, many_s) in pairwise(zip(counts, taken["read the whole log"], strict=True)):
        yield Row(
            f"read {many:,} events, against {few:,}",
            said_in(many_s, "s"),
            said_in(few_s, "s"),
            many_s / few_s,
        )
    if picture is not None:
        _draw(picture, counts, taken)


def _draw(picture: Path, counts: list[int], taken: dict[str, list[float]]) -> None:
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "tracker"
    figure, axes = plt.subplots(figsize=(7, 4))
    for (what, values), style in zip(taken.items(), ("o-", "s--", "^:"), strict=True):
        axes.plot(counts, [1000 * value for value in values], style, label=what)
    axes.set(xscale="log", yscale="log", xlabel="events in the log", ylabel="milliseconds")
    axes.set_title("What is asked of one incident costs the same in a longer log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(picture, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
