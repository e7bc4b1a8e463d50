"""The report as one page: nothing is fetched, nothing overflows, and what people wrote stays text."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests import builders as b
from tests.reports import histories
from tests.reports.histories import told
from tests.servers.chromium import Chromium, chromium
from tracker.cli import main

pytestmark = pytest.mark.slow

HOSTILE = '</code></td></table></style><script>alert(1)</script><img src=http://evil/x onerror=alert(1)> ![p](http://evil/y.png) "&lt;'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Tags(HTMLParser):
    """Keeps every tag with its attributes, and whatever is left open at the end."""

    VOID = ("meta", "br", "hr", "img", "link", "path", "circle", "rect", "use")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def names(self) -> set[str]:
        return {tag for tag, _ in self.seen}


def page(events, *options: str, name: str = "p.html") -> str:
    told(Path("tracker.db"), events)
    words = ["report", "1", "--store", "tracker.db", "--format", "html", "-o", name, *options]
    assert main(words) == 0
    return Path(name).read_text(encoding="utf-8")


def hostile() -> list[object]:
    return [
        histories.settings(),
        *histories.error_ratio(-70, 110, (0, 21)),
        b.deploy(-4, version=HOSTILE[:80], sha="9" * 40),
        b.alert(3, annotations={"summary": HOSTILE}, name=HOSTILE),
        b.declared(5, title=HOSTILE, impact=HOSTILE, lead=HOSTILE),
        b.sent(6, text=f"{HOSTILE}\n{HOSTILE}"),
        *(b.note(20 + n, text="x" * 300 + HOSTILE, kind=k) for n, k in enumerate(("note", "fix", "lesson"))),
        b.resolved(40),
    ]


@pytest.mark.parametrize("template", ["guide", "google", "pagerduty"])
def test_what_people_wrote_stays_text(template):
    """
    No tag, no address and no picture of theirs is in the page; every tag that is opened is closed.
    """
    found = Tags(page(hostile(), "--template", template))

    assert found.open == []
    assert not found.names() & {"script", "img", "iframe", "object", "link", "base", "form"}
    assert not [tag for tag, held in found.seen for name in held if name.startswith("on") or name == "src"]
    addresses = [held["href"] for _, held in found.seen if held.get("href")]
    assert all(address.startswith("#") for address in addresses)


def test_every_heading_can_be_linked_to_and_every_link_leads_somewhere():
    """
    Names are unique, and the list at the top leads to them.
    """
    found = Tags(page(histories.whole_incident()))
    names = [held["id"] for tag, held in found.seen if re.fullmatch("h[1-6]", tag)]

    assert len(names) == len(set(names)) > 9
    links = [held["href"] for tag, held in found.seen if tag == "a"]
    assert {
        f"#{name}" for name in ("summary", "timeline-utc", "appendix-b-metrics", "lessons-learned")
    } <= set(links)
    assert {link.removeprefix("#") for link in links} <= set(names)


def test_the_pictures_are_in_the_page():
    """
    As SVG; as PNG where asked, and none where none is wanted. Each is there for a desk and for a phone.
    """
    drawn = page(histories.whole_incident())
    bitmap = page(histories.whole_incident(), "--pictures", "png", name="png.html")
    without = page(histories.whole_incident(), "--pictures", "none", name="none.html")

    assert drawn.count("<svg ") == 2
    assert "<?xml" not in drawn
    assert bitmap.count('src="data:image/png;base64,') == 2
    assert "<svg" not in without
    assert sorted(path.name for path in Path().iterdir() if path.suffix != ".db") == [
        "none.html",
        "p.html",
        "png.html",
    ]
    for name in ("p.html", "png.html", "none.html"):
        assert main(["verify", "--store", "tracker.db", "--report", name]) == 0


def test_the_same_position_gives_the_same_page():
    """
    As for the markdown.
    """
    assert page(histories.whole_incident()) == page(histories.whole_incident(), name="again.html")


def test_prose_from_the_markdown_beside_it_is_in_the_page(capsys):
    """
    With its links, without its raw HTML, and with no picture that would be fetched.
    """
    told(Path("tracker.db"), histories.whole_incident())
    assert main(["report", "1", "--store", "tracker.db"]) == 0
    held = Path("INC-1.md")
    prose = "\n### Customers\n\nSee **[the status page](https://status.example/)** <b>!</b> ![chart](http://evil/x.png)\n\n[x](javascript:alert(1))\n"
    held.write_text(
        held.read_text().replace("<!-- tracker:end impact -->\n", f"<!-- tracker:end impact -->\n{prose}")
    )

    written = page(histories.whole_incident(), name="INC-1.html")
    found = Tags(written)
    links = [held["href"] for tag, held in found.seen if tag == "a" and not str(held["href"]).startswith("#")]

    assert links == ["https://status.example/", "http://evil/x.png"]
    assert not found.names() & {"img", "b", "script"}
    assert '<h3 id="by-hand-customers">' in written
    capsys.readouterr()
    assert main(["verify", "--store", "tracker.db", "--report", "INC-1.html"]) == 0
    assert "are outside the generated parts and cannot be checked" in capsys.readouterr().out


def test_an_edited_page_is_found_and_not_written_over(capsys):
    """
    In a part, around the parts, or in what is said of its own form.
    """
    written = page(histories.whole_incident())

    for was, now in (
        ("8 % of payments", "1 % of payments"),
        ("<nav", "<nav hidden"),
        ("zone=UTC", "zone=Europe/Berlin"),
    ):
        Path("p.html").write_text(written.replace(was, now, 1), encoding="utf-8")
        assert main(["verify", "--store", "tracker.db", "--report", "p.html"]) == 5
        assert main(["report", "1", "--store", "tracker.db", "--format", "html", "-o", "p.html"]) == 12
        assert "p.html was edited by hand" in capsys.readouterr().err
    assert main(["report", "1", "--store", "tracker.db", "--format", "html", "-o", "p.html", "--force"]) == 0
    assert Path("p.html").read_text(encoding="utf-8") == written
    Path("p.html").write_text("<!doctype html><p>mine")
    assert main(["report", "1", "--store", "tracker.db", "--format", "html", "-o", "p.html", "--force"]) == 12


# ── as a browser shows it ────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("template", ["guide", "google", "pagerduty"])
@pytest.mark.parametrize("events", [histories.whole_incident, hostile])
def test_a_page_asks_for_nothing_and_fits_a_phone_and_a_desk(browser, width, template, events):
    """
    A real browser fetches the file alone, runs nothing, and no line is wider than the window: what is wide scrolls by itself.
    """
    page(events(), "--template", template)

    browser.open(Path("p.html"), width=width)

    assert browser.asked_for() == [Path("p.html").absolute().as_uri()]
    wide = "[...document.querySelectorAll('main *, nav *')].filter(each => !each.closest('.table, .picture, pre, nav') && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 80))"
    assert browser.evaluate(wide) == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert browser.evaluate("document.querySelectorAll('.table').length") > 2


def test_a_picture_is_read_on_a_phone_without_scrolling(browser):
    """
    One of the two is shown, as wide as the column, and its smallest words have at least 8 pixels.
    """
    page(histories.whole_incident())

    for width in (390, 1280):
        browser.open(Path("p.html"), width=width)
        shown = "[...document.querySelectorAll('.picture')].filter(each => each.checkVisibility())"
        fits = f"{shown}.map(each => each.scrollWidth <= each.clientWidth)"
        words = f"Math.min(...{shown}.flatMap(each => [...each.querySelectorAll('text')].map(t => parseFloat(t.getAttribute('font-size')) * each.querySelector('svg').getBoundingClientRect().width / each.querySelector('svg').viewBox.baseVal.width)))"
        assert browser.evaluate(fits) == [True]
        assert browser.evaluate(words) >= 8


def test_a_page_is_dark_where_the_reader_wants_it_dark(browser):
    """
    Ink and ground change places.
    """
    page(histories.whole_incident())
    seen = []
    for dark in (False, True):
        browser.open(Path("p.html"), width=1280, dark=dark)
        seen.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert seen == ["rgb(255, 255, 255)", "rgb(22, 25, 29)"]


def test_appendices_are_folded_and_open_on_paper(browser):
    """
    On a screen the facts wait behind their titles, and a link to one opens it; on paper nothing is hidden.
    """
    page(histories.whole_incident())
    hidden = "[...document.querySelectorAll('details table')].filter(each => !each.checkVisibility()).length"
    tables = "document.querySelectorAll('details table').length"

    browser.open(Path("p.html"), width=1000)
    folded = browser.evaluate(hidden)
    everything = browser.evaluate(tables)
    browser.evaluate("location.hash = '#appendix-b-metrics'")

    assert folded == everything > 4
    assert browser.evaluate(hidden) < everything
    browser.open(Path("p.html"), width=718)
    browser.call("Emulation.setEmulatedMedia", session=True, media="print")
    assert browser.evaluate(hidden) == 0
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_first_screen_needs_no_scrolling_on_a_laptop(browser):
    """
    Seven answers and the picture, beside the table of contents.
    """
    page(histories.whole_incident())

    browser.open(Path("p.html"), width=1440)

    bottom = browser.evaluate("document.querySelector('.first-screen').getBoundingClientRect().bottom")
    assert bottom <= 800
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).position") == "sticky"
