"""Pictures of dashboards at a moment, as the viewer shows them."""

import json
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from playwright.sync_api import Browser, Error
from pydantic import ValidationError

from local.change.rendered import Json
from local.errors import PlatformError
from local.overlay import DISCARD
from local.processes import write
from local.progress import step
from local.viewer.dashboard import Dashboard
from local.viewer.errors import ViewerError
from local.viewer.pictures import WIDTH, wait_until_drawn
from local.viewer.server import Viewer
from local.viewer.times import TimeRange, time_range

_HEIGHT = 900
_POLL_SECONDS = 0.02
# They would be those of an Alertmanager, which is not here.
_WITHOUT_ALERTS = "document.getElementById('strip').remove()"


def take(
    browser: Browser, boards: Mapping[str, Json], *, prometheus: str, ends: int, work: Path, out: Path
) -> list[str]:
    """Take a picture of each dashboard that the viewer can read, and return their uids.

    A panel that cannot be shown says so in the picture.

    Args:
        browser: Who draws.
        boards: The dashboards by uid.
        prometheus: The address of the Prometheus that they ask.
        ends: The moment that is now for them, in seconds since 1970.
        work: A folder that nothing else uses.
        out: Where the pictures go, named by uid.

    Raises:
        PlatformError: A page is not drawn.
    """
    periods: dict[str, TimeRange] = {}
    for uid, board in boards.items():
        try:
            shown = Dashboard.model_validate(board).time
            periods[uid] = time_range(shown.from_, shown.to, ends)
        except (ValidationError, ViewerError) as error:
            step(f"Change: no picture of {uid}, which the viewer cannot read: {error}")
        else:
            write(work / f"{uid}.json", json.dumps(board))
    with _viewing(prometheus, work) as address:
        page = browser.new_page(viewport={"width": WIDTH, "height": _HEIGHT}, color_scheme="light")
        for uid, period in periods.items():
            try:
                page.goto(f"{address}/d/{uid}?from={period.start * 1000:.0f}&to={period.end * 1000:.0f}")
                wait_until_drawn(page)
                page.evaluate(_WITHOUT_ALERTS)
                page.locator("main").screenshot(path=out / f"{uid}.png")
            except Error as error:
                raise PlatformError(f"{uid} is no picture to show: {error}") from error
        page.close()
    return list(periods)


@contextmanager
def _viewing(prometheus: str, dashboards: Path) -> Generator[str]:
    """Serve the viewer in this process, and yield its address."""
    nowhere = dashboards / "none"
    viewer = Viewer(
        prometheus=prometheus,
        alertmanager=DISCARD,
        dashboards=dashboards,
        messages=nowhere,
        incidents=nowhere,
    )
    config = uvicorn.Config(viewer.application(), log_level="warning", server_header=False)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while thread.is_alive() and not server.started:
                time.sleep(_POLL_SECONDS)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
