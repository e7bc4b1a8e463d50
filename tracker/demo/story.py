"""The story: who typed what when, and which feed arrived when.

Instants are those of recording; what people typed has its own time if it happened earlier. A name
in braces stands for the handle of the step with that name.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

INCIDENT = "INC-42"
SERVICE = "checkout"


@dataclass(frozen=True)
class Declared:
    """A person declared the incident; its number is given, so that the demo matches the manual."""

    at: str
    by: str
    title: str
    severity: str
    detected_at: str
    detected_by: str
    impact: str
    lead: str


@dataclass(frozen=True)
class CommandTyped:
    """A person typed a command; `name` is what later steps call the event that it recorded."""

    at: str
    by: str
    command: str
    name: str = ""


@dataclass(frozen=True)
class Delivered:
    """A source sent something: one line of a file, or (0) the whole file."""

    at: str
    source: str
    feed: str
    line: int = 0


@dataclass(frozen=True)
class Pushed:
    """A person pushed, and the tracker read the repository up to that instant."""

    at: str


@dataclass(frozen=True)
class Tested:
    """`tracker run test` ran the tests of the hotfix."""

    at: str
    by: str
    command: str
    duration_seconds: float


@dataclass(frozen=True)
class Collected:
    """A person typed `tracker collect`: Prometheus was asked for all that it still has."""

    at: str
    by: str


Step = Declared | CommandTyped | Delivered | Pushed | Tested | Collected


def instant(text: str) -> datetime:
    """Parse the instant of a step: a time of the day of the incident, or of the day after."""
    day, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-01-{ {'': 22, 'next day': 23}[day] }T{clock}+00:00").astimezone(UTC)


_DECLARATION = {
    "title": "Payments answer 500 at checkout",
    "severity": "critical",
    "detected_at": "14:35:15",
    "detected_by": "alert",
    "impact": "Customers cannot pay: about one request in three fails",
    "lead": "Alice",
}
_TEST_SECONDS = 71.4
_LINE = re.compile(r"((?:next day )?[\d:.]+) (\w+)(?: \((.+?)\))?: (.+)")
_SCRIPT = """
# an ordinary Thursday
13:53:31 git: push
14:12:58 git: push
14:21:09.204 events: deploys.jsonl 1
14:26:42.871 events: deploys.jsonl 2
# it burns
14:32:42.018 sentry: sentry/1.envelope
14:33:21.655 sentry: sentry/2.envelope
14:34:03.127 sentry: sentry/3.envelope
14:35:45.320 alertmanager: alertmanager.jsonl 1
14:36:55.894 sentry: sentry/4.envelope
14:37:08.510 Alice: declare
14:38:20.114 Alice: note INC-42 "Told #incident-response, Ben (payments), Carol (support) and Mia (product)"
14:38:41.730 Alice: stage INC-42 investigating
14:40:16.009 Alice: note INC-42 "Two deploys just before: checkout v1.2.0 at 14:21 and search v3.8.0 at 14:26. One of them?" --kind hypothesis
14:44:13.512 sentry: sentry/5.envelope
14:44:50.377 Ben: note INC-42 "Every checkout pod holds 10 of 10 connections, and PostgreSQL is idle: we keep them and do nothing with them" --kind hypothesis
14:50:31.246 Carol (first report): note INC-42 "First report from a customer: paid twice to be sure, got an error page twice" --at 14:50Z
14:51:40.882 Ben: note INC-42 "No rollback: v1.2.0 changed the orders table, and v1.1.0 cannot write to it any more. Restarting the pods would help for ten minutes at most"
14:54:02.651 Alice: milestone INC-42 confirmed --at 14:41Z
14:55:12.930 Ben: note INC-42 "The error handler for declined cards, new in v1.2.0, returns without giving its connection back. Ten declined cards, and a pod has none left" --kind root-cause
14:55:40.118 Alice: stage INC-42 identified
14:56:21.440 Alice: link INC-42 checkout@v1.2.0 --as caused --why "its new error handler keeps connections; the pool began to fill when it went out"
14:56:58.205 Alice: link INC-42 search@v3.8.0 --as dismissed --why "search has a database of its own, and checkout does not call it to pay"
14:57:30.561 Ben: stage INC-42 fixing
14:58:38.090 sentry: sentry/6.envelope
15:01:41 git: push
15:04:52.300 Ben: run test -- pytest -q
15:06:38 git: push
15:06:45.901 alertmanager: alertmanager.jsonl 2
15:09:16.244 sentry: sentry/7.envelope
15:10:07.519 events: deploys.jsonl 3
15:10:48.973 Ben: note INC-42 "v1.2.1 gives the connection back when a card is declined; nothing else is in it" --kind fix
# it is over
15:11:20.667 alertmanager: alertmanager.jsonl 3
15:12:40.302 Alice: milestone INC-42 mitigated --at 15:12Z
15:12:55.718 Alice: stage INC-42 monitoring
15:14:09.461 Alice: link INC-42 checkout@v1.2.1 --as fixed --why "errors fell from 40 % to under 1 % within four minutes of it"
15:20:33.156 Ben: note INC-42 "Paid with a declined card and with a good one: both as they should be. Pools at 2 to 5 of 10"
15:31:02.884 Carol: note INC-42 "No new reports since 15:13; told the customers who wrote to us"
15:40:11.027 Alice: resolve INC-42
15:41:26.690 Alice: milestone INC-42 started --at 14:30Z --until 14:32Z
15:52:34 git: push
15:58:05.412 Alice: collect
16:10:44.508 Ben: note INC-42 "Alert when a pool is above 8 of 10 for two minutes: it was full five minutes before anybody was told" --kind prevention
16:12:03.911 Ben: note INC-42 "Test every error handler of payments with a pool of one connection" --kind prevention
16:14:37.245 Alice: note INC-42 "Take connections only with a context manager; let the linter refuse getconn" --kind prevention
# the morning after
next day 09:05:12.770 Carol: amend {first report} --at 14:45Z --why "the ticket came in at 14:45; 14:50 is when I read it"
next day 09:12:48.336 Dan: note INC-42 "The card provider declined three times as many cards as usual: that is why the pools ran dry within ten minutes" --at 14:52Z
next day 09:20:15.049 Alice: note INC-42 "The alert told us before customers did, and two minutes later we had a number. Merging back to develop waited until after the calm: do it with the release" --kind lesson
next day 09:31:50.604 Mia: note INC-42 "From 14:32 to 15:12 a third of all requests failed, 23,500 of them. 1,140 orders were not paid at the first try, 312 of them never. Nobody was charged twice" --kind impact
next day 15:45:20.158 Alice: collect
"""


def _step(line: str) -> Step:
    """Parse "TIME WHO (NAME): WHAT"; a source's WHAT is a feed and the number of a line in it."""
    match = _LINE.fullmatch(line)
    assert match is not None, line
    at, who, name, what = match.groups()
    if who == "git":
        return Pushed(at)
    if who in ("alertmanager", "events", "sentry"):
        feed, _, number = what.partition(" ")
        return Delivered(at, who, feed, int(number or 0))
    if what == "declare":
        return Declared(at, who, **_DECLARATION)
    if what == "collect":
        return Collected(at, who)
    if what.startswith("run test -- "):
        return Tested(at, who, what.removeprefix("run test -- "), _TEST_SECONDS)
    return CommandTyped(at, who, what, name or "")


STORY = tuple(_step(line) for line in _SCRIPT.strip().splitlines() if not line.startswith("#"))
