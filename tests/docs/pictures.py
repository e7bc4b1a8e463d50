"""Draw the pictures of README and docs/tour.md anew, from the demo: .venv/bin/python -m tests.docs.pictures

Needs Chromium. Run it whenever the first screen of the report changes, and look at what it drew.
"""

import base64
import os
import shutil
import tempfile
from pathlib import Path

from tests.servers.chromium import Chromium, chromium
from tracker.cli import main

TOUR = Path(__file__).parents[2] / "docs" / "tour"
_WIDTH = 900
_MARGIN = 16


def draw() -> None:
    """Play the demo into a folder that is removed again, and keep its first screen and its main picture."""
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as browser:
        os.chdir(folder)
        assert main(["demo", "demo"]) == 0
        os.chdir("demo")
        assert main(["report", "INC-42", "--format", "html"]) == 0
        shutil.copyfile("INC-42/checkout-error_ratio.svg", TOUR / "failed-requests.svg")
        (TOUR / "first-screen.png").write_bytes(_first_screen(browser, Path("INC-42.html")))
        os.chdir(TOUR)


def _first_screen(browser: Chromium, page: Path) -> bytes:
    """Draw a page from its title to the end of the first screen, without the list of contents."""
    browser.open(page, width=_WIDTH)
    browser.evaluate("document.querySelector('nav').remove()")
    bottom = browser.evaluate("document.querySelector('.first-screen').getBoundingClientRect().bottom")
    clip = {"x": 0, "y": 0, "width": _WIDTH, "height": bottom + _MARGIN, "scale": 1}
    drawn = browser.call("Page.captureScreenshot", session=True, captureBeyondViewport=True, clip=clip)
    return base64.b64decode(drawn["data"])


if __name__ == "__main__":
    draw()
