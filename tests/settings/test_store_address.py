"""No form of a PostgreSQL address shows its password, whether libpq can read it or not."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import SettingsError, TrackerError
from tracker.log.postgres import probe
from tracker.settings.store_address import check_address, is_address, shown_address

SECRET = "S3cretPw99"
READ = {
    "in the user part": f"postgresql://ada:{SECRET}@127.0.0.1:1/tracker",
    "percent-encoded": f"postgresql://ada:%40{SECRET}%2F@127.0.0.1:1/tracker",
    "in the query": f"postgresql://127.0.0.1:1/tracker?user=ada&password={SECRET}",
    "in the query, its name encoded": f"postgresql://127.0.0.1:1/tracker?user=ada&%70assword={SECRET}",
    "in the query, with an @": f"postgres://127.0.0.1:1/tracker?password=p@{SECRET}",
    "of a key": f"postgresql://127.0.0.1:1/tracker?sslpassword={SECRET}",
    "twice": f"postgresql://ada:{SECRET}@127.0.0.1:1/tracker?password={SECRET}x",
}
REFUSED = {
    "an @ of its own": f"postgresql://ada:p@{SECRET}@127.0.0.1:1/tracker",
    "a / of its own": f"postgresql://ada:{SECRET}/x@127.0.0.1:1/tracker",
    "a / first": f"postgresql://ada:/{SECRET}@127.0.0.1:1/tracker",
    "no host": f"postgresql://ada:{SECRET}/tracker",
    "a space": f"postgresql://ada:x {SECRET}@127.0.0.1:1/tracker",
    "a broken %": f"postgresql://ada:{SECRET}%zz@127.0.0.1:1/tracker",
    "a broken host": f"postgresql://ada:{SECRET}@[::1/tracker",
    "a : that is encoded": f"postgresql://ada%3A{SECRET}@127.0.0.1:1/tracker",
    "a query without a /": f"postgresql://127.0.0.1:1?password=p@{SECRET}",
    "an unknown key": f"postgresql://127.0.0.1:1/tracker?passwort={SECRET}",
    "a scheme in capitals": f"POSTGRESQL://ada:{SECRET}@127.0.0.1:1/tracker",
    "one slash": f"postgresql:/ada:{SECRET}@127.0.0.1:1/tracker",
    "no slashes": f"postgres:ada:{SECRET}@127.0.0.1:1/tracker",
    "something before the scheme": f"ada:{SECRET}@postgresql://127.0.0.1:1/tracker",
    "another scheme": f"mysql://ada:{SECRET}@127.0.0.1:1/tracker",
    "keywords": f"host=127.0.0.1 port=1 password={SECRET}",
    "keywords, with spaces": f"user = ada password = '{SECRET}'",
    "keywords that end too early": f"host=127.0.0.1 password='{SECRET}",
}


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_an_address_that_is_read_otherwise_than_meant_is_refused(address: str):
    """
    Before anything is sent to a host that is a piece of a password; as settings, not as a file's name.
    """
    assert is_address(address)
    with pytest.raises(SettingsError) as refused:
        check_address(address)
    assert SECRET not in str(refused.value) + refused.value.hint
    assert SECRET not in shown_address(address)


@pytest.mark.parametrize("address", READ.values(), ids=READ)
def test_an_address_is_shown_by_its_server_and_database(address: str):
    """
    What libpq marks as secret is left out, and what it may repeat in an error holds nothing of it.
    """
    check_address(address)

    assert shown_address(address) == "postgresql://127.0.0.1:1/tracker"
    with pytest.raises(TrackerError) as away:
        probe(address)
    assert SECRET not in str(away.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ada@[::1]:5433/log", "postgresql://::1:5433/log"),
        ("postgresql:///log?host=/run/postgresql", "postgresql:///run/postgresql/log"),
        ("postgresql:///?service=prod", "postgresql:///?service=prod"),
        ("postgresql://one:1,two:2/log", "postgresql://one,two:1,2/log"),
        ("/var/lib/a@b/tracker.db", "/var/lib/a@b/tracker.db"),
        ("/srv/data=1/tracker.db", "/srv/data=1/tracker.db"),
    ],
)
def test_what_has_no_password_is_shown(address: str, shown: str):
    assert shown_address(address) == shown


@given(st.text(min_size=1, max_size=12), st.booleans())
def test_any_password_that_is_encoded_is_left_out(password: str, in_query: bool):
    """
    Whatever stands in it: nothing else of the address changes.
    """
    encoded = quote(password.replace("\0", "x").encode("utf-8", "replace"), safe="")
    user = "" if in_query else f"ada:{encoded}@"
    address = f"postgresql://{user}db.example/log" + (f"?password={encoded}" if in_query else "")

    check_address(address)
    assert shown_address(address) == "postgresql://db.example/log"


@given(st.text("aZ9@:/?#&=%[] '", min_size=1, max_size=14))
def test_any_password_as_it_is_never_becomes_something_that_is_shown(password: str):
    """
    Where libpq reads it as meant it is the password; otherwise the address is refused.
    """
    address = f"postgresql://ada:{password}@db.example/log"
    try:
        check_address(address)
    except SettingsError:
        assert shown_address(address) == "postgresql:///"
    else:
        assert shown_address(address) == "postgresql://db.example/log"
