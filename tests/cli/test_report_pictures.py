"""Each picture that a report links is beside it, wherever the report goes."""

import re
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest

from reports.markdown import link

TOML = """
[prometheus]
url = "{url}"
[services.checkout.metrics.error_ratio]
query = "errors"
unit = "ratio"
better = "lower"
"""
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]*)\)")


@pytest.fixture
def measured(declared, tmp_path, make_prometheus):
    """INC-1 with samples of one metric."""
    start = datetime.fromisoformat("2026-03-01T13:00:00+00:00")
    samples = [((start + timedelta(minutes=n)).timestamp(), 0.01 * (n % 7)) for n in range(180)]
    (tmp_path / "tracker.toml").write_text(TOML.format(url=make_prometheus([("errors", {}, samples)]).url))
    assert declared("resolve", 1, "--at", "15:00Z").code == 0
    assert declared("collect", 1).code == 0
    return declared


def test_no_link_of_a_report_is_dead(measured, tmp_path):
    """
    On stdout, in JSON and on a device there is no place beside it, also where pictures are asked for.
    """
    for pictures in ("svg", "png", "none", None):
        asked = ("--pictures", pictures) if pictures else ()
        for place in (("-o", "-"), ("--json",), ("-o", "/dev/null")):
            answer = measured("report", 1, *asked, *place)
            text = answer.json["markdown"] if place == ("--json",) else answer.out
            assert answer.code == 0
            assert "![" not in text
            assert ("no place for them" in answer.err) is (pictures in ("svg", "png"))
        folder = tmp_path / str(pictures)
        folder.mkdir()
        assert measured("report", 1, *asked, "-o", folder / "r.md").code == 0
        links = PICTURE.findall((folder / "r.md").read_text())
        assert len(links) == (pictures != "none")
        assert all((folder / unquote(target)).is_file() for target in links)
    assert not (tmp_path / "INC-1").exists()


@pytest.mark.parametrize("name", ["p99 (slow).svg", "a#b?c.svg", "50%.svg", "<x>[y].svg", "höhe.svg"])
def test_a_name_is_one_target_in_markdown(name):
    """
    Such names come in bundles, and where no service is configured.
    """
    assert unquote(link(name)) == name
    assert re.fullmatch(r"[^\s()<>\[\]#?]+", link(name))
    assert link("checkout-error_ratio.Europe-Berlin.svg") == "checkout-error_ratio.Europe-Berlin.svg"


def _files(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "other", ["other.md", "a b#c?.md", "INC-1.txt", "report", "höhe\u202e.md", "INC-1.v2.md"]
)
def test_a_report_in_another_file_touches_no_other_picture(measured, tmp_path, other):
    """
    Its pictures lie in a folder of its own name, though it says something else by now; it is verified with them.
    """
    assert measured("report", 1).code == 0
    before = _files(tmp_path / "INC-1") | {tmp_path / "INC-1.md": (tmp_path / "INC-1.md").read_bytes()}

    assert measured("milestone", 1, "mitigated", "--at", "14:40Z").code == 0
    assert measured("report", 1, "-o", tmp_path / other).code == 0

    assert (
        _files(tmp_path / "INC-1") | {tmp_path / "INC-1.md": (tmp_path / "INC-1.md").read_bytes()} == before
    )
    [picture] = PICTURE.findall((tmp_path / other).read_text())
    drawn = tmp_path / unquote(picture)
    assert drawn.is_file()
    assert drawn.parent != tmp_path / "INC-1"
    assert measured("verify", "--report", tmp_path / other).code == 0
    drawn.write_bytes(drawn.read_bytes() + b" ")
    assert f"{drawn} differs" in measured("verify", "--report", tmp_path / other).out
    assert measured("report", 1, "-o", tmp_path / other).code == 0
    assert measured("verify", "--report", tmp_path / other).code == 0


def test_a_published_report_restored_under_another_name_rewrites_no_picture(measured, tmp_path):
    """
    The published text links the pictures that it was published with; those that are there stay as they are.
    """
    assert measured("publish", 1, "--why", "x").code == 0
    picture = next((tmp_path / "INC-1").glob("*.svg"))
    picture.write_bytes(b"by hand")

    assert measured("publish", 1, "-o", tmp_path / "other.md").code == 0

    assert picture.read_bytes() == b"by hand"
