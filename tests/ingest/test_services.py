"""Which service a payload speaks of, and what happens when two could be meant."""

from tracker.ingest.services import ServiceRule, ServiceRules


def test_a_service_without_labels_is_meant_by_the_label_service() -> None:
    """
    Most teams label alerts with the service: that needs no configuration.
    """
    rules = ServiceRules((ServiceRule("checkout"), ServiceRule("payments")))

    assert rules.for_alert({"alertname": "Down", "service": "payments"}) == "payments"
    assert rules.for_alert({"service": "search"}) is None
    assert rules.for_alert({}) is None


def test_all_labels_of_a_rule_must_match_and_the_most_win() -> None:
    """
    A rule that says more is meant before one that says less, wherever it stands in the file.
    """
    rules = ServiceRules(
        (
            ServiceRule("shop", alert_labels={"team": "payments"}),
            ServiceRule("checkout", alert_labels={"team": "payments", "job": "checkout"}),
            ServiceRule("cart"),
        )
    )

    assert rules.for_alert({"team": "payments", "job": "checkout"}) == "checkout"
    assert rules.for_alert({"team": "payments", "job": "search"}) == "shop"
    assert rules.for_alert({"job": "checkout"}) is None
    assert rules.for_alert({"team": "payments", "service": "cart"}) == "shop"
    assert rules.for_alert({"service": "shop"}) is None


def test_a_project_is_found_by_its_list_before_its_name() -> None:
    """
    A project that is listed under one service belongs to it, even if another has its name.
    """
    rules = ServiceRules((ServiceRule("shop"), ServiceRule("checkout", sentry_projects=("shop", "17"))))

    assert rules.for_project("shop") == "checkout"
    assert rules.for_project("17") == "checkout"
    assert rules.for_project("checkout") == "checkout"
    assert rules.for_project("search") is None
    assert rules.for_project(None) is None


def test_names_are_exact() -> None:
    """
    A name is one service or none: nothing is guessed.
    """
    rules = ServiceRules((ServiceRule("checkout"),))

    assert rules.names == ("checkout",)
    assert rules.for_name("checkout") == "checkout"
    assert rules.for_name("Checkout") is None
    assert rules.for_name(None) is None
