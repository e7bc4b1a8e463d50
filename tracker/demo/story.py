"""The story: who typed what when, and which feed arrived when.

Instants are those at which the log learned of something; what people typed names its own
time where it happened earlier. A text in braces stands for the handle of the step of that name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

INCIDENT = "INC-42"
SERVICE = "checkout"


@dataclass(frozen=True)
class Declared:
    """Somebody said that this is an incident; its number is given, so that the story reads as the manual does."""

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
    """Somebody typed a command; `name` is how later steps call what it recorded."""

    at: str
    by: str
    command: str
    name: str = ""


@dataclass(frozen=True)
class Delivered:
    """A source sent something by itself: the line of a file, or (0) the whole file."""

    at: str
    source: str
    feed: str
    line: int = 0


@dataclass(frozen=True)
class Pushed:
    """Somebody pushed, and the tracker read the repository up to that instant."""

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
    """Somebody typed `tracker collect`: Prometheus was asked for all that it still has."""

    at: str
    by: str


Step = Declared | CommandTyped | Delivered | Pushed | Tested | Collected


def instant(text: str) -> datetime:
    """Read the instant of a step: a time of the day of the incident, or of the day after."""
    day, _, clock = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-01-{ {'': 22, 'next day': 23}[day] }T{clock}+00:00").astimezone(UTC)


STORY: tuple[Step, ...] = (
    # ── an ordinary Thursday ─────────────────────────────────────────────────
    Pushed("13:53:31"),
    Pushed("14:12:58"),
    Delivered("14:21:09.204", "events", "deploys.jsonl", 1),
    Delivered("14:26:42.871", "events", "deploys.jsonl", 2),
    # ── it burns ─────────────────────────────────────────────────────────────
    Delivered("14:32:42.018", "sentry", "sentry/1.envelope"),
    Delivered("14:33:21.655", "sentry", "sentry/2.envelope"),
    Delivered("14:34:03.127", "sentry", "sentry/3.envelope"),
    Delivered("14:35:45.320", "alertmanager", "alertmanager.jsonl", 1),
    Delivered("14:36:55.894", "sentry", "sentry/4.envelope"),
    Declared(
        "14:37:08.510",
        "Alice",
        "Payments answer 500 at checkout",
        severity="critical",
        detected_at="14:35:15",
        detected_by="alert",
        impact="Customers cannot pay: about one request in three fails",
        lead="Alice",
    ),
    CommandTyped(
        "14:38:20.114",
        "Alice",
        'note INC-42 "Told #incident-response, Ben (payments), Carol (support) and Mia (product)"',
    ),
    CommandTyped("14:38:41.730", "Alice", "stage INC-42 investigating"),
    CommandTyped(
        "14:40:16.009",
        "Alice",
        'note INC-42 "Two deploys just before: checkout v1.2.0 at 14:21 and search v3.8.0 at 14:26. One of them?" --kind hypothesis',
    ),
    Delivered("14:44:13.512", "sentry", "sentry/5.envelope"),
    CommandTyped(
        "14:44:50.377",
        "Ben",
        'note INC-42 "Every checkout pod holds 10 of 10 connections, and PostgreSQL is idle: we keep them and do nothing with them" --kind hypothesis',
    ),
    CommandTyped(
        "14:50:31.246",
        "Carol",
        'note INC-42 "First report from a customer: paid twice to be sure, got an error page twice" --at 14:50Z',
        name="first report",
    ),
    CommandTyped(
        "14:51:40.882",
        "Ben",
        'note INC-42 "No rollback: v1.2.0 changed the orders table, and v1.1.0 cannot write to it any more. Restarting the pods would help for ten minutes at most"',
    ),
    CommandTyped("14:54:02.651", "Alice", "milestone INC-42 confirmed --at 14:41Z"),
    CommandTyped(
        "14:55:12.930",
        "Ben",
        'note INC-42 "The error handler for declined cards, new in v1.2.0, returns without giving its connection back. Ten declined cards, and a pod has none left" --kind root-cause',
    ),
    CommandTyped("14:55:40.118", "Alice", "stage INC-42 identified"),
    CommandTyped(
        "14:56:21.440",
        "Alice",
        'link INC-42 checkout@v1.2.0 --as caused --why "its new error handler keeps connections; the pool began to fill when it went out"',
    ),
    CommandTyped(
        "14:56:58.205",
        "Alice",
        'link INC-42 search@v3.8.0 --as dismissed --why "search has a database of its own, and checkout does not call it to pay"',
    ),
    CommandTyped("14:57:30.561", "Ben", "stage INC-42 fixing"),
    Delivered("14:58:38.090", "sentry", "sentry/6.envelope"),
    Pushed("15:01:41"),
    Tested("15:04:52.300", "Ben", "pytest -q", 71.4),
    Pushed("15:06:38"),
    Delivered("15:06:45.901", "alertmanager", "alertmanager.jsonl", 2),
    Delivered("15:09:16.244", "sentry", "sentry/7.envelope"),
    Delivered("15:10:07.519", "events", "deploys.jsonl", 3),
    CommandTyped(
        "15:10:48.973",
        "Ben",
        'note INC-42 "v1.2.1 gives the connection back when a card is declined; nothing else is in it" --kind fix',
    ),
    # ── it is over ───────────────────────────────────────────────────────────
    Delivered("15:11:20.667", "alertmanager", "alertmanager.jsonl", 3),
    CommandTyped("15:12:40.302", "Alice", "milestone INC-42 mitigated --at 15:12Z"),
    CommandTyped("15:12:55.718", "Alice", "stage INC-42 monitoring"),
    CommandTyped(
        "15:14:09.461",
        "Alice",
        'link INC-42 checkout@v1.2.1 --as fixed --why "errors fell from 40 % to under 1 % within four minutes of it"',
    ),
    CommandTyped(
        "15:20:33.156",
        "Ben",
        'note INC-42 "Paid with a declined card and with a good one: both as they should be. Pools at 2 to 5 of 10"',
    ),
    CommandTyped(
        "15:31:02.884",
        "Carol",
        'note INC-42 "No new reports since 15:13; told the customers who wrote to us"',
    ),
    CommandTyped("15:40:11.027", "Alice", "resolve INC-42"),
    CommandTyped("15:41:26.690", "Alice", "milestone INC-42 started --at 14:30Z --until 14:32Z"),
    Pushed("15:52:34"),
    Collected("15:58:05.412", "Alice"),
    CommandTyped(
        "16:10:44.508",
        "Ben",
        'note INC-42 "Alert when a pool is above 8 of 10 for two minutes: it was full five minutes before anybody was told" --kind prevention',
    ),
    CommandTyped(
        "16:12:03.911",
        "Ben",
        'note INC-42 "Test every error handler of payments with a pool of one connection" --kind prevention',
    ),
    CommandTyped(
        "16:14:37.245",
        "Alice",
        'note INC-42 "Take connections only with a context manager; let the linter refuse getconn" --kind prevention',
    ),
    # ── the morning after ────────────────────────────────────────────────────
    CommandTyped(
        "next day 09:05:12.770",
        "Carol",
        'amend {first report} --at 14:45Z --why "the ticket came in at 14:45; 14:50 is when I read it"',
    ),
    CommandTyped(
        "next day 09:12:48.336",
        "Dan",
        'note INC-42 "The card provider declined three times as many cards as usual: that is why the pools ran dry within ten minutes" --at 14:52Z',
    ),
    CommandTyped(
        "next day 09:20:15.049",
        "Alice",
        'note INC-42 "The alert told us before customers did, and two minutes later we had a number. Merging back to develop waited until after the calm: do it with the release" --kind lesson',
    ),
    CommandTyped(
        "next day 09:31:50.604",
        "Mia",
        'note INC-42 "From 14:32 to 15:12 a third of all requests failed, 23,500 of them. 1,140 orders were not paid at the first try, 312 of them never. Nobody was charged twice" --kind impact',
    ),
    Collected("next day 15:45:20.158", "Alice"),
)
