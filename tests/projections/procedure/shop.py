"""A real repository of a shop in which a hotfix is made, and the incident that it is made for.

Minutes count from 14:00, when the incident began and was detected. Version 1.2.0 runs since long before.
"""

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from projections.changes import changes
from projections.procedure.rule import Evidence, ProcedureLimits
from tests.builders import at, declared, deploy, milestone, recorded, resolved
from tracker.events.base import Arrival, Event, Incoming, Recorded, event_id
from tracker.events.corrections import effective
from tracker.incident import fold
from tracker.ingest import git
from tracker.times import to_us

LONG_AGO = -3000
READ = 300
PROCEDURE = ProcedureLimits()


class Shop:
    """A git repository whose clock is told, with main, develop and tag v1.2.0."""

    def __init__(self, path: Path, *options: str, unreleased: bool = True) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.minute: float = LONG_AGO
        self.git("init", "-q", "--initial-branch=main", *options)
        self.write("pool.py", "".join(f"line {number}\n" for number in range(30)))
        self.version("1.2.0")
        self.base = self.commit("feat: a shop", LONG_AGO)
        self.git("tag", "v1.2.0")
        self.git("checkout", "-q", "-b", "develop")
        if unreleased:
            self.write("wishes.py", "wishes = []\n")
            self.unreleased = self.commit("feat: wish lists", LONG_AGO + 100)
        self.git("checkout", "-q", "main")

    def git(self, *words: str, check: bool = True) -> str:
        stamp = f"{int(at(self.minute).timestamp())} +0000"
        done = subprocess.run(
            ["git", "-c", "user.name=Ann Ops", "-c", "user.email=ann@example.com", *words],
            cwd=self.path,
            capture_output=True,
            check=check,
            text=True,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
                "GIT_AUTHOR_DATE": stamp,
                "GIT_COMMITTER_DATE": stamp,
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_EDITOR": "true",
            },
        )
        return done.stdout.strip()

    def committed(self, minute: float, *words: str, check: bool = True) -> str:
        """Let git commit at a minute, keeping the author's instant where it copies a commit."""
        stamp = f"{int(at(minute).timestamp())} +0000"
        self.minute = minute
        subprocess.run(
            ["git", "-c", "user.name=Ann Ops", "-c", "user.email=ann@example.com", *words],
            cwd=self.path,
            capture_output=True,
            check=check,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
                "GIT_COMMITTER_DATE": stamp,
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_EDITOR": "true",
            },
        )
        return self.sha("HEAD")

    def sha(self, ref: str) -> str:
        return self.git("rev-parse", f"{ref}^{{commit}}")

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def change(self, name: str, line: int, text: str) -> None:
        lines = (self.path / name).read_text().splitlines(keepends=True)
        lines[line] = f"{text}\n"
        self.write(name, "".join(lines))

    def version(self, version: str) -> None:
        self.write("package.json", json.dumps({"name": "shop", "version": version}, indent=2) + "\n")

    def commit(self, subject: str, minute: float) -> str:
        self.minute = minute
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.sha("HEAD")

    def on(self, branch: str, new_from: str | None = None) -> None:
        self.git("checkout", "-q", *(("-b", branch, new_from) if new_from else (branch,)))

    def hotfix(
        self, name: str = "hotfix/v1.2.1", start: str = "main", *, version: str | None = "1.2.1"
    ) -> str:
        """Fix at minute 10 on a branch of its own, and bump the version at 12."""
        self.on(name, start)
        self.change("pool.py", 10, "connection.close()")
        self.fix = self.commit("fix: give connections back", 10)
        if version:
            self.version(version)
            self.commit(f"chore: bump version to {version}", 12)
        self.head = self.sha("HEAD")
        return self.head

    def merge(self, branch: str, into: str, minute: float, *options: str) -> str:
        self.minute = minute
        self.on(into)
        self.git("merge", "-q", *(options or ("--no-ff", "--no-edit")), branch)
        return self.sha("HEAD")

    def release(self, branch: str = "hotfix/v1.2.1", tag: str | None = "v1.2.1") -> str:
        """Merge it to main at minute 15, and tag that."""
        self.released = self.merge(branch, "main", 15)
        if tag:
            self.git("tag", tag)
        return self.released

    def read(self, **options: Any) -> list[Incoming]:
        return git.read(
            self.path,
            service="checkout",
            arrival=Arrival(via="poll"),
            main_branches=("main", "develop", "release/1.0", "release/1.1"),
            **options,
        )


def ran_before(shop: Shop | None = None) -> Event:
    return deploy(LONG_AGO + 10, version="1.2.0", sha=shop.base if shop else None)


def fixed(shop: Shop | None = None, minute: float = 20, **fields: Any) -> Event:
    sha = getattr(shop, "released", None) or getattr(shop, "head", None)
    return deploy(minute, **{"version": "1.2.1", "sha": sha, **fields})


def story(*, over: bool = True, resolution: str = "fixed") -> list[Event]:
    end = [resolved(200, resolution=resolution)] if over else []
    return [declared(1), milestone(0, "started"), milestone(0, "detected"), *end]


def held(*parts: "Iterable[Event | Incoming]", minute: float = READ) -> list[Recorded]:
    """What a log holds that was told all this at one minute, each thing once; what happened later, when it happened."""
    once: dict[str, Event | Incoming] = {}
    for part in parts:
        for each in part:
            once.setdefault(event_id(each.event if isinstance(each, Incoming) else each), each)
    return [
        msgspec.structs.replace(each, recorded_us=max(each.recorded_us, to_us(each.event.occurred_at)))
        for each in recorded(*once.values(), minute=minute)
    ]


def evidence(
    log: Iterable[Recorded], *, now: float = READ, procedure: ProcedureLimits = PROCEDURE, **changed: Any
) -> Evidence:
    """Make what the command gives to rules: effective, living facts, and the incident's decisions folded."""
    every = list(log)
    incident = fold("INC-1", [each for each in every if getattr(each.event, "incident", None)])
    facts = tuple(
        each
        for each in effective(every).values()
        if each.retraction is None and not getattr(each.event, "incident", None)
    )
    return Evidence(
        incident=incident,
        facts=facts,
        changes=tuple(changes(each.recorded for each in facts)),
        messages=(),
        verdicts=(),
        procedure=replace(procedure, **changed),
        now=at(now),
        detected_at=at(0),
    )


def of(
    shop: Shop, *events: Event, now: float = READ, read_at: float = READ, over: bool = True, **changed: Any
) -> Evidence:
    """Read the repository and tell of the deploys: 1.2.0 before, the fix at minute 20, or these."""
    told = events or (ran_before(shop), fixed(shop))
    return evidence(held(shop.read(), told, story(over=over), minute=read_at), now=now, **changed)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)
