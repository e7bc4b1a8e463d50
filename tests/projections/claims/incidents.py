"""Incidents that sentences are written about: two outages in a day, a quiet one without any deploy, a rollback, a false alarm."""

from dataclasses import replace
from datetime import date

from projections.claims.check import check_texts
from projections.claims.gathering import facts_of
from projections.claims.prose import Text
from projections.dossier import Dossier
from tests import builders as b
from tests.builders import recorded
from tracker.events.base import Arrival, Incoming


def _by(name, event):
    return Incoming(event=event, arrival=Arrival(reported_by=name))


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
    _by("Jonas", b.rollback_start(58, service="ledger", version="v4.6.2")),
    _by("Jonas", b.rollback(63.667, service="ledger", version="v4.6.2")),
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
_SLOW = b.deploy(-28, service="tickets", version="v2.9.0")
_INDEX_CHECK = b.action(
    1201, incident="INC-1", text="An index check in the pipeline", owner="Ivo", due_on=date(2026, 4, 3)
)
TICKETS = (
    b.deploy(-4380, service="tickets", version="v2.8.0"),
    b.commit(-150, sha="5" * 40, subject_line="feat: seat map by section", service="tickets", author="Oskar Lind"),
    b.commit(-40, sha="7" * 40, subject_line="chore: bump version to 2.9.0", service="tickets", author="Oskar Lind"),
    _SLOW,
    b.declared(-4, services=("tickets",), severity="minor", title="Tickets cannot be bought", lead="Marta", decided_by="Marta",
               detected_by="customer", impact="Some ticket sales fail"),
    b.milestone(-20, "started", decided_by="Marta"),
    b.milestone(-8, "detected", decided_by="Marta"),
    b.note(-8, "A customer writes: the seat map never loads", decided_by="Tess"),
    b.alert(-0.5, name="TicketSaleErrors", service="tickets", labels={"alertname": "TicketSaleErrors"}),
    b.sent(1, kind="initial", text="Some tickets cannot be bought. More by 14:30 UTC.", eta=b.at(30), decided_by="Marta"),
    b.milestone(2, "confirmed", decided_by="Marta"),
    b.severity(5, severity="major", why="a third of the sales", decided_by="Marta"),
    b.note(8, "The load balancer drops connections", kind="hypothesis", decided_by="Ivo"),
    b.service_added(12, service="seats", decided_by="Ivo"),
    b.note(25, "v2.9.0 reads the seat map without its index: each query scans the whole table, and the database is at its limit", kind="root-cause",
           decided_by="Nadia"),
    b.sent(28, kind="update", text="We know the cause. Next news by 15:00 UTC.", eta=b.at(60), decided_by="Marta"),
    b.note(31, "Marta decides: back to v2.8.0", decided_by="Marta"),
    _by("Nadia", b.rollback_start(34, service="tickets", version="v2.8.0")),
    _by("Nadia", b.rollback(39.5, service="tickets", version="v2.8.0")),
    b.milestone(44, "mitigated", decided_by="Marta"),
    b.alert_end(47, -0.5, name="TicketSaleErrors", service="tickets", labels={"alertname": "TicketSaleErrors"}),
    b.sent(50, kind="rollback", text="tickets is back at v2.8.0; tickets can be bought.", decided_by="Marta"),
    b.resolved(70, decided_by="Marta"),
    b.sent(72, kind="resolved", text="All tickets can be bought since 14:44 UTC.", decided_by="Marta"),
    b.linked(_SLOW, 80, role="caused", why="the query is new in it", decided_by="Marta"),
    b.note(1140, "2,940 ticket sales failed; 117 customers gave up; no seat was sold twice", kind="impact", decided_by="Tess"),
    b.action(1200, incident="INC-1", text="Load test with a full seat map", owner="Nadia", due_on=date(2026, 3, 20)),
    _INDEX_CHECK,
    b.action_done(_INDEX_CHECK, 3000),
)  # fmt: skip
BACKUPS = (
    b.deploy(-10000, service="backups", version="v1.4.0"),
    b.alert(372, name="BackupOverdue", service="backups", labels={"alertname": "BackupOverdue"}),
    b.declared(376, services=("backups",), severity="critical", title="A backup is overdue", lead="Kofi", decided_by="Kofi", detected_by="alert",
               impact="Backups may be missing"),
    b.milestone(372, "detected", decided_by="Kofi"),
    b.sent(380, kind="initial", text="A backup may be missing. We are looking.", decided_by="Kofi"),
    b.note(384, "Lena joins", decided_by="Lena"),
    b.note(391, "The clock of the storage host is wrong", kind="hypothesis", decided_by="Lena"),
    b.severity(400, severity="minor", why="every backup is there", decided_by="Kofi"),
    b.note(404, "The monitor reads the time stamp in a file's name as UTC, and it is local time; every backup was complete", kind="root-cause",
           decided_by="Lena"),
    b.resolved(410, decided_by="Kofi", resolution="false-alarm"),
    b.sent(414, kind="resolved", text="False alarm: no backup is missing.", decided_by="Kofi"),
    b.note(423, "The monitor reads local time now", decided_by="Lena"),
    b.alert_end(425, 372, name="BackupOverdue", service="backups", labels={"alertname": "BackupOverdue"}),
    b.note(1140, "No customer was affected; no backup was missing", kind="impact", decided_by="Kofi"),
    b.action(1200, incident="INC-1", text="Write time stamps with their offset", owner="Lena", due_on=date(2026, 3, 9)),
)  # fmt: skip
_THUMBNAILS = b.deploy(-37, service="uploads", version="v5.4.0")
_CLEANED = b.deploy(56.5, service="uploads", version="v5.4.1")
_BRANDT = {"service": "uploads", "author": "Hannah Brandt"}
_CLEAN_UP = b.action(
    1201,
    incident="INC-1",
    text="Delete temporary files in a context manager",
    owner="Hannah",
    due_on=date(2026, 3, 27),
)
UPLOADS = (
    b.deploy(-4000, service="uploads", version="v5.3.0"),
    b.commit(-120, sha="a1" * 20, subject_line="feat: thumbnails in a thread of their own", service="uploads", author="Sam Okoye"),
    b.commit(-45, sha="a2" * 20, subject_line="chore: bump version to 5.4.0", service="uploads", author="Sam Okoye"),
    _THUMBNAILS,
    b.declared(-11, services=("uploads",), severity="major", title="Uploads of pictures fail", lead="Sam", decided_by="Sam",
               detected_by="alert", impact="Pictures cannot be uploaded"),
    b.milestone(-25, "started", decided_by="Sam"),
    b.milestone(-14.5, "detected", decided_by="Sam"),
    b.alert(-14.5, name="UploadErrorsHigh", service="uploads", labels={"alertname": "UploadErrorsHigh"}),
    b.sent(-6, kind="initial", text="Some pictures cannot be uploaded. More by 14:20 UTC.", eta=b.at(20), decided_by="Sam"),
    b.milestone(-3, "confirmed", decided_by="Sam"),
    b.note(0, "The object store is throttled", kind="hypothesis", decided_by="Yuki"),
    b.severity(6, severity="critical", why="half of all uploads", decided_by="Sam"),
    b.note(11, "The object store answers as fast as ever; it is not to blame", decided_by="Yuki"),
    b.lead(14, lead="Hannah", decided_by="Sam"),
    b.note(21, "Since v5.4.0 temporary files are never deleted: the disk of the upload hosts is full", kind="root-cause", decided_by="Yuki"),
    b.note(24, "A rollback is not possible: v5.3.0 cannot read the new table of thumbnails", decided_by="Hannah"),
    b.sent(25, kind="update", text="We know the cause. A fix is expected by 15:00 UTC.", eta=b.at(60), decided_by="Hannah"),
    b.commit(38, sha="a3" * 20, subject_line="fix: delete temporary files", **_BRANDT),
    b.commit(41, sha="a4" * 20, subject_line="chore: bump version to 5.4.1", **_BRANDT),
    b.branch(41, name="hotfix/v5.4.1", service="uploads", sha="a4" * 20),
    b.note(47, "Tests pass", decided_by="Hannah"),
    b.merge_commit(50, sha="a5" * 20, subject_line="merge: hotfix v5.4.1", **_BRANDT),
    b.deploy_start(52, service="uploads", version="v5.4.1"),
    _CLEANED,
    b.milestone(62, "mitigated", decided_by="Hannah"),
    b.alert_end(66, -14.5, name="UploadErrorsHigh", service="uploads", labels={"alertname": "UploadErrorsHigh"}),
    b.sent(68, kind="update", text="v5.4.1 is out, and uploads work again.", decided_by="Hannah"),
    b.resolved(100, decided_by="Hannah"),
    b.sent(103, kind="resolved", text="All pictures can be uploaded since 15:02 UTC.", decided_by="Hannah"),
    b.merge_commit(150, sha="a6" * 20, subject_line="merge: hotfix v5.4.1 to develop", **_BRANDT),
    b.linked(_THUMBNAILS, 160, role="caused", why="temporary files are new in it", decided_by="Hannah"),
    b.linked(_CLEANED, 161, role="fixed", why="the disk stays at 40 %", decided_by="Hannah"),
    b.note(1140, "6,480 uploads failed; 214 users had to upload twice; no picture was lost", kind="impact", decided_by="Sam"),
    b.action(1200, incident="INC-1", text="Alert on the disk usage of upload hosts", owner="Yuki", due_on=date(2026, 3, 13)),
    _CLEAN_UP,
    b.action_done(_CLEAN_UP, 3000),
)  # fmt: skip
_SENDER = b.action(
    1201, incident="INC-1", text="Renew the sender ID a month ahead", owner="Greta", due_on=date(2026, 3, 6)
)
SMS = (
    b.deploy(-9000, service="sms", version="v2.2.0"),
    b.declared(200, services=("sms",), severity="critical", title="Text messages are not delivered", lead="Greta", decided_by="Greta",
               detected_by="person", impact="Nobody receives login codes"),
    b.milestone(170, "started", decided_by="Greta"),
    b.milestone(195, "detected", decided_by="Raj"),
    b.note(195, "Raj does not receive his login code", decided_by="Raj"),
    b.sent(206, kind="initial", text="Text messages are not delivered. More by 18:00 UTC.", eta=b.at(240), decided_by="Greta"),
    b.milestone(208, "confirmed", decided_by="Greta"),
    b.note(214, "Our own queue is stuck", kind="hypothesis", decided_by="Raj"),
    b.note(229, "The provider rejects our sender ID: its registration lapsed at 16:50", kind="root-cause", decided_by="Greta"),
    b.note(235, "Greta decides: switch to the second provider", decided_by="Greta"),
    b.sent(241, kind="update", text="We are switching to another provider. Next news by 18:30 UTC.", eta=b.at(270), decided_by="Greta"),
    b.note(243, "All messages go over the second provider", decided_by="Raj"),
    b.milestone(247, "mitigated", decided_by="Greta"),
    b.severity(255, severity="minor", why="only late codes are left", decided_by="Greta"),
    b.resolved(300, decided_by="Raj"),
    b.sent(304, kind="resolved", text="Text messages are delivered since 18:07 UTC.", decided_by="Greta"),
    b.note(1140, "9,150 text messages were not delivered; 1,320 people could not log in; no order was lost", kind="impact", decided_by="Greta"),
    b.action(1200, incident="INC-1", text="Monitor the delivery rate", owner="Raj", due_on=date(2026, 3, 20)),
    _SENDER,
    b.action_done(_SENDER, 3000),
)  # fmt: skip
PEAKS = {"error_ratio": ((31.0, 18.2), "ratio")}


def known(*events, **changes):
    """What the log of these events knows of INC-1."""
    return replace(facts_of(Dossier.of("INC-1", recorded(*events))), **changes)


def findings(facts, text, heading=None):
    """What is found in a text, or in a review of one line under a heading."""
    page = text if heading is None else f"# Review of INC-1\n\n## {heading}\n\n{text}\n"
    return [each for each in check_texts([Text(page, "report.md")], facts) if not each.is_notice]


HEIGHTS = {"ticket_error_ratio": ((38.0,), "ratio")}
UPLOAD_HEIGHTS = {"upload_error_ratio": ((52.0,), "ratio")}
