"""The table of commands, their groups, and the text of `tracker --help`."""

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "write a commented tracker.toml"),
    "demo": ("demo", "play a whole incident end to end, with nothing else running"),
    "doctor": ("doctor", "check every configured source and print how to fix what is wrong"),
    "declare": ("declare", "declare an incident"),
    "note": ("note", "add a note"),
    "impact": ("impact", "record whom it hit and how badly"),
    "milestone": ("milestone", "record when it started, was detected, confirmed, mitigated, ended"),
    "severity": ("severity", "change the severity"),
    "lead": ("lead", "set the incident lead"),
    "stage": ("stage", "set the stage of the work"),
    "service": ("service", "add or remove an affected service"),
    "message": ("message", "write, post and record a message to the team"),
    "resolve": ("resolve", "resolve the incident"),
    "reopen": ("reopen", "reopen a resolved incident"),
    "merge": ("merge", "merge the incident into another one"),
    "link": ("link", "link an event to the incident, with its role"),
    "unlink": ("unlink", "remove an event from the incident"),
    "amend": ("amend", "correct a recorded event"),
    "retract": ("retract", "retract a recorded event"),
    "redact": ("redact", "remove an event's text permanently"),
    "history": ("history", "show an event with all its corrections"),
    "attach": ("attach", "attach a file to the incident"),
    "action": ("action", "add an action item, or mark one as done"),
    "actions": ("actions", "list action items: owner, due date, state"),
    "deploy": ("deploy", "record a deploy that another tool runs"),
    "rollback": ("deploy", "record a rollback that another tool runs"),
    "run": ("run", "run a deploy, a rollback or a test, and record it"),
    "collect": ("collect", "fetch an incident's data from every configured source"),
    "ingest": ("ingest", "read one source: a file, a webhook body, a clone, an API"),
    "due": ("due", "list open incidents and what is due next, as `tracker` alone does"),
    "list": ("list", "list incidents"),
    "show": ("show", "show one incident or one event"),
    "changes": ("changes", "list deploys, rollbacks and merges of all services"),
    "timeline": ("timeline", "show what happened, in order"),
    "compare": ("compare", "compare each metric before and after each change"),
    "watch": ("watch", "check every minute whether a fix worked; answers by exit code"),
    "check": ("check", "check the procedure and what people wrote against the log"),
    "waive": ("waive", "waive a rule or a claim, with a reason"),
    "similar": ("similar", "list earlier incidents that are like it, and why"),
    "rules": ("rules", "judge the alert rules by what they led to; propose missing ones"),
    "trends": ("trends", "write the monthly review: how often, how fast, what changed"),
    "backtest": ("backtest", "test a proposed alert rule against past incidents"),
    "report": ("report", "write the post-incident report"),
    "review": ("review", "review the written sections in your editor"),
    "publish": ("publish", "publish the report and store the published text"),
    "verify": ("verify", "verify the log, a report or a bundle"),
    "backup": ("backup", "copy the whole log while others write"),
    "export": ("export", "export the log as tables: Delta, CSV or JSON lines"),
    "sql": ("sql", "query the tables of an export in SQL"),
    "bundle": ("bundle", "export an incident and its evidence to one file"),
    "import": ("import_command", "import an incident from a bundle"),
    "serve": ("serve", "receive webhooks, poll sources, declare incidents"),
    "inbox": ("inbox_command", "list, retry or drop deliveries that could not be parsed"),
    "spool": ("spool_command", "list what was typed while the store was unreachable"),
}

GROUPS = (
    ("Start", ("init", "demo", "doctor")),
    (
        "During an incident",
        (
            "declare",
            "note",
            "impact",
            "milestone",
            "severity",
            "lead",
            "stage",
            "service",
            "message",
            "resolve",
        ),
    ),
    ("Deploys", ("deploy", "rollback", "run", "changes")),
    ("Evidence", ("collect", "ingest", "attach")),
    (
        "Inspect",
        (
            "due",
            "list",
            "show",
            "timeline",
            "compare",
            "watch",
            "check",
            "similar",
            "trends",
            "rules",
            "backtest",
            "report",
            "verify",
        ),
    ),
    ("After an incident", ("review", "publish", "action", "actions")),
    ("Run as a service", ("serve", "inbox", "backup")),
    ("Share", ("bundle", "import", "export", "sql")),
    (
        "Correct",
        ("amend", "retract", "redact", "history", "link", "unlink", "waive", "reopen", "merge", "spool"),
    ),
)


def help_text() -> str:
    """Return what `tracker --help` prints."""
    lines = ["usage: tracker COMMAND [options]      (tracker COMMAND --help: options and an example)", ""]
    for title, names in GROUPS:
        lines.append(f"{title}:")
        lines += [f"  {name:<10} {COMMANDS[name][1]}" for name in names]
        lines.append("")
    lines += [
        "All commands take --config FILE and --store FILE|URL; --json prints JSON. Times: 14:45Z, 14:45+01:00, 5m-ago, now.",
        "Exit codes: 0 done, 1 a bug, 2 usage, 3 settings, 4 findings (check), 5 log not whole,",
        "            6 worse, 7 not better, 8 cannot tell (watch), 9 store, 10 source unreachable,",
        "            11 bad input, 12 refused, 130 Ctrl-C.",
        "",
        "Start here: tracker demo",
    ]
    return "\n".join(lines) + "\n"
