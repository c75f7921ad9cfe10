"""The pictures of the READMEs, taken anew: `make pictures`, or `python -m tests.browser.pictures`."""

import sys
import tempfile
from contextlib import redirect_stdout
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from tests.browser import driver
from tests.browser.driver import Browser
from tests.browser.scenes import freeze, lose_a_reply
from tests.integration.counting import chat_with
from tests.integration.on_call import calling, console
from tests.integration.served import Program

FOLDER: Final = Path(__file__).resolve().parents[2] / "layers" / "console"
GROUP: Final = "live-room"
COLOURS: Final = 128
WIDTH: Final = 1000


def main() -> int:
    """Take both; 1 where there is no browser."""
    reason = driver.missing()
    if reason:
        sys.stderr.write(f"No picture is taken: {reason}\n")
        return 1
    with driver.browser() as browser, tempfile.TemporaryDirectory() as folder:
        _scene(browser, Path(folder))
        _operator(browser, Path(folder))
    return 0


def _scene(browser: Browser, folder: Path) -> None:
    program = Program(folder)
    browser.resize(WIDTH, 1180)
    browser.open(program.page)
    lose_a_reply(browser)
    browser.run("document.activeElement.blur(); document.getElementById('scene').scrollIntoView()")
    _keep(browser, "scene")
    program.end()


def _operator(browser: Browser, folder: Path) -> None:
    with (
        redirect_stdout(sys.stderr),
        chat_with([GROUP]) as chat,
        calling(chat.endpoint, folder),
        console() as address,
    ):
        freeze(chat, GROUP)
        browser.resize(WIDTH, 860)
        browser.open(address)
        browser.press(f"Look at it, and decide: {GROUP}")
        browser.press("landed")
        browser.run("document.activeElement.blur(); document.getElementById('found').scrollIntoView()")
        _keep(browser, "operator")


def _keep(browser: Browser, name: str) -> None:
    """Write what is in view, in as few colours as a page has, because each picture stays in the history for ever."""
    with Image.open(BytesIO(browser.picture())) as seen:
        seen.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
