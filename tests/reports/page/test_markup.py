"""Text in the page: whatever it holds, it stays text."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from reports.page.markup import element, text
from tracker.text.hidden import visible


class Read(HTMLParser):
    """What a browser makes of a piece of HTML: its tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


PIECES = st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "&lt;",
        "&#60;",
        "'",
        "‮",
        "​",
        "\0",
        "\n",
        "]]>",
        "--!>",
        "</li>",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=6).map("".join))
def test_what_came_from_outside_is_text_and_nothing_else(raw):
    """
    In an element and in an attribute alike; what hides or turns text is written out.
    """
    found = Read(element("p", raw, title=raw))

    assert [tag for tag, _ in found.tags] == ["p"]
    assert found.tags[0][1] == {"title": visible(raw)}
    assert found.text == visible(raw)


def test_markup_of_our_own_is_not_escaped_twice():
    """
    An element within another one is one.
    """
    assert element("p", element("b", "<"), text(" & ")) == "<p><b>&lt;</b> &amp; </p>"
