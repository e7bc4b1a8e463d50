"""Where a change went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.places import PRODUCTION, place_of


@pytest.mark.parametrize(
    "name",
    [
        "production", "Production", "PROD", "prod", "live", "Live", "eu/production", "aws:eu-west-1/prod",
        "shop-production", "prd", "PRD-eu", "Produktion", "eu/produktion", "orders_live", "prod-eu", "Production (EU)", "prod1", "ShopProd", " prod ",
    ],
)  # fmt: skip
def test_tools_call_production_by_many_names(name):
    """
    In any case, and with a region or a service around it.
    """
    assert place_of(name) == PRODUCTION


@pytest.mark.parametrize(
    "name",
    [
        "staging", "preview/pr-12", "preprod", "pre-production", "PreProd", "nonprod", "non-production",
        "prod-test", "staging/live", "live-preview", "productivity", "reproduction", "olive", "qa",
    ],
)  # fmt: skip
def test_what_only_sounds_like_production_is_none(name):
    """
    It stays a place of its own.
    """
    assert place_of(name) == name.casefold() != PRODUCTION


def test_a_service_may_name_its_own():
    """
    A numbered region is not another one, and a name that sounds like a test place counts where it is named.
    """
    assert place_of("EU-west-1", ["eu-west-1"]) == PRODUCTION
    assert place_of("eu-west-2", ["eu-west-1"]) == "eu-west-2"
    assert place_of("production", ["eu-west-1"]) == PRODUCTION
    assert place_of("live", ["eu-west-1"]) == "live"
    assert place_of("staging", ["staging"]) == PRODUCTION


def test_a_place_that_nobody_named_is_production():
    """
    A variable that was not set: --env "$ENVIRONMENT".
    """
    assert {place_of(name) for name in (None, "", "  ")} == {PRODUCTION}


@given(st.text(max_size=30))
def test_capitals_make_no_other_place(name):
    """
    Whatever the name is.
    """
    if name.isascii():
        assert place_of(name.lower()) == place_of(name.upper())
