"""What was changed in production and in the repository."""

from datetime import datetime

import msgspec

from tracker.events.base import Observation, topic
from tracker.times import to_ms


class Change(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A step of a deploy or a rollback of one version to one environment.

    `version` is written as its source wrote it. `run_id` is the source's own name for the
    run, where it has one. `dirty` says that the clone held uncommitted changes.
    """

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
        """A change is found under its service, over all services, and by its version."""
        service = self.service or ""
        return (f"service:{service}", "changes", f"version:{service}@{self.version}")

    def subject(self) -> tuple[object, ...]:
        """One step, by one source, of one version at one instant."""
        return (
            self.TOPIC,
            self.source,
            self.service,
            self.environment,
            self.version,
            self.run_id,
            to_ms(self.occurred_at),
        )


@topic("deploy-started", rank=30)
class DeployStarted(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A version began to be rolled out."""


@topic("deploy-finished", rank=31)
class DeployFinished(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A version began to take all traffic."""


@topic("deploy-failed", rank=32)
class DeployFailed(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A rollout ended without taking the traffic."""


@topic("rollback-started", rank=33)
class RollbackStarted(Change, frozen=True, kw_only=True, omit_defaults=True):
    """An earlier version began to be put back."""


@topic("rollback-finished", rank=34)
class RollbackFinished(Change, frozen=True, kw_only=True, omit_defaults=True):
    """An earlier version took all traffic again."""


@topic("rollback-failed", rank=35)
class RollbackFailed(Change, frozen=True, kw_only=True, omit_defaults=True):
    """Putting an earlier version back did not work."""


@topic("tests-finished", rank=28)
class TestsFinished(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A test run of one commit ended; `exit_code` 0 is passed.

    `command` is what was run, or what the CI calls it; some name no duration. `tree_sha` names
    all that the commit holds, where the run's own clone told it: the commit itself may be gone since.
    """

    __test__ = False

    sha: str | None
    exit_code: int
    command: str
    duration_seconds: float | None = None
    dirty: bool = False
    tree_sha: str | None = None


class Release(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A step of one version's way to a release, as a release tool told it; `version` is as it was written."""

    version: str
    url: str | None = None
    sha: str | None = None

    def scopes(self) -> tuple[str, ...]:
        """A release is found under its service, and by its version."""
        service = self.service or ""
        return (f"service:{service}", f"version:{service}@{self.version}")

    def subject(self) -> tuple[object, ...]:
        """A version takes each step once, whoever told of it and when."""
        return (self.TOPIC, self.service, self.version)


@topic("release-created", rank=29)
class ReleaseCreated(Release, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline announced a version; nothing was deployed by that."""


@topic("version-released", rank=29)
class VersionReleased(Release, frozen=True, kw_only=True, omit_defaults=True):
    """A version was called ready; whether and where it runs, a deploy tells."""


@topic("commit-made", rank=25)
class CommitMade(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A commit; `occurred_at` is when it was committed. Two parents or more make a merge.

    `changed_paths` are the files that it touched, where its source named them; none are unknown.
    `merged_from` is the branch that a forge merged with it: such a commit is a merge too,
    even where the forge squashed the branch or does not name the parents.

    `brought_paths` are the files in which a merge differs from its first parent: what came in
    by it, an empty list where nothing did; None is unknown. `fix_patch_id` names the patch
    without version, lock and changelog files, where it touches others too. `stated_versions`
    are what the version files say that it touched, `versions_before` what they said.
    `repeats` and `reverts` are the commits that its message says it copies, and undoes.
    `authored_at` is when its change was first committed, where that is another instant.
    `tree_sha` names all that is in it: two commits with one tree hold the same files to the byte.
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
        """Whether it joins two lines of work."""
        return len(self.parents) > 1 or self.merged_from is not None

    def scopes(self) -> tuple[str, ...]:
        """Merges are changes that people look for over all services."""
        found = (f"service:{self.service or ''}",)
        return (*found, "changes") if self.is_merge else found

    def subject(self) -> tuple[object, ...]:
        """A commit is its hash, whichever clone told of it."""
        return (self.TOPIC, self.service, self.sha)


@topic("version-tagged", rank=26)
class VersionTagged(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A tag; `occurred_at` is the tagger's instant, or the commit's for a light tag.

    A forge that tells of a release may not say which commit it is of.
    """

    repository: str
    name: str
    sha: str | None = None
    tagger: str | None = None

    def subject(self) -> tuple[object, ...]:
        """A tag that was moved is told twice."""
        return (self.TOPIC, self.service, self.name, self.sha)


@topic("branch-seen", rank=27)
class BranchSeen(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A branch pointed at a commit; `occurred_at` is that commit's instant, for branches have none.

    `patch_id` names all that a hotfix branch changed since its fork, version, lock and
    changelog files left out. `stated_versions` are what the version files at its head say;
    an empty table where there are none, None where nobody looked.
    """

    repository: str
    name: str
    sha: str
    fork_point: str | None = None
    fork_branch: str | None = None
    patch_id: str | None = None
    stated_versions: dict[str, str] | None = None

    def subject(self) -> tuple[object, ...]:
        """Where a branch pointed."""
        return (self.TOPIC, self.service, self.name, self.sha)


@topic("repository-read", rank=63)
class RepositoryRead(Observation, frozen=True, kw_only=True, omit_defaults=True):
    """A repository was read, and nothing in it was new: what the log holds of it was still so.

    Where something was new, that was recorded, and says when it was read.
    """

    repository: str

    def scopes(self) -> tuple[str, ...]:
        """Found among the service's facts, and the last one at once."""
        return (f"service:{self.service or ''}", read_scope(self.service, self.repository))


def read_scope(service: str | None, repository: str) -> str:
    """Name the place of one repository's readings."""
    return f"read:{service or ''}/{repository}"
