"""Which of several statements about one thing to show: sources report the same more than once."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec.structs import fields

from tracker.events.alerts import AlertFired, IssueChanged
from tracker.events.base import Event
from tracker.events.corrections import Effective
from tracker.times import utc

Statement = tuple[Effective, tuple[Effective, ...]]
"""The statement to show, and all there are of its subject, that one first."""

# What an issue can be only once until it is something else again.
_STATES = ("created", "resolved", "regressed", "unresolved", "escalated", "archived")


def deduplicate(facts: Iterable[Effective]) -> list[Statement]:
    """Group facts by what they are about; the answer does not depend on their order."""
    found: dict[tuple[object, ...], list[Effective]] = {}
    for each in facts:
        found.setdefault(each.recorded.event.subject(), []).append(each)
    return _without_echoes([chosen(same) for same in found.values()])


def reported_once(facts: Iterable[Effective], kind: type[Event]) -> tuple[list[Effective], list[Effective]]:
    """Part the facts of a kind that were reported once, which are the most of a storm, from all other facts."""
    first: dict[tuple[object, ...], Effective] = {}
    again: set[tuple[object, ...]] = set()
    rest: list[Effective] = []
    for fact in facts:
        event = fact.recorded.event
        if type(event) is not kind:
            rest.append(fact)
            continue
        subject = event.subject()
        if first.setdefault(subject, fact) is not fact:
            again.add(subject)
            rest.append(fact)
    rest += [first.pop(subject) for subject in again]
    return list(first.values()), rest


def _without_echoes(found: list[Statement]) -> list[Statement]:
    """Join a webhook's report of an issue's step with that of the issue's own history.

    A webhook does not know when an issue was resolved or came back: it names the last error before that, with the
    counts of the moment, which a history does not have. It belongs to the next step of the history, if that is of the
    same kind.
    """
    issues: dict[tuple[str, str], list[Statement]] = {}
    for each in found:
        event = each[0].recorded.event
        if isinstance(event, IssueChanged) and event.action in _STATES:
            issues.setdefault((event.project, event.issue_id), []).append(each)
    if not issues:
        return found
    joined: dict[str, Statement | None] = {}
    for steps in issues.values():
        steps.sort(key=_order)
        for early, late in pairwise(steps):
            if early[0].amendments or _action(early) != _action(late):
                continue
            if _is_again(late) and not _has_counts(early):
                joined[late[0].id] = None
                joined[early[0].id] = (early[0], (early[0], *early[1][1:], *late[1]))
            elif _has_counts(early) and not _has_counts(late):
                others = sorted((*late[1][1:], *early[1]), key=lambda each: each.id)
                joined[early[0].id] = None
                joined[late[0].id] = (late[0], (late[0], *others))
    answer = (joined.get(each[0].id, each) for each in found)
    return [each for each in answer if each is not None]


def _order(step: Statement) -> tuple[object, ...]:
    event = step[0].recorded.event
    return event.occurred_at, _action(step) != "created", step[0].id


def _action(step: Statement) -> str:
    return getattr(step[0].recorded.event, "action", "")


def _is_again(step: Statement) -> bool:
    return getattr(step[0].recorded.event, "again_after", None) is not None


def _has_counts(step: Statement) -> bool:
    return any(getattr(each.recorded.event, "event_count", None) is not None for each in step[1])


def chosen(same: Sequence[Effective]) -> Statement:
    """Choose an amended fact, then the source's last update, then the fuller one; a clone before a forge.

    Of an alert that fires again, who reported it first; a file does not know when that was.
    """
    if len(same) == 1:
        return same[0], (same[0],)
    best = max(same, key=_weight)
    others = sorted((each for each in same if each is not best), key=lambda each: each.id)
    return best, (best, *others)


def _weight(each: Effective) -> tuple[bool, float, str, int, int, str]:
    updated = getattr(each.event, "updated_at", None)
    annotations = len(getattr(each.event, "annotations", None) or {})
    source = getattr(each.event, "source", "").partition(":")[0]
    return (
        bool(each.amendments),
        _fired_again(each.event),
        utc(updated) if updated else "",
        annotations,
        _known(each.event) if source == "git" else 0,
        each.id,
    )


def _fired_again(event: Event) -> float:
    """Rank reports of an alert that fires again: the earliest whose time is known is the greatest."""
    if not isinstance(event, AlertFired) or event.again_after is None:
        return 0.0
    return -math.inf if event.is_again_at_unknown_time else -event.occurred_at.timestamp()


def _known(event: Event) -> int:
    """Count the optional fields that an event fills."""
    return sum(getattr(event, field.name) != field.default for field in fields(event))
