"""What came from another log: a bundle that somebody imported, and what that log said of itself."""

import msgspec

from tracker.events.base import Decision, topic


def imported_scope(incident: str) -> str:
    """Name the place of the bundles with which an incident came."""
    return f"imported:{incident}"


def import_scope(log: str, number: str) -> str:
    """Name the place where it stands which number an incident of another log has here."""
    return f"import:{log}/{number}"


@topic("bundle-imported", rank=94)
class BundleImported(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody imported an incident from another log, which had this head at its `position`.

    `number` is the incident's number here, `was` its number there; `numbers` tells the same of every
    incident of which something came along. `sha256` is that of the bundle, `brought` how many
    events were new. It stands beside the incident's stream: nothing was decided on the incident.
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
        """Found from the incident, and from each number of the other log."""
        return (imported_scope(self.number), *(import_scope(self.log, there) for there in self.numbers))
