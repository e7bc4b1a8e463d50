"""Action items: what is to be done after an incident, by whom, until when, and the proof that it was done."""

from datetime import date

from tracker.events.base import Decision, topic


class Action(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A step of an action item."""

    def scopes(self) -> tuple[str, ...]:
        """Also indexed with all action items, so that listing them reads no other decision."""
        return (*super().scopes(), "actions")


@topic("action-added", rank=87)
class ActionAdded(Action, frozen=True, kw_only=True, omit_defaults=True):
    """One person is to do something until the end of `due_on`; `due_said` is how the day was typed, unless as a date.

    The day is one of `due_zone` (None is UTC), and ends there at `due_offset_minutes` from UTC.
    """

    text: str
    owner: str
    due_on: date
    due_said: str | None = None
    due_zone: str | None = None
    due_offset_minutes: int = 0


@topic("action-done", rank=88)
class ActionDone(Action, frozen=True, kw_only=True, omit_defaults=True):
    """An action item was done; `proof` is an address, a commit or a handle. Retracting this opens it again."""

    action: str
    proof: str
