"""What people said caused it, and what by time alone could have."""

from projections.changes import candidate
from reports.context import Context
from reports.markdown import code, text
from reports.sections.missing import notes_or_missing


def lines(context: Context) -> list[str]:
    """Write the section; candidates are named as such, and only while nobody has said more."""
    written = notes_or_missing(context, "root-cause", "Root cause")
    caused = context.attributed("caused")
    for entry in caused:
        assert entry.attribution is not None
        why = f": {text(entry.attribution.why)}" if entry.attribution.why else ""
        written.append(
            f"- {text(context.named(entry.title, entry.service))} at {context.moment(entry.occurred_at)} ({code(entry.handle)}) caused it, "
            f"says {text(entry.attribution.by)}{why}"
        )
    if caused:
        return written
    judged = {target for target, link in context.incident.links.items() if link.linked and link.role}
    suspects = [
        (row, suspect)
        for row in context.changes
        if row.service in context.incident.services
        and not judged & set(row.evidence)
        and (suspect := candidate(row, context.incident.id, context.incident.begins_at)) is not None
    ]
    if suspects:
        written += ["", "Candidates by time alone, which nobody has judged yet:", ""]
        for row, suspect in suspects:
            written.append(
                f"- {text(row.service or '?')} {text(row.version)} ({code(row.handle)}): {text(suspect.why)}"
            )
        handle = suspects[-1][0].handle
        written += [
            "",
            f"Judge one: {code(f'tracker link {context.incident.id} {handle} --as caused --why …')}",
        ]
    return written
