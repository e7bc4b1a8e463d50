"""Who may look: strangers are told nothing of any incident, whatever they send, and no header is believed of them."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.responses import Response

from reports.page.facts import Heard
from tracker.application.page_links import PageLinks, address
from tracker.errors import RefusedError
from tracker.server.page.access import REFUSED, Access
from tracker.server.page.routes import HEADERS, Pages
from tracker.settings.schema import Page

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
SECRET = "the basket is empty"
PATHS = ("/", "/INC-1", "/INC-1/events", "/INC-1/report", "/INC-1.json", "/INC-1/pictures/x.svg", "/INC-999")
TRIES = 3_000


class Door:
    """The routes of the page with everything behind them replaced by one text that no stranger may see."""

    def __init__(self, page: Page, links: PageLinks | None = None) -> None:
        self.page = page
        self.now = NOW
        access = Access(lambda: self.page, links or PageLinks("/nowhere/tracker.db"), lambda: self.now)
        pages = Pages(lambda: None, access, None, list[Heard], lambda: False)  # type: ignore[arg-type,return-value]

        async def answer(request: Any, reader: Any) -> Response:
            return Response(SECRET)

        for name in ("_overview", "_incident", "_events", "_report", "_json", "_picture"):
            setattr(pages, name, answer)
        self.routes = pages.routes(lambda name, endpoint: _Plain(endpoint))
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.close()

    def ask(
        self,
        path: str = "/INC-1",
        *,
        peer: str = "127.0.0.1",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        query: str = "",
    ) -> tuple[int, dict[str, str], str]:
        given = list(headers.items()) if isinstance(headers, dict) else headers or []
        if not any(name.lower() == "host" for name, _ in given):
            given = [("host", "127.0.0.1:8321"), *given]
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode("latin-1", "replace"),
            "headers": [
                (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in given
            ],
            "client": (peer, 40000) if peer else None,
            "server": ("127.0.0.1", 8321),
            "scheme": "http",
            "root_path": "",
            "state": {},
        }
        for route in self.routes:
            matched, more = route.matches(scope)
            if matched.name == "FULL":
                scope.update(more)
                return self._loop.run_until_complete(_answered(route.app, scope))
        return 404, {}, ""


class _Plain:
    """An endpoint as an ASGI application."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request

        response = await self._endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


async def _answered(app: Any, scope: Any) -> tuple[int, dict[str, str], str]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]).decode()


@pytest.fixture
def door():
    made: list[Door] = []

    def make(page: Page, links: PageLinks | None = None) -> Door:
        made.append(Door(page, links))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def links(tmp_path):
    return PageLinks(str(tmp_path / "tracker.db"))


# ── loopback ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "localhost", "[::1]:8321", "127.0.0.2"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.8.8"])
def test_this_machine_may_look_at_itself(door, host, peer):
    """
    By any of its own names.
    """
    assert door(Page()).ask(peer=peer, headers={"Host": host})[2] == SECRET


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", {"Host": "127.0.0.1"}),
        ("::ffff:192.0.2.7", {"Host": "localhost"}),
        ("", {"Host": "localhost"}),
        ("127.0.0.1", {"Host": "evil.example"}),
        ("127.0.0.1", {"Host": "localhost.evil.example"}),
        ("127.0.0.1", {"Host": "evil@localhost"}),
        *[
            ("127.0.0.1", {"Host": f"localhost{behind}"})
            for behind in (":8321, evil.example", ":8321 evil", "/evil", "?evil", "#evil", ":evil", "\\evil")
        ],
        ("127.0.0.1", {"Host": "127.0.0.1.nip.io"}),
        ("127.0.0.1", {"Host": ""}),
        ("127.0.0.1", [("Host", "localhost"), ("Host", "evil.example")]),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("192.0.2.7", {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_others_are_told_nothing(door, peer, headers, path):
    """
    Another machine, another site's name that leads here, or a proxy in between: one line, the same for every address.
    """
    assert door(Page()).ask(path, peer=peer, headers=headers)[0::2] == (403, REFUSED["loopback"])


# ── links ────────────────────────────────────────────────────────────────────


def token(links: PageLinks, incident: str | None = None, hours: float = 1) -> str:
    return links.make(by="ana", now=NOW, until=NOW + timedelta(hours=hours), incident=incident)


def test_a_link_becomes_a_cookie_that_no_script_reads(door, links):
    """
    The address is left without it at once; what is opened next is opened by the cookie.
    """
    made = token(links, "INC-1")
    door = door(Page(access="link"), links)

    status, headers, body = door.ask("/INC-1", peer="192.0.2.7", query=f"show=people&link={made}")

    assert (status, headers["location"], body) == (303, "/INC-1?show=people", "")
    assert headers["referrer-policy"] == "no-referrer"
    cookie = headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=3600", "Path=/"} <= set(cookie.split("; "))
    kept = {"Cookie": cookie.partition(";")[0]}
    assert door.ask("/INC-1/report", peer="192.0.2.7", headers=kept)[2] == SECRET


@pytest.mark.parametrize("path", ["/", "/INC-2", "/INC-2/events", "/INC-2.json", "/INC-11", "/inc-1"])
def test_a_link_to_one_incident_opens_no_other(door, links, path):
    """
    Nor the list of all of them.
    """
    kept = {"Cookie": f"tracker_page_INC-1={token(links, 'INC-1')}"}

    assert door(Page(access="link"), links).ask(path, headers=kept)[0] == 403


def test_a_link_to_all_opens_each(door, links):
    kept = {"Cookie": f"tracker_page={token(links)}"}
    door = door(Page(access="link"), links)

    assert [door.ask(path, peer="192.0.2.7", headers=kept)[2] for path in PATHS] == [SECRET] * len(PATHS)


def test_a_link_ends(door, links):
    """
    At its end, and at once when it is taken back.
    """
    ends, taken = token(links), token(links, hours=9)
    door = door(Page(access="link"), links)

    def sees(made: str) -> bool:
        return door.ask(headers={"Cookie": f"tracker_page={made}"})[2] == SECRET

    assert (sees(ends), sees(taken)) == (True, True)
    door.now = NOW + timedelta(hours=1)
    assert (sees(ends), sees(taken)) == (False, True)
    links.revoke(taken, by="ben", now=NOW)
    assert (sees(ends), sees(taken)) == (False, False)


def test_without_a_link_not_even_this_machine_may_look(door, links):
    """
    A proxy on it would be this machine, too.
    """
    token(links)

    assert door(Page(access="link"), links).ask()[0::2] == (403, REFUSED["link"])


def test_a_link_opens_nothing_where_links_do_not_count(door, links):
    made = token(links)

    for page in (Page(), Page(access="proxy", trusted_proxies=("192.0.2.1",), user_header="X-User")):
        assert door(page, links).ask(peer="192.0.2.7", query=f"link={made}")[0] == 403


def test_a_forged_or_changed_link_opens_nothing(door, links):
    """
    Another signature, another link's, none, or more than there is.
    """
    one, other = token(links, "INC-1"), token(links)
    name, _, signature = one.partition(".")
    forged = [
        *(one[:at] + ("A" if one[at] != "A" else "B") + one[at + 1 :] for at in range(len(one))),
        f"{name}.{other.partition('.')[2]}", f"{other.partition('.')[0]}.{signature}",
        name, f"{name}.", "", ".", f"{one}x", "é" * 40, "x" * 100_000,
    ]  # fmt: skip
    door = door(Page(access="link"), links)

    assert {door.ask(peer="192.0.2.7", headers={"Cookie": f"tracker_page={each}"})[0] for each in forged} == {
        403
    }
    assert {door.ask(peer="192.0.2.7", query=f"link={each}")[0] for each in forged} == {403}


def test_what_is_kept_of_a_link_does_not_make_one(links):
    """
    A file for its owner alone, with the id, the end and who made it; the link itself is in no file.
    """
    made = token(links, "INC-1")

    assert links.path.stat().st_mode & 0o777 == 0o600
    assert made.partition(".")[2] not in links.path.read_text()
    [link] = links.all()
    assert (link.incident, link.by, link.opens(NOW)) == ("INC-1", "ana", True)


def test_taking_back_takes_the_link_its_id_or_its_address(links):
    made = [token(links) for _ in range(3)]

    for typed in (made[0], made[1].partition(".")[0], address("http://x", made[2], "INC-1")):
        assert links.revoke(typed, by="ben", now=NOW).revoked_by == "ben"
    with pytest.raises(RefusedError):
        links.revoke(made[0], by="ben", now=NOW)


# ── proxy ────────────────────────────────────────────────────────────────────

BEHIND = Page(access="proxy", trusted_proxies=("192.0.2.1", "2001:db8::/64"), user_header="X-Forwarded-User")


@pytest.mark.parametrize("peer", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::9"])
def test_a_named_proxy_says_who_looks(door, peer):
    assert door(BEHIND).ask(peer=peer, headers={"X-Forwarded-User": "ana"})[2] == SECRET


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.2", {"X-Forwarded-User": "ana"}),
        ("127.0.0.1", {"X-Forwarded-User": "ana"}),
        ("127.0.0.1", {"X-Forwarded-User": "ana", "X-Forwarded-For": "192.0.2.1"}),
        ("192.0.2.1", {}),
        ("192.0.2.1", {"X-Forwarded-User": "  "}),
        ("192.0.2.1", {"X-Forwarded-User": "x" * 1000}),
        ("192.0.2.1", {"X_Forwarded_User": "ana"}),
        ("192.0.2.1", [("X-Forwarded-User", "ana"), ("X-Forwarded-User", "root")]),
    ],
)
def test_nobody_else_is_believed(door, peer, headers):
    """
    Another peer, no user, an empty or a doubled header.
    """
    assert door(BEHIND).ask(peer=peer, headers=headers)[0::2] == (403, REFUSED["proxy"])


# ── whatever is sent ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("access", ["loopback", "link", "proxy"])
def test_hostile_requests_see_nothing(door, links, access):
    """
    Strangers' requests with every header that anybody might believe: the same line each time.
    """
    token(links, "INC-1")
    draw = random.Random(access)
    page = {"loopback": Page(), "link": Page(access="link"), "proxy": BEHIND}[access]
    door = door(page, links)
    names = [
        "X-Forwarded-User", "X-Forwarded-For", "Forwarded", "X-Real-IP", "Cookie", "Authorization", "X-Remote-User",
        "X-Original-URL", "X-Rewrite-URL", "Via", "Origin", "Referer", "Last-Event-ID", "X-Forwarded-Host",
    ]  # fmt: skip
    values = [
        "127.0.0.1", "ana", "admin", "for=127.0.0.1;host=localhost", "/INC-1", "tracker_page=a.b", "192.0.2.1",
        "tracker_page_INC-1=0123456789.AAAA", "localhost", "::1", "true", "", "\x00", "0", "tracker_page=" + "x" * 999,
    ]  # fmt: skip
    peers = ["198.51.100.9", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8:1::1", "0.0.0.0", ""]
    seen = set()
    for _ in range(TRIES):
        headers = [(draw.choice(names), draw.choice(values)) for _ in range(draw.randrange(6))]
        headers.append(("Host", draw.choice(["localhost", "127.0.0.1", "tracker.example", "[::1]"])))
        query = draw.choice(["", "link=", "link=a.b", "link=%00", "show=people", "since=1", "user=ana"])
        answer = door.ask(draw.choice(PATHS), peer=draw.choice(peers), headers=headers, query=query)
        seen.add(answer[0::2])

    assert seen == {(403, REFUSED[access])}


@pytest.mark.parametrize(
    "path", ["/hooks/events", "/hooks/github", "/metrics", "/api/1/envelope/", "/x", "/INC-", "/INC-1x"]
)
def test_no_other_route_is_the_pages(door, path):
    """
    What is asked of a hook, or of nothing that there is, is answered as before.
    """
    assert door(Page()).ask(path) == (404, {}, "")


def test_every_answer_has_the_headers_that_keep_it_where_it_belongs(door):
    """
    Whether it shows something or not.
    """
    door = door(Page())

    for answer in (door.ask(), door.ask(peer="192.0.2.7"), door.ask("/INC-9/report")):
        assert {name: answer[1].get(name.lower()) for name in HEADERS} == HEADERS
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
