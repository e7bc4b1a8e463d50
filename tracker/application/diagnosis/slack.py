"""Slack: is a webhook named? It is never tried, because trying it posts."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from tracker.application.diagnosis.finding import (
    Examination,
    Finding,
    lacks,
    not_configured,
    ok,
    usable_secret,
    warning,
    wrong_setting,
)


def look(examination: Examination) -> Iterator[Finding]:
    """Look at the address alone."""
    named = examination.settings.file.slack.webhook_url_env
    if not named:
        yield not_configured("slack")
        return
    if lacks(named):
        yield warning("slack", "its webhook's address is missing", "See above")
        return
    url = usable_secret(named) or ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        yield wrong_setting(
            "slack", f"what {named} holds is no address", f"export {named}=https://hooks.slack.com/services/…"
        )
        return
    yield ok(
        "slack", f"a webhook at {parts.hostname} is configured; it is not tried, because that would post"
    )
