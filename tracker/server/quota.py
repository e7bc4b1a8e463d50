"""What strangers may send: the DSN's public key stands in every browser's page source."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tracker.server.telemetry import Telemetry, log_line
from tracker.settings.schema import Serve, Settings

RETRY_SECONDS = 10
"""When a client that is over the quota should send again."""
FREE_BYTES_OF_EACH = 16 << 10
"""An envelope of an ordinary size counts as one; only what it has beyond this counts as bytes, too."""
_LOOK_EVERY_SECONDS = 1.0
_LOG_EVERY_SECONDS = 60.0


@dataclass
class _Bucket:
    """Fills up within a minute; holds no more than what a minute may bring."""

    per_minute: float
    filled_at: float
    level: float

    def fill(self, now: float) -> None:
        self.level = min(self.per_minute, self.level + (now - self.filled_at) * self.per_minute / 60)
        self.filled_at = now


@dataclass
class PublicQuota:
    """Says whether an envelope of the public route may be kept: by key and minute, and by what is free on the disk.

    `folder` is that of a store in files; None for PostgreSQL, whose disk cannot be seen from here.
    """

    limits: Serve
    folder: Path | None
    telemetry: Telemetry
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[_Bucket, _Bucket]] = field(default_factory=dict)
    _looked_at: float = float("-inf")
    _free_bytes: int = 0
    _logged_at: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, telemetry: Telemetry) -> "PublicQuota":
        """Make the quota that tracker.toml asks for."""
        folder = None if "://" in settings.store else Path(settings.store).absolute().parent
        return cls(settings.file.serve, folder, telemetry)

    def takes(self, key: str, size_bytes: int) -> bool:
        """Count an envelope of this size, once inflated; False if the key is over its quota, and it is not counted."""
        now = self.clock()
        buckets = self._buckets.get(key)
        if buckets is None:
            limits = (self.limits.public_envelopes_per_minute, self.limits.public_bytes_per_minute)
            buckets = self._buckets[key] = (
                _Bucket(limits[0], now, limits[0]),
                _Bucket(limits[1], now, limits[1]),
            )
        costs = (1, max(0, size_bytes - FREE_BYTES_OF_EACH))
        for bucket in buckets:
            bucket.fill(now)
        # One that is larger than the whole quota passes where nothing else was sent.
        if any(
            bucket.level < min(cost, bucket.per_minute) for bucket, cost in zip(buckets, costs, strict=True)
        ):
            self._refused("quota", "the public DSN key is over its quota")
            return False
        for bucket, cost in zip(buckets, costs, strict=True):
            bucket.level -= cost
        return True

    def has_room(self) -> bool:
        """Whether more is free on the disk than what is left to authenticated senders."""
        if self.folder is None:
            return True
        now = self.clock()
        if now - self._looked_at >= _LOOK_EVERY_SECONDS:
            self._looked_at = now
            try:
                self._free_bytes = shutil.disk_usage(self.folder).free
            except OSError:
                return True  # writing to it says what is wrong
        if self._free_bytes >= self.limits.public_free_disk_bytes:
            return True
        self._refused("disk", "too little of the disk is free to keep what the public DSN key sends")
        return False

    def _refused(self, reason: str, says: str) -> None:
        self.telemetry.public_refused.labels(reason).inc()
        now = self.clock()
        if now - self._logged_at.get(reason, float("-inf")) >= _LOG_EVERY_SECONDS:
            self._logged_at[reason] = now
            log_line(says, 30, next="see [serve] public_… in docs/serve.md")
