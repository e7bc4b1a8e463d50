"""Why an answer is what it is, as a code and facts: `reports.wording` has the sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A code, and what its sentence names."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
