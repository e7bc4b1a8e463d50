"""The incident that the reports in this folder are about, as a log tells it, and a way to ask about words."""

from dataclasses import replace
from pathlib import Path

from projections.claims.check import check_texts, texts_of
from projections.claims.gathering import facts_of
from projections.claims.prose import Text
from projections.dossier import Dossier
from reports.wording.claims import claim
from tests import builders as b
from tests.builders import recorded

HERE = Path(__file__).parent
WITH_FAULTS = (HERE / "with_faults.md").read_text(encoding="utf-8")
POSTMORTEM = (HERE / "postmortem.md").read_text(encoding="utf-8")
CORRECTED = (HERE / "corrected.md").read_text(encoding="utf-8")

FAULTS = {
    (4, "were down for 15 minutes"),
    (4, "due to a database connection timeout."),
    (7, "2:45 PM"),
    (25, "by tomorrow"),
    (26, "by tomorrow"),
    (27, "Team"),
    (27, "by sprint end"),
    (30, "Detection was fast (5 min)"),
    (30, "Detection was fast"),
    (31, "deploy was fast (20 min)"),
}
WITHOUT_A_START = FAULTS - {(30, "Detection was fast (5 min)")}
"""What is found where nobody recorded when it started: then nobody can tell how long detection took."""

STORY = (
    b.declared(50, lead="John", detected_by="customer", impact="Users cannot complete transactions"),
    b.milestone(45, "started"),
    b.milestone(45, "detected"),
    b.milestone(50, "confirmed"),
    b.note(45, "First report from a customer"),
    b.note(50, "Issue confirmed (500 errors)"),
    b.note(55, "Root cause identified (connection pool depleted)", kind="root-cause"),
    b.deploy_start(65, version="v1.2.1"),
    b.deploy(70, version="v1.2.1"),
    b.milestone(70, "mitigated"),
    b.note(75, "Verified working, monitoring normal"),
    b.resolved(75),
)
TOLD_IN_NOTES = (
    b.declared(45),
    b.note(45, "First report from a customer"),
    b.note(50, "Issue confirmed (500 errors)"),
    b.note(55, "Root cause identified (connection pool depleted)"),
    b.note(70, "Fix deployed (v1.2.1)"),
    b.note(75, "Verified working, monitoring normal"),
    b.resolved(75),
)
SPARSE = (
    b.declared(50),
    b.milestone(45, "detected"),
    b.deploy(70 + 4 / 60, version="v1.2.1"),
    b.resolved(75),
)


def facts(*events, peaks=None, **options):
    """What a log of these events knows of INC-1."""
    return replace(facts_of(Dossier.of("INC-1", recorded(*events)), **options), peaks=peaks or {})


def claims(texts, known):
    """What is found in texts, in words; without notices."""
    return [claim(each) for each in check_texts(texts, known) if not each.is_notice]


def said(text, *events, **options):
    """What the log of these events, else of the story, says against a text."""
    return claims([Text(text, "report.md")], facts(*(events or STORY), **options))


def of_log(*more):
    """What is found in the notes and messages of the story with these events."""
    known = facts(*STORY, *more)
    return claims(texts_of(known), known)
