"""The status of the report itself: draft, in review, published, amended since."""

from projections.review import State
from reports.context import Context
from reports.markdown import text
from reports.wording.text import counted


def status(context: Context) -> str:
    found = context.standing
    if found.state is State.DRAFT:
        return "draft, not reviewed yet"
    if found.state is State.REVIEW:
        assert found.reviewed_at is not None
        return (
            f"in review; reviewed by {text(found.reviewed_by or '?')} at {context.moment(found.reviewed_at)}"
        )
    assert found.published_at is not None
    published = (
        f"published at {context.moment(found.published_at)} by {text(found.published_by or '?')}, "
        f"as of log position {found.position}"
    )
    if found.state is State.PUBLISHED:
        return published
    return f"amended: {counted(found.changes_since, 'event')} recorded since it was {published}"


def lines(context: Context) -> list[str]:
    return [f"*Status: {status(context)}.*"]
