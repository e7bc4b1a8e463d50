"""The commands that carry out the next step of a rule."""

from collections.abc import Callable

from projections.procedure.rule import NextStep
from tracker.text.shell import command


def _on_branch(branch: str, *words: str) -> str:
    return f"{command('git', 'checkout', branch)} && {command('git', *words)}"


_COMMANDS: dict[str, Callable[..., str]] = {
    "amend_sha": lambda handle: command("tracker", "amend", handle, "--set", "sha=SHA", "--why", "…"),
    "collect": lambda incident: command("tracker", "collect", incident),
    "deploy_finish": lambda service: command(
        "tracker", "deploy", "finish", service, "VERSION", "--sha", "SHA", "--at", "T"
    ),
    "ingest_git": lambda service: command(
        "tracker", "ingest", "git", *(("--service", service) if service else ("PATH",))
    ),
    "message": lambda incident, kind: command("tracker", "message", incident, kind),
    "publish": lambda incident: command("tracker", "publish", incident),
    "review": lambda incident: command("tracker", "review", incident),
    "run_deploy": lambda service, version: command(
        "tracker", "run", "deploy", service, version, "--", "COMMAND"
    ),
    "run_rollback": lambda service: command("tracker", "run", "rollback", service),
    "run_test": lambda service, sha: command(
        "tracker", "run", "test", service, "--sha", sha[:10], "--", "COMMAND"
    ),
    "watch": lambda incident: command("tracker", "watch", incident),
    "git_bump": lambda: command("git", "commit", "-m", "chore: bump version to …"),
    "git_cherry_pick": lambda branch, shas: _on_branch(branch, "cherry-pick", "-x", *(s[:7] for s in shas)),
    "git_merge": lambda branch, name: _on_branch(branch, "merge", name),
    "git_revert": lambda branch, sha: _on_branch(branch, "revert", sha[:7]),
    "git_tag": lambda version, sha: command("git", "tag", f"v{version}", sha[:10]),
}
STEPS = frozenset(_COMMANDS)


def next_command(step: NextStep) -> str:
    """Return the command to paste."""
    return _COMMANDS[step.code](**step.facts)
