"""No command prints the password of its store."""

import pytest

from tests.cli.conftest import Typed
from tests.settings.test_store_address import READ, REFUSED, SECRET

COMMANDS = [
    ("list",),
    ("list", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("verify", "--json"),
    ("note", 1, "hello"),
    ("spool", "list", "--json"),
    ("inbox", "list"),
    ("run", "test", "checkout", "--sha", "abcdef0", "--", "true"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(str, words)))
def test_no_command_prints_the_password_of_a_store_that_does_not_answer(
    tracker: Typed, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...]
):
    """
    Neither from the environment nor from an option, well formed or not.
    """
    for address in (*READ.values(), *REFUSED.values()):
        monkeypatch.setenv("TRACKER_STORE", address)
        answer = tracker(*words)

        assert SECRET not in answer.out + answer.err, address
        assert "Traceback" not in answer.err


def test_a_store_that_answers_does_not_show_its_password(
    tracker: Typed, monkeypatch: pytest.MonkeyPatch, postgres_url: str
):
    """
    The test server asks for none, so it takes any.
    """
    monkeypatch.setenv(
        "TRACKER_STORE", f"{postgres_url}{'&' if '?' in postgres_url else '?'}password={SECRET}"
    )
    for words in (("doctor",), ("doctor", "--json"), ("list",), ("list", "--json"), ("verify",)):
        answer = tracker(*words)
        assert SECRET not in answer.out + answer.err
        assert "postgresql://" in answer.out or words[0] != "list" or "--json" in words
