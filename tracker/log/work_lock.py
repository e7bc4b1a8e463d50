"""Which of several servers on one database does the work that one of them is enough for: the one that holds a lock there."""

from typing import Any, Protocol

from tracker.settings.store_address import SCHEMES

_KEY = 7237389
"""An advisory lock of the database; it ends with its connection, so the next server takes over."""


class WorkLock(Protocol):
    is_shared: bool
    """Whether other servers may be there."""

    def held(self) -> bool:
        """Whether the work is ours now; it is asked for again each time."""

    def close(self) -> None:
        """Leave the work to others."""


def work_lock(store: str) -> WorkLock:
    """Return the lock of a store; a log in a file has one server, which does all the work."""
    return _PostgresLock(store) if store.startswith(SCHEMES) else _NoLock()


class _NoLock:
    is_shared = False

    def held(self) -> bool:
        return True

    def close(self) -> None:
        """There is nothing to leave."""


class _PostgresLock:
    is_shared = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def held(self) -> bool:
        import psycopg

        try:
            if self._connection is not None:
                self._connection.execute("SELECT 1")
                return True
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=5,
                tcp_user_timeout=10_000,
                application_name="tracker reconcile",
            )
            [(taken,)] = connection.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,)).fetchall()
            if taken:
                self._connection = connection
            else:
                connection.close()
            return bool(taken)
        except psycopg.Error:
            self.close()
            return False

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
