"""docs/commands.md, generated from the commands themselves.

Write it again with: .venv/bin/python -m tests.docs.commands_page
"""

import argparse
import sys
from pathlib import Path

from tracker.cli.commands import GROUPS
from tracker.cli.dispatch import parser_for

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
EVERYWHERE = ("config", "store", "help")


def page() -> str:
    """Return the page's text."""
    lines = [
        "# Commands",
        "",
        "This page is generated from the commands' own help by `python -m tests.docs.commands_page`, and a test keeps it up to date.",
        "Every command takes `--config FILE` and `--store FILE|URL`; every command that answers a question takes `--json`.",
        "",
    ]
    for title, names in GROUPS:
        lines += [f"## {title}", ""]
        for name in names:
            lines += [*_command(name), ""]
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str) -> list[str]:
    parser = parser_for(name)
    lines = [f"### tracker {name}", "", *(parser.description or "").splitlines(), ""]
    lines += _options(parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, inner in action.choices.items():
                lines += ["", f"`tracker {name} {sub}`", "", *_options(inner)]
    examples = [line.strip().removeprefix("example:").strip() for line in (parser.epilog or "").splitlines()]
    lines += ["", "```", *(line for line in examples if line and line != "examples:"), "```"]
    return lines


def _options(parser: argparse.ArgumentParser) -> list[str]:
    lines = []
    for action in parser._actions:
        if action.dest in EVERYWHERE or action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):
            continue
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        if action.option_strings and action.metavar:
            names += f" {action.metavar}"
        chosen = "one of " + ", ".join(map(str, action.choices)) if action.choices else ""
        said = "; ".join(
            part for part in ((action.help or "").replace("%(default)s", str(action.default)), chosen) if part
        )
        lines.append(f"- `{names}`" + (f": {said}" if said else ""))
    return lines


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
