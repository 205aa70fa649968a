"""The chart beside dev, as far as it goes without the official provider."""

import runpy
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench import peer
from bench.engine import OPERATIONS, Figure, Measured
from stacks import recording
from stacks.settings_base import PROJECT


def measured(seconds: float, state: int) -> Measured:
    return Measured(
        state_bytes=state, operations={name: Figure(seconds=seconds, peak_bytes=1) for name in OPERATIONS}
    )


def test_what_is_missing_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    app = typer.Typer()
    app.command()(peer.main)
    done = CliRunner().invoke(app, ["chart.tgz"])
    assert done.exit_code == 1
    assert "pulumi plugin install resource kubernetes" in done.stderr


def test_the_program_registers_the_chart_in_its_namespace(tmp_path: Path) -> None:
    config = {f"{PROJECT}:kubernetes": '{"context": "there"}', f"{PROJECT}:chart": "chart.tgz"}
    file = tmp_path / "__main__.py"
    file.write_text(peer.PROGRAM)
    recorder = recording.record(
        lambda: runpy.run_path(str(file)), stack="peer", config=config, secret_keys=[]
    )
    (chart,) = (one for one in recorder.registrations if one.type == "kubernetes:helm.sh/v4:Chart")
    assert chart.inputs["chart"] == "chart.tgz"
    assert chart.inputs["namespace"] == "peer"


def test_each_figure_stands_beside_its_goal() -> None:
    rows = peer.rows(measured(10, 1_000), measured(40, 20_000))
    assert rows[0] == "preview: 10 s, the chart 40 s: 0.25 of it; the goal is 0.20 at most"
    assert rows[-1] == "state: 1000 bytes, the chart 20000 bytes: 0.05 of it; the goal is 0.10 at most"
