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
    """Parse the instant of a step: a time of the day of the incident, of the day after, or of the week after."""
    day, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-01-{_DAYS[day]}T{clock}+00:00").astimezone(UTC)


_DECLARATION = {
    "title": "Payments answer 500 at checkout",
    "severity": "critical",
    "detected_at": "14:35:15",
    "detected_by": "alert",
    "impact": "Customers cannot pay: about one request in three fails",
    "lead": "Alice",
}
_DAYS = {"": 22, "next day": 23, "Monday": 26, "Tuesday": 27}
_TEST_SECONDS = 71.4
_LINE = re.compile(r"((?:(?:next day|Monday|Tuesday) )?[\d:.]+) (\w+)(?: \((.+?)\))?: (.+)")
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
14:38:20.114 Alice: message INC-42 initial --sent
14:38:41.730 Alice: stage INC-42 investigating
14:40:16.009 Alice: note INC-42 "Two deploys just before: checkout v1.2.0 at 14:21 and search v3.8.0 at 14:26. One of them?" --kind hypothesis
14:44:13.512 sentry: sentry/5.envelope
14:44:50.377 Ben: note INC-42 "Every checkout pod holds 10 of 10 connections, and PostgreSQL is idle: we keep them and do nothing with them" --kind hypothesis
14:50:31.246 Carol (first report): note INC-42 "First report from a customer: paid twice to be sure, got an error page twice" --at 14:50Z
14:51:40.882 Ben: note INC-42 "No rollback: v1.2.0 changed the orders table, and v1.1.0 cannot write to it any more. Restarting the pods would help for ten minutes at most"
14:52:30.207 Alice: message INC-42 update --sent
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
15:06:58.414 Alice: message INC-42 update --sent --eta 10m
15:09:16.244 sentry: sentry/7.envelope
15:10:07.519 events: deploys.jsonl 3
15:10:48.973 Ben: note INC-42 "v1.2.1 gives the connection back when a card is declined; nothing else is in it" --kind fix
# it is over
15:11:20.667 alertmanager: alertmanager.jsonl 3
15:12:40.302 Alice: milestone INC-42 mitigated --at 15:12Z
15:12:55.718 Alice: stage INC-42 monitoring
15:14:09.461 Alice: link INC-42 checkout@v1.2.1 --as fixed --why "errors fell from 40 % to under 1 % within four minutes of it"
15:20:33.156 Ben: note INC-42 "Paid with a declined card and with a good one: both as they should be. Pools at 2 to 5 of 10"
15:20:41.309 Alice: collect
15:21:30.841 Alice: message INC-42 update --sent
15:31:02.884 Carol: note INC-42 "No new reports since 15:13; told the customers who wrote to us"
15:33:35 git: push
15:36:04.655 Alice: message INC-42 update --sent
15:38:26.690 Alice: milestone INC-42 started --at 14:30Z --until 14:32Z
15:40:11.027 Alice: resolve INC-42
15:40:52.190 Alice: message INC-42 resolved --sent
16:10:44.508 Ben: note INC-42 "Alert when a pool is above 8 of 10 for two minutes: it was full five minutes before anybody was told" --kind prevention
16:12:03.911 Ben: note INC-42 "Test every error handler of payments with a pool of one connection" --kind prevention
16:14:37.245 Alice: note INC-42 "Take connections only with a context manager; let the linter refuse getconn" --kind prevention
16:15:20.412 Alice: collect
16:20:09.733 Alice: waive INC-42 watched_10m --why "we watched the dashboards together until 15:40; nobody typed it each minute"
# the morning after
next day 09:05:12.770 Carol: amend {first report} --at 14:45Z --why "the ticket came in at 14:45; 14:50 is when I read it"
next day 09:12:48.336 Dan: note INC-42 "contributing: The card provider declined three times as many cards as usual: that is why the pools ran dry within ten minutes" --kind root-cause --at 14:52Z
next day 09:20:15.049 Alice: note INC-42 "went well: The alert told us before customers did, and two minutes later we had a number" --kind lesson
next day 09:22:41.530 Ben: note INC-42 "went wrong: No test had a declined card in it, so review was all that stood between the leak and production" --kind lesson
next day 09:24:07.118 Dan: note INC-42 "lucky: It was a Thursday afternoon; on Friday evening three times as many people pay" --kind lesson
next day 09:31:50.604 Mia: impact INC-42 "A third of all requests to checkout failed. Nobody was charged twice" --affected "23,500 requests" --affected "1,140 orders not paid at the first try" --affected "312 of them never" --from 14:32Z --to 15:12Z
next day 09:40:02.215 Alice (alert item): action add INC-42 "Alert when a pool is above 8 of 10 for two minutes" --owner Ben --due 2026-01-26
next day 09:40:58.904 Alice (test item): action add INC-42 "Test every error handler of payments with a pool of one connection" --owner Eva --due 2026-01-30
next day 09:41:47.360 Alice (linter item): action add INC-42 "Take connections only with a context manager; let the linter refuse getconn" --owner Dan --due 2026-01-30
next day 15:45:20.158 Alice: collect
# the week after
Monday 11:02:19.700 Ben: action done {alert item} --proof https://git.shop.example/checkout/pull/412
Monday 16:37:55.081 Eva: action done {test item} --proof https://git.shop.example/checkout/pull/415
Tuesday 10:12:30.466 Dan: action done {linter item} --proof https://git.shop.example/checkout/pull/417
Tuesday 11:00:00.000 Mia: publish INC-42
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
