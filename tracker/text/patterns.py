"""Regular expressions that are compiled when they are first used.

A command imports many modules and uses few of their patterns: compiling the 100 of
`projections.claims` at import took 300 ms of every `tracker note`.
"""

import re
from typing import Any, cast


class _Pattern:
    """Behaves as the compiled pattern does."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags
        self._compiled: re.Pattern[str] | None = None

    def __getattr__(self, name: str) -> Any:
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self.flags)
        # Kept, so that it is asked only once: some are used on every line of a long text.
        found = self.__dict__[name] = getattr(self._compiled, name)
        return found


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled when it is first used; a wrong one raises `re.error` then."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
