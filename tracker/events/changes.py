"""Changes of production and of the repository."""

from datetime import datetime

import msgspec

from tracker.events.base import Observation, topic
from tracker.times import to_ms


class Change(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A step of a deploy or a rollback of one version to one environment.

    `version` is written as its source wrote it. `run_id` is the source's own id of the
    run, if it has one. `dirty` means that the clone had uncommitted changes.
    """

    TURN = 30

    version: str
    environment: str = "production"
    sha: str | None = None
    run_id: str | None = None
    url: str | None = None
    command: str | None = None
    exit_code: int | None = None
    duration_seconds: float | None = None
    dirty: bool = False

    def scopes(self) -> tuple[str, ...]:
        service = self.service or ""
        return (f"service:{service}", "changes", f"version:{service}@{self.version}")

    def subject(self) -> tuple[object, ...]:
        return (
            self.TOPIC,
            self.source,
            self.service,
            self.environment,
            self.version,
            self.run_id,
            to_ms(self.occurred_at),
        )


class RepeatableChange(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A step that may be typed again for the same instant: A, B and A in one minute are three.

    `again` is how many equal ones there were before it.
    """

    again: int = 0

    def subject(self) -> tuple[object, ...]:
        return (*super().subject(), *([self.again] if self.again else []))


@topic("deploy-started", rank=30)
class DeployStarted(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """A version began to be rolled out."""


@topic("deploy-finished", rank=31)
class DeployFinished(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """A version began to take all traffic."""


@topic("deploy-failed", rank=32)
class DeployFailed(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """A rollout ended without taking the traffic."""


@topic("rollback-started", rank=33)
class RollbackStarted(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """A rollback to an earlier version started."""


@topic("rollback-finished", rank=34)
class RollbackFinished(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """An earlier version took all traffic again."""


@topic("rollback-failed", rank=35)
class RollbackFailed(RepeatableChange, frozen=True, kw_only=True, omit_defaults=True):
    """A rollback to an earlier version failed."""


class Interrupted(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A run whose result is unknown: its recorder was killed, or it received a signal and exited with 0.

    It occurred when the run began: when it ended is unknown. `signal` is the number of the one
    that was to stop it, None where the recorder itself was killed.
    """

    signal: int | None = None


@topic("deploy-interrupted", rank=32)
class DeployInterrupted(Interrupted, frozen=True, kw_only=True, omit_defaults=True):
    """A rollout was interrupted; whether the version took the traffic is unknown."""


@topic("rollback-interrupted", rank=35)
class RollbackInterrupted(Interrupted, frozen=True, kw_only=True, omit_defaults=True):
    """A rollback was interrupted; whether the earlier version took the traffic is unknown."""


@topic("tests-interrupted", rank=28)
class TestsInterrupted(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A test run was interrupted: it neither passed nor failed. It occurred when the run began."""

    __test__ = False

    sha: str | None
    command: str
    signal: int | None = None
    dirty: bool = False
    tree_sha: str | None = None


@topic("tests-finished", rank=28)
class TestsFinished(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A test run of one commit ended; `exit_code` 0 is passed.

    `command` is what was run, or the CI's name of it. `tree_sha` identifies the content of the
    commit, if the run's own clone reported it: the commit itself may have been deleted since.
    """

    __test__ = False

    sha: str | None
    exit_code: int
    command: str
    duration_seconds: float | None = None
    dirty: bool = False
    tree_sha: str | None = None


class Release(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A step of one version's release, as a release tool reported it; `version` is as it was written."""

    version: str
    url: str | None = None
    sha: str | None = None

    def scopes(self) -> tuple[str, ...]:
        service = self.service or ""
        return (f"service:{service}", f"version:{service}@{self.version}")

    def subject(self) -> tuple[object, ...]:
        """A version takes each step once, whichever source reports it and when."""
        return (self.TOPIC, self.service, self.version)


@topic("release-created", rank=29)
class ReleaseCreated(Release, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline announced a version; that deploys nothing."""


@topic("version-released", rank=29)
class VersionReleased(Release, frozen=True, kw_only=True, omit_defaults=True):
    """A version was marked as ready; only a deploy says whether and where it runs."""


@topic("commit-made", rank=25)
class CommitMade(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A commit; `occurred_at` is when it was committed. Two parents or more make a merge.

    `changed_paths` are the files that it changed, if its source named them; empty is unknown.
    `merged_from` is the branch that a forge merged with it: such a commit is a merge, too,
    even if the forge squashed the branch or does not name the parents.

    `brought_paths` are the files in which a merge differs from its first parent, empty if there
    are none; None is unknown. `fix_patch_id` is the patch without version, lock and changelog
    files, if it changes other files, too. `stated_versions` are the versions in the version files
    that it changed, `versions_before` those before it.
    `repeats` and `reverts` are the commits that its message says it copies, and reverts.
    `authored_at` is when its change was first committed, if that is another instant.
    `tree_sha` identifies its content: two commits with one tree have the same files to the byte.
    """

    GREW = True

    repository: str
    sha: str
    subject_line: str
    author: str
    parents: tuple[str, ...] = ()
    files_changed: int | None = None
    lines_added: int | None = None
    lines_deleted: int | None = None
    patch_id: str | None = None
    changed_paths: tuple[str, ...] = ()
    merged_from: str | None = None
    brought_paths: tuple[str, ...] | None = None
    fix_patch_id: str | None = None
    stated_versions: dict[str, str] = msgspec.field(default_factory=dict)
    versions_before: dict[str, str] = msgspec.field(default_factory=dict)
    repeats: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    authored_at: datetime | None = None
    tree_sha: str | None = None

    @property
    def is_merge(self) -> bool:
        return len(self.parents) > 1 or self.merged_from is not None

    def scopes(self) -> tuple[str, ...]:
        """Merges are also listed with the changes of all services."""
        service = f"service:{self.service or ''}"
        return (service, "changes") if self.is_merge else (service,)

    def subject(self) -> tuple[object, ...]:
        """A commit is its hash, whichever clone reports it."""
        return (self.TOPIC, self.service, self.sha)


@topic("version-tagged", rank=26)
class VersionTagged(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A tag; `occurred_at` is the tagger's instant, or the commit's for a lightweight tag.

    A forge that reports a release may not name its commit.
    """

    repository: str
    name: str
    sha: str | None = None
    tagger: str | None = None

    def subject(self) -> tuple[object, ...]:
        """A tag that was moved is reported twice."""
        return (self.TOPIC, self.service, self.name, self.sha)


@topic("branch-seen", rank=27)
class BranchSeen(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A branch pointed at a commit; `occurred_at` is that commit's instant, as branches have none.

    `patch_id` identifies what a hotfix branch changed since its fork, without version, lock and
    changelog files. `stated_versions` are the versions in the version files at its head;
    empty if there are none, None if unknown.
    """

    repository: str
    name: str
    sha: str
    fork_point: str | None = None
    fork_branch: str | None = None
    patch_id: str | None = None
    stated_versions: dict[str, str] | None = None

    def subject(self) -> tuple[object, ...]:
        return (self.TOPIC, self.service, self.name, self.sha)


@topic("repository-read", rank=63)
class RepositoryRead(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A repository was read and had nothing new: what the log holds of it was still true.

    If it had something new, those events say when it was read.
    """

    repository: str

    def scopes(self) -> tuple[str, ...]:
        return (f"service:{self.service or ''}", read_scope(self.service, self.repository))


def read_scope(service: str | None, repository: str) -> str:
    """Return the place of these events for one repository."""
    return f"read:{service or ''}/{repository}"
