"""Reading what claims in prose are held against: shared by check and publish."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projections.claims.claim import Claim
    from tracker.cli.workspace import Workspace
    from tracker.incident import Incident


def claimed(
    workspace: "Workspace",
    incident: "Incident",
    upto: int | None,
    *,
    text: str | None = None,
    where: str = "",
) -> "list[Claim]":
    """Return what the log contradicts in an incident's notes and messages, or in `text` alone where it is given.

    Waived claims are left out.
    """
    return []
