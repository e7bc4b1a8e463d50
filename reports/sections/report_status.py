"""The status of the report itself: draft, in review, published, amended since."""

from projections.review import State
from reports.context import Context
from reports.markdown import text
from reports.wording.text import counted


def status(context: Context) -> str:
    report = context.standing
    if report.state is State.DRAFT:
        return "draft, not reviewed yet"
    if report.state is State.REVIEW:
        assert report.reviewed_at is not None
        return f"in review; reviewed by {text(report.reviewed_by or '?')} at {context.moment(report.reviewed_at)}"
    assert report.published_at is not None
    published = (
        f"published at {context.moment(report.published_at)} by {text(report.published_by or '?')}, "
        f"as of log position {report.position}"
    )
    if report.state is State.PUBLISHED:
        return published
    return f"amended: {counted(report.changes_since, 'event')} recorded since it was {published}"


def lines(context: Context) -> list[str]:
    return [f"*Status: {status(context)}.*"]
