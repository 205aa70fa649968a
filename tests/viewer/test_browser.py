"""The pages in a real browser, with the real dashboards on a real Prometheus and Alertmanager."""

import json
import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from local.viewer import pictures
from local.viewer.looks import DARK, LIGHT
from tests.dashboards.test_on_prometheus import END, HOUR, Server, backfill, prometheus
from tests.stacks.notified import QUICK, alertmanager, an_alert, send
from tests.viewer.running import Running, viewer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DASHBOARDS = ("cost-performance", "job-processing", "model-performance", "system-health", "user-activity")
TIME = f"from={(END - 2 * HOUR) * 1000}&to={END * 1000}"
"""The two hours that there is data of, as in an address."""

BLOCKED = "Applying inline style violates"
"""What the browser says when the policy stops the style sheet of Plotly's maps, which no panel has."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Prometheus with two hours of sample data."""
    with prometheus(backfill(tmp_path_factory.mktemp("prometheus"), 2 * HOUR, 30)) as found:
        yield found


@pytest.fixture(scope="module")
def dashboards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dashboards of dev."""
    folder = tmp_path_factory.mktemp("rendered")
    # In a process of its own: the browser's library takes this one's event loop.
    subprocess.run([sys.executable, "-m", "stacks.render", "dev", folder], check=True, capture_output=True)
    return folder / "dashboards"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, server: Server, dashboards: Path) -> Iterator[Running]:
    """The viewer of dev's dashboards."""
    with viewer(tmp_path_factory.mktemp("viewer"), prometheus=server.url, dashboards=dashboards) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as pictures are taken with it."""
    with pictures.chromium() as found:
        yield found


@contextmanager
def page(browser: Browser, *, width: int = 1440, dark: bool = False) -> Generator[Page]:
    """A page that must not run into an error of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    opened, said = context.new_page(), list[str]()
    opened.set_default_timeout(10_000)

    def keep(message: ConsoleMessage) -> None:
        if message.type == "error" and BLOCKED not in message.text and "status of 502" not in message.text:
            said.append(message.text)

    opened.on("console", keep)
    opened.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield opened
        assert said == []
    finally:
        context.close()


def show(opened: Page, running: Running, path: str) -> None:
    opened.goto(running.url + path)
    pictures.wait_until_drawn(opened)


PROBLEMS = """() => [...document.querySelectorAll('.panel')].flatMap((panel) => {
    const name = `${panel.dataset.panel} ${panel.querySelector('h3').textContent}`;
    const drawn = {
        stat: '.tile', bargauge: '.bar', table: 'td, .no-data', timeseries: '.plot .js-line',
        piechart: '.plot .slice', heatmap: '.plot image',
    };
    const inside = panel.querySelector('.body').getBoundingClientRect();
    if (!panel.classList.contains('panel-drawn')) return [`${name}: not drawn`];
    const said = panel.querySelector('.body').textContent;
    if (panel.classList.contains('panel-error')) return [`${name}: ${said}`];
    if (!panel.querySelector(drawn[panel.dataset.type])) return [`${name}: empty`];
    if (inside.height < 40 || inside.width < 40) return [`${name}: no room`];
    return [];
})"""


def problems(opened: Page) -> list[str]:
    """Return the panels that show no data, with the reason."""
    assert opened.locator(".panel").count() > 0
    return opened.evaluate(PROBLEMS)


@pytest.mark.parametrize("uid", DASHBOARDS)
@pytest.mark.parametrize("dark", [False, True])
def test_every_panel_of_every_dashboard_is_drawn(
    browser: Browser, running: Running, uid: str, *, dark: bool
) -> None:
    with page(browser, dark=dark) as opened:
        show(opened, running, f"/d/{uid}?{TIME}")
        assert problems(opened) == []
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == rgb(
            (DARK if dark else LIGHT).page
        )


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[place : place + 2], 16) for place in (1, 3, 5)))


def edited(dashboards: Path, folder: Path, panel: int, change: dict[str, Any]) -> Path:
    """A folder with Job Processing, one of its panels changed."""
    folder.mkdir()
    content = json.loads((dashboards / "job-processing.json").read_text())
    (found,) = [one for one in content["panels"] if one["id"] == panel]
    for place, value in change.items():
        target = found
        *path, last = place.split(".")
        for part in path:
            target = target[int(part) if part.isdecimal() else part]
        target[last] = value
    (folder / "job-processing.json").write_text(json.dumps(content))
    return folder


def test_a_broken_query_is_shown_in_its_panel_and_found_by_the_check(
    browser: Browser, server: Server, dashboards: Path, tmp_path: Path
) -> None:
    folder = edited(dashboards, tmp_path / "edited", 202, {"targets.0.expr": "sum(queue_depth"})
    with viewer(tmp_path, prometheus=server.url, dashboards=folder) as broken, page(browser) as opened:
        show(opened, broken, f"/d/job-processing?{TIME}")
        (found,) = problems(opened)
        assert found.startswith("202 Queue Depth by Stage: Prometheus: ")
        assert "unclosed left parenthesis" in found
        assert opened.locator(".panel-error").count() == 1


def test_a_panel_without_data_is_found_by_the_check(
    browser: Browser, server: Server, dashboards: Path, tmp_path: Path
) -> None:
    folder = edited(dashboards, tmp_path / "edited", 202, {"targets.0.expr": "vector(1) > 2"})
    with viewer(tmp_path, prometheus=server.url, dashboards=folder) as empty, page(browser) as opened:
        show(opened, empty, f"/d/job-processing?{TIME}")
        assert problems(opened) == ["202 Queue Depth by Stage: empty"]
        assert opened.locator("#panel-202 .no-data").inner_text() == "Not instrumented"


@pytest.mark.parametrize(("critical", "tone"), [(15, "red"), (200, "green")])
def test_a_tile_is_red_when_its_value_is_over_its_threshold_and_green_else(
    browser: Browser, server: Server, dashboards: Path, tmp_path: Path, *, critical: float, tone: str
) -> None:
    steps = [
        {"value": None, "color": "green"},
        {"value": critical - 5, "color": "orange"},
        {"value": critical, "color": "red"},
    ]
    folder = edited(dashboards, tmp_path / "edited", 105, {"fieldConfig.defaults.thresholds.steps": steps})
    with viewer(tmp_path, prometheus=server.url, dashboards=folder) as changed, page(browser) as opened:
        show(opened, changed, f"/d/job-processing?{TIME}")
        tile = opened.locator("#panel-105 .tile")
        assert tile.inner_text() == "20"
        assert tile.evaluate("one => getComputedStyle(one).backgroundColor") == rgb(LIGHT.tones[tone])


def test_the_link_of_a_notification_shows_its_panel_alone(browser: Browser, running: Running) -> None:
    with page(browser) as opened:
        show(opened, running, f"/d/system-health?viewPanel=panel-403&{TIME}&var-cluster=dev")
        assert opened.locator(".panel").count() == 1
        assert problems(opened) == []
        assert opened.locator("h3").inner_text() == "Disk Usage"
        assert "Cluster dev" in opened.locator(".choices").inner_text()
        assert opened.locator(".times .fixed").inner_text() == "20 Nov 10:00 to 12:00 UTC"
        opened.get_by_role("link", name="Job Processing").click()
        pictures.wait_until_drawn(opened)
        assert f"{TIME}&var-cluster=dev" in opened.url, "time and choice go along"
        assert problems(opened) == []


def test_a_tile_leads_to_the_panel_that_tells_more(browser: Browser, running: Running) -> None:
    with page(browser) as opened:
        show(opened, running, f"/d/job-processing?{TIME}")
        # The title's link covers the tile.
        opened.locator("#panel-105 .tile").click(force=True)
        pictures.wait_until_drawn(opened)
        assert "viewPanel=panel-202" in opened.url
        assert opened.locator(".panel").count() == 1


def test_the_page_can_be_used_by_keyboard_alone(browser: Browser, running: Running) -> None:
    with page(browser) as opened:
        show(opened, running, f"/d/job-processing?{TIME}")
        press = opened.keyboard.press
        press("Tab")
        assert focused(opened) == "Skip to the content"
        press("Enter")
        assert opened.evaluate("document.activeElement.id") == "main"
        while not focused(opened).startswith("Stage"):
            press("Tab")
        press("Enter")
        press("Tab")
        press("Tab")
        press("Space")
        boxes = opened.locator('[name="var-stage"]')
        assert [box.is_checked() for box in boxes.all()] == [False, True, False], "a value ends All"
        press("Escape")
        assert focused(opened).startswith("Stage")
        assert opened.locator("details[open]").count() == 0
        press("Enter")
        while focused(opened) != "Apply":
            press("Tab")
        press("Enter")
        opened.wait_for_url("**var-stage=lip-sync**")
        pictures.wait_until_drawn(opened)
        assert opened.locator("#panel-202 .legend tbody tr").count() == 1
        assert problems(opened) == []


def focused(opened: Page) -> str:
    return opened.evaluate("document.activeElement.textContent")


def test_whatever_the_keyboard_is_on_is_seen_and_named(browser: Browser, running: Running) -> None:
    look = """() => {
        const one = document.activeElement;
        if (one === document.body) return null;
        const style = getComputedStyle(one);
        const label = one.getAttribute('aria-label') || one.textContent || one.labels?.[0]?.textContent;
        return [parseFloat(style.outlineWidth), Boolean(label?.trim()), one.outerHTML.slice(0, 90)];
    }"""
    with page(browser) as opened:
        show(opened, running, f"/d/cost-performance?{TIME}")
        stops = list[list[Any]]()
        for _ in range(200):
            opened.keyboard.press("Tab")
            stop = opened.evaluate(look)
            if stop is None:
                break
            stops.append(stop)
        assert 40 < len(stops) < 200
        assert [html for outline, named, html in stops if outline < 2 or not named] == []


def test_a_legends_entry_hides_its_line_and_stays_hidden(browser: Browser, running: Running) -> None:
    with page(browser) as opened:
        show(opened, running, f"/d/system-health?{TIME}")
        plot, entries = opened.locator("#panel-301 .js-line"), opened.locator("#panel-301 .legend button")
        assert (plot.count(), entries.count()) == (3, 3)
        entries.first.focus()
        opened.keyboard.press("Space")
        assert entries.first.get_attribute("aria-pressed") == "false"
        opened.wait_for_function("document.querySelectorAll('#panel-301 .js-line').length === 2")
        with opened.expect_response(re.compile("/panels/301")):
            opened.get_by_role("button", name="Refresh").click()
        opened.wait_for_function("document.querySelectorAll('#panel-301 .js-line').length === 2")
        assert entries.first.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("path", [*(f"/d/{uid}" for uid in DASHBOARDS), "/", "/alerts", "/messages"])
def test_a_narrow_screen_needs_no_scrolling_sideways(browser: Browser, running: Running, path: str) -> None:
    with page(browser, width=360) as opened:
        show(opened, running, f"{path}?{TIME}")
        for popup in [None, *opened.locator("details > summary").all()]:
            if popup is not None:
                popup.click()
            assert opened.evaluate("document.documentElement.scrollWidth") == 360
            outside = "[...document.querySelectorAll('fieldset, .about > p, .panel')].filter((one) =>"
            outside += (
                "one.getBoundingClientRect().left < 0 || one.getBoundingClientRect().right > 360).length"
            )
            assert opened.evaluate(outside) == 0
            opened.keyboard.press("Escape")
        if opened.locator(".panel").count():
            tops = "[...document.querySelectorAll('.panel')].map((one) => one.getBoundingClientRect().left)"
            assert len(set(opened.evaluate(tops))) == 1, "one column"


def test_what_a_panel_is_about_is_told_within_the_screen(browser: Browser, running: Running) -> None:
    with page(browser, width=1000) as opened:
        show(opened, running, f"/d/cost-performance?{TIME}")
        abouts = opened.locator(".about").all()
        assert len(abouts) > 10
        for about in abouts:
            # By keyboard: the one that is open may lie over the next.
            about.locator("summary").press("Enter")
            box = about.locator("p").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 1000
        assert opened.locator(".about[open]").count() == 1, "one at a time"


def test_a_list_that_is_longer_than_its_panel_scrolls_from_its_first_row(
    browser: Browser, running: Running
) -> None:
    lengthen = """list => {
        const rows = [...list.children];
        for (let times = 0; times < 9; times++) list.append(...rows.map((row) => row.cloneNode(true)));
        const above = list.getBoundingClientRect().top - rows[0].getBoundingClientRect().top;
        return [list.scrollHeight > list.clientHeight, above];
    }"""
    with page(browser) as opened:
        show(opened, running, f"/d/cost-performance?{TIME}")
        assert opened.locator("#panel-102 .bars").evaluate(lengthen) == [True, 0]


def test_a_viewer_that_is_gone_is_told_in_every_panel(browser: Browser, running: Running) -> None:
    def gone(route: Route) -> None:
        route.abort()

    context = browser.new_context()
    opened = context.new_page()
    opened.route(re.compile("/panels/"), gone)
    show(opened, running, f"/d/system-health?{TIME}")
    assert all("The viewer does not answer" in one for one in problems(opened))
    assert len(problems(opened)) == opened.locator(".panel").count()
    context.close()


def test_what_alertmanager_sends_is_seen_without_loading_the_page_again(
    browser: Browser, dashboards: Path, tmp_path: Path
) -> None:
    settings = {
        "slack": {"channel": "#alerts", "username": "Watch"},
        "critical": {"pagerduty": {"description": "Dubbing platform"}, "webhook": {}},
        "grouping": QUICK,
        "deadMansSwitch": True,
    }
    # Alertmanager must know the viewer's address, and the viewer Alertmanager's: two viewers share the file.
    with (
        viewer(tmp_path, dashboards=dashboards) as receiver,
        alertmanager(tmp_path / "alertmanager", settings, f"{receiver.url}/receive") as address,
        viewer(tmp_path, dashboards=dashboards, alertmanager=address) as running,
        page(browser) as opened,
    ):
        show(opened, running, "/messages")
        assert opened.locator(".card").count() == 0
        disk = "NodeDiskUsageHigh"
        send(
            address,
            an_alert(disk, "critical", instance="n1"),
            an_alert(disk, "warning", instance="n1"),
            an_alert("Watchdog", "none"),
        )
        opened.locator(".card.slack").wait_for(timeout=30_000)
        opened.locator(".card.pagerduty").wait_for(timeout=30_000)
        opened.locator(".card.webhook").wait_for(timeout=30_000)
        assert opened.locator(".card").count() == 3
        slack = opened.locator(".card.slack")
        assert "Watch" in slack.inner_text()
        assert "to #alerts" in slack.inner_text()
        assert slack.get_by_role("heading").inner_text() == "CRITICAL: NodeDiskUsageHigh in dev"
        assert "n1 is 91% full, above 80%." in slack.inner_text()
        panel = slack.get_by_role("link", name=re.compile("panel-403"))
        assert panel.get_attribute("href") == "/d/system-health?viewPanel=panel-403"
        assert "CRITICAL: NodeDiskUsageHigh in dev" in opened.locator(".card.pagerduty").inner_text()
        assert "Dead man's switch: called" in opened.locator("#switch").inner_text()
        kinds = [one["kind"] for one in running.listed()]
        assert sorted(set(kinds)) == ["dead-mans-switch", "pagerduty", "slack", "webhook"]
        strip = opened.locator("#strip li")
        assert strip.count() == 1, "the warning is inhibited, the Watchdog asks nothing"
        assert "NodeDiskUsageHigh" in strip.inner_text()
        assert strip.evaluate("one => getComputedStyle(one).borderLeftColor") == rgb(LIGHT.tones["red"])
        show(opened, running, "/alerts")
        assert "The Watchdog fires" in opened.locator("#live").inner_text()
        assert "inhibited by a worse one" in opened.locator("#live").inner_text()
