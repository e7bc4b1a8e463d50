"""`timeline`, `show`, `list`, `changes`: their JSON, their tables, and the log as it was."""

import pytest

from tests.cli.conftest import DAY, refused

ROW = {
    *("event", "kind", "occurred_at", "recorded_at", "service", "source", "title", "detail", "evidence"),
    *("amended", "late_seconds", "attribution"),
}
DURATIONS = {
    "time_to_detect",
    "time_to_declare",
    "time_to_fix_deployed",
    "time_to_recover",
    "downtime",
    "time_to_resolve",
}
DURATION = {"seconds", "at_least", "at_most", "state", "from", "to", "formula"}


@pytest.fixture
def fixed(declared):
    """INC-1, from a bad deploy to its resolution."""
    declared(
        "deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T13:50:30.5Z", "--sha", "abcdef0123456789"
    )
    declared("note", 1, "the pool is empty", "--kind", "hypothesis", "--at", "14:10Z")
    declared("rollback", "finish", "checkout", "v1.1.9", "--at", f"{DAY}T14:20Z")
    declared("milestone", 1, "mitigated", "--at", "14:22Z")
    declared("resolve", 1, "--at", "14:40Z")
    return declared


# ── timeline ─────────────────────────────────────────────────────────────────


def test_a_timeline_has_the_keys_that_scripts_rely_on(fixed):
    """
    One document, rows in the order of the world, instants with milliseconds.
    """
    answer = fixed("timeline", 1, "--json").json

    assert set(answer) == {"incident", "known_at", "entries"}
    assert answer["incident"] == "INC-1"
    assert all(set(row) >= ROW for row in answer["entries"])
    instants = [row["occurred_at"] for row in answer["entries"]]
    assert instants == sorted(instants)
    assert instants[0] == f"{DAY}T13:50:30.500Z"
    first = answer["entries"][0]
    assert (first["kind"], first["service"], first["title"]) == (
        "deploy-finished",
        "checkout",
        "Deployed v1.2.0",
    )
    assert first["evidence"] == [first["event"]]
    assert answer["known_at"] == max(row["recorded_at"] for row in answer["entries"])


def test_lateness_is_said_from_a_minute_on(declared):
    """
    For notes too; what was written down at once is not late.
    """
    declared("note", 1, "late", "--at", "14:10Z")
    declared("declare", "x", "--service", "s", "--severity", "minor")
    declared("note", 2, "at once")

    late = {
        row["title"]: row["late_seconds"]
        for n in (1, 2)
        for row in declared("timeline", n, "--json").json["entries"]
    }
    assert late["at once"] is None
    assert late["late"] > 60
    assert "recorded" in declared("timeline", 1).out
    assert "~" not in declared("timeline", 2).out


def test_recorded_order_is_how_the_log_learned_of_it(fixed):
    """
    In this order corrections are rows as well.
    """
    handle = fixed("timeline", 1, "--json").json["entries"][0]["event"]
    fixed("amend", handle, "--at", f"{DAY}T13:51Z", "--why", "clock")

    rows = fixed("timeline", 1, "--order", "recorded", "--json").json["entries"]

    assert [row["recorded_at"] for row in rows] == sorted(row["recorded_at"] for row in rows)
    assert rows[-1]["kind"] == "event-amended"


def test_a_span_of_services_has_a_timeline_without_an_incident(fixed):
    """
    What happened around then, on these services, or on all of them.
    """
    fixed("deploy", "finish", "search", "v9", "--at", f"{DAY}T14:00Z")
    span = ("--from", f"{DAY}T13:00Z", "--to", f"{DAY}T15:00Z", "--json")

    one = fixed("timeline", "--service", "checkout", *span).json
    every = fixed("timeline", *span).json

    assert one["incident"] is None
    assert [row["title"] for row in one["entries"]] == ["Deployed v1.2.0", "Rolled back to v1.1.9"]
    assert len(every["entries"]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name an incident, or give --from and --to"),
        (("--from", f"{DAY}T15:00Z", "--to", f"{DAY}T13:00Z"), 2, "is not after --from"),
        ((9,), 12, "there is no INC-9"),
        ((1, "--order", "random"), 2, "'recorded'"),
        ((1, "--at-seq", "many"), 2, "--at-seq"),
        ((1, "--at-seq", "-1"), 2, "the log ends at"),
        ((1, "--at-seq", "99999"), 2, "the log ends at"),
        ((1, "--at-seq", "1", "--known-at", "now"), 2, "Give only one of them"),
        ((1, "--known-at", "2026-01-01T00:00Z"), 12, "not declared yet at position 0"),
    ],
)
def test_a_timeline_of_nothing_that_is_is_refused(declared, words, code, said):
    """
    With what to type instead.
    """
    refused(declared("timeline", *words), code, said)


@pytest.mark.parametrize("command", ["timeline", "show"])
def test_the_log_is_read_as_it_was(fixed, command):
    """
    --at-seq and --known-at cut at the same place, and give the same answer for good.
    """
    position = fixed("verify", "--json").json["position"]
    last = max(row["recorded_at"] for row in fixed("timeline", 1, "--json").json["entries"])
    before = fixed(command, 1, "--json", "--at-seq", position).json
    fixed("reopen", 1, "--why", "again")
    fixed("note", 1, "learned later", "--at", "14:11Z")

    assert fixed(command, 1, "--json", "--at-seq", position).json == before
    # An instant is written in milliseconds, and recorded in microseconds: one more is after it.
    after = last[:-1] + "999Z"
    known = fixed(command, 1, "--json", "--known-at", after).json
    assert {**known, "known_at": None} == {**before, "known_at": None}
    assert fixed(command, 1, "--json").json != before


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m \x1b]0;title\x07",
        "a\x00b\x08c\x7f\x9b31m",
        "\u202egnp.exe\u2066",
        "line\nbreak\r\ttab",
        "\u2028separator\u2029",
    ],
)
def test_no_text_drives_the_terminal_of_who_reads_it(declared, text):
    """
    Whatever a payload or a person wrote: one row, and nothing in it that a terminal obeys.
    """
    rows = len(declared("timeline", 1).out.splitlines())
    handle = declared("note", 1, text, "--by", text.strip() or "x", "--json").json["events"][0][-7:]
    declared("declare", text, "--service", "s", "--severity", "minor", "--impact", text, "--lead", text)

    for words in (("timeline", 1), ("show", handle), ("history", handle), ("list",), ("show", 2), ()):
        answer = declared(*words)
        assert answer.code == 0
        assert all(char.isprintable() or char == "\n" for char in answer.out), words
    assert all(char.isprintable() or char == "\n" for char in declared("note", 1, text, "--by", text).err)
    assert len(declared("timeline", 1).out.splitlines()) == rows + 3  # a date and two notes
    assert declared("show", handle, "--json").json["fields"]["text"] == text.strip()


def test_wide_letters_keep_the_columns(declared):
    """
    Emoji and Chinese take two columns, combining marks none.
    """
    declared("note", 1, "🔥 支付 e\u0301", "--by", "李雷")

    lines = declared("timeline", 1).out.splitlines()
    assert "李雷  🔥 支付" in lines[-1]
    assert "ada   Incident started" in lines[1]


def test_a_huge_text_is_kept_whole_and_shown_short(declared):
    """
    A pasted log does not fill the screen of whoever asks what happened.
    """
    text = "connection refused " * 5_000
    handle = declared("note", 1, text, "--json").json["events"][0][-7:]

    assert declared("show", handle, "--json").json["fields"]["text"] == text.strip()
    assert len(declared("list").out) < 1_000
    assert len(declared("timeline", 1).out) < 1_000
    assert f"full text: tracker show {handle}" in declared("timeline", 1).out
    assert declared("report", 1, "-o", "-").out.count(text.strip()) == 1


# ── show ─────────────────────────────────────────────────────────────────────


def test_an_incident_is_shown_with_its_durations(fixed):
    """
    Each with its bounds, its state, its two instants and its formula.
    """
    shown = fixed("show", 1, "--json").json

    assert set(shown["durations"]) >= DURATIONS
    assert all(set(each) == DURATION for each in shown["durations"].values())
    seconds = {name: each["seconds"] for name, each in shown["durations"].items()}
    assert seconds["time_to_detect"] == 180
    assert seconds["time_to_declare"] == 120
    assert seconds["time_to_recover"] == seconds["downtime"] == 22 * 60
    assert seconds["time_to_resolve"] == 37 * 60
    assert seconds["time_to_fix_deployed"] == 17 * 60
    assert shown["durations"]["downtime"]["from"] == f"{DAY}T14:00:00.000Z"
    assert shown["durations"]["downtime"]["to"] == f"{DAY}T14:22:00.000Z"


def test_what_is_not_over_is_pending(declared):
    """
    Not zero, and not until now.
    """
    found = declared("show", 1, "--json").json["durations"]

    assert {found[name]["state"] for name in ("downtime", "time_to_resolve", "time_to_fix_deployed")} == {
        "pending"
    }
    assert found["downtime"]["seconds"] is None


def test_a_detection_that_nobody_recorded_is_not_made_up(tracker):
    """
    It lies between the start and the declaration, 14:05 being any instant of that minute; no more is known.
    """
    tracker(
        "declare",
        "x",
        "--service",
        "s",
        "--severity",
        "minor",
        "--at",
        f"{DAY}T14:05Z",
        "--started",
        "14:00Z",
    )

    found = tracker("show", 1, "--json").json["durations"]
    for name in ("time_to_detect", "time_to_declare"):
        assert (found[name]["state"], found[name]["seconds"], found[name]["at_most"]) == (
            "uncertain",
            None,
            360,
        )


def test_an_event_is_shown_with_how_it_came(fixed):
    """
    What it says, when it was recorded and where in the log.
    """
    shown = fixed("show", "checkout@v1.2.0", "--json").json

    assert shown["kind"] == "deploy-finished"
    assert shown["arrival"] == {"via": "typed", "reported_by": "ada"}
    assert shown["fields"]["version"] == "v1.2.0"
    assert (shown["raw"], shown["payload_bytes"]) == (None, 0)
    refused(fixed("show", "checkout@v1.2.0", "--raw"), 11, "has no payload: it was typed")


# ── list ─────────────────────────────────────────────────────────────────────


def test_what_a_server_told_is_not_called_typed(fixed, tmp_path):
    """
    An event without bytes of its own says whence it was read.
    """
    from tests.builders import deploy
    from tracker.events.base import Arrival, Incoming
    from tracker.log import Log

    with Log(str(tmp_path / "tracker.db")) as log:
        facts = [
            Incoming(event=deploy(minute), arrival=Arrival(via=via))
            for minute, via in ((1, "poll"), (2, "webhook"), (3, "file"))
        ]
        handles = [each[-7:] for each in log.append(facts).recorded]

    for handle, said in zip(handles, ("read from ", "sent by ", "read from a file of "), strict=True):
        refused(fixed("show", handle, "--raw"), 11, f"has no payload: it was {said}")


def test_a_list_is_newest_first_and_can_be_narrowed(fixed):
    """
    By being open, and by service.
    """
    fixed("declare", "Search is slow", "--service", "search", "--severity", "minor")

    def names(*words):
        return [each["incident"] for each in fixed("list", "--json", *words).json["incidents"]]

    assert names() == ["INC-2", "INC-1"]
    assert names("--open") == ["INC-2"]
    assert names("--service", "checkout") == ["INC-1"]
    assert "INC-1  critical  fixed" in fixed("list").out


def test_tracker_alone_says_what_is_open_and_what_is_due(declared):
    """
    The shortest command is the one that is typed at three in the morning.
    """
    assert "INC-1: name the lead: tracker lead INC-1 NAME" in declared().out
    declared("resolve", 1)
    assert "There is no open incident" in declared().out


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--service", "chekout"),
        ("changes", "--service", "chekout"),
        ("timeline", "--service", "chekout", "--from", f"{DAY}T00:00Z", "--to", f"{DAY}T23:00Z"),
    ],
    ids=lambda words: words[0],
)
def test_a_service_that_nobody_knows_is_refused_where_it_is_asked_for(declared, tmp_path, words):
    """
    An empty answer would say that all is well; what only the log knows may be asked for.
    """
    (tmp_path / "tracker.toml").write_text("[services.search]\n[services.checkout]\n")
    known = ["checkout" if word == "chekout" else word for word in words]

    refused(declared(*words), 11, "there is no service 'chekout'", "Did you mean checkout?")
    assert declared(*known).code == 0
    declared("deploy", "finish", "checkout", "v1", "--at", f"{DAY}T14:00Z")
    (tmp_path / "tracker.toml").write_text("[services.search]\n")
    assert declared(*known).code == 0


def test_a_service_without_incidents_is_named(declared, tmp_path):
    """
    There are others.
    """
    (tmp_path / "tracker.toml").write_text("[services.search]\n")

    assert declared("list", "--service", "search").out.startswith("There is no incident of search in ")


# ── changes ──────────────────────────────────────────────────────────────────


def test_changes_are_newest_first_with_candidates_and_why(fixed):
    """
    Of all services; the deploy before the start is a candidate by time, and says so.
    """
    fixed("deploy", "finish", "search", "v9", "--at", f"{DAY}T12:00Z")

    answer = fixed("changes", 1, "--json").json

    assert set(answer) == {"from", "to", "changes"}
    assert [(each["service"], each["kind"], each["version"]) for each in answer["changes"]] == [
        ("checkout", "rollback", "v1.1.9"),
        ("checkout", "deploy", "v1.2.0"),
        ("search", "deploy", "v9"),
    ]
    bad = answer["changes"][1]
    assert bad["candidate_for"] == [
        {
            "incident": "INC-1",
            "seconds_before_start": 569.5,
            "why": "the deploy ended 9 min before INC-1 started",
            "moved": [],
        }
    ]
    assert answer["changes"][2]["candidate_for"] == []
    assert "candidate for INC-1: the deploy ended 9 min before INC-1 started" in fixed("changes", 1).out
    assert "search" not in fixed("changes", 1, "--service", "checkout").out


def test_no_changes_says_how_to_feed_them(declared):
    """
    An empty answer is not a blank screen.
    """
    answer = declared("changes", "--service", "checkout")

    assert (answer.code, answer.out.splitlines()[0].split(" between")[0]) == (
        0,
        "No deploy, rollback or merge of checkout",
    )
    assert "tracker ingest git" in answer.out
