"""`tracker demo --company`: written whole, and again over itself."""

from tests.cli.conftest import refused


def test_it_is_written_by_the_demo_and_again_over_itself(tracker, tmp_path):
    """
    The second time it takes the first one's place; what somebody changed is left alone.
    """
    first = tracker("demo", "--company", "co", "--seed", "5", "--json").json
    again = tracker("demo", "--company", "co", "--seed", "5", "--json").json
    (tmp_path / "co" / "mine.txt").write_text("x")

    assert first["head"] == again["head"]
    assert first["events"] > 5000
    refused(tracker("demo", "--company", "co"), 12, "was changed after the demo was created")
