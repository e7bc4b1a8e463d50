"""What each surface says of one incident: the same durations and instants, collected by what they are of."""

import html
import re
from collections import defaultdict
from pathlib import Path

import pytest

from reports.page import overview
from reports.page.facts import Overview
from tracker.application.page import PageReader
from tracker.application.session import Options, Session
from tracker.cli import main
from tracker.log import Log

_NAMES = (
    *("Time to detect", "Time to declare", "Time to fix deployed", "Downtime"),
    *("Time to resolve", "Merged back after"),
)
_CLOCK = r"((?:\d{4}-\d{2}-\d{2} )?\d\d:\d\d)"
_PATTERNS = {
    "open for": (
        r"resolved \S+ at \S+ by \S+, after ([^\n<]+)",
        r"resolved \S+ \S+ UTC by \S+, after ([^\n<]+)",
        r"resolved [^,\n]{,40}, after ([^\n<]+)",
        r"(?:resolved|false alarm|without a fix) at [^,\n]+, ([^,\n]+?) after it (?:started|was declared|was detected)",
    ),
    "Downtime": (r"It lasted (.+?)(?: in \d+ outages)? on \d{4}", r"⏱ Downtime: ([^\n\\]+)"),
    "Time to detect": (r"An alert detected it (.+?) after it started", r"Time to detect: (.+?) \("),
    "back": (
        rf", (?:back to normal|mitigated|impact over) at {_CLOCK}",
        r"All metrics were back to normal at \d{4}-\d{2}-\d{2} (\d\d:\d\d)",
        rf"^\| {_CLOCK} \| All metrics were back to normal \|",
        rf"incident INC-\d+ \d\d:\d\d[\d:]*–{_CLOCK}",
    ),
}


def facts(text: str) -> dict[str, set[str]]:
    """Collect what a surface says, by the name of the fact."""
    said: dict[str, set[str]] = defaultdict(set)
    for name in _NAMES:
        shown = rf"^  {name.lower()} +(.+?)   \(", rf"^\| {name} \| (.+?) \|"
        for pattern in (*shown, *_PATTERNS.get(name, ())):
            said[name].update(re.findall(pattern, text, re.MULTILINE))
    for name in ("open for", "back"):
        for pattern in _PATTERNS[name]:
            said[name].update(re.findall(pattern, text, re.MULTILINE))
    return said


def surfaces(store: Path, incident: str, capture: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Read an incident through every surface, as text."""

    def typed(*words: str) -> str:
        capture.readouterr()
        assert main([*words, "--store", str(store)]) == 0, capture.readouterr().err
        return capture.readouterr().out

    said = {
        "show": typed("show", incident),
        "list": typed("list"),
        "timeline": typed("timeline", incident),
        **{
            template: typed("report", incident, "-o", "-", "--template", template)
            for template in ("guide", "google", "pagerduty")
        },
        "message": typed("message", incident, "resolved"),
    }
    pictured = typed("report", incident, "-o", "-", "--format", "html")
    said["html"] = re.sub(r"</t[dh]>\n?(?:<t[dh]>)?", " | ", re.sub(r"<tr>\n<td>", "\n| ", pictured))
    said["html"] = html.unescape(re.sub(r"<(?!/?tr)[^>]*>", "", said["html"]))
    with Log(str(store)) as log:
        session = Session(Options(store=str(store)), log=log)
        reader = PageReader(session)
        page = "".join(str(part) for part in reader.incident(incident).parts.values())
        [mine] = session.load_incidents([one for one in session.incident_summaries() if one.id == incident])
        zone, now = session.shown_zone, session.now
        first = overview.page(Overview(now, zone, log.position, [], [(mine, ())], [], [], []))
    for name, shown in (("page /INC", page), ("page /", first)):
        said[name] = html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"</(?:p|li|text|h1)>", "\n", shown)))
    return said


def contradictions(said: dict[str, str]) -> tuple[dict[str, dict[str, list[str]]], dict[str, int]]:
    """Return the facts of which surfaces say different things, and how many surfaces name each fact."""
    by_fact: dict[str, dict[str, list[str]]] = {}
    for surface, text in said.items():
        for name, values in facts(text).items():
            if values:
                by_fact.setdefault(name, {})[surface] = sorted(values)
    return {
        name: values
        for name, values in by_fact.items()
        if len({value for each in values.values() for value in each}) > 1
    }, {name: len(values) for name, values in by_fact.items()}
