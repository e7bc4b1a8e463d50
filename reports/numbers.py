"""How numbers are written for readers, in pictures and in sentences alike.

Six significant digits are what a reader can use, and what two machines agree on:
the last bits of a float may differ between processors.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

_SIX = Context(prec=6, rounding=ROUND_HALF_EVEN)
_BINARY = (("B", 0), ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("PiB", 50))
_SECONDS = (("µs", -6), ("ms", -3), ("s", 0))
_LARGE = (("", 0), (" k", 3), (" M", 6), (" G", 9), (" T", 12))


@dataclass(frozen=True)
class Scale:
    """How a unit is shown: one shown unit is `size` stored ones; `suffix` follows the number."""

    size: Decimal
    suffix: str

    def label(self, shown: Decimal) -> str:
        """Write a number that is in the shown unit already, at most six digits."""
        rounded = _SIX.plus(shown)
        text = f"{rounded:f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        text = text.replace("-", "−")
        return ("0" if text == "−0" else text) + self.suffix


def six_digits(value: float) -> float:
    """Round to six significant digits; what is no finite number stays what it is."""
    return float(f"{value:.6g}")


def scale(unit: str | None, largest: float) -> Scale:
    """Choose how a unit is shown where the largest number shown is this one.

    Units are ratio, seconds, bytes, count, per_second, percent; any other follows the number as it is.
    """
    largest = abs(six_digits(largest)) if math.isfinite(largest) else 0.0
    if unit == "ratio":
        return Scale(Decimal("0.01"), " %")
    if unit == "percent":
        return Scale(Decimal(1), " %")
    if unit == "seconds":
        if largest == 0:
            return Scale(Decimal(1), " s")
        name, power = next((s for s in reversed(_SECONDS) if largest >= 10.0 ** s[1]), _SECONDS[0])
        return Scale(Decimal(1).scaleb(power), f" {name}")
    if unit == "bytes":
        name, power = next((s for s in reversed(_BINARY) if largest >= 2.0 ** s[1]), _BINARY[0])
        return Scale(Decimal(2**power), f" {name}")
    # 9,500 is read at a glance, 95,000 is not.
    name, power = next((s for s in reversed(_LARGE) if largest >= 10.0 ** (s[1] + 1)), _LARGE[0])
    after = {"per_second": "/s", "count": "", None: ""}.get(unit, f" {unit}")
    return Scale(Decimal(1).scaleb(power), name + after)


def with_unit(value: float, unit: str | None) -> str:
    """Write one number with its unit: 2.35 %, 412 ms, 3.1 GiB, 120/s."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    shown_as = scale(unit, value)
    return shown_as.label(Decimal(repr(six_digits(value))) / shown_as.size)


def rounded_with_unit(value: float, unit: str | None) -> str:
    """Write one number with three digits, which are enough for a sentence or a table."""
    return with_unit(float(f"{six_digits(value):.3g}"), unit)
