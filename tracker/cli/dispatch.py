"""From words to one command's exit code: parsing, errors in one line, Ctrl-C."""

import argparse
import difflib
import errno
import gc
import io
import os
import sys
from contextlib import nullcontext, suppress
from importlib import import_module
from typing import NoReturn, TextIO, cast

from tracker.application.spool import delivering
from tracker.cli import interrupts
from tracker.cli.commands import COMMANDS
from tracker.cli.common import say, session_of
from tracker.errors import BadInputError, SettingsError, TrackerError, UsageError
from tracker.log import Log
from tracker.text.terminal import VisibleStream

_DELIVER_NOTHING = ("init", "demo", "doctor", "serve", "spool", "run", "sql")
"""Commands that use no log, or must not wait for it: `run` delivers before it records, not before its child."""
_IN_A_HURRY = ("due", "list", "show", "timeline", "changes", "history", "report", "verify")
"""Commands that only read: they deliver if that is done at once, and do not wait for it."""

_LASTING = ("serve", "watch", "run", "collect", "export")
"""Commands that may go on for long, and so collect garbage."""


_MAY_NEED_NO_LOG = ("check", "import", "trends")
"""Commands that check a text, or read another tool's records or a lake, without any tracker.toml."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and what to type next in a second."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        hint = f"{self.prog} --help"
        if message.startswith("unrecognized arguments") and "-" not in message.split(": ")[-1][:1]:
            hint = f"Put a text of several words in quotes; see: {hint}"
        if message.endswith("required: TITLE"):
            # --service takes several names, and took the title for one of them.
            hint = f'The title comes first: {self.prog} "what is broken" --service S --severity critical'
        raise UsageError(f"{self.prog.removeprefix('tracker ')}: {message}", hint=hint)


def parser_for(name: str) -> Parser:
    """Build the parser of one command."""
    module = import_module(f"tracker.cli.{COMMANDS[name][0]}")
    parser = Parser(
        prog=f"tracker {name}",
        description=(module.__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=getattr(module, "EXAMPLE", ""),
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="settings (default: TRACKER_CONFIG, else the nearest tracker.toml in this folder or above, "
        "else ~/.config/tracker/tracker.toml)",
    )
    parser.add_argument(
        "--store",
        metavar="FILE|URL",
        help="the log: a SQLite file or postgresql://… (default TRACKER_STORE, else [tracker] store)",
    )
    module.arguments(parser)
    parser.set_defaults(command=name, run=module.run)
    return parser


def run(words: list[str]) -> int:
    # Whoever closed stdout or stderr wants to hear nothing; the command does its work all the same.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            # A terminal that cannot show a letter gets a mark in its place, not a traceback.
            stream.reconfigure(errors="replace")
    stdout = sys.stdout
    try:
        interrupts.raise_once()
        sys.stdout = cast("TextIO", VisibleStream(stdout))
        return _reported(words)
    except KeyboardInterrupt:
        say("tracker: stopped by Ctrl-C")
        return 130
    finally:
        sys.stdout = stdout
        interrupts.raise_no_more()


def _reported(words: list[str]) -> int:
    """Run the command; what went wrong is said in two lines."""
    try:
        _refuse_lost_folder()
        for word in words:
            if not word.isprintable() and any("\ud800" <= char <= "\udfff" for char in word):
                raise UsageError(f"{word!r} is not UTF-8", hint="Convert it: iconv -f latin1 -t utf8")
        return _written(words)
    except TrackerError as trouble:
        say(f"tracker: {trouble.message}")
        say(f"  {trouble.hint or _help_of(words)}")
        return trouble.exit_code
    except BrokenPipeError:
        _drop_stdout()
        return 0


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open until the process ends


def _written(words: list[str]) -> int:
    """Run the command until its answer is out.

    Raises:
        BadInputError: If stdout takes no more, on a full disk for one.
    """
    try:
        try:
            return _run(words)
        finally:
            sys.stdout.flush()  # a --help leaves by SystemExit
    except BrokenPipeError:
        raise
    except OSError as wrong:
        # Files of ours are named where they are written; what has no name and finds no room is stdout.
        if wrong.filename is not None or wrong.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        # What could not be written is still held: the interpreter would try, and say, it again.
        _drop_stdout()
        raise BadInputError(
            f"cannot write to stdout: {(wrong.strerror or str(wrong)).lower()}",
            hint="Free some disk space, or write to another disk",
        ) from wrong


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse_lost_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109  (a Path is not needed, only the answer)
    except FileNotFoundError as gone:
        raise UsageError("the current folder no longer exists", hint="Change to another one: cd") from gone


def _help_of(words: list[str]) -> str:
    """Return what to type where nobody knew better: a second line stands under every error."""
    named = next((word for word in words if word in COMMANDS), None)
    return f"See the options: tracker {named} --help" if named else "tracker --help"


def _run(words: list[str]) -> int:
    leading, words = _leading_options(words)
    if not words:
        name, rest = "due", []
    else:
        name, rest = words[0], words[1:]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        raise UsageError(
            f"there is no command {name!r}",
            hint=f"Did you mean: tracker {near[0]}" if near else "List all commands: tracker --help",
        )
    command, child = _without_child(name, rest)
    arguments = parser_for(name).parse_args([*leading, *command])
    arguments.child = child
    return call(arguments)


def call(arguments: argparse.Namespace, *, log: Log | None = None) -> int:
    """Run a parsed command in a session of its own; what waits in the spool is delivered first.

    With a log the command runs on that one, which stays open, and delivers nothing: so the demo is played.
    """
    if arguments.command in _LASTING:
        gc.enable()
    session = session_of(arguments, log=log)
    try:
        if log is None and arguments.command not in _DELIVER_NOTHING:
            with suppress(SettingsError) if arguments.command in _MAY_NEED_NO_LOG else nullcontext():
                delivering.deliver(session, hurry=arguments.command in _IN_A_HURRY)
        code: int = arguments.run(arguments, session)
        sys.stdout.flush()
        return code
    finally:
        if log is None:
            session.close()


def _leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """Take --config and --store from before the command, too."""
    taken: list[str] = []
    words = list(words)
    while words and words[0].startswith("-"):
        if words[0].split("=")[0] not in ("--config", "--store", "--json"):
            raise UsageError(f"{words[0]} must come after the command", hint="tracker --help")
        count = 1 if "=" in words[0] or words[0] == "--json" else 2
        taken += words[:count]
        words = words[count:]
    return taken, words


def _without_child(name: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Split `run … -- COMMAND…`; argparse would take the child's options for ours."""
    if name == "run" and "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    return words, []
