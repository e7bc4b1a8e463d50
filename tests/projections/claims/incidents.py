"""Two incidents that sentences are written about: a night with two outages, and a quiet one without any deploy."""

from dataclasses import replace
from datetime import date

from projections.claims.check import check_texts
from projections.claims.facts import facts_of
from projections.claims.prose import Text
from projections.dossier import Dossier
from tests import builders as b
from tests.builders import recorded
from tracker.events.base import Arrival, Incoming


def _by_jonas(event):
    return Incoming(event=event, arrival=Arrival(reported_by="Jonas"))


_BAD = b.deploy(-18.333, service="ledger", version="v4.7.0")
_FIX = b.deploy(301.5, service="ledger", version="v4.7.2")
_WEBER = {"service": "ledger", "author": "Jonas Weber"}
LEDGER = (
    b.deploy(-7200, service="ledger", version="v4.6.2"),
    b.commit(-60, sha="1" * 40, subject_line="feat: retries have a client of their own", service="ledger", author="Elif Kaya"),
    _BAD,
    b.declared(9, services=("ledger",), severity="major", title="Transfers are booked twice", lead="Priya", decided_by="Priya",
               detected_by="alert", impact="Transfers are booked twice"),
    b.milestone(-10, "started", decided_by="Priya"),
    b.milestone(4.1667, "detected", decided_by="Priya"),
    b.alert(4.1667, name="LedgerLagHigh", service="ledger", labels={"alertname": "LedgerLagHigh"}),
    b.sent(15, kind="initial", text="Some transfers are booked twice. More by 15:00 UTC.", eta=b.at(60), decided_by="Priya"),
    b.milestone(18, "confirmed", decided_by="Priya"),
    b.note(22, "First customer: a transfer was booked twice", decided_by="Omar"),
    b.note(26, "The clock of the database host is off", kind="hypothesis", decided_by="Jonas"),
    b.severity(31, severity="critical", why="one transfer in six", decided_by="Priya"),
    b.note(40, "Since v4.7.0 a retry does not carry the idempotency key: a slow answer books the transfer again", kind="root-cause", decided_by="Jonas"),
    b.deploy_start(48, service="ledger", version="v4.7.1"),
    b.deploy_failed(53, service="ledger", version="v4.7.1"),
    b.note(55, "Priya decides: back to v4.6.2", decided_by="Priya"),
    _by_jonas(b.rollback_start(58, service="ledger", version="v4.6.2")),
    _by_jonas(b.rollback(63.667, service="ledger", version="v4.6.2")),
    b.milestone(64, "mitigated", decided_by="Priya"),
    b.sent(66, kind="rollback", text="The ledger is back at v4.6.2; transfers are booked once.", decided_by="Priya"),
    b.alert_end(81.5, 4.1667, name="LedgerLagHigh", service="ledger", labels={"alertname": "LedgerLagHigh"}),
    b.resolved(95, decided_by="Priya"),
    b.sent(100, kind="resolved", text="Transfers are booked once.", decided_by="Priya"),
    b.alert(256, name="LedgerLagHigh", service="ledger", labels={"alertname": "LedgerLagHigh"}),
    b.reopened(260, why="duplicates again, from the queue", decided_by="Elif"),
    b.lead(264, lead="Elif", decided_by="Elif"),
    b.sent(270, kind="update", text="Transfers are booked twice again. Next news by 19:30 UTC.", eta=b.at(330), decided_by="Elif"),
    b.commit(281, sha="2" * 40, subject_line="fix: send the idempotency key again", **_WEBER),
    b.commit(284, sha="3" * 40, subject_line="chore: bump version to 4.7.2", **_WEBER),
    b.branch(284, name="hotfix/v4.7.2", service="ledger", sha="3" * 40),
    b.merge_commit(290, sha="4" * 40, subject_line="merge: hotfix v4.7.2", **_WEBER),
    _FIX,
    b.milestone(306, "mitigated", decided_by="Elif"),
    b.alert_end(312, 256, name="LedgerLagHigh", service="ledger", labels={"alertname": "LedgerLagHigh"}),
    b.resolved(360, decided_by="Elif"),
    b.sent(365, kind="resolved", text="Transfers are booked once since 19:06 UTC.", decided_by="Elif"),
    b.linked(_BAD, 380, role="caused", why="retries are new in it", decided_by="Priya"),
    b.linked(_FIX, 381, role="fixed", why="no duplicates since", decided_by="Elif"),
    b.merge_commit(1090, sha="6" * 40, subject_line="merge: hotfix v4.7.2 to develop", **_WEBER),
    b.note(1140, "2,310 transfers were booked twice; 41 customers were charged a fee; no money was lost", kind="impact", decided_by="Omar"),
    b.action(1200, incident="INC-1", text="Alert on duplicate transfers", owner="Jonas", due_on=date(2026, 4, 24)),
    b.action(1201, incident="INC-1", text="Reject requests without an idempotency key", owner="Elif", due_on=date(2026, 5, 8)),
)  # fmt: skip
_RENEW = b.action(
    1200, incident="INC-1", text="Certificates renew by themselves", owner="Tom", due_on=date(2026, 3, 20)
)
MAIL = (
    b.declared(55, services=("mail",), severity="minor", title="Mail is not sent", lead="Ines", decided_by="Ines", detected_by="customer", impact="Mail is late"),
    b.milestone(30, "started", decided_by="Ines"),
    b.milestone(52, "detected", decided_by="Ines"),
    b.sent(60, kind="initial", text="Mail is late. More by 15:30 UTC.", eta=b.at(90), decided_by="Ines"),
    b.note(70, "The certificate of the relay ran out", kind="root-cause", decided_by="Tom"),
    b.note(80, "Tom renews the certificate", decided_by="Tom"),
    b.milestone(84, "mitigated", decided_by="Ines"),
    b.resolved(105, decided_by="Ines"),
    b.sent(110, kind="resolved", text="Mail is sent again.", decided_by="Ines"),
    b.note(1140, "860 mails were delayed; none was lost", kind="impact", decided_by="Ines"),
    _RENEW,
    b.action_done(_RENEW, 3000),
)  # fmt: skip
PEAKS = {"error_ratio": ((31.0, 18.2), "ratio")}


def known(*events, **changes):
    """What the log of these events knows of INC-1."""
    return replace(facts_of(Dossier.of("INC-1", recorded(*events))), **changes)


def findings(facts, text, heading=None):
    """What is found in a text, or in a review of one line under a heading."""
    page = text if heading is None else f"# Review of INC-1\n\n## {heading}\n\n{text}\n"
    return [each for each in check_texts([Text(page, "report.md")], facts) if not each.is_notice]
