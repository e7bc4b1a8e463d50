"""What was sampled and collected, in words."""

from reports.headlines.base import headline
from tracker.events import samples
from tracker.times import utc


@headline.register
def _(event: samples.MetricSampled) -> str:
    return f"{event.count} samples of {event.metric} until {utc(event.last_at)}"


@headline.register
def _(event: samples.SourceCollected) -> str:
    return f"{event.what} collected until {utc(event.until)}: {event.found} found"
