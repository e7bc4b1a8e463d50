"""What was done about it and why not otherwise: what people said, what was deployed."""

from datetime import datetime

from projections.key_moments import is_decision
from projections.outages import outages
from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import command, listed_below
from reports.sections.mentions import mention, says
from reports.sections.missing import not_recorded, noted, notes_or_missing
from tracker.events.changes import CommitMade, DeployFinished, RollbackFinished, TestsFinished
from tracker.events.incidents import NoteAdded


def lines(context: Context) -> list[str]:
    failed, held = fixes(context)
    fixed = [f"- {mention(context, entry)}: fixed it, {says(entry)}" for entry in held]
    since = came_back_at(context)
    if since is not None:
        back = f"did not hold, it was reopened at {context.moment(since)}"
        fixed[:0] = [
            f"- {mention(context, entry)}: {back}; linked as the fix, {says(entry)}" for entry in failed
        ]
    if fixed and not context.notes("fix"):
        missing = not_recorded("What it changed", "note", context.incident.id, "--kind", "fix", "…")
        written = [*fixed, "", missing]
    else:
        written = [*notes_or_missing(context, "fix", "Fix"), *(fixed or _unconfirmed(context))]
    return written + _decisions(context) + _work(context)


def came_back_at(context: Context) -> datetime | None:
    """Return when it was reopened the last time."""
    reopened = outages(context.incident)[-1].start
    return reopened.earliest if reopened is not None else None


def fixes(context: Context) -> tuple[list[Entry], list[Entry]]:
    """Return the changes linked as the fix: those after which it came back, and the others."""
    since = came_back_at(context)
    fixed = context.attributed("fixed")
    failed = [entry for entry in fixed if since is not None and entry.occurred_at < since]
    return failed, [entry for entry in fixed if entry not in failed]


def _decisions(context: Context) -> list[str]:
    """Write what was decided, by the rule of the key moments: it says why nothing else was done."""
    notes = [entry for entry in context.entries if is_decision(entry) and not _is_fix(entry.fact)]
    written = noted(notes)
    return ["", "Decided, and why not otherwise:", "", *written] if written else []


def _is_fix(fact: object) -> bool:
    return isinstance(fact, NoteAdded) and fact.kind == "fix"


def _unconfirmed(context: Context) -> list[str]:
    deployed = [
        entry
        for entry in context.entries
        if isinstance(entry.fact, DeployFinished | RollbackFinished)
        and not context.is_elsewhere(entry)
        and context.incident.begins_at <= entry.occurred_at <= context.ends_at
    ]
    if not deployed:
        return []
    link = command("link", context.incident.id, deployed[-1].handle, "--as", "fixed", "--why", "…")
    mentions = [mention(context, entry) for entry in deployed]
    return [
        *listed_below("Deployed during the incident, not confirmed as the fix yet:", mentions),
        "",
        f"Confirm one: {link}",
    ]


def _work(context: Context) -> list[str]:
    """Count the commits and test runs between the declaration and the end; each is a row of the whole timeline."""
    declared = context.incident.declared_at
    assert declared is not None
    done = [entry.fact for entry in context.entries if declared <= entry.occurred_at <= context.ends_at]
    commits = sum(isinstance(fact, CommitMade) and not fact.is_merge for fact in done)
    merges = sum(isinstance(fact, CommitMade) and fact.is_merge for fact in done)
    runs = [fact for fact in done if isinstance(fact, TestsFinished)]
    failed = sum(bool(fact.exit_code) for fact in runs)
    counts = [
        f"{number} {thing if number == 1 else plural}"
        for number, thing, plural in (
            (commits, "commit", "commits"),
            (merges, "merge", "merges"),
            (len(runs) - failed, "passed test run", "passed test runs"),
            (failed, "failed test run", "failed test runs"),
        )
        if number
    ]
    return ["", f"During the incident: {', '.join(counts)}; Appendix A has each."] if counts else []
