"""The command line: one module for each command, imported only when it is typed.

A new command is one module with `arguments(parser)` and `run(arguments, session)`, one
line in `COMMANDS`, and one test.
"""

import sys
from collections.abc import Sequence

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "write a commented tracker.toml"),
    "demo": ("demo", "a whole incident end to end, with nothing else running"),
    "doctor": ("doctor", "reach every configured source, and say what to do about what is wrong"),
    "declare": ("declare", "say that this is an incident"),
    "note": ("note", "write something down"),
    "milestone": ("milestone", "say when it started, was detected, confirmed, mitigated, ended"),
    "severity": ("severity", "say how severe it is"),
    "lead": ("lead", "say who leads"),
    "stage": ("stage", "say what the work is at"),
    "service": ("service", "add or remove a service"),
    "message": ("message", "tell the team: write, post and record a message"),
    "resolve": ("resolve", "say that it is over"),
    "reopen": ("reopen", "say that it is not over"),
    "merge": ("merge", "say that it is the same as another"),
    "link": ("link", "put an event into the incident, and say what it did there"),
    "unlink": ("unlink", "take an event out of the incident"),
    "amend": ("amend", "set a recorded event right"),
    "retract": ("retract", "strike a recorded event out"),
    "redact": ("redact", "remove an event's text for good"),
    "history": ("history", "an event with all its corrections"),
    "attach": ("attach", "keep a file with the incident"),
    "action": ("action", "promise something with an owner and a day, or say that it was done"),
    "actions": ("actions", "what was promised, by whom, until when, and whether it was kept"),
    "deploy": ("deploy", "record a deploy that something else does"),
    "rollback": ("deploy", "record a rollback that something else does"),
    "run": ("run", "run a deploy, a rollback or a test, and record it"),
    "collect": ("collect", "pull every configured source for an incident"),
    "ingest": ("ingest", "read one source: prometheus, alertmanager, sentry, git, events, notes"),
    "list": ("list", "the incidents"),
    "show": ("show", "one incident, or one event"),
    "changes": ("changes", "what changed, over all services"),
    "timeline": ("timeline", "what happened, in the order in which it happened"),
    "compare": ("compare", "did it help? each metric over 10 minutes, 1 hour, 1 day"),
    "watch": ("watch", "look every minute whether a fix worked, and answer by exit code"),
    "check": ("check", "was the procedure followed? each rule with its evidence"),
    "waive": ("waive", "say that a rule does not count here, and why"),
    "backtest": ("backtest", "what if this alert had existed?"),
    "report": ("report", "write the post-incident report"),
    "review": ("review", "go through what people wrote, in your editor"),
    "publish": ("publish", "publish the report, and keep what was published"),
    "verify": ("verify", "is the log whole?"),
    "bundle": ("bundle", "write one file with an incident and all its evidence"),
    "import": ("import_command", "bring in an incident from a bundle"),
    "serve": ("serve", "receive what sources push, and ask for what they keep"),
    "inbox": ("inbox_command", "what was received and not understood"),
    "spool": ("spool_command", "what was typed while the store was away"),
}

GROUPS = (
    ("Start", ("init", "demo", "doctor")),
    (
        "While it burns",
        ("declare", "note", "milestone", "severity", "lead", "stage", "service", "message", "resolve"),
    ),
    ("What is deployed", ("deploy", "rollback", "run", "changes")),
    ("Evidence", ("collect", "ingest", "attach")),
    ("Afterwards", ("review", "publish", "action", "actions")),
    ("By themselves", ("serve", "inbox")),
    ("Look", ("list", "show", "timeline", "compare", "watch", "check", "backtest", "report", "verify")),
    ("Give away, take in", ("bundle", "import")),
    (
        "Set right",
        ("amend", "retract", "redact", "history", "link", "unlink", "waive", "reopen", "merge", "spool"),
    ),
)


def help_text() -> str:
    """Return what `tracker --help` prints."""
    lines = ["usage: tracker COMMAND …      (each command has its own --help)", ""]
    for title, names in GROUPS:
        lines.append(f"{title}:")
        lines += [f"  {name:<10} {COMMANDS[name][1]}" for name in names]
        lines.append("")
    lines += [
        "Everywhere: --config FILE, --store FILE|URL, --json for programs. Times are 14:45Z, 14:45+01:00, 5m-ago or now.",
        "Exit codes: 0 done, 1 a bug, 2 usage, 3 settings, 4 findings (check), 5 log not whole, 6 worse, 7 not better,",
        "            8 cannot tell (watch), 9 store, 10 source unreachable, 11 bad input, 12 refused, 130 Ctrl-C.",
        "",
        "Try it: tracker demo",
    ]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Not list(…): once the command `list` was imported, that name is its module here.
    words = [*(sys.argv[1:] if argv is None else argv)]
    if words and words[0] in ("-h", "--help", "help"):
        sys.stdout.write(help_text())
        return 0
    if words and words[0] in ("-V", "--version"):
        from tracker.version import version

        sys.stdout.write(f"tracker {version()}\n")
        return 0

    from tracker.cli.dispatch import run

    return run(words)
