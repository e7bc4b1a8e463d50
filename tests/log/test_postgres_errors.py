"""What PostgreSQL and what is in front of it refuse is one line that says what to type."""

import psycopg
import pytest

from tracker.errors import StoreAwayError, StoreError
from tracker.log.postgres import _translated, probe


def test_a_pooler_that_loses_the_session_is_named():
    """
    In transaction mode a prepared statement is gone with the transaction that made it.
    """
    with pytest.raises(StoreError, match="lost its session") as refused, _translated():
        raise psycopg.errors.InvalidSqlStatementName('prepared statement "_pg3_0" does not exist')

    assert "session mode" in refused.value.hint


def test_several_hosts_that_do_not_answer_are_named_once():
    """
    libpq repeats all failures after the last one.
    """
    with pytest.raises(StoreAwayError) as refused:
        probe("postgresql://nobody@127.0.0.1:1,127.0.0.1:2/tracker?target_session_attrs=read-write")

    assert refused.value.message.count("Connection refused") == 1
    assert "\n" not in refused.value.message
