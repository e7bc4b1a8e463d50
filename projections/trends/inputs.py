"""What numbers are accepted, and how sure a claim has to be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tracker.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_ERROR = 0.05
POWER = 0.8
"""How often the smallest visible change would be seen."""
FOR_COUNTS = 0.2
"""Which part of a page's error is for single weeks and months that are out of the ordinary; the rest is for comparisons."""


def error_share(comparisons: float) -> float:
    """Return the error that each of several comparisons may have, so that all of them together err in 5 %.

    Raises:
        UsageError: If there is not one comparison.
    """
    if comparisons < 1:
        raise UsageError(f"comparisons is {comparisons:g}", hint="Give how many the page shows: 1 or more")
    return _ERROR / comparisons


def checked_seconds(seconds: Iterable[float], name: str) -> npt.NDArray[np.float64]:
    """Return durations as an array.

    Raises:
        UsageError: If one is negative, or no number.
    """
    import numpy as np

    values = np.array([float(each) for each in seconds], np.float64)
    for value in values:
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(
                f"{name} holds {value:g}: a duration is a number of seconds from 0 on",
                hint="Drop the rows without a duration, and give the open ones as …_open_s",
            )
    return values
