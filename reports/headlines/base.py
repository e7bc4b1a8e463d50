"""How an event that nobody worded reads, and the two functions that modules of words register with."""

from functools import singledispatch

from tracker.events.base import Event


@singledispatch
def headline(event: Event) -> str:
    """Say in one phrase what an event means to a reader."""
    return event.TOPIC.replace("-", " ").capitalize()


@singledispatch
def detail(event: Event) -> str | None:
    """Say what a reader may want to know besides; None if there is nothing."""
    return None
