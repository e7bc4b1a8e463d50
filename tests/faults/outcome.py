"""What stands in the log in the end, beside what was promised."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

from tests.faults.load import Load
from tests.servers.serving import TrackerServer
from tracker.events.alerts import AlertFired, ErrorSeen
from tracker.events.base import Event
from tracker.events.changes import DeployFinished
from tracker.log import Log


@dataclass(frozen=True)
class Outcome:
    """One fault's end. Nothing may be `missing`, `doubled`, `unknown` or `parked`; the log has to be whole.

    `unasked` were never answered 202 and stand in the log all the same: that is allowed.
    """

    fault: str
    store: str
    seed: int
    times: int
    seconds: float
    acknowledged: int
    missing: list[int]
    doubled: list[int]
    unknown: list[int]
    unasked: int
    parked: int
    waiting: int
    went_back: int
    """How often `recorded_at` is before the one of the position before."""
    recorded_span_seconds: float
    """From the first event's `recorded_at` to the last one's."""
    whole: bool
    problem: str | None
    answers: dict[str, int]
    slowest_seconds: float
    failed: list[str]
    """What commands said that should have worked."""
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        wrong = {"missing", "doubled", "unknown", "failed"}
        allowed = {"202", "503", "no answer"}
        return (
            self.whole
            and not any(getattr(self, name) for name in wrong)
            and not (self.parked or self.waiting or self.went_back)
            and self.acknowledged > 0
            and set(self.answers) <= allowed
        )

    def json(self) -> str:
        """One line for programs."""
        return json.dumps({**asdict(self), "good": self.good})


def number_of(event: Event) -> int | None:
    """Return which delivery an event came from; None for what no sender sent."""
    match event:
        case AlertFired():
            return int(event.labels["number"])
        case ErrorSeen():
            return int(event.error_id, 16)
        case DeployFinished():
            return int(event.version.removeprefix("v"))
        case _:
            return None


def outcome(
    server: TrackerServer,
    load: Load,
    *,
    fault: str,
    seed: int,
    times: int,
    seconds: float,
    failed: list[str] | None = None,
    notes: dict[str, object] | None = None,
) -> Outcome:
    """Wait until all is worked up, end the server, and compare the log with the promises."""
    server.digested(600)
    listed = server.answer("inbox", "list")
    server.stop()
    verified = server.cli("verify", "--json")
    proof = verified.json
    counted: Counter[int] = Counter()
    went_back = 0
    first = last = None
    with Log(server.store) as log:
        for each in log.read_all():
            if last is not None and each.recorded_at < last:
                went_back += 1
            first, last = first or each.recorded_at, each.recorded_at
            number = number_of(each.event)
            if number is not None:
                counted[number] += 1
    asked = load.acknowledged | load.given_up
    return Outcome(
        fault=fault,
        store="postgresql" if "://" in server.store else "sqlite",
        seed=seed,
        times=times,
        seconds=round(seconds, 1),
        acknowledged=len(load.acknowledged),
        missing=sorted(load.acknowledged - counted.keys()),
        doubled=sorted(number for number, times in counted.items() if times > 1),
        unknown=sorted(counted.keys() - asked),
        unasked=len(load.given_up & counted.keys()),
        parked=len(listed["parked"]),
        waiting=listed["waiting"],
        went_back=went_back,
        whole=bool(proof["whole"]) and verified.code == 0,
        problem=json.dumps(proof["first_problem"]) if proof["first_problem"] else None,
        answers=dict(load.answers),
        slowest_seconds=round(load.slowest_seconds, 2),
        recorded_span_seconds=(last - first).total_seconds() if first and last else 0.0,
        failed=failed or [],
        notes=notes or {},
    )
