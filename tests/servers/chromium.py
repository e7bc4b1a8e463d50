"""A real Chromium without a window: opens one file, says what it asked for and how wide the page became, and draws it."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
INSTALL = "no Chromium; install it with: sudo apt-get install chromium"


class Chromium:
    """Talks to the browser over two pipes: a JSON document each way, a NUL behind it."""

    def __init__(self, reading: int, writing: int) -> None:
        self._in = os.fdopen(reading, "rb")
        self._out = os.fdopen(writing, "wb")
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable", session=True)

    def close(self) -> None:
        """Let go of the pipes."""
        with contextlib.suppress(OSError):
            self._out.close()
        self._in.close()

    def call(self, method: str, *, session: bool = False, **parameters: Any) -> dict[str, Any]:
        """Ask for one thing, and return the answer."""
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            asked["sessionId"] = self._session
        self._out.write(json.dumps(asked).encode() + b"\0")
        self._out.flush()
        while True:
            said = self._read()
            if said.get("id") == self._number:
                assert "error" not in said, said
                return dict(said["result"])
            self.events.append(said)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._in.read1(65536)  # type: ignore[attr-defined]
            assert piece, "Chromium ended"
            self._rest += piece
        said, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(said))

    def open(self, page: Path | str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file or an address in a window of this width, until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            session=True, width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = "dark" if dark else "light"
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", session=True, features=features)
        self.events.clear()
        url = page.absolute().as_uri() if isinstance(page, Path) else page
        self.call("Page.navigate", session=True, url=url)
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._read())

    def asked_for(self) -> list[str]:
        """Return every address that the page asked for."""
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each.get("method") == "Network.requestWillBeSent"
        ]

    def evaluate(self, expression: str) -> Any:
        """Return what an expression gives in the page."""
        found = self.call(
            "Runtime.evaluate", session=True, expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        text = {"Enter": "\r"}.get(key)
        more = {"text": text, "windowsVirtualKeyCode": 13} if text else {"windowsVirtualKeyCode": 9}
        self.call("Input.dispatchKeyEvent", session=True, type="keyDown", key=key, code=key, **more)
        self.call("Input.dispatchKeyEvent", session=True, type="keyUp", key=key, code=key)

    def run_scripts(self, *, allowed: bool) -> None:
        """Let the pages that are opened next run their scripts, or not."""
        self.call("Emulation.setScriptExecutionDisabled", session=True, value=not allowed)

    def paper(self) -> bytes:
        """Print the page on A4, as PDF."""
        found = self.call("Page.printToPDF", session=True, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(found["data"])

    def picture(self, *, whole: bool = True) -> bytes:
        """Draw the whole page, or what the window shows, as PNG."""
        found = self.call("Page.captureScreenshot", session=True, captureBeyondViewport=whole)
        return base64.b64decode(found["data"])


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """Start a browser with a new profile; a test without one is skipped."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(INSTALL)
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    command = (
        f"exec {program} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        f"--disable-background-networking --user-data-dir={folder} --remote-debugging-pipe about:blank "
        f"3<&{to_read} 4>&{from_write}"
    )
    process = subprocess.Popen(
        ["bash", "-c", command],
        pass_fds=(to_read, from_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(from_write)
    browser = None
    try:
        browser = Chromium(from_read, to_write)
        yield browser
        with contextlib.suppress(OSError, AssertionError):
            browser.call("Browser.close")
    finally:
        if browser is not None:
            browser.close()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
