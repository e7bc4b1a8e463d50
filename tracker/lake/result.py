"""What a query answered: names of columns, and rows of plain values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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
