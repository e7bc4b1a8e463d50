"""`tracker serve link` and `unlink`: a signed link with an end, listed, and taken back."""

from datetime import UTC, datetime, timedelta

import pytest

SETTINGS = """
[page]
access = "link"
url = "https://tracker.example/"
[services.checkout]
"""


@pytest.fixture
def linking(tracker, tmp_path):
    """A log with INC-1 whose page is open to links."""
    (tmp_path / "tracker.toml").write_text(SETTINGS)
    assert tracker("declare", "payments fail", "--service", "checkout", "--severity", "major").code == 0
    return tracker


def test_a_link_to_one_incident_is_printed_alone(linking):
    """
    What it opens, until when, and how to take it back is said beside it.
    """
    end = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:00Z")

    made = linking("serve", "link", "1", "--until", end)

    assert made.code == 0
    assert made.out.startswith("https://tracker.example/INC-1?link=")
    assert made.out.count("\n") == 1
    assert f"Whoever has it sees INC-1 and nothing else, read-only, until {end[:-1]}.000Z." in made.err


def test_links_are_listed_and_taken_back(linking):
    """
    Without an incident a link is to all, for a day; one that was taken back stays in the list.
    """
    one, other = linking("serve", "link", "--json").json, linking("serve", "link", "1", "--json").json
    assert linking("serve", "unlink", one["url"], "--by", "ben").code == 0

    listed = linking("serve", "link", "--list", "--json").json["links"]

    assert [
        (link["link"], link["incident"], link["open"], link["by"], link["revoked_by"]) for link in listed
    ] == [
        (one["link"], None, False, "ada", "ben"),
        (other["link"], "INC-1", True, "ada", None),
    ]
    assert linking("serve", "unlink", one["link"]).code == 12
    shown = linking("serve", "link", "--list").out.splitlines()
    assert "closed" in shown[0]
    assert "INC-1" in shown[1]


def test_a_link_that_would_open_nothing_is_refused(linking, tmp_path):
    """
    One with its end behind it, one to no incident, and any where links do not count; nothing is kept of it.
    """
    assert linking("serve", "link", "--until", "5m-ago").code == 2
    assert linking("serve", "link", "7").code == 12
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n")
    refused = linking("serve", "link")

    assert refused.code == 12
    assert 'access = "link"' in refused.err
    assert linking("serve", "link", "--list").out == "There is no link to the page.\n"


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ('access = "everybody"', "page.access"),
        ('access = "proxy"', "page.trusted_proxies"),
        ('access = "proxy"\ntrusted_proxies = ["10.0.0.1"]', "page.user_header"),
        ('access = "proxy"\ntrusted_proxies = ["0.0.0.0/0"]\nuser_header = "X-User"', "page.trusted_proxies"),
        (
            'access = "proxy"\ntrusted_proxies = ["proxy.example"]\nuser_header = "X-User"',
            "page.trusted_proxies",
        ),
        ('access = "proxy"\ntrusted_proxies = ["10.0.0.1"]\nuser_header = "X User"', "page.user_header"),
        ('user_header = "X-User"', "page.access"),
        ('access = "link"\ntrusted_proxies = ["10.0.0.1"]', "page.access"),
        ('url = "tracker.example"', "page.url"),
        ('acces = "link"', "access"),
    ],
)
def test_settings_that_open_the_page_to_anybody_or_nobody_are_refused(tracker, tmp_path, page, place):
    """
    With the setting that is wrong, and what to write instead.
    """
    (tmp_path / "tracker.toml").write_text(f"[page]\n{page}\n")

    refused = tracker("list")

    assert refused.code == 3
    assert place in refused.err
