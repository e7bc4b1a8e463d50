"""A reader of server-sent events that resumes as a browser does, and keeps the rows that it received."""

import contextlib
import http.client
import json
import socket
import threading
import time
from typing import Any


class LiveReader:
    """Follows one incident from a position on; `cut` breaks its connection, and it comes back by its last id."""

    def __init__(self, port: int, incident: str, after: int) -> None:
        self.rows: dict[str, tuple[str, str]] = {}
        self.added: list[str] = []
        self.ids: list[int] = []
        self.last = after
        self.connections = 0
        self.statuses: list[int] = []
        self._port, self._incident = port, incident
        self._stopping = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break the connection, in the middle of whatever comes."""
        found = self._socket
        if found is not None:
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._stopping.set()
        self.cut()
        self._thread.join(60)

    @property
    def keys(self) -> list[str]:
        """The rows in their order."""
        return sorted(self.rows, key=lambda key: (self.rows[key][0], key))

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._listen()
            time.sleep(0.05)

    def _listen(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", f"/{self._incident}/events", headers={"Last-Event-ID": str(self.last)})
            self._socket = connection.sock
            response = connection.getresponse()
            self.statuses.append(response.status)
            if response.status != 200:
                return
            self.connections += 1
            fields: dict[str, str] = {}
            while line := response.readline():
                text = line.decode().rstrip("\n")
                name, _, value = text.partition(": ")
                if text:
                    fields[name] = value
                elif fields:
                    self._take(fields)
                    fields = {}
        finally:
            self._socket = None
            connection.close()

    def _take(self, fields: dict[str, str]) -> None:
        if fields.get("event") != "update":
            return
        content: dict[str, Any] = json.loads(fields["data"])
        for key in content["gone"]:
            self.rows.pop(key, None)
        for row in content["rows"]:
            if row["new"]:
                self.added.append(row["key"])
            self.rows[row["key"]] = (row["order"], row["html"])
        if "id" in fields:
            self.last = int(fields["id"])
            self.ids.append(self.last)
