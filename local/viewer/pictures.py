"""Takes a picture of each dashboard: the viewer's page in headless Chromium."""

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, Error, Page, sync_playwright

from local.errors import PlatformError

WIDTH = 1440
_HEIGHT = 900
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRAWN_MILLISECONDS = 120_000


def viewer_address(state: Path) -> str:
    """Return where the viewer of the running platform listens.

    Args:
        state: The folder of the embedded platform's state.

    Raises:
        PlatformError: There is none.
    """
    file = state / "endpoints.json"
    address: str | None = json.loads(file.read_text()).get("dashboards") if file.exists() else None
    if address is None:
        raise PlatformError("There is nothing to take pictures of: no viewer runs here. Run `make up` first.")
    return address


@contextmanager
def chromium() -> Generator[Browser]:
    """Run the system's Chromium without a window.

    Raises:
        PlatformError: There is none.
    """
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        raise PlatformError(
            f"Pictures are taken by Chromium, and PATH has none of {', '.join(_BROWSERS)}. Install one: "
            "`apt-get install chromium` on Debian, `brew install --cask google-chrome` on macOS."
        )
    with sync_playwright() as playwright:
        # It only ever opens the viewer on loopback; as root, or in a container, it has no sandbox.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def wait_until_drawn(page: Page) -> None:
    """Wait until every panel of the page is drawn.

    Raises:
        PlatformError: They are not, after two minutes.
    """
    try:
        page.wait_for_selector("html[data-ready=true]", timeout=_DRAWN_MILLISECONDS)
    except Error as error:
        raise PlatformError(f"{page.url} is not drawn after two minutes: {error}") from error


def take(address: str, folder: Path) -> list[Path]:
    """Write a picture of each dashboard, named by its uid, and return their paths.

    Args:
        address: Where the viewer listens.
        folder: Where the pictures go.

    Raises:
        PlatformError: There is no browser, or no viewer, or a page has errors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": _HEIGHT}, color_scheme="light")
        try:
            page.goto(address)
        except Error as error:
            raise PlatformError(f"The viewer at {address} does not answer: {error}") from error
        links = page.locator("main .overview h2 a").all()
        for path in [str(link.get_attribute("href")) for link in links]:
            page.goto(urljoin(address, path))
            wait_until_drawn(page)
            if wrong := page.locator("main .problem").all_inner_texts():
                raise PlatformError(f"{page.url} is no picture to show: {wrong[0]}")
            picture = folder / f"{path.rpartition('/')[2]}.png"
            page.screenshot(path=picture, full_page=True)
            taken.append(picture)
    return taken
