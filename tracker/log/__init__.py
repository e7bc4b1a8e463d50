"""The only door to the store: append, decide, select, prove."""

from tracker.log.log import Log
from tracker.log.recorder import Appended
from tracker.log.verification import Verified

__all__ = ["Appended", "Log", "Verified"]
