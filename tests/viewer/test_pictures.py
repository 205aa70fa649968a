"""Pictures of the dashboards, taken by a real browser."""

import struct
from pathlib import Path

import pytest

from local.errors import PlatformError
from local.viewer import pictures
from stacks import render
from tests.dashboards.test_on_prometheus import prometheus
from tests.viewer.running import viewer


@pytest.mark.slow
def test_pictures_are_of_every_dashboard_and_the_whole_page(tmp_path: Path) -> None:
    render.render("dev", tmp_path / "rendered")
    dashboards = tmp_path / "rendered" / "dashboards"
    with (
        prometheus(tmp_path / "data") as server,
        viewer(tmp_path, prometheus=server.url, dashboards=dashboards) as running,
    ):
        taken = pictures.take(running.url, tmp_path / "pictures")
    assert sorted(path.stem for path in taken) == sorted(path.stem for path in dashboards.glob("*.json"))
    assert len(taken) == 5
    for picture in taken:
        width, height = struct.unpack(">II", picture.read_bytes()[16:24])
        assert width == pictures.WIDTH
        assert height > 1200


@pytest.mark.slow
def test_a_page_with_an_error_is_no_picture(tmp_path: Path) -> None:
    render.render("dev", tmp_path / "rendered")
    dashboards = tmp_path / "rendered" / "dashboards"
    with (
        viewer(tmp_path, dashboards=dashboards) as running,
        pytest.raises(PlatformError, match="Prometheus does not answer"),
    ):
        pictures.take(running.url, tmp_path / "pictures")


def test_without_a_browser_or_a_viewer_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(PlatformError, match="make up"):
        pictures.viewer_address(tmp_path)
    (tmp_path / "endpoints.json").write_text('{"dashboards": "http://127.0.0.1:1"}')
    assert pictures.viewer_address(tmp_path) == "http://127.0.0.1:1"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlatformError, match="apt-get install chromium"):
        pictures.take("http://127.0.0.1:1", tmp_path)
