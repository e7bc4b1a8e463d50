"""What changes in production and in the repository say."""

import signal
from collections.abc import Callable
from typing import Any

from projections.places import PRODUCTION
from reports.wording.changes import elsewhere, version_name
from reports.wording.text import counted, dotted
from tracker.events import changes
from tracker.text.shortening import short
from tracker.times import spoken


def _took(event: changes.Change | changes.TestsFinished) -> tuple[str | None, ...]:
    return (
        f"took {spoken(event.duration_seconds)}" if event.duration_seconds is not None else None,
        f"exit code {event.exit_code}" if event.exit_code else None,
        "the clone had uncommitted changes" if event.dirty else None,
    )


def _change(event: changes.Change) -> str | None:
    name = event.environment if event.environment != PRODUCTION and not elsewhere(event.environment) else None
    return dotted(name, event.sha and event.sha[:10], *_took(event))


def _step(words: str) -> Callable[[changes.Change], str]:
    return lambda event: words.format(version_name(event.version)) + elsewhere(event.environment)


def _interrupted(event: changes.Interrupted) -> str | None:
    return dotted(_change(event), _signal(event))


def _signal(event: changes.Interrupted | changes.TestsInterrupted) -> str:
    if event.signal is None:
        return "tracker run was killed"
    # What came in a bundle may be of a machine with other signals.
    name = next((one.name for one in signal.Signals if one == event.signal), f"signal {event.signal}")
    return f"told to stop by {name}"


def _commit(event: changes.CommitMade) -> str | None:
    files = event.files_changed and (
        f"{counted(event.files_changed, 'file')}, +{event.lines_added or 0} −{event.lines_deleted or 0}"
    )
    return dotted(event.is_merge and "merge", event.author, files)


def _branch(event: changes.BranchSeen) -> str | None:
    if event.fork_branch and event.fork_point:
        return f"from {event.fork_branch} at {event.fork_point[:7]}"
    return None


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    changes.DeployStarted: _step("Deploy of {} started"),
    changes.DeployFinished: _step("Deployed {}"),
    changes.DeployFailed: _step("Deploy of {} failed"),
    changes.RollbackStarted: _step("Rollback to {} started"),
    changes.RollbackFinished: _step("Rolled back to {}"),
    changes.RollbackFailed: _step("Rollback to {} failed"),
    changes.DeployInterrupted: _step("Deploy of {} interrupted, its end is unknown"),
    changes.RollbackInterrupted: _step("Rollback to {} interrupted, its end is unknown"),
    changes.ReleaseCreated: "Release {e.version} was created",
    changes.VersionReleased: "Release {e.version} was finalized",
    changes.TestsFinished: lambda e: (
        f"Tests {'failed' if e.exit_code else 'passed'} on {e.sha[:7] if e.sha else 'no commit'}"
    ),
    changes.TestsInterrupted: lambda e: (
        f"Tests interrupted on {e.sha[:7] if e.sha else 'no commit'}, their result is unknown"
    ),
    changes.CommitMade: lambda e: f"{e.sha[:7]} {short(e.subject_line, 100)}",
    changes.VersionTagged: lambda e: (
        f"Tag {e.name} on {e.sha[:7]}" if e.sha else f"Release {e.name} published"
    ),
    changes.BranchSeen: lambda e: f"Branch {e.name} at {e.sha[:7]}",
    changes.RepositoryRead: "Repository {e.repository} was read; nothing was new",
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    changes.Change: _change,
    changes.Interrupted: _interrupted,
    changes.TestsInterrupted: lambda e: dotted(
        short(e.command, 60), _signal(e), "the clone had uncommitted changes" if e.dirty else None
    ),
    changes.Release: lambda e: e.sha[:10] if e.sha else None,
    changes.TestsFinished: lambda e: dotted(short(e.command, 60), *_took(e)),
    changes.CommitMade: _commit,
    changes.BranchSeen: _branch,
}
