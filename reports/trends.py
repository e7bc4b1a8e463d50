"""The monthly review as markdown: each figure with its interval, its n and what it cannot tell."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from projections.durations import NAMES
from projections.trends.measures import Measure
from projections.trends.over_time import OverTime
from projections.trends.xmr import CountsOverTime
from reports.markdown import table, text
from reports.trends_pictures import MOST_SERVICES, counts_picture, medians_picture
from reports.wording.durations import in_words
from reports.wording.text import capitalized, counted

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
    "kaplan_meier_median": "Kaplan-Meier median; periods compared by Welch's interval of the logarithms, with open ones, fewer than 10, or unequal numbers by Gehan's rank test",
    "clopper_pearson": "exact binomial interval; periods compared by Fisher's exact test",
}
CHANGED = "What changed"
HOW_OFTEN, HOW_FAST, HOW_IT_WENT = "How often", "How fast", "How it went"
COMES_BACK, RULES_KEPT, PROMISED = "What comes back", "Rules that were kept", "What was promised"
_MOST_NAMED = 5
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


@dataclass(frozen=True)
class Picture:
    """One picture: what it shows, where it lies beside the page, and its bytes, wide and narrow."""

    shows: str
    path: str
    svgs: tuple[bytes, bytes]


def pages(
    heading: str,
    figures: Sequence[Measure],
    *,
    repeats: Iterable[tuple[str, str, Sequence[str], Sequence[str]]],
    not_told: Mapping[str, Sequence[str]],
    comparisons: int,
    over_time: Sequence[CountsOverTime] = (),
    pictures: Mapping[str, Sequence[Picture]] | None = None,
) -> list[tuple[str, str]]:
    """Write the review, each section by itself: its name, and its markdown."""
    rules = [one.measure for one in figures if one.measure.startswith("rule:")]
    tables = {
        HOW_OFTEN: [*_table(figures, _HOW_OFTEN), *_ordinary(over_time)],
        HOW_FAST: _table(figures, _HOW_FAST),
        HOW_IT_WENT: _table(figures, _SHARES),
        COMES_BACK: list(_repeats(repeats)),
        RULES_KEPT: _table(figures, rules),
        PROMISED: _table(figures, ("action_items_on_time",)),
    }
    found = [
        ("head", _joined([f"# {heading}", "", *_changed(figures, comparisons), *_untold(not_told, CHANGED)]))
    ]
    for name, lines in tables.items():
        drawn = [f"![{text(one.shows)}]({quote(one.path)})" for one in (pictures or {}).get(name, ())]
        shown = [line for picture in drawn for line in ("", picture)]
        found.append((name, _joined([f"## {name}", "", *lines, *shown, *_untold(not_told, name)])))
    return found


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _untold(not_told: Mapping[str, Sequence[str]], name: str) -> list[str]:
    if not not_told.get(name):
        return []
    return ["", "What these numbers cannot tell:", "", *(f"- {text(line)}" for line in not_told[name])]


def not_told(
    figures: Sequence[Measure], left_out: dict[str, int], comparisons: int, open_incidents: int
) -> dict[str, list[str]]:
    """Say of each section what its figures leave open."""
    methods = {figure.unit: f"{_METHODS[figure.method]}." for figure in figures if figure.method in _METHODS}
    shares = [methods["ratio"]] if "ratio" in methods else []
    found: dict[str, list[str]] = {
        CHANGED: [
            "No claim does not mean that nothing changed: the smallest change that could have been seen stands beside each figure.",
            f"{counted(comparisons, 'comparison')} made; all of them together claim something that is not so in at most 5 of 100 such pages.",
        ],
        HOW_OFTEN: [
            "More incidents may be more that are declared: the log has what people and rules declared.",
            "One or two of 100 counts lie outside the limits of their moving ranges by chance: named are those that chance does not explain, with all counts of the page allowed for.",
        ],
        HOW_FAST: [],
        HOW_IT_WENT: [],
        COMES_BACK: [
            "What was written differently and has no rule, error, file or version in common is not found.",
            "The longer the history, the more there is that can come back: the share is not compared.",
        ],
        RULES_KEPT: [
            "Counted is only where the log can answer: what nobody recorded is neither kept nor broken."
        ],
        PROMISED: ["Done is what somebody marked as done; whether it prevents anything is not measured."],
    }
    if "per_day" in methods:
        found[HOW_OFTEN].append(methods["per_day"])
    if any(figure.in_bursts for figure in figures):
        found[HOW_OFTEN].append(
            "Where incidents or deploys come in bursts, a change of their rate is not claimed."
        )
    if open_incidents:
        found[HOW_FAST].append(
            f"{counted(open_incidents, 'incident')} still open: each counts for as long as it has lasted, and 'not reached' means that half of them were not seen to end."
        )
    for name, count in left_out.items():
        found[HOW_FAST].append(
            f"{title(name)}: {count} with an end that is known only roughly, or not at all, are left out."
        )
    if any(figure.measure == "deployment_rework_rate" for figure in figures):
        found[HOW_FAST].append(
            "Change lead time runs from the commit that a deploy names, not from each commit that it brought."
        )
        found[HOW_IT_WENT] += [
            "Rework is read as DORA's guide of 2024 has it: deployments that are unplanned but happen as a result of an incident in production. Its survey asks for user-facing bugs, which the log does not know.",
            "A failed deployment is one that was linked as the cause of an incident, or that a rollback took away next. What nobody linked is not counted.",
        ]
    if "seconds" in methods:
        found[HOW_FAST].append(methods["seconds"])
    found[HOW_IT_WENT] += shares
    return found


def all_not_told(not_told: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what all sections leave open, each sentence once."""
    return list(dict.fromkeys(line for lines in not_told.values() for line in lines))


def pictures_of(
    over_time: OverTime,
    folder: str,
) -> dict[str, list[Picture]]:
    """Draw the pictures of the review, to lie in a folder beside it; of the services with most incidents."""
    most = sorted(over_time.counts, key=lambda one: (-sum(one.counts), one.service))[:MOST_SERVICES]
    counts = [
        Picture(f"Incidents of {one.service} by {one.unit}", f"{folder}/incidents-{number}.svg", svgs)
        for number, one in enumerate(sorted(most, key=lambda one: one.service), start=1)
        if sum(one.counts) and (svgs := counts_picture(one)) is not None
    ]
    drawn = medians_picture(over_time.medians, over_time.medians_by)
    fast = (
        []
        if drawn is None
        else [Picture(f"Median time to resolve by {over_time.medians_by}", f"{folder}/fast.svg", drawn)]
    )
    return {HOW_OFTEN: counts, HOW_FAST: fast}


def moved(before: Sequence[Measure], after: Sequence[Measure]) -> list[tuple[Measure | None, Measure | None]]:
    """Return the figures that are other ones now, each as it was and as it is; None where there was, or is, none."""

    def key(one: Measure) -> tuple[str, str | None, str | None, str]:
        return one.measure, one.service, one.severity, one.period

    was, now = ({key(one): one for one in figures} for figures in (before, after))
    return [
        (was.get(name), now.get(name))
        for name in dict.fromkeys([*now, *was])
        if was.get(name) != now.get(name)
    ]


def says_moved(before: Measure | None, after: Measure | None, corrections: Sequence[str] = ()) -> str:
    """Say in one line how a figure moved, what is behind that, and what was corrected there."""
    one = after or before
    assert one is not None
    was, now = ("not there" if each is None else f"{value(each)}, n {each.n}" for each in (before, after))
    line = (
        f"{title(one.measure)}{_of(one)}: {was} -> {now}"
        if was != now
        else f"{title(one.measure)}{_of(one)}: {now}, as before"
    )
    behind = [{*each.incidents, *each.changes} if each is not None else set() for each in (before, after)]
    added, gone = sorted(behind[1] - behind[0]), sorted(behind[0] - behind[1])
    for word, names in (("now with", added), ("now without", gone)):
        if names:
            line += f"; {word} {_some(names)}"
    claims = [each.claim if each is not None else None for each in (before, after)]
    if claims[0] != claims[1]:
        line += f"; claimed was {claims[0] or 'nothing'}, now {claims[1] or 'nothing'}"
    elif was == now:
        line += "; what it is compared with is another"
    if corrections:
        line += f"; corrected: {_some(corrections)}"
    return line


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def says_corrected(handle: str, kind: str, target: str, by: str, why: str) -> str:
    """Name one correction: its handle, what it did to which event, by whom and why."""
    return f"{handle} ({kind} {target}, {by}{f': {why}' if why else ''})"


def _changed(figures: Sequence[Measure], comparisons: int) -> Iterator[str]:
    claims = [figure for figure in figures if figure.claim]
    yield "## What changed"
    yield ""
    if not claims:
        yield f"Nothing is claimed: none of {counted(comparisons, 'comparison')} excludes that nothing changed."
    for figure in claims:
        yield f"- **{title(figure.measure)}**{_of(figure)}: {text(says(figure))}"


def _table(figures: Sequence[Measure], names: Sequence[str]) -> list[str]:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    mine = sorted((one for one in figures if one.measure in order), key=lambda one: order[one.measure])
    if not mine:
        return ["Nothing is recorded of that."]
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
    return list(table(("", "Of", "Period", "Value (95 % interval)", "n", "Compared"), rows))


def _ordinary(over_time: Sequence[CountsOverTime]) -> list[str]:
    """Say of each service which counts are out of the ordinary, by the limits of XmR charts."""
    lines = []
    for one in over_time:
        if one.limits is None:
            continue
        # Counts are whole: what lies between the limits are these.
        low, high = math.ceil(one.limits.low), math.floor(one.limits.high)
        outside = one.outside
        named = ", ".join(
            f"{start:%Y-%m-%d} ({count})" for start, count in outside if start in one.beyond_chance
        )
        if not outside:
            standing = f"none of {len(one.counts)} lies outside."
        elif named:
            standing = f"outside, by more than chance explains: {named}."
        else:
            standing = f"{len(outside)} of {len(one.counts)} outside, which may be chance."
        lines.append(
            f"- {text(one.service)}: a {one.unit} with {low} to {high} incidents is ordinary; {standing}"
        )
    return ["", *lines] if lines else []


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
        return in_words(number)
    if unit == "ratio":
        return f"{number * 100:.0f} %"
    return f"{number * 30:.3g}"
