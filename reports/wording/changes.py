"""Why a change may have caused an incident, in words."""

from projections.changes import Candidate


def suspicion(candidate: Candidate) -> str:
    """Say when the change was made, compared with the start of the incident, and what moved then."""
    what, incident, ago = candidate.kind, candidate.incident, _ago(candidate.seconds_before_start)
    if candidate.in_progress:
        why = f"the {what} was in progress when {incident} started, {ago} after it began"
    else:
        why = f"the {what} ended {ago} before {incident} started"
    moved = f", and {', '.join(candidate.moved)} moved within ten minutes of it" if candidate.moved else ""
    return why + moved


def _ago(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 60 else f"{round(seconds)} s"
