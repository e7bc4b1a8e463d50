"""Where a change went: the one rule that decides whether a deploy or rollback concerns production.

Incidents are about production. A change of another place (staging, a preview) is shown with its place and is
neither candidate, verdict, confounder nor fix. Of a service of which nothing is known to have gone to production,
all changes count: nobody named its places.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tracker.events.base import Recorded
from tracker.events.housekeeping import SettingsChanged
from tracker.settings.schema import PRODUCTION_NAMES

PRODUCTION = "production"
Production = Mapping[str | None, tuple[str, ...]]
"""The names of production by service, as settings have them; `production` itself always is one."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# A name with one of these words is not production, whatever else is in it: pre-prod, prod-test, staging/live.
_ELSEWHERE = frozenset((
    "pre", "non", "not", "no", "un", "near", "post", "like", "mirror", "shadow", "copy", "clone",
    "replica", "fake", "mock", "staging", "stage", "stg", "preview", "previews", "review", "pr", "test",
    "tests", "testing", "qa", "uat", "acceptance", "acc", "dev", "develop", "development", "sandbox",
    "demo", "integration", "int", "ci", "local", "lab", "training", "load", "perf", "performance",
))  # fmt: skip


def place_of(environment: str | None, names: Iterable[str] = PRODUCTION_NAMES) -> str:
    """Return PRODUCTION, or the environment's own name in lower case.

    Production is an environment of one of these names, in any case, or a path or compound name that begins or ends
    with one: Production, eu/prod, shop-live, prod-eu-1. Without a name it is production.
    """
    text = (environment or "").strip()
    words = _words(text)
    if not text:
        return PRODUCTION  # nobody named one, as where --env is not typed
    # What is typed without --env is recorded as production.
    for name in (PRODUCTION, *names):
        own = _words(name)
        if text.casefold() == name.strip().casefold():
            return PRODUCTION
        if own and own in (words[: len(own)], words[-len(own) :]) and _ELSEWHERE.isdisjoint(words):
            return PRODUCTION
    return text.casefold()


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def production_of(settings: Iterable[Recorded]) -> Production:
    """Return the names of production by service, from the settings that were recorded, the last ones last."""
    return {
        each.event.service: production_names(each.event.settings)
        for each in settings
        if isinstance(each.event, SettingsChanged) and each.event.only_for is None
    }


def production_names(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a service calls production, by its settings as the log has them."""
    return tuple(settings.get("production") or PRODUCTION_NAMES)
