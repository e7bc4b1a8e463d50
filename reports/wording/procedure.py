"""The rules of the procedure in words: what was expected, what happened, and what to do next.

The sentences are templates over the facts of a reason; here stands how each fact is written. `{todo}` is the command of
the answer's next step.
"""

import re
import string
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any

from projections.changes import ChangeRow
from projections.procedure.advice import Advice
from projections.procedure.fix_attempts import Outcome
from projections.procedure.history import CommitNode
from projections.procedure.rule import NextStep, RuleAnswer, Status
from projections.procedure.versions import Bump
from projections.reason import Reason
from projections.the_fix import Fix
from reports.wording.changes import version_name
from reports.wording.commands import next_command
from reports.wording.durations import in_words
from reports.wording.procedure_sentences import EXPECTED, SENTENCES, TO_DO
from reports.wording.text import capitalized, counted, listed
from reports.wording.verdict_phrases import PHRASES, describe_checks, sentence
from tracker.text.shortening import short
from tracker.times import spoken

_STATUS = {status: status.value.replace("_", " ") for status in Status}
_SINCE = {"declared": "the declaration", "detected": "detection", "back": "it came back"}
_OVER = {"10m": "the ten minutes", "1h": "the hour", "1d": "the day"}
_MARKS = {Status.MET: "✓", Status.UNKNOWN: "?", Status.MISSED: "✗"}
_GAPS_NAMED, _FILES_NAMED, _COMMITS_NAMED = 3, 3, 5


def expected(answer: RuleAnswer) -> str:
    """Say what a rule asks for, with the limits that hold for the incident."""
    limits = answer.limits
    if answer.rule == "backported" and not limits.maintained_branches:
        return "no maintained branches are configured"
    if answer.rule == "merged_back" and not limits.integration_branch:
        return "the fix on the integration branch"
    return _filled(EXPECTED.get(answer.rule, answer.rule.replace("_", " ")), vars(limits))


def actual(answer: RuleAnswer) -> str | None:
    """Say in short what happened; None where nothing is known to have happened."""
    if answer.parts:
        parts = [(part.subject, actual(part)) for part in answer.parts]
        return "; ".join(f"{subject}: {text}" for subject, text in parts if text) or None
    _, short_form, rest = _template(answer).partition("«")
    if short_form:
        return _filled(rest.partition("»")[0], _facts(answer))
    status = answer.waiver.status if answer.waiver else answer.status
    return _sentence(answer) if status in (Status.MET, Status.LATE, Status.MISSED) else None


def says(answer: RuleAnswer) -> str:
    """Say what happened, in whole sentences."""
    if answer.parts:
        text = "; ".join(dict.fromkeys(f"{part.subject}: {_with_delay(part)}" for part in answer.parts))
    else:
        text = _with_delay(answer)
        # What begins with a name or a version keeps its first letter.
        template = _template(answer).lstrip("«")
        if template.startswith("{how:"):
            template = SENTENCES[answer.facts["how"][0].code]
        text = capitalized(text) if template[0].islower() else text
    text = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    if answer.waiver is None:
        return text
    waiver = answer.waiver
    return f"Waived by {waiver.by}: {waiver.why} (without that: {_STATUS[waiver.status]}. {text})"


def todo(step: NextStep | None) -> str | None:
    """Return the command of a next step."""
    return next_command(step) if step is not None else None


def what_is_due(item: Advice) -> str:
    """Say what is to be done next."""
    if item.next_step.code == "ingest_git":
        return "read its repository"
    if item.rule in TO_DO:
        return _filled(TO_DO[item.rule], vars(item.limits))
    return expected(RuleAnswer(Status.UNKNOWN, "", rule=item.rule, limits=item.limits))


def due(item: Advice) -> str:
    """Say what is to be done next, how much time is left, and the command."""
    what, command = what_is_due(item), next_command(item.next_step)
    if item.left_seconds is None:
        return f"{what}; {command}"
    return f"{what}: {time_left(item.left_seconds)}; {command}"


def time_left(seconds: float) -> str:
    """Say how much time is left, or by how much it is over."""
    return f"{_rounded_down(seconds)} left" if seconds >= 0 else f"overdue by {_rounded_down(-seconds)}"


def _rounded_down(seconds: float) -> str:
    """Write the time left in the unit that somebody acts on, and never more than is left."""
    unit = 1 if seconds < 120 else 60 if seconds < 86_400 else 3600
    return spoken(unit * (seconds // unit))


def _with_delay(answer: RuleAnswer) -> str:
    late = f", {in_words(answer.late_seconds)} late" if answer.late_seconds is not None else ""
    return _sentence(answer) + late


def _sentence(answer: RuleAnswer) -> str:
    return _filled(re.sub("[«»]", "", _template(answer)), _facts(answer))


def _template(answer: RuleAnswer) -> str:
    return SENTENCES.get(answer.reason, answer.reason.replace("_", " "))


def _facts(answer: RuleAnswer) -> dict[str, Any]:
    facts = answer.facts
    return {"todo": answer.next_step, **facts, "besides": _besides(facts), "content": _content(facts)}


def _content(facts: Mapping[str, Any]) -> str:
    """Name what was tested: the commit, or others with the same files."""
    sha, others = str(facts.get("sha", ""))[:7], facts.get("tested")
    return f"{_shas(others)}, the same files as in {sha}" if others else sha


def _besides(facts: Mapping[str, Any]) -> str:
    """Name the commits of a hotfix that are not counted."""
    left_out = [counted(facts[key], thing) for key, thing in _NOT_COUNTED if facts.get(key)]
    only = ", only" if facts.get("commits") == () else " besides"
    return f"{only} {' and '.join(left_out)}" if left_out else ""


_NOT_COUNTED = (("bumps", "version bump"), ("merges", "merge"))


def _shas(shas: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sha[:7] for sha in shas))


def _commit(commit: CommitNode) -> str:
    return f"{commit.sha[:7]} {short(commit.fact.subject_line, 60)}"


def _commits(commits: Iterable[CommitNode]) -> str:
    known = list(commits)
    more = len(known) - _COMMITS_NAMED
    return "; ".join(map(_commit, known[:_COMMITS_NAMED])) + (f"; and {more} more" if more > 0 else "")


def _carried(commits: list[CommitNode]) -> str:
    if not commits:
        return ""
    return f" and carries along {counted(len(commits), 'commit')} of it: {_commits(commits)}"


def _missing(commits: list[CommitNode]) -> str:
    more = f" and {len(commits) - 1} more are" if len(commits) > 1 else " is"
    return _commit(commits[0]) + more


def _limit(limit: timedelta) -> str:
    """Write a limit as tracker.toml has it: 30 min, 1 h, 5 d."""
    seconds = limit.total_seconds()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return spoken(seconds)


def _offset(seconds: float) -> str:
    return f"{in_words(seconds)} after" if seconds >= 0 else f"{in_words(-seconds)} before"


def _fix(fix: Fix) -> str:
    """Name a fix, and why it counts as the fix."""
    is_rollback = fix.row.kind == "rollback"
    version = version_name(fix.row.version)
    name = f"The rollback to {version}" if is_rollback else version
    if fix.link is not None:
        return name
    last = "the last change" if is_rollback else "the last deploy"
    return f"{name}, {last} so far," if fix.so_far else f"{name}, {last} before all was back,"


def _outcome(outcome: Outcome) -> str:
    if not outcome.verdicts:
        return "no verdict was recorded"
    groups: dict[str, list[str]] = {}
    for metric, verdict in sorted(outcome.verdicts, key=lambda pair: list(PHRASES).index(pair[1])):
        groups.setdefault(PHRASES[verdict], []).append(metric)
    text = "; ".join(f"{', '.join(dict.fromkeys(metrics))} {phrase}" for phrase, metrics in groups.items())
    why = dict.fromkeys(" ".join(map(sentence, reasons)).rstrip(".") for reasons in outcome.reasons)
    return f"{text} ({'; '.join(why)})" if why else text


def _replaced(pairs: Iterable[tuple[ChangeRow, ChangeRow]]) -> str:
    return "; ".join(
        f"{row.version} was {'rolled back to' if after.kind == 'rollback' else 'replaced by'} {version_name(after.version)} "
        f"{spoken((after.at - row.at).total_seconds())} after its deploy"
        for row, after in pairs
    )


def _bumps(bumps: Iterable[Bump]) -> str:
    return "; ".join(f"{bump.path} {bump.before or 'new'} → {bump.after}" for bump in bumps)


def _branches(branches: Iterable[tuple[str, Status, tuple[Reason, ...]]]) -> str:
    return " · ".join(
        f"{_MARKS[status]} {branch}: {'MISSING, ' if status is Status.MISSED else ''}{_reasons(how)}"
        for branch, status, how in branches
    )


def _reasons(reasons: Iterable[Reason]) -> str:
    return "; ".join(_filled(SENTENCES[reason.code], reason.facts) for reason in reasons)


def _on_branches(branches: list[tuple[str, Status, object]]) -> str:
    return f"on {sum(status is Status.MET for _, status, _ in branches)} of {len(branches)}"


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "apart": lambda seconds: f", at most {spoken(seconds)} apart" if seconds is not None else "",
    "branches": _branches,
    "bumps": _bumps,
    "carried": _carried,
    "checks": describe_checks,
    "command": next_command,
    "commit": _commit,
    "commits": _commits,
    "count": _on_branches,
    "duration": in_words,
    "durations": lambda gaps: listed(map(spoken, gaps), _GAPS_NAMED),
    "fix": _fix,
    "limit": _limit,
    "list": listed,
    "missing": _missing,
    "not over": lambda window: f"{_OVER[window]} {'are' if window == '10m' else 'is'} not over",
    "number": lambda commits: counted(len(commits), "commit"),
    "offset": _offset,
    "outcome": _outcome,
    "over": lambda window: f"{_OVER[window]} {'were' if window == '10m' else 'was'} over",
    "partly": lambda partly: ", though the rest is" if partly else "",
    "quoted": lambda commands: " and ".join(map(repr, commands)),
    "reasons": _reasons,
    "replaced": _replaced,
    "sha": lambda sha: sha[:7],
    "shas": _shas,
    "since": _SINCE.__getitem__,
    "so far": lambda due: f"; so far not checked {describe_checks(due)} after the deploy" if due else "",
    "some": lambda names: listed(names, _FILES_NAMED),
    "squashed": lambda squashed: " (squashed by the forge)" if squashed else "",
    "stated": lambda stated: ", ".join(f"{path} {version}" for path, version in stated),
    "typed": lambda at: f" (typed at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)" if at is not None else "",
    "times": lambda count: "once" if count == 1 else f"{count} times",
    "why": lambda why: f": {why}" if why else "",
}
"""How a fact is written, by what follows the colon in a template."""


class _Template(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("n "):
            return counted(value, format_spec[2:])
        return _WRITTEN[format_spec](value) if format_spec else str(value)


def _filled(template: str, facts: Mapping[str, Any]) -> str:
    return _Template().vformat(template, (), facts)
