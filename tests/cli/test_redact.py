"""`tracker redact`: the text is gone from every answer and every file; what was there, and why it went, is said."""

import base64
import contextlib
import gzip
import hashlib
import json
import os
import subprocess
import zlib
from pathlib import Path

import brotli
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import frames
from tests.builders import alert, error, one_of_each, samples
from tests.builders import declared as declared_event
from tests.cli.conftest import DAY, refused
from tests.decisions.test_redaction import MARK, STRUCTURE
from tests.inbox.test_inbox import delivery
from tracker.events.base import Decision, Incoming, event_id
from tracker.events.codec import columns_sha256
from tracker.events.codec import encode as pack
from tracker.inbox.opening import open_inbox
from tracker.log import Log
from tracker.text.coded import look

SECRET = "correct-horse-battery-staple"
WHY = ("--why", "a password was typed into it")


def files(folder):
    """All bytes below a folder, read by another process: closing a file of ours lets go of SQLite's locks."""
    return subprocess.run(
        ["find", folder, "-type", "f", "-exec", "cat", "{}", "+"], capture_output=True, check=True
    ).stdout


def handle_of(answer):
    return answer.json["events"][0][-7:]


def noted(tracker, text, *more):
    return handle_of(tracker("note", 1, text, "--json", *more))


def everything(tracker, *words):
    """What every reading command prints."""
    return [
        tracker(*command)
        for command in (
            *(
                ("list",),
                ("show", 1),
                ("timeline", 1),
                ("timeline", 1, "--order", "recorded"),
                ("changes", 1),
            ),
            *(("compare", 1), ("report", 1, "-o", "-"), ("message", 1, "update"), ("message", 1, "resolved")),
            ("backtest", "error_ratio > 0.01 for 2m"),
            *(("timeline", 1, "--json"), ("show", 1, "--json"), ("report", 1, "--json"), words),
        )
        if command
    ]


def test_a_note_is_redacted_from_every_answer_and_file(declared, tmp_path):
    """
    It stays a row, with who took it out and why.
    """
    handle = noted(declared, f"the password is {SECRET}")
    assert SECRET.encode() in files(tmp_path)

    answer = declared("redact", handle, *WHY)

    assert answer.code == 0, answer.err
    assert (
        f"{handle} redacted by ada: its text was removed from the log and from the store's files"
        in answer.err
    )
    assert "write them again" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    said = "redacted by ada on 20"
    for shown in everything(declared, "history", handle):
        assert shown.code in (0, 2, 12), shown.err
        assert SECRET not in shown.out + shown.err
    assert said in declared("timeline", 1).out
    assert f"[redacted] · {said}" in declared("timeline", 1).out
    row = next(
        each for each in declared("timeline", 1, "--json").json["entries"] if each["event"][-7:] == handle
    )
    assert (row["title"], row["redacted"]["by"], row["redacted"]["why"]) == ("[redacted]", "ada", WHY[1])
    assert "redacted  by ada on" in declared("show", handle).out
    assert declared("show", handle, "--json").json["redacted"]["why"] == WHY[1]
    assert f"Redacted {handle}" in declared("history", handle).out
    report = declared("report", 1, "-o", "-").out
    assert f"- `{handle}` note added, redacted by ada on" in report
    verified = declared("verify")
    assert (verified.code, "1 redacted" in verified.out) == (0, True)
    assert declared("verify", "--json").json["redacted"] == 1


def test_the_answer_for_programs_names_all_that_was_done(declared):
    """
    What was recorded, which events went, which hold the same, what is out of reach.
    """
    handle = noted(declared, f"the password is {SECRET}")
    copy = noted(declared, f"sorry: the password is {SECRET}")

    found = declared("redact", handle, *WHY, "--json").json

    assert found["event"].endswith(handle)
    assert found["redacted"] == [found["event"]]
    assert [each[-7:] for each in found["copies"]] == [copy]
    assert (found["recorded"], found["known"], len(found["events"])) == (1, 0, 1)
    assert (found["beside"], found["remains"]) == ([], [])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("redact",), 2, "EVENT"),
        (("redact", "nothere", *WHY), 11, "there is no event"),
        (("redact", "INC-1", *WHY), 2, "INC-1 is an incident"),
        (("redact", "HANDLE"), 12, "needs a reason"),
        (("redact", "HANDLE", "--why", " "), 12, "needs a reason"),
        (("redact", "HANDLE", "--why", f"it said {SECRET}"), 12, "repeats what is to be removed"),
        (("redact", "HANDLE", *WHY, "--keep", "txt"), 11, "no field 'txt'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(declared, words, code, said):
    """
    In one line, with what to type next.
    """
    handle = noted(declared, f"the password is {SECRET}")

    refused(declared(*(handle if word == "HANDLE" else word for word in words)), code, said)

    assert SECRET in declared("timeline", 1).out


def test_a_second_time_is_refused_and_so_is_the_redaction_itself(declared):
    """
    With who did it and when.
    """
    handle = noted(declared, f"the password is {SECRET}")
    redaction = handle_of(declared("redact", handle, *WHY, "--json"))

    refused(
        declared("redact", handle, *WHY), 12, "was already redacted by ada on 20", f"tracker show {handle}"
    )
    refused(declared("redact", redaction, *WHY), 12, "is a redaction")
    refused(declared("show", handle, "--raw"), 11, "was redacted by ada")


def test_a_dry_run_says_what_would_go_and_changes_nothing(declared):
    """
    Fields, bytes, what goes along, and what would stand elsewhere.
    """
    handle = noted(declared, f"the password is {SECRET}")
    copy = noted(declared, f"sorry: the password is {SECRET}")

    answer = declared("redact", handle, "--dry-run")

    assert f"{handle}: nothing was changed. Would be removed: text" in answer.out
    assert f"{copy} (" in answer.out
    assert SECRET in declared("show", handle).out
    assert declared("redact", handle, "--dry-run", "--json").json["goes"] == ["text"]


def test_amendments_of_the_text_go_with_it_and_the_instant_that_was_set_right_stays(declared, tmp_path):
    """
    Each version of the text was in the log.
    """
    handle = noted(declared, f"the password is {SECRET}", "--at", "14:10Z")
    declared("amend", handle, "--text", f"the password is {SECRET}-2", "--at", "14:12Z", "--why", "typo")

    answer = declared("redact", handle, *WHY)

    assert "(it amends it)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    [row] = [
        each for each in declared("timeline", 1, "--json").json["entries"] if each["event"][-7:] == handle
    ]
    assert (row["occurred_at"], row["title"]) == (f"{DAY}T14:12:00.000Z", "[redacted]")
    assert "typo" in declared("history", handle).out
    assert declared("verify").code == 0


def test_a_message_that_was_prepared_and_sent_goes_as_one(declared, slack, monkeypatch, tmp_path):
    """
    Its text stands in both events.
    """
    monkeypatch.setenv("SLACK_URL", slack.url)
    Path("tracker.toml").write_text(
        '[slack]\nwebhook_url_env = "SLACK_URL"\n[services.checkout]\nrepositories = []\n', encoding="utf-8"
    )
    sent = declared("message", 1, "initial", "--text", f"try {SECRET} please", "--send", "--json")
    assert sent.code == 0, sent.err
    row = next(e for e in declared("timeline", 1, "--json").json["entries"] if e["kind"] == "message-sent")

    answer = declared("redact", row["event"], *WHY)

    assert "(the same message)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    assert declared("verify").code == 0


def test_a_message_that_waits_is_not_posted_after_its_redaction(declared, slack, monkeypatch):
    """
    Nor are the marks that are left of it.
    """
    monkeypatch.setenv("SLACK_URL", "http://127.0.0.1:1/away")
    Path("tracker.toml").write_text('[slack]\nwebhook_url_env = "SLACK_URL"\n', encoding="utf-8")
    declared("message", 1, "initial", "--text", f"try {SECRET} please", "--send")
    entries = declared("timeline", 1, "--json", "--order", "recorded").json["entries"]
    waiting = next(each["event"] for each in entries if each["kind"] == "message-prepared")
    assert declared("redact", waiting, *WHY).code == 0

    monkeypatch.setenv("SLACK_URL", slack.url)
    declared("message", "--send")

    assert slack.texts == []


def test_the_same_text_elsewhere_is_named_and_goes_when_it_is_asked_for(declared, tmp_path):
    """
    By its handle and never by its words; a published report, a reason and a title are found too.
    """
    handle = noted(declared, f"the password is {SECRET}")
    others = [
        noted(declared, f"again: the password is {SECRET}"),
        handle_of(declared("severity", 1, "major", "--why", f"as the password is {SECRET}", "--json")),
    ]

    named = declared("redact", handle, *WHY)

    assert "was removed from the log" not in named.err
    assert named.err.count("tracker redact") == 3
    assert f"to redact all of them: tracker redact {others[0]} --also" in named.err
    assert all(f"tracker redact {each} --why …" in named.err for each in others)
    assert SECRET not in named.err

    other = noted(declared, f"the password is {SECRET}")
    answer = declared("redact", other, *WHY, "--also")

    assert all(f"along with {each} (the same text)" in answer.err for each in others)
    assert SECRET.encode() not in files(tmp_path)
    assert declared("show", 1, "--json").json["severity"] == "major"
    assert declared("verify").code == 0


def test_a_published_report_that_quotes_it_goes_with_it(declared, tmp_path):
    """
    The tracker made it of the log. Its markdown is a payload, in which signs have a backslash.
    """
    from tests.builders import published

    text = f"the *password* is {SECRET}_[1]"
    handle = noted(declared, text)
    markdown = declared("report", 1, "-o", "-").out.encode()
    assert text.encode() not in markdown
    with Log("tracker.db") as log:
        log.decide("INC-1", lambda held: [Incoming(event=published(incident="INC-1"), payload=markdown)])

    answer = declared("redact", handle, *WHY)

    assert f"along with {event_id(published(incident='INC-1'))[-7:]} (a report that quotes it)" in answer.err
    assert SECRET.encode() not in files(tmp_path)


def test_what_a_source_told_goes_with_its_payload_and_its_siblings(tracker, tmp_path):
    """
    Events that were read from one body each hold it; so does a restatement of the same alert.
    """
    body = json.loads(
        Path(__file__)
        .parents[1]
        .joinpath("ingest/payloads/alertmanager_webhook.jsonl")
        .read_text()
        .splitlines()[0]
    )
    for each in body["alerts"]:
        each["annotations"]["summary"] = f"customer ACME: {SECRET} is the key"
    Path("alerts.json").write_text(json.dumps(body))
    first = tracker("ingest", "alertmanager", "alerts.json", "--json").json["events"]
    Path("alerts.json").unlink()
    assert SECRET.encode() in files(tmp_path)

    answer = tracker("redact", first[0], *WHY, "--also")

    assert answer.code == 0, answer.err
    assert SECRET.encode() not in files(tmp_path)
    shown = tracker("show", first[0], "--json").json
    assert shown["fields"].get("annotations", {}) == {}
    assert shown["payload_bytes"] == 0
    assert tracker("verify").code == 0


def test_the_end_of_an_alert_loses_what_its_beginning_said(tracker, tmp_path):
    """
    Alertmanager sends the annotations with both; they are one alert, so one command takes them out of both.
    """
    folder = Path(__file__).parents[1] / "ingest/payloads"
    lines = folder.joinpath("alertmanager_webhook.jsonl").read_text().splitlines()
    told = []
    for line in (lines[0], lines[2]):
        Path("alerts.json").write_text(
            line.replace("12 % of checkouts fail", f"customer ACME: {SECRET} is the key")
        )
        told += tracker("ingest", "alertmanager", "alerts.json", "--json").json["events"]
    Path("alerts.json").unlink()
    fired, ended = dict.fromkeys(told)

    answer = tracker("redact", fired, *WHY)

    assert f"along with {ended[-7:]} (the same alert)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    assert tracker("verify").code == 0


def test_an_incident_that_the_tracker_declared_loses_the_words_of_its_alert(declared, tmp_path):
    """
    `tracker serve` made its title of them; a person who says the same is asked for.
    """
    text = f"customer ACME: {SECRET} is the key"
    with Log("tracker.db") as log:
        [fired] = log.append([Incoming(event=alert(annotations={"summary": text}))]).recorded
        made = declared_event(incident="INC-2", title=text, decided_by="tracker")
        log.decide("INC-2", lambda held: [Incoming(event=made)])
    typed = noted(declared, text)

    answer = declared("redact", fired, *WHY)

    assert f"along with {event_id(made)[-7:]} (the tracker quoted it)" in answer.err
    assert f"tracker redact {typed} --why …" in answer.err
    assert SECRET not in declared("show", 2).out


def test_a_rollout_stays_one_change_when_its_command_is_removed(declared, tmp_path):
    """
    Its beginning and its end hold the same command: both lose it, and still are one deploy.
    """
    declared("run", "deploy", "checkout", "v1.2.1", "--", "sh", "-c", f"true # for customer {SECRET} only")
    [row] = declared("changes", "--json").json["changes"]

    answer = declared("redact", "checkout@v1.2.1", *WHY)

    assert "(the same rollout)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    [left] = declared("changes", "--json").json["changes"]
    assert {**left, "title": None} == {**row, "title": None}


def test_events_that_were_read_from_one_body_lose_it_together_and_keep_their_own_words(declared, tmp_path):
    """
    Unasked: the bytes beside the sibling are the same. What it says by itself was not asked for.
    """
    body = b'{"commits": ["' + SECRET.encode() + b'", "harmless words"]}'
    first, second = (
        error(6.5, title=f"it says {SECRET}"),
        error(7.5, title="harmless words", error_id="b" * 32),
    )
    with Log("tracker.db") as log:
        log.append([Incoming(event=each, payload=body) for each in (first, second)])
    handle = event_id(second)[-7:]

    answer = declared("redact", event_id(first), *WHY)

    assert f"along with {handle} (the same payload)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    assert "harmless words" in declared("show", handle).out
    refused(declared("show", handle, "--raw"), 11, "was redacted by ada")
    assert declared("verify").code == 0


def test_one_command_takes_a_file_out_of_every_incident_that_attached_it(declared, tmp_path):
    """
    Its bytes are kept once, so they go for all; names of the others stay.
    """
    declared("declare", "Other", "--service", "checkout", "--severity", "minor", "--new")
    content = os.urandom(1000) + SECRET.encode()
    for name in ("a.log", "b.log"):
        Path(name).write_bytes(content)
    first = declared("attach", 1, "a.log")
    second = declared("attach", 2, "b.log")
    one, two = first.err.split()[0], second.err.split()[0]
    assert "has the same content, which is stored once" in second.err
    for handle in (one, two):
        assert declared("show", handle, "--raw", "-o", "back").code == 0
        assert Path("back").read_bytes() == content
        assert declared("show", handle, "--json").json["fields"]["sha256"]
    digest = hashlib.sha256(content).hexdigest()
    assert digest in declared("report", 1, "-o", "-").out
    for each in ("a.log", "b.log", "back"):
        Path(each).unlink()

    answer = declared("redact", two, *WHY)

    assert f"along with {one} (the same file)" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    refused(declared("show", one, "--raw"), 11, "was redacted by ada")
    assert "File attached: a.log" in declared("timeline", 1).out
    assert digest not in declared("report", 1, "-o", "-").out
    assert declared("verify").code == 0


# ── beside the log ───────────────────────────────────────────────────────────


def alert_body(summary):
    path = Path(__file__).parents[1] / "ingest/payloads/alertmanager_webhook.jsonl"
    body = json.loads(path.read_text().splitlines()[0])
    for each in body["alerts"]:
        each["annotations"]["summary"] = summary
    return json.dumps(body).encode()


def test_what_waits_in_the_inbox_and_holds_it_is_worked_up_and_goes_too(
    tracker, store_url, tmp_path, monkeypatch
):
    """
    Nothing else that a delivery brought is lost; what nobody understood goes as a whole; the rest stays.
    """
    monkeypatch.setenv("TRACKER_STORE", store_url)
    text = f"customer ACME: {SECRET} is the key"
    Path("alerts.json").write_bytes(alert_body(text))
    told = tracker("ingest", "alertmanager", "alerts.json", "--json").json["events"]
    Path("alerts.json").unlink()
    with contextlib.closing(open_inbox(store_url)) as inbox:
        inbox.put(
            [
                delivery(1, body=alert_body(text)),
                delivery(2, body=b"{broken " + text.encode()),
                delivery(3, body=b"{broken, and harmless"),
                delivery(4, body=alert_body("something else")),
            ]
        )

    answer = tracker("redact", told[0], *WHY, "--also")

    assert answer.code == 0, answer.err
    assert "1 delivery out of the inbox" in answer.err
    with contextlib.closing(open_inbox(store_url)) as inbox:
        assert [each.delivery.key for each in inbox.after(0)] == ["key-3", "key-4"]
    if "://" not in store_url:
        assert SECRET.encode() not in files(tmp_path)
    assert tracker("verify").code == 0


def _unframed(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress,
    "deflate": _unframed,
    "br": brotli.compress,
    "base64": lambda data: b'{"data_base64":"' + base64.b64encode(data) + b'"}',
    "escaped": lambda data: json.dumps(data.decode()).replace("-", "\\u002D").encode(),
    "nested": lambda data: gzip.compress(b'{"data":"' + base64.b64encode(zlib.compress(data)) + b'"}'),
}


def test_what_is_packed_goes_too_and_what_cannot_be_searched_is_said(
    tracker, store_url, tmp_path, monkeypatch
):
    """
    In deliveries, attached files and notes; a picture cannot be searched, nor can a delivery that is damaged.
    """
    monkeypatch.setenv("TRACKER_STORE", store_url)
    tracker("declare", "Payments fail", "--service", "checkout", "--severity", "critical", "--at", "14:05Z")
    text = f"customer Müller: {SECRET} is the key"
    handle = noted(tracker, text)
    noted(tracker, f"as they sent it: {base64.b64encode(text.encode()).decode()}")
    with contextlib.closing(open_inbox(store_url)) as inbox:
        bodies = [coding(text.encode()) for coding in PACKED.values()]
        inbox.put([delivery(number, body=body) for number, body in enumerate(bodies)])
        inbox.put(
            [
                delivery(7, headers={"user-agent": text}),
                delivery(8),
                delivery(9, body=gzip.compress(b"x")[:9]),
            ]
        )
        for queued in inbox.after(0):
            inbox.park(queued.number, text if queued.delivery.key == "key-8" else "no reader")
    for name, coding in PACKED.items():
        Path(f"{name}.bin").write_bytes(coding(text.encode()))
        assert tracker("attach", 1, f"{name}.bin").code == 0
    Path("screen.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe")
    picture = tracker("attach", 1, "screen.png", "--json").json["events"][0]

    answer = tracker("redact", handle, *WHY, "--also", "--json")

    assert answer.code == 0, answer.err
    assert len(answer.json["redacted"]) == 2 + len(PACKED)
    assert answer.json["beside"] == [f"{len(PACKED) + 2} deliveries out of the inbox"]
    unread = [place for place in answer.json["remains"] if "could not be searched" in place]
    assert any(picture[-7:] in place for place in unread)
    assert any("delivery 9 in the inbox" in place for place in unread)
    assert len(unread) == 2
    with Log(store_url) as log:
        wanted = [SECRET.encode()]
        stored = log.stored(range(1, log.position + 1))
        assert not any(
            look(row.payload, wanted).found or look(row.state or b"", wanted).found for row in stored
        )
    with contextlib.closing(open_inbox(store_url)) as inbox:
        assert [queued.delivery.key for queued in inbox.after(0)] == ["key-9"]
    assert tracker("verify").code == 0


def test_what_was_finished_is_not_left_in_unused_parts_of_the_inbox(declared, tmp_path):
    """
    A body that was worked up long ago lies in a free page until it is written over.
    """
    with contextlib.closing(open_inbox("tracker.db")) as inbox:
        inbox.put([delivery(number, body=SECRET.encode() * 200) for number in range(20)])
        inbox._connection.execute("PRAGMA secure_delete=OFF")
        inbox.finish([each.number for each in inbox.after(0)])
    assert SECRET.encode() in files(tmp_path)
    handle = noted(declared, f"the password is {SECRET}")

    assert declared("redact", handle, *WHY).code == 0

    assert SECRET.encode() not in files(tmp_path)


def test_what_was_refused_from_the_spool_goes_too(declared, tmp_path):
    """
    It was typed while the store was away, and stands there in plain text.
    """
    from tracker.application.spool import contents
    from tracker.application.spool.files import path_of

    handle = noted(declared, f"the password is {SECRET}")
    path = path_of(str(tmp_path / "tracker.db"))
    path.parent.mkdir(parents=True)
    entry = {"kind": "command", "command": "note", "arguments": {"incident": "9"}, "at": "x", "by": "ada"}
    lines = [
        {**entry, "arguments": {"text": f"the password is {SECRET}"}, "refused": "no INC-9"},
        {**entry, "refused": "x"},
    ]
    refused_file = path.with_suffix(".refused.jsonl")
    refused_file.write_text("".join(json.dumps(each) + "\n" for each in lines))

    answer = declared("--store", tmp_path / "tracker.db", "redact", handle, *WHY)

    assert "1 entry out of the spool" in answer.err
    assert SECRET.encode() not in files(tmp_path)
    assert len(contents.refused(str(tmp_path / "tracker.db"))) == 1


def test_what_was_cut_off_before_the_files_were_clean_is_named_and_finished(declared, tmp_path, monkeypatch):
    """
    `verify` says what to type, and typing it needs no reason again.
    """
    from tracker.errors import StoreAwayError
    from tracker.log.sqlite import SQLiteLogRecorder

    handle = noted(declared, f"the password is {SECRET}")

    def full(_):
        raise StoreAwayError("the disk is full", hint="Free some space")

    with monkeypatch.context() as broken:
        broken.setattr(SQLiteLogRecorder, "clean", full)
        refused(declared("redact", handle, *WHY), 9, f"{handle} is redacted, but", f"tracker redact {handle}")

    verified = declared("verify")
    assert verified.code == 0
    assert f"Finish it: tracker redact {handle}" in verified.err
    assert [each[-7:] for each in declared("verify", "--json").json["redactions_unfinished"]] == [handle]
    answer = declared("redact", handle)
    assert (answer.code, "the files were cleaned now" in answer.err) == (0, True)
    assert SECRET.encode() not in files(tmp_path)
    assert "Finish" not in declared("verify").err


def test_what_postgresql_keeps_is_said(tracker, postgres_url, monkeypatch):
    """
    Its write-ahead log, replicas and backups are out of reach: that is not hidden.
    """
    monkeypatch.setenv("TRACKER_STORE", postgres_url)
    tracker("declare", "Payments", "--service", "checkout", "--severity", "critical")
    handle = noted(tracker, f"the password is {SECRET}")

    answer = tracker("redact", handle, *WHY)

    assert answer.code == 0, answer.err
    assert "Out of reach: PostgreSQL's write-ahead log until it is recycled" in answer.err


def test_a_running_serve_does_not_stand_in_the_way(tracker, store_url, make_server, monkeypatch, tmp_path):
    """
    It has the store and its inbox open all the time, and goes on.
    """
    monkeypatch.setenv("TRACKER_STORE", store_url)
    tracker("declare", "Payments", "--service", "checkout", "--severity", "critical")
    handle = noted(tracker, f"the password is {SECRET}")
    server = make_server(store=store_url)

    answer = tracker("redact", handle, *WHY)

    assert answer.code == 0, answer.err
    if "://" not in store_url:
        assert SECRET.encode() not in files(tmp_path)
    assert tracker("verify").code == 0
    assert server.process.poll() is None


# ── reports ──────────────────────────────────────────────────────────────────


def test_a_report_of_before_differs_and_it_is_said_why(declared):
    """
    Not because somebody edited it.
    """
    handle = noted(declared, f"the password is {SECRET}")
    declared("report", 1, "--pictures", "none")
    assert declared("verify", "--report", "INC-1.md").code == 0
    declared("redact", handle, *WHY)

    answer = declared("verify", "--report", "INC-1.md")

    assert answer.code == 5
    assert "INC-1.md differs" in answer.out
    assert f"Reason: {handle}, which it uses, was redacted by ada on" in answer.out
    assert "edited" not in answer.err
    assert "tracker report INC-1" in answer.err
    assert [
        each[-7:] for each in declared("verify", "--report", "INC-1.md", "--json").json["redacted_since"]
    ] == [handle]
    declared("report", 1, "--pictures", "none")
    assert declared("verify", "--report", "INC-1.md").code == 0


# ── every kind ───────────────────────────────────────────────────────────────


def marked(value, mark, name=""):
    """The event with a mark in every text that is no structure."""
    if isinstance(value, str):
        return value if name in STRUCTURE else f"{value} {mark}"
    if isinstance(value, msgspec.Struct):
        return type(value)(
            **{
                i.name: marked(getattr(value, i.name), mark, i.name)
                for i in msgspec.structs.fields(type(value))
            }
        )
    if isinstance(value, dict):
        return {key: marked(each, mark, key) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(marked(each, mark, name) for each in value)
    return value


def chunk(mark):
    instants = np.arange(0, 600_000, 15_000, dtype=np.int64) + 1_772_373_600_000
    values = np.ones(len(instants))
    codec, data = pack(instants, values)
    event = samples(
        count=len(instants), codec=codec, sha256=columns_sha256(instants, values), labels={"customer": mark}
    )
    return Incoming(event=event, payload=data)


OURS = ("log-sealed", "settings-changed", "announcing-set", "event-redacted")
KINDS = sorted({each.TOPIC for each in one_of_each()} - set(OURS))


def incomings(mark):
    """One of each kind, with a mark in its texts and a payload that holds it."""
    found = []
    for each in one_of_each():
        if each.TOPIC in ("metric-sampled", *OURS):
            continue
        event = each if each.TOPIC == "incident-merged" else marked(each, mark)
        if isinstance(event, Decision) and event.incident:
            event = msgspec.structs.replace(event, incident="INC-1")
        if each.TOPIC in ("event-amended", "event-retracted", "event-linked", "event-unlinked"):
            event = msgspec.structs.replace(event, target=event_id(error(6.5)))
        if each.TOPIC == "event-amended":
            event = msgspec.structs.replace(event, changes={"title": f"so {mark}"}, target_scopes=())
        if each.TOPIC == "file-attached":
            data = mark.encode()
            event = msgspec.structs.replace(event, sha256=hashlib.sha256(data).digest(), by_hash=True)
            found.append(Incoming(event=event, payload=data))
            continue
        payload = b"" if isinstance(event, Decision) else json.dumps({"said": mark}).encode()
        found.append(Incoming(event=event, payload=payload))
    return [*found, chunk(mark), Incoming(event=error(6.5))]


def fill(path, topic, mark):
    """Write a log with all of them, the mark only in one; return that one."""
    with Log(path) as log:
        plain, telling = incomings("harmless"), incomings(mark)
        chosen = [
            mine if topic == mine.event.TOPIC else other for mine, other in zip(telling, plain, strict=True)
        ]
        if topic != "incident-merged":
            chosen = [each for each in chosen if each.event.TOPIC != "incident-merged"]
        else:
            chosen = [
                Incoming(event=msgspec.structs.replace(each.event, why=mark))
                if topic == each.event.TOPIC
                else each
                for each in chosen
            ]
        log.append(
            [each for each in chosen if not isinstance(each.event, Decision) or each.event.incident is None]
        )
        steps = [
            each for each in chosen if isinstance(each.event, Decision) and each.event.incident == "INC-1"
        ]
        log.decide("INC-1", lambda held: steps)
        return next(each for each in chosen if topic == each.event.TOPIC)


@pytest.mark.parametrize("topic", KINDS)
def test_every_kind_can_be_redacted_and_every_answer_stays_sound(tracker, tmp_path, topic):
    """
    Its text is in no answer and in no file, every command answers as before, and the log is whole.
    """
    target = fill("tracker.db", topic, MARK)
    holds = MARK.encode() in files(tmp_path)
    handle = event_id(target.event)[-7:]
    before = [each.code for each in everything(tracker, "show", handle)]

    answer = tracker("redact", event_id(target.event), "--why", "not for here")

    if not holds or topic == "bundle-imported":
        refused(answer, 12, "has no text")
        return
    assert answer.code == 0, answer.err
    assert MARK.encode() not in files(tmp_path)
    after = everything(tracker, "show", handle)
    assert [each.code for each in after] == before
    assert not [each for each in after if MARK in each.out + each.err]
    assert "redacted" in tracker("history", handle).out + tracker("show", handle).out
    assert handle in tracker("report", 1, "-o", "-").out or topic in (
        "source-collected",
        "alert-rule-seen",
        "source-returned",
        "branch-seen",
        "delivery-dropped",
    )
    verified = tracker("verify")
    assert (verified.code, " redacted" in verified.out) == (0, True), verified.out
    with frames.open("tracker.db") as held:
        for table in (
            held.incidents(),
            held.timeline(),
            held.timeline("INC-1"),
            held.changes(),
            held.alerts(),
        ):
            assert MARK not in table.to_csv()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=8, max_size=60),
        min_size=2,
        max_size=5,
        unique=True,
    ),
    data=st.data(),
)
def test_any_note_of_any_words_can_go_and_the_others_stay(tracker, tmp_path, texts, data):
    """
    Whatever was typed, in whatever letters: what is left of the log are the others, word for word.
    """
    for each in tmp_path.glob("tracker.db*"):
        each.unlink()
    tracker("declare", "Payments", "--service", "checkout", "--severity", "critical")
    handles = [noted(tracker, f"x{text}x") for text in texts]
    gone = data.draw(st.integers(0, len(texts) - 1))

    answer = tracker("redact", handles[gone], "--why", "?")

    assert answer.code == 0, answer.err
    held = files(tmp_path)
    for number, text in enumerate(texts):
        assert (f"x{text}x".encode() in held) is (number != gone)
    titles = [each["title"] for each in tracker("timeline", 1, "--json").json["entries"]]
    assert titles[1 + gone] == "[redacted]"
    assert tracker("verify").code == 0


def test_redacted_samples_leave_verdicts_that_say_so(declared):
    """
    They are gone, not zero: the table says who took them out.
    """
    declared("deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T14:04:00Z")
    with Log("tracker.db") as log:
        log.append([chunk("ACME Corp")])
    answer = declared("redact", event_id(chunk("ACME Corp").event), "--why", "a customer")

    assert answer.code == 0, answer.err
    found = declared("compare", 1, "--json").json["rows"]
    assert found
    assert all("redacted" in row["flags"] for row in found)
    assert all("Samples of it were redacted by ada on" in row["reason"] for row in found)
    assert "metric sampled of error_ratio, redacted by ada" in declared("report", 1, "-o", "-").out
