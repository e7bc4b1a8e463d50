"""The monthly review as markdown: each figure with its interval, its n and what it cannot tell."""

from collections.abc import Iterable, Iterator, Sequence

from projections.durations import NAMES
from projections.trends.measures import Measure
from reports.markdown import table, text
from reports.wording.text import capitalized, counted
from tracker.times import spoken

_TITLES = {
    "incidents": "Incidents",
    "repeat_incidents": "The same thing again",
    **NAMES,
    "deployment_frequency": "Deployment frequency",
    "change_lead_time": "Change lead time",
    "change_fail_rate": "Change fail rate",
    "failed_deployment_recovery_time": "Failed deployment recovery time",
    "deployment_rework_rate": "Deployment rework rate",
    "action_items_on_time": "Action items done on time",
}
_HOW_OFTEN = ("incidents", "deployment_frequency")
_HOW_FAST = (*NAMES, "change_lead_time", "failed_deployment_recovery_time")
_SHARES = ("change_fail_rate", "deployment_rework_rate", "repeat_incidents")
_METHODS = {
    "poisson": "exact Poisson interval; periods compared by the exact test of two counts",
    "kaplan_meier_median": "Kaplan-Meier median; periods compared by Welch's interval of the logarithms, with open ones by Gehan's rank test",
    "clopper_pearson": "exact binomial interval; periods compared by Fisher's exact test",
}
SMALL = 10
"""Fewer than so many are said to be few."""


def title(measure: str) -> str:
    """Return a measure's name for readers."""
    return _TITLES.get(measure) or f"Rule kept: {measure.removeprefix('rule:')}"


def value(figure: Measure) -> str:
    """Write a figure with its interval."""
    if figure.value is None:
        return "not reached" if figure.unit == "seconds" and figure.n else "no data"
    low = "unknown" if figure.low is None else _number(figure.low, figure.unit)
    high = "not reached" if figure.high is None else _number(figure.high, figure.unit)
    return f"{_number(figure.value, figure.unit)}{' in 30 days' if figure.unit == 'per_day' else ''} ({low} to {high})"


def says(figure: Measure) -> str:
    """Say a figure in one sentence: what changed, or what change could have been seen."""
    few = f" Only {figure.n}." if figure.n < SMALL else ""
    if figure.compared_with is None:
        return f"Not compared.{few}"
    if figure.claim:
        return f"{capitalized(figure.claim)} than in {figure.compared_with}: {_change(figure)}.{few}"
    if figure.in_bursts:
        return f"They come in bursts: whether their rate changed cannot be told from these counts.{few}"
    visible = figure.smallest_visible_change
    if visible is None:
        return f"No change is claimed, and with these numbers no fall could have been seen.{few}"
    seen = f"{visible * 100:.0f} points" if figure.unit == "ratio" else f"a fall to {visible * 100:.0f} %"
    return f"No change is claimed; the smallest that would have been seen is {seen}.{few}"


def page(
    heading: str,
    figures: Sequence[Measure],
    *,
    repeats: Iterable[tuple[str, str, Sequence[str], Sequence[str]]],
    not_told: Sequence[str],
    comparisons: int,
) -> str:
    """Write the review."""
    lines = [f"# {heading}", "", *_changed(figures, comparisons)]
    lines += _part("How often", figures, _HOW_OFTEN)
    lines += _part("How fast", figures, _HOW_FAST)
    lines += _part("How it went", figures, _SHARES)
    lines += ["", "## What comes back", "", *_repeats(repeats)]
    lines += _part(
        "Rules that were kept", figures, [one.measure for one in figures if one.measure.startswith("rule:")]
    )
    lines += _part("What was promised", figures, ("action_items_on_time",))
    lines += ["", "## What these numbers cannot tell", "", *(f"- {text(line)}" for line in not_told)]
    return "\n".join(lines) + "\n"


def not_told(
    figures: Sequence[Measure], left_out: dict[str, int], comparisons: int, open_incidents: int
) -> list[str]:
    """Say what the figures leave open."""
    found = [
        "No claim does not mean that nothing changed: the smallest change that could have been seen stands beside each figure.",
        f"{counted(comparisons, 'comparison')} made; all of them together claim something that is not so in at most 5 of 100 such pages.",
    ]
    if open_incidents:
        found.append(
            f"{counted(open_incidents, 'incident')} still open: each counts for as long as it has lasted, and 'not reached' means that half of them were not seen to end."
        )
    for name, count in left_out.items():
        found.append(
            f"{title(name)}: {count} with an end that is known only roughly, or not at all, are left out."
        )
    if any(figure.in_bursts for figure in figures):
        found.append("Where incidents or deploys come in bursts, a change of their rate is not claimed.")
    if any(figure.measure == "deployment_rework_rate" for figure in figures):
        found += [
            "Rework is read as DORA's guide of 2024 has it: deployments that are unplanned but happen as a result of an incident in production. Its survey asks for user-facing bugs, which the log does not know.",
            "A failed deployment is one that was linked as the cause of an incident, or that a rollback took away next. What nobody linked is not counted.",
            "Change lead time runs from the commit that a deploy names, not from each commit that it brought.",
        ]
    found += sorted({f"{_METHODS[figure.method]}." for figure in figures if figure.method in _METHODS})
    return found


def _changed(figures: Sequence[Measure], comparisons: int) -> Iterator[str]:
    claims = [figure for figure in figures if figure.claim]
    yield "## What changed"
    yield ""
    if not claims:
        yield f"Nothing is claimed: none of {counted(comparisons, 'comparison')} excludes that nothing changed."
    for figure in claims:
        yield f"- **{title(figure.measure)}**{_of(figure)}: {text(says(figure))}"


def _part(heading: str, figures: Sequence[Measure], names: Sequence[str]) -> list[str]:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    mine = sorted((one for one in figures if one.measure in order), key=lambda one: order[one.measure])
    if not mine:
        return ["", f"## {heading}", "", "Nothing is recorded of that."]
    rows = [
        (
            title(one.measure),
            text(one.service or one.severity or "all"),
            one.period,
            value(one),
            f"{one.n}{f', {one.open} open' if one.open else ''}",
            text(says(one)),
        )
        for one in mine
    ]
    return [
        "",
        f"## {heading}",
        "",
        *table(("", "Of", "Period", "Value (95 % interval)", "n", "Compared"), rows),
    ]


def _repeats(repeats: Iterable[tuple[str, str, Sequence[str], Sequence[str]]]) -> Iterator[str]:
    empty = True
    for incident, earlier, reasons, promised in repeats:
        empty = False
        yield f"- {incident} is the same again as {earlier}: {text('; '.join(reasons))}"
        yield from (f"  - was promised and not done: {text(item)}" for item in promised)
    if empty:
        yield "No incident of this period is claimed to be the same as an earlier one."


def _of(figure: Measure) -> str:
    of = figure.service or figure.severity
    return f" of {text(of)}, {figure.period}" if of else f", {figure.period}"


def _change(figure: Measure) -> str:
    if figure.unit == "ratio":
        return f"by {abs(figure.change or 0) * 100:.0f} points"
    if figure.change is None or figure.change_low is None or figure.change_high is None:
        return "there were none"
    return f"× {figure.change:.2f} ({figure.change_low:.2f} to {figure.change_high:.2f})"


def _number(number: float, unit: str) -> str:
    if unit == "seconds":
        return spoken(number)
    if unit == "ratio":
        return f"{number * 100:.0f} %"
    return f"{number * 30:.3g}"
