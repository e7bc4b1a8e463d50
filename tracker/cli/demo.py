"""Play a whole incident end to end, with no server and no network: log, report and pictures in one folder.

A shop's payments fail because v1.2.0 leaks database connections; v1.2.1 fixes it. The feeds were
recorded from real programs, and the people's commands run as if typed at the time of the story. The
result is the same, byte for byte, every time and on every machine.

With --live it is played on the live page, as it happened or faster: open the page and watch. Where a
`tracker serve` runs on a demo's log (here, in DIR or in ./tracker-demo), it is played there, now, until the
incident is resolved. Else it gets a server, a log and settings of its own, whose clock is the story's, and is
played to the published report. A log with incidents of your own is never written to. Ctrl-C ends it.

With --company it is a log of two years instead, for `tracker trends`, `tracker rules` and the notebooks:
the same seed gives the same log.
"""

import argparse
import contextlib
import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tracker.application import told_heads
from tracker.application.company import play_company
from tracker.application.running_server import running
from tracker.application.session import Options, Session
from tracker.cli.common import add_json, write_json
from tracker.cli.demo_player import FASTEST, LIVE_TOML, SPEED, Player
from tracker.cli.progress import progress
from tracker.demo.story import INCIDENT
from tracker.errors import RefusedError, SettingsError, UsageError
from tracker.text.shell import word
from tracker.text.terminal import table

EXAMPLE = """examples:
  tracker demo
  tracker demo /tmp/hotfix
  tracker demo --live
  tracker demo --live --url http://127.0.0.1:8321
  tracker demo --company /tmp/company --seed 7"""
MARK = ".tracker-demo"
_OF_SQLITE = ("-wal", "-shm")
"""Files that are there as long as somebody has the log open."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        help="where to write it (default ./tracker-demo, with --company ./tracker-company)",
    )
    parser.add_argument(
        "--company",
        action="store_true",
        help="instead two years of a made-up company, some 600 incidents, for trends and notebooks",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="another company (default 1)")
    live = parser.add_argument_group("the page")
    live.add_argument(
        "--live",
        action="store_true",
        help="play it on the page of the tracker serve that runs on a demo's log, else of one of its own",
    )
    live.add_argument(
        "--url",
        metavar="URL",
        help="the tracker serve to play on, on this machine: that of a demo's log, or of one without incidents",
    )
    live.add_argument(
        "--speed",
        metavar="N",
        type=float,
        help=f"so many times faster than it happened; 1 is as it happened (default {SPEED:g})",
    )
    live.add_argument("--port", type=int, help="port of a server of its own (default: any free one)")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    _refuse_mixed(arguments)
    usual = "tracker-company" if arguments.company else "tracker-live" if arguments.live else "tracker-demo"
    target = Path(arguments.folder or usual)
    if arguments.live and arguments.port is None:
        served = _served(arguments, session)
        if served is not None:
            code: int = import_module("tracker.cli.demo_on_server").play_on(
                *served, arguments.speed or SPEED, as_json=arguments.json
            )
            return code
    older = _older_demo(target)
    if arguments.live:
        return _live(arguments, target, older)
    if arguments.company:
        return _company(arguments, target, older)
    with _written_whole(target, older) as made:
        player = Player(made)
        player.play()
        _write_mark(made)
    if arguments.json:
        write_json(_answer(player, target))
    else:
        _tell(player, target)
    return 0


def _refuse_mixed(arguments: argparse.Namespace) -> None:
    if arguments.live and arguments.company:
        raise UsageError(
            "demo: --company is two years at once, and --live one incident", hint="tracker demo --live"
        )
    if not arguments.live and any(
        value is not None for value in (arguments.speed, arguments.port, arguments.url)
    ):
        raise UsageError(
            "demo: --speed, --port and --url are for --live", hint="tracker demo --live --speed 60"
        )
    if arguments.url is not None and arguments.port is not None:
        raise UsageError(
            "demo: --port is for a server of its own, --url for one that runs", hint="tracker demo --live"
        )
    if arguments.speed is not None and not 1 <= arguments.speed <= FASTEST:
        raise UsageError(
            f"demo: --speed must be between 1 and {FASTEST:g}",
            hint="tracker demo --live --speed 60",
        )


def _served(arguments: argparse.Namespace, session: Session) -> tuple[Session, str] | None:
    """Return the session and the address of the server to play on; None where it gets one of its own.

    Raises:
        RefusedError: If the server of --url is not found, or its log has incidents that are not the demo's.
    """
    wanted = (arguments.url or "").rstrip("/")
    folders = [Path(arguments.folder)] if arguments.folder else [None, Path("tracker-demo")]
    for folder in folders:
        if folder is not None and not (folder / "tracker.toml").is_file():
            continue
        found = session if folder is None else Session(Options(config=str(folder / "tracker.toml")))
        try:
            server, settings = running(found.settings.store), found.settings
        except SettingsError:
            continue  # there is no tracker.toml here
        if server is None or settings.path is None or (wanted and server.address != wanted):
            continue
        if (settings.path.parent / MARK).is_file():
            return found, server.address
        if not wanted:
            continue
        if found.incident_summaries():
            raise RefusedError(
                f"{wanted} serves a log with incidents; a made-up one would stay among them",
                hint="Play it on a server of its own: tracker demo --live --port 0",
            )
        return found, server.address
    if wanted:
        raise RefusedError(
            f"{wanted}: no tracker serve was found there by the settings here",
            hint="Type it where its tracker.toml is, or: tracker demo --live   for a server of its own",
        )
    return None


def _live(arguments: argparse.Namespace, target: Path, older: list[str]) -> int:
    """Play it until a signal, and keep what was written for a look around."""
    with _written_whole(target, older) as made:
        Player(made).prepare(LIVE_TOML)
    told_heads.path_of(str((target / "tracker.db").absolute())).unlink(missing_ok=True)
    try:
        # Only the page needs a server, with all that servers import.
        code: int = import_module("tracker.cli.demo_live").play(
            target.absolute(),
            speed=arguments.speed or SPEED,
            port=arguments.port or 0,
            as_json=arguments.json,
        )
        return code
    finally:
        for store in ("tracker.db", "tracker.db.inbox"):
            # A thread of the server may have it open still: what it wrote goes into the file now, not later.
            with contextlib.closing(sqlite3.connect(target / store)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _write_mark(target)


@contextlib.contextmanager
def _written_whole(target: Path, older: list[str]) -> Iterator[Path]:
    """Give a folder to write into, which then takes the place of what an older demo left."""
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tracker-demo-", dir=target.absolute().parent) as made:
            yield Path(made)
            for name in older:
                _remove(target / name)
            target.mkdir(exist_ok=True)
            for path in sorted(Path(made).iterdir()):
                path.rename(target / path.name)
    except OSError as wrong:
        raise RefusedError(
            f"{target} cannot be written: {wrong.strerror}",
            hint="Name another folder: tracker demo /tmp/demo",
        ) from wrong


def _company(arguments: argparse.Namespace, target: Path, older: list[str]) -> int:
    """Write the made-up company, and say where to look first."""
    with _written_whole(target, older) as made, progress("company") as update:
        events, head = play_company(made, arguments.seed, progress=update)
        _write_mark(made)
    if arguments.json:
        write_json({"folder": str(target), "seed": arguments.seed, "events": events, "head": head})
        return 0
    print(f"Two years of a made-up company in {target}: {events} events, seed {arguments.seed}.")
    print("docs/company.md says which patterns are in it. Try next, after: cd " + word(str(target)))
    for command, what in (
        ("tracker rules", "which alert rules are worth having"),
        ("tracker trends", "what changed between the years"),
        ("tracker actions --overdue", "what was promised and not done"),
    ):
        print(f"  {command}\n      {what}")
    return 0


def _older_demo(target: Path) -> list[str]:
    """Return what an older demo left in the folder, nothing for a new or empty one.

    Raises:
        RefusedError: If there is something of somebody else's in it, or the demo was changed after it was created.
    """
    if not target.exists() and not target.is_symlink():
        return []
    if not target.is_dir():
        raise RefusedError(f"{target} is a file", hint="Name a folder: tracker demo DIR")
    found = sorted(path.name for path in target.iterdir())
    if not found:
        return []
    mark = target / MARK
    if not mark.is_file():
        raise RefusedError(
            f"{target} is not empty; nothing was written", hint="Choose another: tracker demo DIR"
        )
    try:
        ours = dict(json.loads(mark.read_text(encoding="utf-8")))
    except ValueError:
        ours = {}
    kept = {name for name in found if not name.endswith(_OF_SQLITE)}
    if kept <= {*ours, MARK} and all(_sha256(target / name) == digest for name, digest in ours.items()):
        return found
    raise RefusedError(
        f"{target} was changed after the demo was created; nothing was overwritten",
        hint=f"Choose another: tracker demo DIR   or remove it: rm -r {word(target)}",
    )


def _sha256(path: Path) -> str | None:
    """Hash a file, or all files of a folder except git's index, which git rewrites whenever it reads."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return None
    files = sorted(each for each in path.rglob("*") if each.is_file() and each.name != "index")
    told = "".join(f"{each.relative_to(path)} {_sha256(each)}\n" for each in files)
    return hashlib.sha256(told.encode()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _write_mark(folder: Path) -> None:
    """Keep what was written, so that a later demo knows its own files from somebody's work."""
    paths = [path for path in sorted(folder.iterdir()) if not path.name.endswith(_OF_SQLITE)]
    written = {path.name: _sha256(path) for path in paths}
    (folder / MARK).write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def _answer(player: Player, target: Path) -> dict[str, Any]:
    return {
        "incident": INCIDENT,
        "folder": str(target),
        "events": player.events,
        "head": player.head,
        "files": [str(target / name) for name in player.files],
        "missing": player.missing or None,
    }


def _tell(player: Player, target: Path) -> None:
    counts = player.counts
    commits = (
        f"none, because {player.missing}" if player.missing else f"{counts['git']} commits, tags and branches"
    )
    rows = [
        ("CDEvents", f"{counts['events']} deploys, one of them of another service"),
        ("Sentry's SDK", f"{counts['sentry']} errors of one kind"),
        (
            "Alertmanager",
            f"{counts['alertmanager']} events of one alert; the repeated delivery added nothing",
        ),
        (
            "Prometheus",
            f"{counts['samples']} samples of {counts['metrics']} metrics, in {counts['prometheus']} events",
        ),
        ("git", commits),
        (
            "people",
            f"{counts['people']} decisions, notes and corrections by {', '.join(sorted(player.people))}",
        ),
    ]
    print("Payments fail for 40 minutes: v1.2.0 leaks database connections, and v1.2.1 fixes it.")
    print(f"{INCIDENT} as recorded on Thursday 2026-01-22 and the days after, {player.events} events in all:")
    print(table(rows, indent="  "))
    print("Written:")
    for name in player.files:
        print(f"  {target / name}" + ("   (the report: read this first)" if name == f"{INCIDENT}.md" else ""))
    tracker = _how_to_call()
    print(f"\nTry next, after: cd {word(target)}")
    for said, words in (
        ("what happened, in order", f"timeline {INCIDENT}"),
        ("what was known ten minutes after it started", f"timeline {INCIDENT} --known-at 2026-01-22T14:45Z"),
        ("a time that was wrong, and who corrected it", f"history {player.correction}"),
        ("was the procedure followed? Each rule, with the events that show it", f"check {INCIDENT}"),
        ("the same facts under Google SRE's headings", f"report {INCIDENT} --template google -o -"),
    ):
        print(f"  {tracker} {words}\n      {said}")


def _how_to_call() -> str:
    """Say `tracker`, or where it lies when no PATH leads there."""
    if shutil.which("tracker"):
        return "tracker"
    called = Path(sys.argv[0]).absolute()
    if called.name == "__main__.py":
        return f"{word(sys.executable)} -m tracker"
    return word(called)
