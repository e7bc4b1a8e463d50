"""Local clones: there, readable, whole, and with the branches that the procedure speaks of."""

from collections.abc import Iterator

from tracker.application.diagnosis.examination import Examination
from tracker.errors import BadInputError, TrackerError
from tracker.ingest import git
from tracker.ingest.findings import Finding, broken, not_configured, ok, warning, wrong_setting
from tracker.text.shell import word


def check(examination: Examination) -> Iterator[Finding]:
    """Look at each."""
    settings = examination.settings
    paths = {
        settings.folder / path: (name, path)
        for name, service in settings.services.items()
        for path in service.repositories
    }
    if not paths:
        yield not_configured("git")
        return
    wanted = {
        "production_branch": settings.procedure.production_branch,
        "integration_branch": settings.procedure.integration_branch,
    }
    for path, (service, typed) in paths.items():
        place = word(path)
        if not path.is_dir():
            yield wrong_setting(
                "git",
                f"{service}'s repository {typed} is no folder: {path}",
                f"git clone URL {place}, or correct [services.{service}] repositories",
            )
            continue
        try:
            clone = git.clone_state(path)
        except BadInputError as trouble:
            yield wrong_setting("git", trouble.message, trouble.hint)
            continue
        except TrackerError as trouble:
            yield broken("git", trouble)
            continue
        if not clone.branches:
            yield warning("git", f"{path} has no commits yet", f"git -C {place} fetch --all")
            continue
        yield ok("git", f"{path}: {len(clone.branches)} branches")
        if clone.is_shallow:
            yield warning(
                "git",
                f"{path} is a shallow clone: older commits, and what they changed, cannot be told",
                f"git -C {place} fetch --unshallow",
            )
        for branch in settings.procedure.maintained_branches:
            if branch not in clone.branches:
                yield warning(
                    "git",
                    f"{path} has no branch {branch}, which [procedure] maintained_branches names",
                    f"git -C {place} fetch --all, or leave it out of maintained_branches",
                )
        for key, branch in wanted.items():
            if branch not in clone.branches:
                yield warning(
                    "git",
                    f"{path} has no branch {branch}, which [procedure] {key} names",
                    f'git -C {place} fetch --all, or [procedure] {key} = "{_likely(clone.branches)}"',
                )


def _likely(branches: frozenset[str]) -> str:
    usual = ("main", "master", "trunk", "develop", "development")
    return next((each for each in usual if each in branches), min(branches))
