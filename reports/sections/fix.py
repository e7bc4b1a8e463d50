"""What was done about it: what people said, what was deployed, what was committed."""

from projections.timeline import Entry
from reports.context import Context
from reports.markdown import code, text
from reports.sections.missing import notes_or_missing
from tracker.events.changes import CommitMade, DeployFinished, RollbackFinished, TestsFinished


def lines(context: Context) -> list[str]:
    """Write the section."""
    written = notes_or_missing(context, "fix", "Fix")
    fixed = context.attributed("fixed")
    for entry in fixed:
        assert entry.attribution is not None
        why = f": {text(entry.attribution.why)}" if entry.attribution.why else ""
        written.append(
            f"- {text(context.named(entry.title, entry.service))} at {context.moment(entry.occurred_at, entry.precision_seconds)} ({code(entry.handle)}) fixed it, "
            f"says {text(entry.attribution.by)}{why}"
        )
    if not fixed:
        written += _unjudged(context)
    return written + _work(context)


def _unjudged(context: Context) -> list[str]:
    deployed = [
        entry
        for entry in context.entries
        if isinstance(entry.fact, DeployFinished | RollbackFinished)
        and context.incident.begins_at <= entry.occurred_at <= context.ends_at
    ]
    if not deployed:
        return []
    written = ["", "Deployed while it lasted, which nobody has judged yet:", ""]
    written += [
        f"- {text(context.named(e.title, e.service))} at {context.moment(e.occurred_at, e.precision_seconds)} ({code(e.handle)})"
        for e in deployed
    ]
    command = f"tracker link {context.incident.id} {deployed[-1].handle} --as fixed --why …"
    return [*written, "", f"Judge one: {code(command)}"]


def _work(context: Context) -> list[str]:
    """List the commits and test runs between the declaration and the end."""
    declared = context.incident.declared_at
    assert declared is not None
    done = [
        entry
        for entry in context.entries
        if isinstance(entry.fact, CommitMade | TestsFinished)
        and declared <= entry.occurred_at <= context.ends_at
    ]
    if not done:
        return []
    return ["", "Done meanwhile:", "", *(_worked(context, entry) for entry in done)]


def _worked(context: Context, entry: Entry) -> str:
    detail = f" ({text(entry.detail)})" if entry.detail else ""
    return f"- {context.clock(entry.occurred_at, entry.precision_seconds)} {text(context.named(entry.title, entry.service))}{detail}"
