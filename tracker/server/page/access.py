"""Who may look: decided on the connection and its headers, before anything is read from the log."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import HTTPConnection

from tracker.application.page_links import PageLinks
from tracker.settings.schema import Page

COOKIE = "tracker_page"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via", "x-forwarded-user")
_LONGEST_USER = 200
_HOST = re.compile(r"(?P<name>localhost|[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
"""A name of this machine, and nothing behind it: what else a parser makes of a header is not asked."""
REFUSED = {
    "loopback": "This page is open on the machine of the server only: http://127.0.0.1 and its port there.\n",
    "link": "This page needs a valid link. Ask for one: tracker serve link\n",
    "proxy": "This page is open to signed-in users of its proxy only.\n",
}


@dataclass(frozen=True)
class Reader:
    """Somebody who may look at all incidents, or at one; `name` is whose connections are counted together."""

    name: str
    incident: str | None = None

    def may_see(self, incident: str | None) -> bool:
        """Whether an incident, or with None the list of all, is open to them."""
        return self.incident is None or self.incident == incident


class Access:
    """Decides by the settings as they are now, and by the links as they are now."""

    def __init__(self, settings: Callable[[], Page], links: PageLinks, now: Callable[[], datetime]) -> None:
        self._settings, self._links, self._now = settings, links, now

    @property
    def refused(self) -> str:
        """What a stranger is told: nothing of any incident."""
        return REFUSED[self._settings().access]

    @property
    def secure(self) -> bool:
        """Whether cookies go over TLS only."""
        return (self._settings().url or "").startswith("https://")

    def reader(self, request: HTTPConnection) -> Reader | None:
        """Return who asks; None for a stranger."""
        settings = self._settings()
        peer = _address(request.client.host if request.client else "")
        if peer is None:
            return None
        if settings.access == "loopback":
            return Reader(str(peer)) if _is_local(request, peer) else None
        if settings.access == "proxy":
            return _by_proxy(settings, request, peer)
        return self.by_link(request, str(peer))

    def by_link(self, request: HTTPConnection, peer: str) -> Reader | None:
        """Return who has a link, in the address or, once it was exchanged, in a cookie."""
        now = self._now()
        for token in self.tokens(request):
            link = self._links.find(token)
            if link is not None and link.opens(now):
                return Reader(peer, link.incident)
        return None

    def tokens(self, request: HTTPConnection) -> list[str]:
        """Return the links that a request carries: the one in its address alone, else those in its cookies."""
        typed = request.query_params.get("link")
        if typed is not None:
            return [typed]
        return [value for name, value in request.cookies.items() if name.startswith(COOKIE)]

    def opened(self, token: str) -> tuple[str | None, float] | None:
        """Return for which incident a link is, and for how many seconds; None where it opens nothing."""
        now, link = self._now(), self._links.find(token)
        if self._settings().access != "link" or link is None or not link.opens(now):
            return None
        return link.incident, (link.until - now).total_seconds()


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _is_local(request: HTTPConnection, peer: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether a browser on this machine asked this machine: no other site's name leads here, and no proxy is between."""
    hosts = request.headers.getlist("host")
    if not peer.is_loopback or len(hosts) != 1 or any(name in request.headers for name in _FORWARDED):
        return False
    host = _HOST.fullmatch(hosts[0])
    if host is None:
        return False
    name = host["name"].strip("[]").lower()
    address = _address(name)
    return name == "localhost" or (address is not None and address.is_loopback)


def _by_proxy(
    settings: Page, request: HTTPConnection, peer: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> Reader | None:
    if not any(peer in ipaddress.ip_network(each) for each in settings.trusted_proxies):
        return None
    users = request.headers.getlist(settings.user_header or "")
    # A second one would be the reader's own, which the proxy let through.
    if len(users) != 1 or not users[0].strip() or len(users[0]) > _LONGEST_USER:
        return None
    return Reader(f"{peer} {users[0].strip()}")
