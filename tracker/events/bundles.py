"""Imports of bundles from other logs."""

import msgspec

from tracker.events.base import Decision, topic


def imported_scope(incident: str) -> str:
    """Return the place of the bundles from which an incident was imported."""
    return f"imported:{incident}"


def import_scope(log: str, number: str) -> str:
    """Return the place that maps the number of an incident in another log to its number here."""
    return f"import:{log}/{number}"


@topic("bundle-imported", rank=94)
class BundleImported(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """An incident was imported from another log, which had this head at its `position`.

    `number` is the incident's number here, `was` its number there; `numbers` maps every incident of
    which events were imported. `sha256` is that of the bundle, `brought` how many events were new.
    It is not part of the incident's stream: nothing was decided on the incident.
    """

    number: str
    was: str
    log: str
    position: int
    last_event: str
    last_digest: str
    head: str
    sha256: bytes
    brought: int
    numbers: dict[str, str] = msgspec.field(default_factory=dict)

    def scopes(self) -> tuple[str, ...]:
        return (imported_scope(self.number), *(import_scope(self.log, there) for there in self.numbers))
