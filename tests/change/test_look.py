"""A change on the simulated platform: a real Prometheus, real promtool, a real browser."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.metrics import application
from local.change.look import look, tidy
from review.seen import BOTH, Seen
from stacks.settings import GpuMetrics
from stacks.stack_file import read_stack_file, stack_file
from tests.change.renderings import BOARD, add_rules, change, edit_board, twice

NEW = "brand-new"
#: What an empty dashboard has is less than half of it.
WITH_GRAPHS = 200_000


@pytest.fixture(scope="module")
def gpus() -> GpuMetrics:
    return read_stack_file(stack_file("dev")).gpu_metrics


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "work"
    tidy(tmp_path / "work")
    assert not (tmp_path / "work").exists()


def with_a_stat(board: Any) -> None:  # noqa: ANN401 - a dashboard
    """One graph becomes a figure."""
    graph = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    graph["type"] = "stat"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_changes_has_pictures_and_series_and_nothing_else_has(
    gpus: GpuMetrics, work: Path, tmp_path: Path
) -> None:
    before, after = twice(tmp_path)
    edit_board(after, BOARD, with_a_stat)
    (after / "dashboards" / f"{NEW}.json").write_text(
        f'{{"uid": "{NEW}", "title": "Brand New", "panels": []}}'
    )
    add_rules(
        after,
        {"record": "stage:queue:max", "expr": f"max by (stage) ({application.QUEUE_DEPTH.name})"},
        {"alert": "Queued", "expr": "stage:queue:max > 0"},
        {"alert": "Overflowing", "expr": "stage:queue:max > 1e9"},
    )
    out = tmp_path / "pictures"
    seen = look(change(before, after), gpus, work=work, out=out)
    assert seen == Seen(
        pictures={"Job Processing": BOTH, "Brand New": "after"},
        series={"stage:queue:max": (0, 4)},
        active=("Queued",),
    )
    files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.png")}
    assert files.keys() == {f"before/{BOARD}.png", f"after/{BOARD}.png", f"after/{NEW}.png"}
    assert files[f"before/{BOARD}.png"] != files[f"after/{BOARD}.png"]
    for side in ("before", "after"):
        picture = files[f"{side}/{BOARD}.png"]
        width, height = struct.unpack(">II", picture[16:24])
        assert width > 1400
        assert height > 1200
        assert len(picture) > WITH_GRAPHS


@pytest.mark.slow
def test_without_a_browser_series_are_counted_all_the_same(
    gpus: GpuMetrics,
    work: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = twice(tmp_path)
    (before / "dashboards" / f"{NEW}.json").write_text(f'{{"uid": "{NEW}", "title": "Going"}}')
    add_rules(before, {"record": "up:all:count", "expr": "count(up)"})
    monkeypatch.setattr("local.viewer.pictures._BROWSERS", ("no-browser",))
    seen = look(change(before, after), gpus, work=work, out=tmp_path / "pictures")
    assert seen == Seen(series={"up:all:count": (1, 0)})
    assert "no more pictures. Pictures are taken by Chromium" in capsys.readouterr().out
    assert not (tmp_path / "pictures").exists()


def test_what_changes_nothing_that_can_be_seen_is_not_looked_at(
    gpus: GpuMetrics, work: Path, tmp_path: Path
) -> None:
    assert look(change(*twice(tmp_path)), gpus, work=work, out=tmp_path / "pictures") == Seen()
    assert not work.exists()
