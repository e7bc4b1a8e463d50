"""Playing the demo's incident now, into the log of a `tracker serve` that runs: its page moves.

Each instant of the story is moved to this hour, and what follows comes so many times faster: in what sources send, in
what people type, and in the metrics. So nothing is recorded as of another time than it was played. The story ends when
the incident is resolved; the days after it, and git's commits, which have their own dates, are not played.
"""

import hashlib
import json
import re
import time
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tracker.application.session import Options, Session
from tracker.cli.common import say, write_json
from tracker.cli.demo_live import BEGINS, OVER, said, steps
from tracker.cli.demo_player import Player
from tracker.demo.recorded import RecordedPrometheus
from tracker.demo.story import Declared, Delivered, Pushed, instant
from tracker.log import Log
from tracker.text.shell import word
from tracker.times import to_ms, utc

_INSTANT = re.compile(r"2026-01-22T(\d\d:\d\d:\d\d)(\.\d+)?Z")
_CLOCK = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d)(Z?)\b")
_NAMES = re.compile(
    r'("event_id":"|"id": "rollout-|\b)([0-9a-f]{40}\b|(?<=")[0-9a-f]{32}\b|(?<=rollout-)[0-9]+)'
)
_VERSION = re.compile(r"(?<![\d.])(1|3)\.([128])\.([01])\b")
_STALE_SECONDS = 300.0
_ENDS = OVER + timedelta(seconds=1)


class TimeMap:
    """Which instant of today one of the story is, and which of the story one of today.

    Before it begins the story runs at its own pace, then faster; where a machine is too busy for that, what comes next
    comes when it is played, so that nothing is recorded late.
    """

    def __init__(self, starts: datetime, speed: float) -> None:
        self._speed = speed
        self._story, self._now = [BEGINS], [starts]

    def reached(self, story: datetime, now: datetime) -> None:
        """Note when a step was played; what was before it is not moved any more."""
        if story > self._story[-1] and now > self._now[-1]:
            self._story.append(story)
            self._now.append(now)

    def to_now(self, story: datetime) -> datetime:
        return self._moved(story, self._story, self._now, 1 / self._speed)

    def to_story(self, now: datetime) -> datetime:
        return self._moved(now, self._now, self._story, self._speed)

    def _moved(self, at: datetime, ones: list[datetime], others: list[datetime], pace: float) -> datetime:
        place = bisect_right(ones, at)
        if place == 0:
            return others[0] + (at - ones[0])
        if place < len(ones):
            pace = (others[place] - others[place - 1]) / (ones[place] - ones[place - 1])
        return others[place - 1] + (at - ones[place - 1]) * pace

    def text(self, text: str) -> str:
        """Move the instants in a text, and keep its length: an envelope says how long it is."""

        def moved(match: re.Match[str]) -> str:
            fraction = match[2] or ""
            at = self.to_now(datetime.fromisoformat(f"2026-01-22T{match[1]}{fraction or '.0'}+00:00"))
            return f"{at:%Y-%m-%dT%H:%M:%S}{f'.{at:%f}000'[: len(fraction)]}Z"

        return _INSTANT.sub(moved, text)

    def command(self, text: str) -> str:
        """Move the clock times in what was typed: an option's instant in full, in prose as it was written."""

        def moved(match: re.Match[str]) -> str:
            at = self.to_now(instant(f"{match[1]}:{match[2]}:00"))
            return utc(at) if match[3] else f"{at:%H:%M}"

        return _CLOCK.sub(moved, text)


class _MovedPrometheus(RecordedPrometheus):
    """Answers with what was recorded for the instant of the story that an instant of today is."""

    def __init__(self, recording: Path, now: Any, times: TimeMap) -> None:
        super().__init__(recording, now)
        self._times = times

    def query_range(self, query: str, *, first_ms: int, last_ms: int, step_seconds: int) -> list[Any]:
        answer = []
        last_ms = min(last_ms, to_ms(self._now()))
        for series in self._recorded["query_range"][query]:
            recorded = series["values"]
            instants = [at for at, _ in recorded]
            values = []
            for at_ms in range(first_ms, last_ms + 1, step_seconds * 1000):
                story = self._times.to_story(datetime.fromtimestamp(at_ms / 1000, UTC)).timestamp()
                place = bisect_right(instants, story) - 1
                if place >= 0 and story - instants[place] <= _STALE_SECONDS:
                    values.append([at_ms / 1000, recorded[place][1]])
            if values:
                answer.append({**series, "values": values})
        return answer

    def query(self, query: str, *, at_ms: int | None = None) -> list[Any]:
        # The alert came by its own notifications; its history has the story's instants.
        return super().query(query, at_ms=at_ms) if query == "time()" else []

    def data(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return {"groups": []} if path == "/api/v1/rules" else super().data(path, params)


class ServedPlayer(Player):
    """Plays the story into the log of a running server, until the incident is resolved."""

    def __init__(self, session: Session, speed: float) -> None:
        super().__init__(Path(session.settings.path or ".").parent)
        self._store = session.settings.store
        self._origin = session
        self._times = TimeMap(datetime.now(UTC), speed)
        # One digit, so that texts keep their length.
        self._played = min(len(session.incident_summaries()), 7)

    @property
    def options(self) -> Options:
        return Options(config=str(self._origin.settings.path), store=self._store)

    @property
    def ends_at(self) -> datetime:
        return self._times.to_now(_ENDS)

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def play(self) -> None:
        with Log(self._store) as log:
            self._session = Session(self.options, log=log)
            for step in steps():
                if isinstance(step, Pushed) or instant(step.at) > _ENDS:
                    continue
                at = self._times.to_now(instant(step.at))
                time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
                self._clock = datetime.now(UTC)
                self._times.reached(instant(step.at), self._clock)
                if instant(step.at) > BEGINS:
                    say(f"{self._clock:%H:%M:%S}  {self._worded(said(step))}")
                self._play(step)

    def _declared(self, step: Declared) -> None:
        detected = self._times.to_now(instant(step.detected_at))
        words = [
            *("declare", step.title, "--service", "checkout", "--severity", step.severity, "--new"),
            *("--detected", utc(detected), "--detected-by", step.detected_by, "--impact", step.impact),
            *("--lead", step.lead, "--by", step.by, "--json"),
        ]
        self.incident = json.loads(self._command(words))["incident"]
        self._wrote(step.by)

    def _worded(self, command: str) -> str:
        return self._times.command(self._versions(super()._worded(command)))

    def _versions(self, text: str) -> str:
        """Count the versions up: after those that the log knows already, the story's would be rollbacks."""
        return _VERSION.sub(lambda match: f"{match[1]}.{int(match[2]) + self._played}.{match[3]}", text)

    def _renamed(self, text: str) -> str:
        """Give what is known by its name another one, as long: else a second play would repeat the first."""
        started = self._times.to_now(BEGINS).isoformat()

        def other(match: re.Match[str]) -> str:
            return match[1] + hashlib.sha256(f"{started} {match[2]}".encode()).hexdigest()[: len(match[2])]

        return _NAMES.sub(other, text)

    def _fed(self, step: Delivered) -> bytes:
        return self._renamed(self._versions(self._times.text(super()._fed(step).decode()))).encode()

    def _sha(self, branch: str) -> str:
        return self._renamed(super()._sha(branch))

    def _prometheus(self) -> RecordedPrometheus:
        return _MovedPrometheus(self._feeds / "prometheus.json.xz", self._now, self._times)


def play_on(session: Session, address: str, speed: float, *, as_json: bool) -> int:
    """Play it on a server, and say where to look."""
    player = ServedPlayer(session, speed)
    minutes = (player.ends_at - datetime.now(UTC)).total_seconds() / 60
    say(
        f"Open {address}/ : a made-up incident is declared there within the next minute.",
        f"It is resolved in {minutes:.0f} min; Ctrl-C ends it before. It goes into the log of that server.",
    )
    player.play()
    if as_json:
        write_json({"incident": player.incident, "url": address, "page": f"{address}/{player.incident}"})
    say(f"The story is over: {player.incident} is resolved. Next: tracker report {word(player.incident)}")
    return 0
