"""The address of a log in PostgreSQL: what libpq's own parser reads in it, and how it is shown without its secrets.

Errors of libpq and of servers repeat hosts, ports, names of users and databases, but no passwords.
So an address in which a part of a password would be taken for one of these is refused unread.
"""

import re

from tracker.errors import SettingsError

SCHEMES = ("postgresql://", "postgres://")


def is_address(store: str) -> bool:
    """Whether a store is meant to be in PostgreSQL, well formed or not; else it is a file."""
    if "://" in store or re.match(r"(?i)\s*postgres(?:ql)?:", store):
        return True
    words = re.findall(r"(?:^|\s)(\w+)\s*=", store)
    return bool(words) and not set(words).isdisjoint(_keywords())


def check_address(store: str) -> None:
    """Refuse an address that libpq cannot read, or reads otherwise than it is meant; nothing of it is repeated.

    Raises:
        SettingsError: If it is refused.
    """
    scheme, separator, _ = store.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) and not store.startswith(SCHEMES):
        raise SettingsError(
            f"the store {scheme}:// is not supported",
            hint="Use a file (tracker.db) or postgresql://user@host/database",
        )
    if _parts(store) is None:
        raise SettingsError(
            "the PostgreSQL address of the store cannot be read; it is not repeated here, because it may contain a password",
            hint='Write it as store = "postgresql://user@host/database". In a password write @ as %40, : as %3A, / as %2F, ? as %3F'
            " and % as %25; or leave it out and name it in ~/.pgpass or PGPASSWORD",
        )


def shown_address(store: str) -> str:
    """Return a store's address for people: a file's path, or server and database without any secret."""
    if not is_address(store):
        return store
    parts = _parts(store) or {}
    host = parts.get("host") or parts.get("hostaddr") or ""
    port = f":{parts['port']}" if "port" in parts else ""
    service = f"?service={parts['service']}" if "service" in parts else ""
    return f"postgresql://{host}{port}/{parts.get('dbname', '')}{service}"


def _parts(address: str) -> dict[str, str] | None:
    """Return the parts that libpq does not mark as secret.

    None if it cannot read the address, or if a part of a password may stand in them: one that has
    an @, a / or a ? of its own.
    """
    from psycopg import Error
    from psycopg.pq import Conninfo

    if not address.startswith(SCHEMES):
        return None
    try:
        options = Conninfo.parse(address.encode())
    except (Error, UnicodeError):
        return None
    parts = {
        option.keyword.decode(): option.val.decode("utf-8", "replace")
        for option in options
        if option.val is not None and not option.dispchar
    }
    rest = address.partition("://")[2]
    user, _, after = rest.partition("@") if re.match(r"[^/]*@", rest) else ("", "", rest)
    misread = (
        "@" in after.partition("?")[0]
        or re.search(r"\?.*=", user)
        or ":" in parts.get("user", "")
        or not re.fullmatch(r"[\d,]*", parts.get("port", ""))
    )
    return None if misread else parts


def _keywords() -> set[str]:
    from psycopg.pq import Conninfo

    return {option.keyword.decode() for option in Conninfo.get_defaults()}
