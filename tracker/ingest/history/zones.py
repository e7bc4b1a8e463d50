"""Local times of records, in UTC."""

from datetime import UTC, datetime, tzinfo

from tracker.ingest.history.stamps import StampError
from tracker.times import Typed
from tracker.zone_names import ZoneName


def in_zone(local: datetime, zone: tzinfo | ZoneName) -> Typed:
    """Place a local time in UTC, with the offset that it had there.

    `CET` for a day in summer is read as the local time of the place: that is what its people's clocks show.

    Raises:
        StampError: If it comes twice or not at all, because the clocks change.
    """
    place = zone.tzinfo if isinstance(zone, ZoneName) else zone
    both = [local.replace(tzinfo=place, fold=fold) for fold in (0, 1)]
    if len({at.utcoffset() for at in both}) > 1:
        raise StampError(
            f"{local:%H:%M} comes twice or not at all on {local.date()}, because the clocks change"
        )
    offset = both[0].utcoffset()
    assert offset is not None
    return Typed(both[0].astimezone(UTC), 60.0, round(offset.total_seconds() / 60))
