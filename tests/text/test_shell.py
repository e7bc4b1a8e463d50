"""A command to paste is one line that a shell reads as the words that it was built of."""

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracker.text.hidden import visible, visible_json
from tracker.text.shell import command, word
from tracker.text.terminal import printable

BASH = shutil.which("bash") or "bash"
HOSTILE = [
    "$(touch ran)",
    "`touch ran`",
    "a; touch ran",
    "a' ; touch ran ; '",
    'a" $(touch ran) "',
    "a\ntouch ran\n",
    "a\r\ntouch ran",
    "a\\'b\\",
    "a | b & c > d < e # f",
    "!! !touch",
    "~ * ? [a] {a,b}",
    "-rf",
    "",
    " two  spaces ",
    "\u202etxt.exe",
    "in\u200bvisible\u2066 \ufeff",
    "\x1b[2J\x07\x7f",
    "no-break\xa0space\u2028line",
    "'\u202e\\'",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def read_by_bash(line: str) -> list[str]:
    """Return the words that bash makes of a line, in which nothing is run."""
    script = f"set -- {line}\nprintf '%s\\0' \"$@\""
    done = subprocess.run(
        [BASH, "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/nowhere"}
    )
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_word_is_read_as_itself(text: str):
    line = command("tracker", "note", text, "--at", text)

    if text == "-rf":
        assert read_by_bash(line) == ["tracker", "note", "--at=-rf", "--", "-rf"]
    else:
        assert read_by_bash(line) == ["tracker", "note", text, "--at", text]
    assert printable(line) == line
    assert "\n" not in line


@settings(max_examples=40)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_any_words_are_read_as_themselves(words: list[str]):
    line = command(*words)

    if not any(word.startswith("-") for word in words):
        assert read_by_bash(line) == words
    assert printable(line) == line


@settings(max_examples=60)
@given(st.lists(st.from_regex(r"-{0,3}[a-z0-9%]{0,8}=?[a-z]{0,3}", fullmatch=True), min_size=3, max_size=3))
def test_a_value_with_a_dash_in_front_is_no_option(values: list[str]):
    """
    As argparse reads the line that bash makes of it. What is an option's name stays one: nobody can tell.
    """
    assume(not any(re.fullmatch(r"--[a-z][a-z-]*|-[A-Za-z]|--", value) for value in values))
    title, service, other = values
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("title")
    parser.add_argument("--service", nargs="+")
    parser.add_argument("--other")

    line = command("tracker", title, "--service", service, "--other", other)

    read = parser.parse_args(read_by_bash(line)[1:])
    assert (read.title, read.service, read.other) == (title, [service], other)


def test_a_path_with_a_dash_in_front_is_a_path():
    assert word(Path("-r.md")) == "./-r.md"
    assert command("tracker", "verify", "--report", Path("-r.md")) == "tracker verify --report ./-r.md"


def test_a_file_name_that_is_not_utf_8_is_read_as_its_bytes():
    assert read_by_bash(word(b"r\xe9sum\xe9.md".decode("utf-8", "surrogateescape"))) == [
        "r\udce9sum\udce9.md"
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc\u202edef", "abc<U+202E>def"),
        ("\u2066a\u2069", "<U+2066>a<U+2069>"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("\ufeffbegins", "<U+FEFF>begins"),
        ("a\u200db", "a<U+200D>b"),
        ("soft\xadhyphen", "soft<U+00AD>hyphen"),
        ("\x1b[31mred", "<U+001B>[31mred"),
        ("filled\u3164in", "filled<U+3164>in"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("a\tb\nc\xa0d", "a b c d"),
        ("👩\u200d💻 ❤\ufe0f\u200d🔥", "👩\u200d💻 ❤\ufe0f\u200d🔥"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("naïve 漢字 שלום €", "naïve 漢字 שלום €"),
    ],
)
def test_what_turns_or_hides_text_is_shown(text: str, shown: str):
    assert visible(text) == shown
    assert printable(text) == shown


@settings(max_examples=60)
@given(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3), max_size=3))
def test_json_that_shows_what_is_hidden_says_the_same(document: dict[str, list[str]]):
    """
    Every character of it is visible, and a program reads the same values.
    """
    written = json.dumps(document, ensure_ascii=False, indent=2)

    shown = visible_json(written)

    assert json.loads(shown) == document
    assert visible(shown.replace("\n", "")) == shown.replace("\n", "")
