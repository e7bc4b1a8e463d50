"""What the tests of all sources share: payloads, rules, and feeds that are broken in every way."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tracker.errors import BadInputError
from tracker.events.base import Event, Incoming, encode, event_id
from tracker.ingest.services import ServiceRule, ServiceRules

RULES = ServiceRules((ServiceRule("checkout", sentry_projects=("shop",)), ServiceRule("payments")))

_FOLDER = Path(__file__).parent / "payloads"

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def payload(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def changed(value: Any, **fields: Any) -> Any:
    """Copy a decoded payload with fields put in: changed(body, data__issue__count=3); ... takes one out."""
    copy = json.loads(json.dumps(value))
    for path, new in fields.items():
        *way, last = path.split("__")
        place = copy
        for name in way:
            place = place[int(name) if isinstance(place, list) else name]
        if new is ...:
            del place[last]
        else:
            place[last] = new
    return copy


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Put anything, or nothing, in the place of one part of a payload."""
    copy = json.loads(json.dumps(value))
    place, way = copy, None
    while isinstance(place, dict | list) and place:
        key: Any = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        way = (place, key)
        if draw(st.integers(min_value=0, max_value=3)) == 0:
            break
        place = place[key]
    if way is None:
        return draw(anything)
    if draw(st.booleans()) and isinstance(way[0], dict):
        del way[0][way[1]]
    else:
        way[0][way[1]] = draw(anything)
    return copy


def events(found: Iterable[Incoming]) -> list[Event]:
    return [each.event for each in found]


def ids(found: Iterable[Incoming]) -> list[str]:
    return [event_id(each.event) for each in found]


def read_or_refused(read: Callable[[], list[Incoming]]) -> None:
    """What is read can be stored; what is not is refused with one line and what to do next."""
    refused: BadInputError | None = None
    found: list[Incoming] = []
    try:
        found = read()
    except BadInputError as trouble:
        refused = trouble
    if refused is not None:
        assert refused.message.startswith("feed: ")
        assert "\n" not in refused.message
        assert refused.hint
    for each in found:
        encode(each.event)
        assert event_id(each.event)
        assert each.payload
