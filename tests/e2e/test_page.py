"""The page on the running platform, in real Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from local.viewer.looks import LIGHT
from local.viewer.pictures import chromium, wait_until_drawn
from tests.e2e.live import Live, measured, until
from tests.viewer.test_browser import DASHBOARDS, page, problems, rgb

pytestmark = pytest.mark.e2e

#: On a healthy platform these have nothing to show; their no-data text is drawn.
NOTHING_WRONG = "Firing alerts"


def test_all_five_dashboards_are_drawn_from_live_data_with_no_error(live: Live) -> None:
    with chromium() as browser, page(browser) as opened:
        for uid in DASHBOARDS:
            opened.goto(f"{live.url('dashboards')}/d/{uid}")
            wait_until_drawn(opened)
            assert problems(opened) == [], uid
        opened.set_viewport_size({"width": 360, "height": 800})
        for uid in DASHBOARDS:
            opened.goto(f"{live.url('dashboards')}/d/{uid}")
            wait_until_drawn(opened)
            assert opened.evaluate("document.documentElement.scrollWidth") <= 360, uid


def test_a_tile_is_red_during_its_incident_and_green_after(live: Live) -> None:
    def tile(browser: Browser) -> tuple[str, str]:
        with page(browser) as opened:
            opened.goto(f"{live.url('dashboards')}/d/system-health")
            wait_until_drawn(opened)
            found = opened.locator(".panel", has=opened.get_by_text("Redis Status", exact=True)).locator(
                ".tile"
            )
            colour: str = found.evaluate("one => getComputedStyle(one).backgroundColor")
            return found.inner_text(), colour

    with chromium() as browser:
        assert tile(browser) == ("UP", rgb(LIGHT.tones["green"]))
        live.incident("redis-dies")
        try:
            _, turned = until(
                lambda: tile(browser), lambda seen: seen == ("DOWN", rgb(LIGHT.tones["red"])), 60
            )
        finally:
            live.recover()
        _, back = until(lambda: tile(browser), lambda seen: seen == ("UP", rgb(LIGHT.tones["green"])), 60)
    measured(
        f"the tile Redis Status was red {turned:.0f} s after its incident, green {back:.0f} s after its end"
    )


def test_pictures_are_taken_of_all_five(live: Live, tmp_path: Path) -> None:
    live.checkout.succeed("pictures", f"PICTURES={tmp_path}")
    taken = {path.stem: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert taken.keys() == set(DASHBOARDS)
    assert min(taken.values()) > 50_000
