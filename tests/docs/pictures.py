"""Draw the pictures of README, docs/tour.md and docs/page.md anew, from the demo: .venv/bin/python -m tests.docs.pictures

Needs Chromium. Run it whenever the first screen of the report or the page of serve changes, and look at what it drew.
"""

import base64
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.servers.chromium import Chromium, chromium
from tests.servers.process import answers, end, free_port, start
from tracker.cli import main

TOUR = Path(__file__).parents[2] / "docs" / "tour"
PAGE = TOUR.with_name("page")
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
        _pages(browser)
        os.chdir(TOUR)


def _pages(browser: Chromium) -> None:
    """Draw the page of the demo's incident, as `tracker serve` shows it."""
    port = free_port()
    command = [sys.executable, "-m", "tracker", "serve", "--port", str(port)]
    server = start(command, ready=answers(f"http://127.0.0.1:{port}/readyz"), log=Path("serve.log"))
    try:
        for name, width, height, dark in (
            ("phone", 375, 667, False),
            ("laptop", 1100, 960, False),
            ("dark", 1100, 700, True),
        ):
            browser.open(f"http://127.0.0.1:{port}/INC-42", width=width, height=height, dark=dark)
            (PAGE / f"{name}.png").write_bytes(browser.picture(whole=False))
    finally:
        end(server)


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
