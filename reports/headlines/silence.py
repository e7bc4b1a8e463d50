"""Sources that said nothing, in words."""

from reports.headlines.base import detail, headline
from tracker.events import silence
from tracker.text.shortening import short
from tracker.times import spoken


@headline.register
def _(event: silence.SourceSilent) -> str:
    return f"{_heard(event)} silent"


@detail.register
def _(event: silence.SourceSilent) -> str | None:
    since = None if event.heard_before else "not heard since the tracker began to listen"
    return " · ".join(part for part in (since, short(event.reason, 160)) if part) or None


@headline.register
def _(event: silence.SourceReturned) -> str:
    return f"{_heard(event)} heard again"


@detail.register
def _(event: silence.SourceReturned) -> str | None:
    return f"after {spoken((event.occurred_at - event.silent_since).total_seconds())}"


def _heard(event: silence.SourceSilent | silence.SourceReturned) -> str:
    return f"{event.what} from {short(event.source, 60)}" if event.what else short(event.source, 60)
