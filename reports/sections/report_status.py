"""Where the report itself stands: draft, in review, published, amended since."""

from projections.review import State
from reports.context import Context
from reports.markdown import text


def status(context: Context) -> str:
    """Say it in a phrase."""
    found = context.standing
    if found.state is State.DRAFT:
        return "draft, which nobody has reviewed yet"
    if found.state is State.REVIEW:
        assert found.reviewed_at is not None
        return f"in review; {text(found.reviewed_by or '?')} went through it at {context.moment(found.reviewed_at)}"
    assert found.published_at is not None
    published = (
        f"published at {context.moment(found.published_at)} by {text(found.published_by or '?')}, "
        f"as of log position {found.position}"
    )
    if found.state is State.PUBLISHED:
        return published
    events = "1 event was" if found.changes_since == 1 else f"{found.changes_since} events were"
    return f"amended: {events} recorded since it was {published}"


def lines(context: Context) -> list[str]:
    """Write it below the title."""
    return [f"*Status: {status(context)}.*"]
