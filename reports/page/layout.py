"""The frame of every page: head, navigation, and what a reader without scripts gets too."""

from reports.page.assets import address
from reports.page.markup import Html, element, empty, joined, text


def document(
    title: str, main: Html, *, heading: Html | None = None, live: dict[str, object] | None = None
) -> str:
    """Write a whole page; `live` are the data attributes by which the script follows the log."""
    body = _body(main, heading, live)
    return f"{opening(title)}{body}</html>\n"


def opening(title: str) -> str:
    """Write what a browser needs first: it asks for the stylesheet while the rest is read."""
    head = element(
        "head",
        empty("meta", charset="utf-8"),
        empty("meta", name="viewport", content="width=device-width, initial-scale=1"),
        empty("meta", name="color-scheme", content="light dark"),
        empty("meta", name="referrer", content="no-referrer"),
        element("title", title),
        empty("link", rel="stylesheet", href=address("page.css")),
        element("script", src=address("page.js"), defer=True),
    )
    return f'<!doctype html>\n<html lang="en">{head}'


def failure(message: str) -> str:
    """Write, behind the head that was sent, why there is nothing more."""
    return f"{_body(element('p', message, role='alert'), None, None)}</html>\n"


def not_found(name: str) -> str:
    """Write the page of an incident that is not there."""
    return document(
        name,
        joined((element("h1", f"There is no {name}"), element("p", element("a", "All incidents", href="/")))),
    )


def _body(main: Html, heading: Html | None, live: dict[str, object] | None) -> Html:
    return element(
        "body",
        element("a", "Skip to the content", href="#main", class_="skip"),
        element(
            "header",
            element("nav", element("a", "All incidents", href="/"), aria_label="Incidents"),
            heading or "",
        ),
        element("p", "", id="connection", role="status", hidden=True),
        element("main", main, id="main", tabindex="-1"),
        element(
            "div",
            "",
            id="announced",
            role="log",
            aria_live="polite",
            aria_label="New events",
            class_="heard-only",
        )
        if live
        else "",
        **(live or {}),
    )


def definitions(rows: list[tuple[str, object]]) -> Html:
    """Write names with their values."""
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in rows))


def table(caption: str, head: list[str], rows: list[list[object]]) -> Html:
    """Write a table that scrolls by itself, also by the keyboard."""
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *(element("th", name, scope="col") for name in head))),
            element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows)),
        ),
        class_="table",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def severity(name: str) -> Html:
    """Write a severity: its name says it, the colour only besides."""
    shown = name if name in ("critical", "major", "minor") else "unknown"
    return element("strong", text(name or "severity not recorded"), class_=f"severity {shown}")


def section(name: str, title: str, *content: object) -> Html:
    """Write a section with its heading; what changes in it is replaced by its name."""
    return element(
        "section",
        element("h2", title, id=f"{name}-title"),
        element("div", joined(content), id=name, data_region=name),
        aria_labelledby=f"{name}-title",
    )
