"""Signed links to the page: each has an end, may be for one incident alone, and can be taken back.

They are in a file that only its owner can read: the key, and of each link its id, its end and who made it; never
the link itself. It lies beside a log in a file, else with this user's state.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from tracker.application.running_server import path_of
from tracker.errors import RefusedError, StoreError
from tracker.text.shell import command

_LONGEST_TOKEN = 200


class PageLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One link; without an incident it opens all of them."""

    id: str
    until: datetime
    by: str
    made_at: datetime
    incident: str | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def opens(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and now < self.until


class _Kept(msgspec.Struct, kw_only=True):
    key: bytes
    links: list[PageLink] = []


class PageLinks:
    """The links of one log; the file is read again whenever it changed."""

    def __init__(self, store: str) -> None:
        mark = path_of(store)
        self.path = mark.with_name(f"{mark.name.removesuffix('.serve')}.links")
        self._stamp: tuple[int, int, int] | None = None
        self._read: _Kept | None = None

    def all(self) -> list[PageLink]:
        """Return every link, the oldest first."""
        kept = self._kept()
        return list(kept.links) if kept else []

    def make(self, *, by: str, now: datetime, until: datetime, incident: str | None = None) -> str:
        """Make a link and return its token."""
        link = PageLink(id=secrets.token_hex(5), until=until, by=by, made_at=now, incident=incident)
        kept = self._change(lambda kept: kept.links.append(link))
        return f"{link.id}.{_signature(kept.key, link)}"

    def revoke(self, typed: str, *, by: str, now: datetime) -> PageLink:
        """Take back the link with this id, or with this token or address.

        Raises:
            RefusedError: If there is none, or if it was taken back before.
        """
        name = typed.rpartition("link=")[2].partition(".")[0].strip()
        found: list[PageLink] = []

        def change(kept: _Kept) -> None:
            for place, link in enumerate(kept.links):
                if link.id == name and link.revoked_at is None:
                    kept.links[place] = msgspec.structs.replace(link, revoked_at=now, revoked_by=by)
                    found.append(kept.links[place])

        if self.path.exists():
            self._change(change)
        if not found:
            raise RefusedError(
                f"there is no link {name!r} to take back", hint="See them: tracker serve link --list"
            )
        return found[0]

    def find(self, token: str) -> PageLink | None:
        """Return the link of a token whose signature is right; whether it still opens anything is its own question."""
        kept = self._kept()
        name, _, signature = token.partition(".")
        if kept is None or len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        link = next((link for link in kept.links if link.id == name), None)
        if link is None or not hmac.compare_digest(signature, _signature(kept.key, link)):
            return None
        return link

    def _kept(self) -> _Kept | None:
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp != self._stamp:
                self._read = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
                self._stamp = stamp
        except (OSError, msgspec.DecodeError):
            # What cannot be read opens nothing.
            self._read = self._stamp = None
        return self._read

    def _change(self, change: Callable[[_Kept], None]) -> _Kept:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._locked():
                kept = (
                    msgspec.json.decode(self.path.read_bytes(), type=_Kept)
                    if self.path.exists()
                    else _Kept(key=secrets.token_bytes(32))
                )
                change(kept)
                # Replaced as a whole: a reader sees the file before or behind.
                written = self.path.with_name(f"{self.path.name}.new")
                written.unlink(missing_ok=True)
                descriptor = os.open(written, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(kept))
                    file.flush()
                    os.fsync(file.fileno())
                written.replace(self.path)
                return kept
        except (OSError, msgspec.DecodeError) as wrong:
            raise StoreError(
                f"{self.path}: cannot keep the links to the page: {wrong}",
                hint=f"See who may write there: {command('ls', '-ld', str(self.path.parent))}",
            ) from wrong

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def address(base: str, token: str, incident: str | None) -> str:
    """Return what is opened in a browser."""
    return f"{base.rstrip('/')}/{incident or ''}?link={token}"


def _signature(key: bytes, link: PageLink) -> str:
    signed = f"{link.id}\n{link.incident or ''}\n{link.until.isoformat()}".encode()
    return urlsafe_b64encode(hmac.digest(key, signed, hashlib.sha256)).decode().rstrip("=")
