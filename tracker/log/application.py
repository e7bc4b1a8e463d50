"""The `eventsourcing` application behind the log, built from our settings only.

The library lets environment variables override an application's settings; a stray
PERSISTENCE_MODULE or COMPRESSOR_TOPIC would change what is stored. None is read here.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, cast

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.utils import Environment, EnvType

from tracker.log import sqlite
from tracker.log.recorder import LogRecorder
from tracker.settings.store_address import SCHEMES


class TrackerApplication(Application[str]):
    """One application: every event of the tracker, in one sequence of positions."""

    name = "tracker"
    log_section_size = 1000

    def __init__(self, store: str) -> None:
        self.store = store
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Return settings that do not depend on the process's environment."""
        settings = {"ORIGINATOR_ID_TYPE": "text"}
        if self.store.startswith(SCHEMES):
            placeholders = {f"POSTGRES_{key}": "url" for key in ("DBNAME", "HOST", "USER", "PASSWORD")}
            settings |= {"STORE_URL": self.store, "POSTGRES_PORT": "0", **placeholders}
            settings["POSTGRES_POOL_SIZE"] = "1"
            # One round trip for each use; otherwise each connection fails once after the server restarts.
            settings["POSTGRES_PRE_PING"] = "y"
            settings["POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT"] = "60"
        else:
            settings["SQLITE_DBNAME"] = self.store
        return Environment(name, settings)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        if self.store.startswith(SCHEMES):
            # psycopg is only imported where the log is in PostgreSQL.
            postgres = import_module("tracker.log.postgres")
            postgres.refuse_unsafe_settings()
            postgres.probe(self.store)
            return cast("InfrastructureFactory[Any]", postgres.PostgresLogFactory(env))

        sqlite.refuse_foreign(Path(self.store))
        return sqlite.SQLiteLogFactory(env)

    @property
    def rows(self) -> LogRecorder:
        """The recorder, with its own type."""
        assert isinstance(self.recorder, LogRecorder)
        return self.recorder
