"""Publishing: what was published stays, what changed since is said, and the log's word is asked first."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from projections.claims.claim import Claim
from tests.cli.conftest import DAY, Typed, refused


@pytest.fixture
def over(declared: Typed) -> Typed:
    """INC-1, resolved."""
    declared("note", 1, "nobody could pay", "--kind", "impact", "--at", "14:30Z")
    assert declared("resolve", 1, "--at", "15:00Z").code == 0
    return declared


def state(tracker: Typed) -> str:
    return str(tracker("show", 1, "--json").json["report"]["state"])


@pytest.fixture
def contradicted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A log that contradicts whatever stands by hand; gives what it was asked."""
    asked = []

    def claimed(session, known, *, text=None, where=""):
        if text is None:
            return []
        asked.append({"text": text, "where": where})
        line = next(n for n, said in enumerate(text.split("\n"), 1) if said.strip())
        return [Claim("k3f9a1c", "15 minutes", f"{where}:{line}", "the log says 25 min", (), line)]

    monkeypatch.setattr("tracker.cli.publish.lint_claims", claimed)
    return asked


def test_a_report_goes_from_draft_to_amended(over):
    """
    Each state is what the log holds: nobody sets it.
    """
    seen = [state(over)]
    over("publish", 1)
    seen.append(state(over))
    over("note", 1, "one more thing", "--at", "14:59Z")
    seen.append(state(over))
    over("publish", 1)
    seen.append(state(over))

    assert seen == ["draft", "published", "amended", "published"]


@pytest.mark.parametrize("template", ["guide", "google"])
def test_a_published_report_is_amended_only_by_what_changes_its_text(over, template):
    """
    A note that was taken back at once and a role that was taken back say nothing new.
    """
    over("deploy", "finish", "checkout", "v1", "--at", f"{DAY}T13:50:00Z")
    over("publish", 1, "--template", template, "--tz", "Asia/Kathmandu")

    handle = over("note", 1, "in the wrong window", "--at", "14:59Z", "--json").json["events"][0]
    assert state(over) == "amended"
    over("retract", handle, "--why", "not this incident")
    over("link", 1, "checkout@v1", "--as", "suspect", "--why", "x")
    over("unlink", 1, "checkout@v1", "--as", "suspect", "--why", "y")

    assert state(over) == "published"
    assert "Nothing changed" in over("report", 1, "--diff", "published").out
    assert over("publish", 1, "--json").json["recorded"] == 0
    over("report", 1)
    assert over("verify", "--report", "INC-1.md").code == 0


def test_a_published_report_says_so_and_comes_out_the_same(over):
    """
    Its file is what the log keeps, to the byte, and is written anew from its position all the same.
    """
    answer = over("publish", 1, "--json").json
    handle = answer["events"][0][-7:]

    text = Path("INC-1.md").read_text(encoding="utf-8")
    held = over("verify", "--report", "INC-1.md", "--json")
    raw = over("show", handle, "--raw")

    assert answer["recorded"] == 1
    assert f"by ada, as of log position {answer['position']}.*" in text
    assert held.code == 0
    assert held.json["report_same"]
    assert held.json["report_published"] == answer["events"][0]
    assert raw.out == text


def test_what_is_published_already_is_not_published_again(over):
    """
    Running it again is safe, also where the file is gone.
    """
    first = over("publish", 1, "--json").json
    Path("INC-1.md").unlink()

    again = over("publish", 1, "--json").json

    assert (again["recorded"], again["known"], again["events"]) == (0, 1, first["events"])
    assert Path("INC-1.md").exists()


def test_an_open_incident_has_nothing_to_publish(declared):
    """
    The hint says how it is over.
    """
    refused(declared("publish", 1), 12, "INC-1 is still open", "tracker resolve INC-1")


def test_what_was_written_by_hand_is_published_and_is_not_lost(over):
    """
    Where the file is not here, publishing without its prose is refused, with how to get it back.
    """
    over("report", 1)
    with Path("INC-1.md").open("a", encoding="utf-8") as file:
        file.write("We wrote to all of them.\n")
    handle = over("publish", 1, "--json").json["events"][0][-7:]
    Path("INC-1.md").unlink()
    over("note", 1, "one more thing", "--at", "14:59Z")

    lost = over("publish", 1)
    over("show", handle, "--raw", "-o", "INC-1.md")

    refused(lost, 12, "INC-1.md does not exist", f"tracker show {handle} --raw -o INC-1.md")
    assert over("publish", 1).code == 0
    assert Path("INC-1.md").read_text(encoding="utf-8").endswith("We wrote to all of them.\n")


def test_what_the_log_contradicts_is_not_published(over, contradicted):
    """
    The finding is named with its line in the file; the log holds nothing new.
    """
    over("report", 1)
    before = Path("INC-1.md").read_text(encoding="utf-8") + "It was down for 15 minutes.\n"
    Path("INC-1.md").write_text(before, encoding="utf-8")

    answer = over("publish", 1)

    line = len(before.split("\n")) - 1
    refused(
        answer, 12, "1 finding; nothing was published", f"INC-1.md:{line}", "the log says 25 min", "k3f9a1c"
    )
    assert contradicted[0]["text"].strip() == "It was down for 15 minutes."
    assert Path("INC-1.md").read_text(encoding="utf-8") == before
    assert state(over) == "draft"


def test_a_finding_is_waived_with_a_reason_that_stands_in_the_log(over, contradicted):
    """
    Who overrules the log says why.
    """
    over("report", 1)
    with Path("INC-1.md").open("a", encoding="utf-8") as file:
        file.write("It was down for 15 minutes.\n")

    refused(over("publish", 1, "--why", " "), 12, "nothing was published")
    answer = over("publish", 1, "--why", "for most of them", "--json").json

    fields = over("show", answer["events"][0][-7:], "--json").json["fields"]
    assert answer["waived"] == ["k3f9a1c"]
    assert (fields["waived"], fields["why"]) == (["k3f9a1c"], "for most of them")


def test_an_edit_in_a_generated_part_is_not_published(over):
    """
    What the log does not say is not published as if it did.
    """
    over("report", 1)
    text = Path("INC-1.md").read_text(encoding="utf-8")
    Path("INC-1.md").write_text(text.replace("nobody could pay", "all could pay"), encoding="utf-8")

    refused(over("publish", 1), 12, "somebody typed into 3 generated parts")


def test_a_retracted_publication_does_not_count(over):
    """
    Published by mistake: it is a draft again.
    """
    handle = over("publish", 1, "--json").json["events"][0][-7:]
    over("retract", handle, "--why", "too early")

    assert state(over) == "draft"


# ── what changed since ───────────────────────────────────────────────────────


def test_what_changed_since_is_told_section_by_section(over):
    """
    Each section that says something else, and nothing of where in the log it was read.
    """
    refused(over("report", 1, "--diff", "published"), 12, "never published", "tracker publish INC-1")
    over("publish", 1)
    same = over("report", 1, "--diff", "published")
    over("note", 1, "and search was slow", "--kind", "impact", "--at", "14:45Z")

    changed = over("report", 1, "--diff", "published")
    answer = over("report", 1, "--diff", "published", "--json").json

    assert same.code == changed.code == 0
    assert same.out.startswith("Nothing changed since it was published at")
    assert "+- and search was slow *(ada)*" in changed.out
    assert "head `" not in changed.out
    assert [each["section"] for each in answer["changed"]] == [
        "summary",
        "impact",
        "timeline",
        "whole-timeline",
    ]
    assert answer["same"] is False


def test_prose_by_hand_is_compared_too(over):
    """
    It was published, and is not in the log's sections.
    """
    over("report", 1)
    over("publish", 1)
    with Path("INC-1.md").open("a", encoding="utf-8") as file:
        file.write("We wrote to all of them.\n")

    answer = over("report", 1, "--diff", "published", "--json").json

    assert [each["section"] for each in answer["changed"]] == ["by hand"]
    assert "+We wrote to all of them." in answer["changed"][0]["diff"]


def test_another_form_is_not_compared(over):
    """
    Every line would differ.
    """
    over("publish", 1, "--template", "google")

    refused(
        over("report", 1, "--diff", "published", "--template", "guide"), 2, "published with --template google"
    )
    assert over("report", 1, "--diff", "published").code == 0


def test_show_says_where_the_report_stands_and_what_is_next(over):
    """
    Also for people.
    """
    draft = over("show", 1).out
    over("publish", 1)
    published = over("show", 1).out
    over("note", 1, "more", "--at", "14:59Z")
    amended = over("show", 1).out

    assert "report    draft: not reviewed yet" in draft
    assert "tracker review INC-1" in draft
    assert "report    published at" in published
    assert "; 1 event recorded since" in amended
    assert "Next: tracker report INC-1 --diff published" in amended
    assert json.loads(over("show", 1, "--json").out)["report"]["changes_since"] == 1


def test_two_who_publish_at_once_are_one_publication(over, monkeypatch):
    """
    The second is told, and its file is as it was.
    """

    def meanwhile(*_: object, **__: object) -> list[Claim]:
        command = [sys.executable, "-m", "tracker", "publish", "1", "-o", "theirs.md", "--by", "eve"]
        subprocess.run(command, check=True, capture_output=True)
        return []

    monkeypatch.setattr("tracker.cli.publish.lint_claims", meanwhile)

    refused(
        over("publish", 1),
        12,
        "the report of INC-1 was published by someone else in the meantime",
        "tracker show INC-1",
    )
    assert not Path("INC-1.md").exists()
    assert over("show", 1, "--json").json["report"]["published_by"] == "eve"


def test_what_is_printed_for_a_finding_in_the_file_waives_it(over):
    """
    The claim stands in the file alone, so the command has to name the file.
    """
    over("milestone", 1, "started", "--at", "14:00Z")
    over("milestone", 1, "ended", "--at", "14:30Z")
    over("report", 1)
    with Path("INC-1.md").open("a", encoding="utf-8") as file:
        file.write("\nPayments were down for 45 minutes.\n")

    stopped = over("publish", 1)
    typed = stopped.err.partition("tracker waive ")[2].splitlines()[0].replace("…", "agreed")

    refused(stopped, 12, "were down for 45 minutes", "--text INC-1.md")
    assert over("waive", *shlex.split(typed)).code == 0
    assert over("publish", 1).code == 0
