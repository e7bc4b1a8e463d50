"""Histories in which the procedure was followed, and what rules are held against, for the tests of rules."""

from collections.abc import Sequence
from datetime import timedelta

from projections.attachment import attached
from projections.changes import changes
from projections.detection import detected_at, relapse
from projections.procedure.check import check
from projections.procedure.rule import Evidence, ProcedureLimits, RuleAnswer
from projections.updates import messages_of
from reports.wording.procedure import actual, expected, says
from tests import builders as b
from tests.builders import at, recorded
from tracker.events.base import Event, Observation, Recorded, event_id
from tracker.events.corrections import effective
from tracker.incident import fold

MINUTE = timedelta(minutes=1)
FIX = b.deploy(20, version="1.4.3", sha=b.SHA)
STARTED = b.deploy_start(18, version="1.4.3", sha=b.SHA)
FIXED = b.linked(FIX, 21, role="fixed", why="errors are gone")
DECLARED = (b.declared(5), b.milestone(3, "detected"))


def message(minute: float, kind: str = "update", **fields: object) -> Event:
    return b.sent(minute, kind=kind, **fields)


def followed() -> list[Event]:
    """An incident in which every rule of people, tests, verdicts and watching was kept."""
    return [
        *DECLARED,
        *(message(minute, "update" if minute > 6 else "initial") for minute in (6, 10, 15, 19, 24, 29)),
        b.run_of_tests(17),
        *(STARTED, FIX, FIXED),
        *(b.check(FIX, 20 + due / 60, due_seconds=due) for due in (*range(60, 601, 60), 3_600, 86_400)),
        b.verdicts(FIX, 30),
        b.resolved(32),
        b.published(60, incident="INC-1", waived=(), why=None),
    ]


def evidence(
    *events: Event,
    now: float | None = None,
    procedure: ProcedureLimits | None = None,
    told: float | None = None,
    tell: tuple[str, ...] = (),
) -> Evidence:
    """What rules are held against after these events, asked at a minute: else when the last was recorded."""
    history: Sequence[Recorded] = recorded(
        *sorted(events, key=lambda each: (each.occurred_at, each.RANK)), minute=told
    )
    incident = fold("INC-1", history)
    living = [each for each in effective(history).values() if each.retraction is None]
    own = attached(incident, [each for each in living if isinstance(each.event, Observation)])
    return Evidence(
        incident=incident,
        facts=tuple(living),
        changes=tuple(changes(history)),
        messages=tuple(messages_of(incident)),
        verdicts=(),
        procedure=procedure or ProcedureLimits(),
        now=at(now) if now is not None else max(each.recorded_at for each in history),
        detected_at=detected_at(incident, own),
        back_at=back.detected.instant if (back := relapse(incident, own)) else None,
        tell=tell,
    )


def answers(*events: Event, **options: object) -> dict[str, RuleAnswer]:
    """Every rule's answer by its name; each can be worded."""
    found = check(evidence(*events, **options))  # type: ignore[arg-type]
    assert all(says(answer) and expected(answer) for answer in found)
    assert {type(actual(answer)) for answer in found} <= {str, type(None)}
    return {answer.rule: answer for answer in found}


def without(history: Sequence[Event], *kinds: type[Event]) -> list[Event]:
    """The history without events of these kinds."""
    return [each for each in history if not isinstance(each, kinds)]


def ids(*events: Event) -> tuple[str, ...]:
    return tuple(event_id(each) for each in events)
