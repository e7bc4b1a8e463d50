"""HTML from text: the one way by which a text from outside gets into the page."""

import html
from collections.abc import Iterable

from tracker.text.hidden import visible


class Html(str):
    """Markup of our own, which is not escaped again."""

    __slots__ = ()


def text(raw: object) -> Html:
    """Write a text so that each character of it stands for itself; what hides or turns text is named."""
    return raw if isinstance(raw, Html) else Html(html.escape(visible(str(raw))))


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """Write an element; `class_` and `data_x` are class and data-x, and an attribute of None or False is left out."""
    return Html(f"<{_tag(name, attributes)}>{''.join(text(each) for each in content)}</{name}>")


def empty(name: str, /, **attributes: object) -> Html:
    """Write an element that has no content and no end."""
    return Html(f"<{_tag(name, attributes)}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Write one behind the other."""
    return Html(between.join(text(part) for part in parts))


def _tag(name: str, attributes: dict[str, object]) -> str:
    written = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        written.append(attribute if value is True else f'{attribute}="{html.escape(visible(str(value)))}"')
    return " ".join(written)
