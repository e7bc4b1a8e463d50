"""The page in a real Chromium: on a phone, by the keyboard, to a screen reader, in the dark, and on paper."""

import gzip
import json
import os
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from reports.page.assets import assets
from tests.servers.chromium import Chromium, chromium
from tests.servers.serving import TrackerServer, until

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
SHOTS = os.environ.get("TRACKER_SCREENSHOTS")
"""A folder in which the pictures are kept that these tests take."""
HOSTILE = "</h1><script>document.title='owned'</script><img src=x onerror=document.title='owned'> ‮evil‬"
PHONE = {"width": 375, "height": 667}

TOML = """
[services.checkout]
alert_labels = { service = "checkout" }
[services.checkout.metrics.error_ratio]
query = "x"
title = "failed requests"
unit = "ratio"
better = "lower"
threshold = 0.01
[services.search]
[services.a-service-with-a-name-that-is-longer-than-most]
"""


def declared(server: TrackerServer) -> None:
    """Five incidents as different as they come: plain, hostile, of two services, resolved, with nothing known."""

    def typed(*words: object) -> None:
        ran = server.cli(*words)
        assert ran.code == 0, (words, ran.err)

    typed("declare", "payments answer 500", "--service", "checkout", "--severity", "critical", "--started", "9m-ago",
          "--impact", "1 order in 5 fails", "--lead", "Ana")  # fmt: skip
    typed("deploy", "finish", "checkout", "v1.4.2", "--at", "20m-ago")
    typed("deploy", "finish", "checkout", "v1.4.3", "--at", "5m-ago")
    typed("stage", "1", "fixing")
    typed("note", "1", "the pool is exhausted", "--kind", "hypothesis")
    typed(
        "declare",
        HOSTILE,
        "--service",
        "checkout",
        "--severity",
        "major",
        "--lead",
        HOSTILE,
        "--impact",
        HOSTILE,
        "--new",
    )
    typed("note", "2", HOSTILE * 4)
    typed("declare", "search and checkout are slow, and nobody knows since when or why that is so today",
          "--service", "search", "a-service-with-a-name-that-is-longer-than-most", "--severity", "minor")  # fmt: skip
    typed("deploy", "finish", "search", "v2026.11.30-hotfix.1+build.4711", "--at", "2h-ago")
    typed("declare", "a queue is full", "--service", "search", "--severity", "critical", "--new")
    typed("resolve", "4", "--as", "went-away")
    typed("declare", "x", "--service", "search", "--severity", "minor", "--new")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackerServer]:
    from tests.servers.serving import tracker_server

    with tracker_server(tmp_path_factory.mktemp("served"), TOML) as running:
        declared(running)
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def keep(name: str, data: bytes) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        (Path(SHOTS) / name).write_bytes(data)


def is_live(browser: Chromium) -> bool:
    return browser.evaluate("document.body.dataset.live") == "yes"


def ordered(browser: Chromium) -> list[str]:
    return list(browser.evaluate('[...document.querySelectorAll("#rows li")].map((row) => row.id)'))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_the_first_screen_says_what_somebody_needs_who_was_just_woken(server, browser, number):
    """
    On a phone, without scripts, without scrolling: nothing is below the fold, nothing is wider than the screen.
    """
    browser.run_scripts(allowed=False)
    try:
        browser.open(f"{server.url}/INC-{number}", **PHONE)
        keep(f"phone-{number}.png", browser.picture(whole=False))
        # With scripts off the page itself runs none; the DevTools may still ask.
        seen = json.loads(
            browser.evaluate(
                """JSON.stringify({
                    low: Math.max(...[...document.querySelectorAll("h1, .state, dl, .command")].map(
                        (each) => each.getBoundingClientRect().bottom)),
                    wide: document.documentElement.scrollWidth,
                    names: [...document.querySelectorAll("#now dt")].map((name) => name.textContent),
                    text: document.getElementById("now").textContent,
                    title: document.title})"""
            )
        )
    finally:
        browser.run_scripts(allowed=True)

    assert seen["names"] == ["Stage", "Lead", "Running", "Last change", "Due next"]
    assert seen["low"] <= PHONE["height"]
    assert seen["wide"] <= PHONE["width"]
    assert f"INC-{number}: " in seen["text"]
    assert seen["title"] != "owned"
    if number == 1:
        for part in ("critical", "open since", "fixing", "Ana", "checkout v1.4.3", "deploy of checkout v1.4.3", "left",
                     "tracker message INC-1 initial", "Copy"):  # fmt: skip
            assert part in seen["text"]


def test_what_people_wrote_stays_text(server, browser):
    """
    No script of theirs runs, no picture of theirs is asked for, what turns text around is written out.
    """
    browser.open(f"{server.url}/INC-2", width=1280)
    time.sleep(0.2)

    assert browser.evaluate("document.title").startswith("INC-2: </h1><script>")
    assert browser.evaluate('document.querySelectorAll("main script, main img").length') == 0
    assert "<U+202E>evil" in browser.evaluate('document.getElementById("rows").textContent')
    assert all(address.startswith((server.url, "data:")) for address in browser.asked_for())


@pytest.mark.parametrize("path", ["/", "/INC-1", "/INC-2", "/INC-4", "/INC-1?show=people&since=1"])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_obstacle(server, browser, path, dark):
    """
    WCAG 2.2, A and AA, in light and dark, on a phone and a desk.
    """
    if not AXE.exists():
        pytest.skip("no axe-core; install it with: bash .ci/node_sdk.sh")
    for width in (375, 1280):
        browser.open(f"{server.url}{path}", width=width, dark=dark)
        browser.evaluate(f"{AXE.read_text(encoding='utf-8')};0")
        options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
        found = json.loads(
            browser.evaluate(
                f"axe.run(document, {options}).then((found) => JSON.stringify(found.violations.map("
                "(each) => [each.id, each.nodes.map((node) => node.html.slice(0, 200))])))"
            )
        )
        assert found == []


@pytest.mark.parametrize("path", ["/", "/INC-1", "/INC-2"])
def test_headings_targets_and_zoom(server, browser, path):
    """
    One h1, no level left out; each target is 24 px or a link within a sentence; at 400 % nothing scrolls sideways.
    """
    browser.open(f"{server.url}{path}", width=320, height=256)
    levels = browser.evaluate(
        '[...document.querySelectorAll("h1,h2,h3,h4")].map((each) => Number(each.tagName[1]))'
    )
    small = browser.evaluate(
        '[...document.querySelectorAll("button, nav a, .handle, h3 a")].filter((each) => {'
        "const box = each.getBoundingClientRect(); return box.width && (box.height < 24 || box.width < 24)})"
        ".map((each) => each.outerHTML)"
    )

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert small == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_keyboard_reaches_everything_and_sees_where_it_is(server, browser):
    """
    From the skip link on, each stop has an outline and lies in the window.
    """
    browser.open(f"{server.url}/INC-1", **PHONE)
    stops = []
    for _ in range(12):
        browser.press("Tab")
        stops.append(
            browser.evaluate(
                "(() => { const at = document.activeElement, box = at.getBoundingClientRect();"
                "return [at.textContent.slice(0, 30), getComputedStyle(at).outlineStyle,"
                " box.bottom > 0 && box.top < innerHeight] })()"
            )
        )

    assert [stop[0] for stop in stops[:3]] == ["Skip to the content", "All incidents", "Copy"]
    assert {"All", "People", "Alerts", "Changes", "Verdicts"} <= {stop[0] for stop in stops}
    assert all(stop[1] == "solid" and stop[2] for stop in stops)


def test_filters_work_with_and_without_scripts(server, browser):
    """
    By the address alone, and by a click, which asks for nothing.
    """
    visible = 'JSON.stringify([...new Set([...document.querySelectorAll("#rows li")].filter((row) => row.offsetParent).map((row) => row.className))])'
    browser.run_scripts(allowed=False)
    browser.open(f"{server.url}/INC-1?show=changes", width=1280)
    assert browser.evaluate(visible) == '["changes"]'
    browser.run_scripts(allowed=True)
    browser.open(f"{server.url}/INC-1", width=1280)
    until(lambda: is_live(browser))
    browser.events.clear()
    browser.evaluate("document.querySelector('[data-show=people]').click()")

    assert browser.evaluate(visible) == '["people"]'
    assert browser.evaluate("document.querySelector('[aria-current]').textContent") == "People"
    assert browser.asked_for() == []


def test_each_new_event_is_heard_once_and_nothing_else_moves(server, browser):
    """
    The live region is the same element, and gets one line for each event; focus, selection and scroll stay.
    """
    browser.open(f"{server.url}/INC-1", width=375, height=400)
    until(lambda: is_live(browser))
    browser.evaluate(
        """(() => {
            window.region = document.getElementById("announced");
            window.heard = [];
            new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(
                (node) => heard.push(node.textContent)))).observe(region, {childList: true});
            const copy = document.querySelector("[data-copy]");
            copy.focus();
            getSelection().selectAllChildren(document.getElementById("command"));
            scrollTo(0, document.getElementById("timeline").offsetTop + 60);
        })()"""
    )
    # Rows are laid out when they come into the window.
    browser.evaluate("new Promise((done) => setTimeout(done, 500))")
    browser.evaluate(
        '(() => { window.read = [...document.querySelectorAll("#rows li")]'
        ".find((row) => row.getBoundingClientRect().top >= 0); window.top_ = read.getBoundingClientRect().top })()"
    )
    before = ordered(browser)
    for number in range(3):
        assert server.cli("note", "1", f"said {number}").code == 0
    until(lambda: len(ordered(browser)) == len(before) + 3)
    time.sleep(1)

    assert browser.evaluate("heard") == ["said 0", "said 1", "said 2"]
    assert browser.evaluate('document.getElementById("announced") === region')
    assert browser.evaluate("document.activeElement.dataset.copy") == "command"
    assert "tracker message" in browser.evaluate("getSelection().toString()")
    assert abs(browser.evaluate("read.getBoundingClientRect().top - top_")) < 2
    assert ordered(browser) == [f"e-{row['event']}" for row in server.answer("timeline", "INC-1")["entries"]]


def test_the_clock_ticks_without_requests(server, browser):
    """
    How long it lasts and how much time is left change; nothing is asked of anybody for it.
    """
    browser.open(f"{server.url}/INC-5", width=1280)
    until(lambda: is_live(browser))
    browser.events.clear()
    browser.evaluate(
        "(() => { const due = document.querySelector('[data-due]');"
        "due.dataset.due = new Date(Date.now() + 60500).toISOString(); })()"
    )
    until(
        lambda: (
            browser.evaluate("document.querySelector('[data-due]').textContent") in ("59 s left", "58 s left")
        )
    )

    assert browser.asked_for() == []


def test_a_lost_connection_is_said_until_it_is_back(server, browser):
    """
    The banner comes when the server is killed and goes when it is back, with what came in between; whoever reads
    further down sees it, too.
    """
    browser.open(f"{server.url}/INC-1", width=1280)
    shown = 'document.getElementById("connection").hidden ? "" : document.getElementById("connection").textContent'
    until(lambda: is_live(browser))
    assert browser.evaluate(shown) == ""
    before = ordered(browser)

    server.kill()
    until(lambda: "the connection is gone" in browser.evaluate(shown))
    box = browser.evaluate(
        "scrollTo(0, document.body.scrollHeight); (({top, bottom}) => [top, bottom, innerHeight])"
        '(document.getElementById("connection").getBoundingClientRect())'
    )
    keep("banner.png", browser.picture(whole=False))
    assert 0 <= box[0] < box[1] <= box[2]
    assert server.cli("note", "1", "written meanwhile").code == 0
    server.start()
    until(lambda: browser.evaluate(shown) == "")
    until(lambda: len(ordered(browser)) == len(before) + 1)

    assert "written meanwhile" in browser.evaluate(
        'document.querySelector("#rows li:last-child").textContent'
    )


def test_on_paper_are_all_facts(server, browser):
    """
    On A4, whatever was filtered on the screen, no row is hidden and nothing is cut off on the right.
    """
    browser.open(f"{server.url}/INC-1?show=verdicts", width=794, height=1123)
    browser.call("Emulation.setEmulatedMedia", session=True, media="print")
    try:
        hidden = browser.evaluate(
            '[...document.querySelectorAll("#rows li")].filter((row) => !row.offsetParent).length'
        )
        wide = browser.evaluate("document.documentElement.scrollWidth")
        paper = browser.paper()
    finally:
        browser.call("Emulation.setEmulatedMedia", session=True, media="")
    keep("paper.pdf", paper)

    assert hidden == 0
    assert wide <= 794
    assert paper.startswith(b"%PDF")


def test_nothing_is_refused_by_the_policy_and_all_of_it_is_small(server, browser):
    """
    What the page needs is its own and allowed; scripts and styles are under 60 kB, compressed, in all.
    """
    for path in ("/", "/INC-1", "/INC-1/report"):
        browser.open(f"{server.url}{path}", width=1280, height=800)
        keep(f"laptop{path.replace('/', '-')}.png", browser.picture())
        time.sleep(0.3)
        assert [each for each in browser.events if "violat" in json.dumps(each).lower()] == []
        assert browser.evaluate('document.querySelectorAll("[style], style, script:not([src])").length') == 0
    browser.open(f"{server.url}/INC-1", width=1280, height=800, dark=True)
    keep("dark.png", browser.picture())

    assert sum(len(gzip.compress(data)) for data in assets().values()) < 60_000
    for name in assets():
        assert re.fullmatch(r"(page|report)-[0-9a-f]{12}\.(css|js)", name)
        reply = server.request(f"/assets/{name}")
        assert "immutable" in reply.headers["cache-control"]
