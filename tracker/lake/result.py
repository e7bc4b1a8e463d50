"""What a query answered: names of columns, and rows of plain values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.errors import UsageError


@dataclass(frozen=True)
class Result:
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def names(self) -> list[str]:
        """Return the columns' names, each once: a second `n` is `n_2`."""
        seen: Counter[str] = Counter()
        names = []
        for name in self.columns:
            seen[name] += 1
            names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
        return names


def joined(results: Iterable[Result]) -> Result:
    """Put the rows of several answers to one query together."""
    answers = list(results)
    return Result(answers[0].columns, [row for answer in answers for row in answer.rows])


def require_samples(named: Sequence[str]) -> None:
    """Refuse a query for each service's samples that reads none.

    Raises:
        UsageError: If it does not.
    """
    if "samples" not in named:
        raise UsageError(
            "--each-service: the query does not read the table samples", hint="Leave out --each-service"
        )
