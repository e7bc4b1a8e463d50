"""What was done about it: what people said, what was deployed, what was committed."""

from projections.timeline import Entry
from reports.context import Context
from reports.markdown import command, listed_below, text
from reports.sections.mentions import mention, named, says
from reports.sections.missing import notes_or_missing
from reports.wording.timeline import detail
from tracker.events.changes import CommitMade, DeployFinished, RollbackFinished, TestsFinished


def lines(context: Context) -> list[str]:
    """Write the section."""
    written = notes_or_missing(context, "fix", "Fix")
    fixed = context.attributed("fixed")
    for entry in fixed:
        written.append(f"- {mention(context, entry)} fixed it, {says(entry)}")
    if not fixed:
        written += _unconfirmed(context)
    return written + _work(context)


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
    """List the commits and test runs between the declaration and the end."""
    declared = context.incident.declared_at
    assert declared is not None
    done = [
        _worked(context, entry)
        for entry in context.entries
        if isinstance(entry.fact, CommitMade | TestsFinished)
        and declared <= entry.occurred_at <= context.ends_at
    ]
    return listed_below("Commits and test runs during the incident:", done)


def _worked(context: Context, entry: Entry) -> str:
    besides = detail(entry)
    shown = f" ({text(besides)})" if besides else ""
    return f"{context.clock(entry.occurred_at, entry.precision_seconds)} {named(context, entry)}{shown}"
