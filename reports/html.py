"""The report as one page: the same markdown, its pictures in it, no script, nothing to fetch.

What people wrote stays text: only markdown is rendered, raw HTML is not. The generated regions are
between the same marks as in markdown, so that a page can be verified against the log too.
"""

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from reports.generated_regions import ParsedReport, Part
from reports.html_style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_WHOLE = re.compile(rb"<!-- sha256 of all above: ([0-9a-f]{64}) -->\n?")
_BY_HAND = '<div class="by-hand">'
_FIRST_SCREENS = ("Summary", "Overview")
_BOX = re.compile(r"^(\s*- )\[([ x])\] ", re.MULTILINE)
_SLUG = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Page:
    """A page's generated regions, and what is before and behind them."""

    top: str
    parts: tuple[Part, ...]
    bottom: str

    def whole(self, prose: Sequence[str]) -> bytes:
        """Write it with rendered prose before, between and behind the parts: one piece more than parts."""
        pieces = [self.top, prose[0]]
        for part, after in zip(self.parts, prose[1:], strict=True):
            pieces += [part.marked(), after]
        data = "".join([*pieces, self.bottom]).encode()
        return data + f"<!-- sha256 of all above: {hashlib.sha256(data).hexdigest()} -->\n".encode()


def page(
    parts: Sequence[Part], pictures: Mapping[str, tuple[bytes, bytes]], stylesheet: str | None = None
) -> Page:
    """Render the parts of a report, each by itself: no prose around them changes a byte of them.

    `pictures` are each one for a desk and one for a phone. With the address of a stylesheet the page has none of its own; a server sends its policy with it.
    """
    taken: dict[str, int] = {}
    made: list[Part] = []
    headings: list[tuple[str, str]] = []
    for part in parts:
        markdown = part.text
        if part.name == "footer":
            markdown = re.sub(r"(tracker verify --report \S+)\.md`", r"\1.html`", markdown)
        rendered = _Rendered(markdown, taken, pictures)
        made.append(Part(part.name, _laid_out(rendered), part.attributes))
        headings += [(name, text) for level, name, text in rendered.headings if level == 2]
        if part.name == "head":
            title = next((text for level, _, text in rendered.headings if level == 1), "Incident")
    return Page(_top(title, headings, stylesheet), tuple(made), "</main>\n</body>\n</html>\n")


def _laid_out(rendered: "_Rendered") -> str:
    """Fold an appendix, and in it the rules that were followed; keep the first screen together.

    A link to a heading inside opens what is folded, and on paper all of it is open.
    """
    title = next((text for level, _, text in rendered.headings if level == 2), "")
    if title in _FIRST_SCREENS:
        return f'<section class="first-screen">\n{rendered.html}</section>\n'
    if not title.startswith("Appendix "):
        return rendered.html
    before, found, others = rendered.html.partition('<h3 id="the-other-rules')
    folded = (
        f"{before}{_details(others.partition('>')[2].partition('</h3>')[0], found + others)}"
        if found
        else before
    )
    return _details(html.escape(title), folded)


def _details(summary: str, folded: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n{folded}</details>\n"


def render_prose(report: ParsedReport) -> list[str]:
    """Render what people wrote by hand around the regions of a markdown report."""
    taken: dict[str, int] = {}
    rendered = []
    for piece in report.prose:
        markdown = piece.decode("utf-8", "replace").replace("\r\n", "\n")
        shown = _Rendered(markdown, taken, {}, by_hand=True).html if markdown.strip() else ""
        rendered.append(f"{_BY_HAND}\n{shown}</div>\n" if shown else "")
    return rendered


def hand_lines(report: ParsedReport, made: Page) -> int | None:
    """Count the lines between a page's regions that people wrote; None where its top or its bottom was edited."""
    first, *middle, last = (piece.decode("utf-8", "replace") for piece in report.prose)
    last = last[: last.rfind("<!-- sha256 of all above: ")]
    if not first.startswith(made.top) or not last.endswith(made.bottom):
        return None
    prose = [first.removeprefix(made.top), *middle, last.removesuffix(made.bottom)]
    lines = [line.strip() for piece in prose for line in piece.split("\n")]
    return sum(1 for line in lines if line not in ("", _BY_HAND, "</div>"))


def is_unmodified(data: bytes) -> bool:
    """Whether a page is as it was written."""
    last = data.rfind(b"<!-- sha256 of all above: ")
    seal = _WHOLE.fullmatch(data[last:]) if last >= 0 else None
    return seal is not None and seal[1].decode() == hashlib.sha256(data[:last]).hexdigest()


class _Renderer(RendererHTML):
    """Writes HTML; what it does with tables and pictures is its own."""

    pictures: Mapping[str, tuple[bytes, bytes]] = {}
    addresses: Mapping[str, str] = {}
    by_hand = False

    def table_open(self, *_: Any) -> str:
        """Let a wide table scroll by itself, also by the keyboard, so that the page does not."""
        return '<div class="table" tabindex="0" role="region" aria-label="Table">\n<table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table>\n</div>\n"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Put a picture of ours into the page; any other would be fetched from somewhere, and becomes a link."""
        token = tokens[idx]
        source = str(token.attrs.get("src", ""))
        alternative = html.escape("".join(child.content for child in token.children or ()))
        address = self.addresses.get(unquote(source))
        if address is not None:
            shown = html.escape(address)
            return (
                f'<span class="picture" tabindex="0" role="region" aria-label="{alternative}"><picture>'
                f'<source media="screen and (max-width: 40rem)" srcset="{shown}&amp;narrow">'
                f'<img alt="{alternative}" src="{shown}"></picture></span>'
            )
        drawn = None if self.by_hand else self.pictures.get(unquote(source))
        if drawn is None:
            return f'<a href="{html.escape(source)}" rel="noopener noreferrer">{alternative or "picture"}</a>'
        return "".join(
            f'<span class="picture {width}">{_picture(source, data, alternative)}</span>'
            for width, data in zip(("wide", "narrow"), drawn, strict=True)
        )


def _ticked(box: re.Match[str]) -> str:
    """Write a box of a checklist as a sign: plain markdown has none."""
    return f"{box[1]}{'☑' if box[2] == 'x' else '☐'} "


def _picture(source: str, drawn: bytes, alternative: str) -> str:
    if source.endswith(".png"):
        return f'<img alt="{alternative}" src="data:image/png;base64,{base64.b64encode(drawn).decode()}">'
    svg = drawn.decode("utf-8")
    return svg[svg.index("<svg") :].strip()


class _Rendered:
    """One piece of markdown as HTML, with its headings as (level, name, text)."""

    def __init__(
        self,
        markdown: str,
        taken: dict[str, int],
        pictures: Mapping[str, tuple[bytes, bytes]],
        *,
        by_hand: bool = False,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self.headings: list[tuple[int, str, str]] = []
        self._taken = taken
        self._by_hand = by_hand
        options = {"html": False, "xhtmlOut": False}
        reader = MarkdownIt("commonmark", options, renderer_cls=_Renderer).enable("table")
        renderer = reader.renderer
        assert isinstance(renderer, _Renderer)
        renderer.pictures, renderer.addresses, renderer.by_hand = pictures, addresses or {}, by_hand
        tokens = reader.parse(_BOX.sub(_ticked, markdown))
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                self._name(token, tokens[at + 1])
            for child in token.children or ():
                if child.type == "link_open":
                    child.attrSet("rel", "noopener noreferrer")
        self.html = renderer.render(tokens, reader.options, {})

    def _name(self, opened: Token, inline: Token) -> None:
        text = "".join(child.content for child in inline.children or ())
        slug = _SLUG.sub("-", text.lower()).strip("-") or "section"
        slug = f"by-hand-{slug}" if self._by_hand else slug
        count = self._taken[slug] = self._taken.get(slug, 0) + 1
        name = slug if count == 1 else f"{slug}-{count}"
        opened.attrSet("id", name)
        self.headings.append((int(opened.tag[1:]), name, text))


def fragment(markdown: str, pictures: Mapping[str, str]) -> str:
    """Render a piece of markdown without a page around it; its pictures are at addresses of ours."""
    return _Rendered(markdown, {}, {}, addresses=pictures).html


def _short(heading: str) -> str:
    """Shorten a heading for the list of contents, which is one line: Timeline, Appendix A."""
    return heading.partition(" (")[0].partition(":")[0]


def _top(title: str, headings: Sequence[tuple[str, str]], stylesheet: str | None) -> str:
    links = "\n".join(
        f'<li><a href="#{html.escape(name)}" title="{html.escape(text)}">{html.escape(_short(text))}</a></li>'
        for name, text in headings
    )
    style = f"<style>\n{STYLE}</style>"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    if stylesheet is not None:
        style, policy = f'<link rel="stylesheet" href="{html.escape(stylesheet)}">', ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{policy}<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
{style}
</head>
<body>
<nav aria-label="Contents">
<ul>
{links}
</ul>
</nav>
<main>
"""
