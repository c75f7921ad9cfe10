"""A browser on this machine, driven over WebDriver (www.w3.org/TR/webdriver2), which is JSON over HTTP."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.e2e.watching import wait_for
from tests.sandbox.caller import ask

TAB: Final = "\ue004"
ENTER: Final = "\ue007"
SPACE: Final = " "

_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""Names a reference to an element in answers and arguments; the standard has it so."""

_FIND: Final = """
const named = (one) => (one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent).trim();
const seen = [...document.querySelectorAll("button, input, summary")].filter((one) => one.checkVisibility());
const begins = (one) => named(one).startsWith(arguments[0]);
return seen.find((one) => named(one) === arguments[0]) ?? seen.find(begins) ?? null;
"""


def missing() -> str | None:
    """Why there is no browser to test in; None if there is one."""
    if os.environ.get("CI"):
        return "not in CI, whose machines need no browser"
    return None if _driver() else "no chromedriver, neither on PATH nor named by CHROMEDRIVER"


def _driver() -> str | None:
    return os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")


@contextmanager
def browser() -> Iterator["Browser"]:
    """Chromium without a window; CHROMEDRIVER and CHROMIUM name the two programs where PATH does not."""
    driver = _driver()
    assert driver is not None
    command, out = [driver, "--port=0"], subprocess.PIPE
    with subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            ports = (re.search(r"started successfully on port (\d+)", line) for line in process.stdout)
            port = next(found[1] for found in ports if found)
            session = _asked(f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": _capabilities()}})
            opened = Browser(f"http://127.0.0.1:{port}/session/{session['sessionId']}")
            yield opened
            opened.end()
        finally:
            process.terminate()


def _capabilities() -> dict[str, object]:
    # Chromium refuses its sandbox to root.
    options: dict[str, object] = {
        "args": ["--headless=new", "--hide-scrollbars", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    }
    if binary := os.environ.get("CHROMIUM"):
        options["binary"] = binary
    return {"browserName": "chrome", "goog:chromeOptions": options}


def _asked(url: str, fields: object = None, *, method: str = "POST") -> Any:  # noqa: ANN401  # JSON of the protocol
    headers = {"Content-Type": "application/json"}
    answer = ask(url, method, headers, b"" if fields is None else json.dumps(fields).encode(), timeout_s=60)
    value = answer.fields["value"]
    assert answer.status == 200, value
    return value


class Browser:
    """One window, and a person who goes by the names of buttons and fields."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, address: str) -> None:
        """Load a page; another fragment of the same one alone would not."""
        for url in ("about:blank", address):
            _asked(f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401  # what the script returns
        return _asked(f"{self._session}/execute/sync", {"script": script, "args": arguments})

    def promised(self, script: str) -> Any:  # noqa: ANN401  # what the script's promise comes to
        settled = f"const settle = arguments[0]; ({script}).then(settle, (error) => settle(String(error)));"
        return _asked(f"{self._session}/execute/async", {"script": settled, "args": []})

    def press(self, name: str) -> None:
        """Click on what has this name, or begins with it, once it is there."""
        _asked(f"{self._session}/element/{self._found(name)}/click", {})

    def fill(self, name: str, text: str) -> None:
        _asked(f"{self._session}/element/{self._found(name)}/value", {"text": text})

    def keys(self, *keys: str) -> None:
        """Press keys one after the other, on what has the focus."""
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        _asked(f"{self._session}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    def tab_to(self, name: str, *, within: int = 60) -> None:
        """Go on with Tab until what has this name, or begins with it, has the focus."""
        for _ in range(within):
            self.keys(TAB)
            if self.focused().startswith(name):
                return
        raise AssertionError(f"the keyboard does not reach {name}")

    def focused(self) -> str:
        """The name that the browser tells a screen reader of what has the focus."""
        element = _asked(f"{self._session}/element/active", method="GET")[_ELEMENT]
        return str(_asked(f"{self._session}/element/{element}/computedlabel", method="GET"))

    def text(self, identifier: str) -> str:
        """What an element shows."""
        return str(self.run("return document.getElementById(arguments[0]).innerText", identifier))

    def shows(self, identifier: str, words: str) -> None:
        """Wait until an element shows these words."""
        self.waits(lambda: words in self.text(identifier), f"{words!r} in {identifier}")

    def waits(self, happened: Callable[[], bool], what: str) -> None:
        try:
            wait_for(happened, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says: {self.run('return document.body.innerText')}") from None

    def resize(self, width: int, height: int) -> None:
        """Give the page this many pixels; a window of its own could not be as narrow as a telephone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        _asked(f"{self._session}/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def picture(self) -> bytes:
        """What is in view, as PNG."""
        return base64.b64decode(_asked(f"{self._session}/screenshot", method="GET"))

    def end(self) -> None:
        _asked(self._session, method="DELETE")

    def _found(self, name: str) -> str:
        found: list[str] = []

        def is_there() -> bool:
            element = self.run(_FIND, name)
            found.extend([element[_ELEMENT]] if element else [])
            return bool(found)

        self.waits(is_there, f"something with the name {name!r}")
        return found[0]
