"""What changes in production and in the repository say."""

from reports.headlines.base import detail, headline
from tracker.events import changes
from tracker.text.shortening import short
from tracker.times import spoken


@detail.register
def _(event: changes.Change) -> str | None:
    parts = [
        event.environment if event.environment != "production" else None,
        event.sha and event.sha[:10],
        f"took {spoken(event.duration_seconds)}" if event.duration_seconds is not None else None,
        f"exit code {event.exit_code}" if event.exit_code else None,
        "the clone had uncommitted changes" if event.dirty else None,
    ]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: changes.DeployStarted) -> str:
    return f"Deploy of {event.version} started"


@headline.register
def _(event: changes.DeployFinished) -> str:
    return f"Deployed {event.version}"


@headline.register
def _(event: changes.DeployFailed) -> str:
    return f"Deploy of {event.version} failed"


@headline.register
def _(event: changes.RollbackStarted) -> str:
    return f"Rollback to {event.version} started"


@headline.register
def _(event: changes.RollbackFinished) -> str:
    return f"Rolled back to {event.version}"


@headline.register
def _(event: changes.RollbackFailed) -> str:
    return f"Rollback to {event.version} failed"


@headline.register
def _(event: changes.ReleaseCreated) -> str:
    return f"Release {event.version} was created"


@headline.register
def _(event: changes.VersionReleased) -> str:
    return f"Release {event.version} was finalized"


@detail.register
def _(event: changes.Release) -> str | None:
    return event.sha[:10] if event.sha else None


@headline.register
def _(event: changes.TestsFinished) -> str:
    return f"Tests {'passed' if event.exit_code == 0 else 'failed'} on {event.sha[:7] if event.sha else 'no commit'}"


@detail.register
def _(event: changes.TestsFinished) -> str | None:
    parts = [short(event.command, 60)]
    if event.duration_seconds is not None:
        parts.append(f"took {spoken(event.duration_seconds)}")
    if event.exit_code:
        parts.append(f"exit code {event.exit_code}")
    if event.dirty:
        parts.append("the clone had uncommitted changes")
    return " · ".join(parts)


@headline.register
def _(event: changes.CommitMade) -> str:
    return f"{event.sha[:7]} {short(event.subject_line, 100)}"


@detail.register
def _(event: changes.CommitMade) -> str | None:
    parts = ["merge" if event.is_merge else None, event.author]
    if event.files_changed:
        plural = "s" if event.files_changed != 1 else ""
        parts.append(
            f"{event.files_changed} file{plural}, +{event.lines_added or 0} −{event.lines_deleted or 0}"
        )
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: changes.VersionTagged) -> str:
    return f"Tag {event.name} on {event.sha[:7]}" if event.sha else f"Release {event.name} published"


@headline.register
def _(event: changes.BranchSeen) -> str:
    return f"Branch {event.name} at {event.sha[:7]}"


@detail.register
def _(event: changes.BranchSeen) -> str | None:
    if event.fork_branch and event.fork_point:
        return f"from {event.fork_branch} at {event.fork_point[:7]}"
    return None


@headline.register
def _(event: changes.RepositoryRead) -> str:
    return f"Repository {event.repository} was read; nothing was new"
