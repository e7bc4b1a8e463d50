"""The command line: one module for each command, imported only when it is typed.

A new command is one module with `arguments(parser)` and `run(arguments, session)`, one
line in `tracker/cli/commands.py`, and one test.
"""

# Nothing here takes time to import: Ctrl-C is not handled before `main` begins.
import gc
import sys

from tracker.cli import interrupts
from tracker.cli.commands import help_text


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if argv is None:
        interrupts.install()
        # A command ends soon, and its events hold no cycles: collecting them doubles its time. See `dispatch.call`.
        gc.disable()
    # Not list(…): once the command `list` was imported, that name is its module here.
    words = [*(sys.argv[1:] if argv is None else argv)]
    if words and words[0] in ("-h", "--help", "help"):
        sys.stdout.write(help_text())
        return 0
    if words and words[0] in ("-V", "--version"):
        sys.stdout.write(f"tracker {_module('tracker.version').version()}\n")
        return 0
    # Looked up here, so that `tracker --help` costs what Python itself costs.
    code: int = _module("tracker.cli.dispatch").run(words)
    return code


def _module(name: str):  # type: ignore[no-untyped-def]
    __import__(name)
    return sys.modules[name]
