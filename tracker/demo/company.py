"""Two years of a made-up company: five services, some 600 incidents, and patterns that an analysis should find.

Each pattern is planted on purpose and named in docs/company.md; without them the same company has none. The same seed
gives the same events.
"""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Decision, Event, event_id
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.events.corrections import EventLinked
from tracker.events.incidents import IncidentDeclared, IncidentResolved, MilestoneSet, NoteAdded
from tracker.events.samples import AlertRuleSeen

BEGINS = datetime(2024, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ENDS = BEGINS + 2 * YEAR
PEOPLE = ("Alice", "Ben", "Carol", "Dan", "Mia", "Noor", "Omar", "Pia")
_SOURCE = "alertmanager:prod"
_SEVERITIES = ("critical", "major", "major", "minor", "minor")
_SYMPTOMS = ("Requests answer 500", "Pages are slow", "Results are missing", "Writes are refused")
_PARTS = (
    "addresses", "audits", "avatars", "badges", "banners", "baskets", "batches", "bookings", "brands", "budgets",
    "calendars", "campaigns", "carriers", "catalogues", "categories", "channels", "colours", "comments", "consents", "contracts",
    "countries", "coupons", "currencies", "customers", "deliveries", "devices", "digests", "discounts", "drafts", "exports",
    "feeds", "filters", "folders", "forecasts", "gifts", "groups", "holidays", "imports", "invitations", "invoices",
    "labels", "languages", "layouts", "licences", "limits", "locations", "logins", "mandates", "members", "menus",
    "notifications", "offers", "orders", "parcels", "partners", "passwords", "payouts", "pictures", "points", "prices",
    "profiles", "quotas", "ratings", "receipts", "refunds", "regions", "rosters", "returns", "reviews", "rewards",
    "roles", "salaries", "schedules", "seasons", "segments", "sessions", "shelves", "shifts", "sizes", "slots",
    "stamps", "statements", "stocks", "stores", "subscriptions", "suppliers", "surveys", "tariffs", "taxes", "tenants",
    "terminals", "themes", "tickets", "tokens", "translations", "users", "vouchers", "wallets", "warehouses", "wishlists",
)  # fmt: skip
_FAULTS = (
    "deadlocked", "overflowed", "leaked", "drifted", "duplicated", "evicted", "collided", "stalled", "flapped", "saturated",
    "truncated", "misrouted", "unindexed", "recursed", "desynchronised", "throttled", "corrupted", "inverted", "starved", "fragmented",
)  # fmt: skip
"""What went wrong is one of 100 parts and one of 20 faults, and no two incidents have both in common: nothing comes
back by chance."""


@dataclass(frozen=True)
class Service:
    """How a service behaves: incidents in each year, minutes to recovery in each year, and who notices first."""

    name: str
    incidents: tuple[int, int]
    minutes: tuple[float, float]
    rule: str
    customer_first: float = 0.1
    late_by_minutes: float = 0.0


PATTERNED = (
    Service("checkout", (70, 70), (70.0, 35.0), "CheckoutErrorRatio"),
    Service(
        "payments", (55, 55), (50.0, 50.0), "PaymentsErrorRatio", customer_first=0.7, late_by_minutes=15.0
    ),
    Service("search", (50, 100), (45.0, 45.0), "SearchLatency"),
    Service("mailer", (50, 50), (60.0, 60.0), "MailerErrorRatio"),
    Service("gateway", (47, 47), (40.0, 40.0), "GatewayErrorRatio"),
)
"""Checkout recovers in half the time in the second year; search has twice the incidents; customers are faster than
the alert of payments."""
PLAIN = tuple(Service(one.name, (60, 60), (50.0, 50.0), one.rule) for one in PATTERNED)
"""The same company without any pattern."""
CERTIFICATE = "The TLS certificate of the gateway expired"
NOISE = "DiskAlmostFull"
SILENT = "SearchHeapFull"


@dataclass
class Step:
    """Events that were recorded together at one instant; decisions are those of `incident`."""

    at: datetime
    facts: list[Event] = field(default_factory=list)
    incident: str | None = None
    decisions: list[Decision] = field(default_factory=list)


def company(seed: int, *, patterns: bool = True) -> list[Step]:
    """Return two years of steps, in the order of their instants.

    `patterns` plants what docs/company.md lists; without it nothing changes between the years.
    """
    rng = random.Random(seed)
    services = PATTERNED if patterns else PLAIN
    plans = sorted(
        (plan for service in services for plan in _plans(rng, service, is_certified=patterns)),
        key=lambda plan: plan.starts_at,
    )
    steps = [_rules(services, patterns)]
    causes = [f"the store of {part} {fault}" for part in _PARTS for fault in _FAULTS]
    for number, (plan, cause) in enumerate(zip(plans, rng.sample(causes, len(plans)), strict=True), 1):
        steps += replace(plan, cause=cause).steps(rng, f"INC-{number}")
    for service in services:
        steps += _deploys(rng, service)
    if patterns:
        steps += _noise(rng)
    return sorted((step for step in steps if step.at < ENDS), key=lambda step: step.at)


def toml() -> str:
    """Return the company's tracker.toml."""
    lines = [
        "# Written by `tracker demo --company`.",
        "",
        "[tracker]",
        'store = "tracker.db"',
        'time_zone = "UTC"',
        'prefix = "INC"',
    ]
    for service in PATTERNED:
        lines += ["", f"[services.{service.name}]", f'alert_labels = {{ service = "{service.name}" }}']
        lines += [
            f"[services.{service.name}.metrics.error_ratio]",
            f"query = 'error_ratio{{service=\"{service.name}\"}}'",
            'unit = "ratio"',
            'better = "lower"',
            "threshold = 0.01",
        ]
    lines += [
        "[services.mailer.metrics.queue_age_seconds]",
        "query = 'max(mail_queue_age_seconds)'",
        'unit = "seconds"',
        'better = "lower"',
        "threshold = 300.0",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Plan:
    """One incident before it is told."""

    service: Service
    starts_at: datetime
    minutes: float
    year: int
    certificate: int | None = None
    cause: str = ""

    def steps(self, rng: random.Random, name: str) -> Iterator[Step]:
        """Tell it: the alert, the declaration, the fix, the end, what was learned."""
        service, start = self.service, self.starts_at
        lead, other = rng.sample(PEOPLE, 2)
        recovered = start + timedelta(minutes=self.minutes)
        by_customer = rng.random() < service.customer_first
        noticed = start + timedelta(minutes=_lognormal(rng, 4.0, 0.5))
        fires = noticed + timedelta(minutes=service.late_by_minutes if by_customer else 0.0)
        declared = noticed + timedelta(minutes=rng.uniform(1, 5))
        rule = "CertificateExpired" if self.certificate is not None else service.rule
        fingerprint = _hash(f"{service.name} {rule}")
        fired = AlertFired(
            occurred_at=fires,
            source=_SOURCE,
            service=service.name,
            name=rule,
            fingerprint=fingerprint,
            severity="critical",
        )
        yield Step(fires, [fired])
        caused, fixed = self._changes(rng, recovered)
        if caused is not None:
            yield Step(caused.occurred_at, [caused])
        yield Step(
            declared, incident=name, decisions=self._declared(rng, name, lead, declared, noticed, by_customer)
        )
        if fixed is not None:
            yield Step(fixed.occurred_at, [fixed])
        ended = AlertResolved(
            occurred_at=recovered,
            source=_SOURCE,
            service=service.name,
            name=rule,
            fingerprint=fingerprint,
            started_at=fires,
        )
        yield Step(max(recovered, fires + timedelta(seconds=30)), [_not_before(ended, fires)])
        resolved = max(recovered, declared) + timedelta(minutes=rng.uniform(3, 15))
        yield Step(
            resolved,
            incident=name,
            decisions=list(self._resolved(rng, name, lead, other, resolved, caused, fixed)),
        )

    def _changes(self, rng: random.Random, recovered: datetime) -> tuple[DeployFinished | None, Event | None]:
        if self.certificate is not None or rng.random() > 0.45:
            return None, None
        number = int((self.starts_at - BEGINS).total_seconds() // 60)
        at = self.starts_at - timedelta(minutes=rng.uniform(3, 20))
        version = f"v{self.year + 1}.{number}.0"
        caused = DeployFinished(occurred_at=at, source="run", service=self.service.name, version=version)
        if rng.random() < 0.4:
            before = f"v{self.year + 1}.{number - 1}.0"
            return caused, RollbackFinished(
                occurred_at=recovered, source="run", service=self.service.name, version=before
            )
        return caused, DeployFinished(
            occurred_at=recovered,
            source="run",
            service=self.service.name,
            version=f"v{self.year + 1}.{number}.1",
        )

    def _declared(
        self, rng: random.Random, name: str, lead: str, at: datetime, noticed: datetime, by_customer: bool
    ) -> list[Decision]:
        title = (
            CERTIFICATE if self.certificate is not None else f"{rng.choice(_SYMPTOMS)} in {self.service.name}"
        )
        return [
            IncidentDeclared(
                occurred_at=at, decided_by=lead, incident=name, title=title, services=(self.service.name,),
                severity=rng.choice(_SEVERITIES), lead=lead, detected_by="customer" if by_customer else "alert",
            ),
            MilestoneSet(occurred_at=self.starts_at, precision_seconds=60.0, decided_by=lead, incident=name, milestone="started"),
            MilestoneSet(occurred_at=noticed, precision_seconds=60.0, decided_by=lead, incident=name, milestone="detected"),
        ]  # fmt: skip

    def _resolved(
        self, rng: random.Random, name: str, lead: str, other: str, at: datetime,
        caused: Event | None, fixed: Event | None,
    ) -> Iterator[Decision]:  # fmt: skip
        recovered = self.starts_at + timedelta(minutes=self.minutes)
        cause = self.cause
        if self.certificate is not None:
            cause = "the certificate of the gateway was renewed by hand, and nobody was reminded"
        yield MilestoneSet(
            occurred_at=max(recovered, self.starts_at),
            precision_seconds=60.0,
            decided_by=lead,
            incident=name,
            milestone="ended",
        )
        yield NoteAdded(
            occurred_at=at,
            decided_by=other,
            incident=name,
            kind="root-cause",
            text=cause[0].upper() + cause[1:],
        )
        if caused is not None:
            yield EventLinked(
                occurred_at=at,
                decided_by=lead,
                incident=name,
                target=event_id(caused),
                role="caused",
                why=f"errors began with it: {cause}",
            )
        if fixed is not None:
            yield EventLinked(
                occurred_at=at,
                decided_by=lead,
                incident=name,
                target=event_id(fixed),
                role="fixed",
                why="errors ended with it",
            )
        yield IncidentResolved(occurred_at=at, decided_by=lead, incident=name)
        if self.certificate == 0 or (self.certificate is None and rng.random() < 0.3):
            text = (
                "Renew the gateway's certificate automatically"
                if self.certificate == 0
                else f"Prevent that {cause}"
            )
            item = ActionAdded(
                occurred_at=at,
                decided_by=lead,
                incident=name,
                text=text,
                owner=other,
                due_on=(at + timedelta(days=30)).date(),
            )
            yield item
            if self.certificate is None and rng.random() < 0.6:
                yield ActionDone(
                    occurred_at=at + timedelta(minutes=1),
                    decided_by=other,
                    incident=name,
                    action=event_id(item),
                    proof="https://git.example.org/changes",
                )


def _plans(rng: random.Random, service: Service, *, is_certified: bool) -> Iterator[_Plan]:
    for year in (0, 1):
        starts: list[datetime] = []
        if is_certified and service.name == "gateway":
            # Every 146 days, from the third month on.
            expiries = [BEGINS + timedelta(days=80 + 146 * turn, hours=9) for turn in range(5)]
            for turn, at in enumerate(expiries):
                if (at - BEGINS) // YEAR == year:
                    starts.append(at)
                    yield _Plan(service, at, rng.uniform(50, 80), year, turn)
        while len(starts) < service.incidents[year]:
            at = BEGINS + year * YEAR + timedelta(minutes=rng.randrange(600, 525_000))
            if all(abs(at - other) > timedelta(hours=8) for other in starts):
                starts.append(at)
                yield _Plan(service, at, _lognormal(rng, service.minutes[year], 0.7), year)


def _deploys(rng: random.Random, service: Service) -> Iterator[Step]:
    """Deploy three times a week, in working hours; most deploys break nothing."""
    for week in range(104):
        for day in sorted(rng.sample(range(5), 3)):
            at = BEGINS + timedelta(days=7 * week + day, minutes=rng.randrange(9 * 60, 17 * 60), seconds=7)
            deploy = DeployFinished(
                occurred_at=at, source="run", service=service.name, version=f"r{week}.{day}"
            )
            yield Step(at, [deploy])


def _noise(rng: random.Random) -> Iterator[Step]:
    """Fire an alert twice a week that has never meant anything."""
    for week in range(104):
        for _ in range(2):
            at = BEGINS + timedelta(days=7 * week, minutes=rng.randrange(7 * 1440))
            ends = at + timedelta(minutes=20)
            mark = _hash(NOISE)
            fired = AlertFired(occurred_at=at, source=_SOURCE, name=NOISE, fingerprint=mark)
            ended = AlertResolved(
                occurred_at=ends, source=_SOURCE, name=NOISE, fingerprint=mark, started_at=at
            )
            yield Step(at, [fired])
            yield Step(ended.occurred_at, [ended])


def _rules(services: Sequence[Service], patterns: bool) -> Step:
    rules: list[tuple[str, str | None, str]] = [
        (service.rule, service.name, f'error_ratio{{service="{service.name}"}} > 0.01')
        for service in services
    ]
    if patterns:
        rules += [
            (NOISE, None, "disk_used_ratio > 0.8"),
            (SILENT, "search", "jvm_heap_used_ratio > 0.98"),
            ("CertificateExpired", "gateway", "probe_ssl_earliest_cert_expiry < time()"),
        ]
    return Step(
        BEGINS,
        [
            AlertRuleSeen(
                occurred_at=BEGINS,
                source="prometheus",
                name=name,
                service=service,
                expression=expression,
                for_seconds=120.0,
            )
            for name, service, expression in rules
        ],
    )


def _not_before(ended: AlertResolved, fires: datetime) -> AlertResolved:
    """An alert that fired late does not end before it began."""
    if ended.occurred_at > fires:
        return ended
    return AlertResolved(
        occurred_at=fires + timedelta(seconds=30), source=ended.source, service=ended.service, name=ended.name,
        fingerprint=ended.fingerprint, started_at=fires,
    )  # fmt: skip


def _lognormal(rng: random.Random, middle: float, sigma: float) -> float:
    return math.exp(rng.gauss(math.log(middle), sigma))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
