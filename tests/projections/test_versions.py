"""Whether two versions are one."""

import pytest

from projections.versions import Version, plain_version, same_name, same_version
from tests.builders import SHA


@pytest.mark.parametrize(
    "other", ["1.2.1", "v1.2.1", "V1.2.1", "checkout@1.2.1", "checkout@v1.2.1", " 1.2.1 "]
)
def test_sources_write_one_version_in_many_ways(other):
    """
    Sentry puts the service before it, git tags a v.
    """
    assert same_name("1.2.1", other)


@pytest.mark.parametrize("other", ["1.2.10", "2.2.1", "vnext", ""])
def test_another_version_is_another_version(other):
    """
    A v that is part of a word stays.
    """
    assert not same_name("1.2.1", other)
    assert plain_version("vnext") == "vnext"


def test_a_whole_commit_hash_and_its_first_digits_are_one_version():
    """
    A pipeline deploys by the hash, a forge by the branch; a date of eight digits is no hash.
    """
    assert same_name(SHA, SHA[:7])
    assert not same_name("20260301", "2026030")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Version("main", SHA), Version("v2.0.1", SHA), True),
        (Version("main", SHA), Version("v2.0.1", SHA[:9].upper()), True),
        (Version("v2.0.1", SHA), Version("v2.0.1", "b" * 40), False),
        (Version("main", SHA), Version(SHA), True),
        (Version("main", SHA), Version(f"checkout@{SHA[:12]}"), True),
        (Version("v2.0.1", SHA), Version("2.0.1"), True),
        (Version("main", SHA), Version("20260301"), False),
        (Version("unknown"), Version("unknown"), False),
        (Version("unknown", SHA), Version("v1", SHA), True),
    ],
)
def test_sameness_goes_by_the_commit_where_both_name_one(one, other, same):
    """
    Else by the name; what nobody named is the same as nothing.
    """
    assert same_version(one, other) is same
    assert same_version(other, one) is same
