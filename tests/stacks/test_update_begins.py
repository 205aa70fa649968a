"""An update looks at the cluster before it registers anything; a preview does not, and starts as fast."""

import os
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest

from stacks import preflight, render, stack_file
from stacks.recording import Registration
from stacks.stack_file import ROOT
from tests.stacks.conftest import run_main, write_kubeconfig


@pytest.fixture
def updating(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is told that it runs in an update."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)


@pytest.mark.usefixtures("dev_cluster", "updating")
def test_an_update_is_refused_by_a_cluster_that_does_not_know_the_user(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(SystemExit):
        run_main("dev")
    for part in ("'dubbing-dev' is not ready for stack dev", "Nothing was created", "auth whoami"):
        assert part in caplog.text


@pytest.mark.usefixtures("dev_cluster")
def test_a_preview_of_the_same_is_not() -> None:
    assert run_main("dev")


@pytest.mark.usefixtures("dev_cluster", "updating")
def test_warnings_are_logged_and_all_is_registered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> list[str]:
        return ["the moon is full"]

    monkeypatch.setattr(preflight, "refuse", refuse)
    assert run_main("dev")
    assert "the moon is full" in caplog.text


@pytest.mark.usefixtures("dev_cluster", "updating")
def test_what_the_look_plans_is_not_registered(
    monkeypatch: pytest.MonkeyPatch, recorded: dict[str, list[Registration]]
) -> None:
    """The look runs the program once more, apart from the run that it belongs to."""
    path = stack_file.stack_file("dev")
    settings, values = stack_file.read_stack_file(path), stack_file.raw_values(path)
    planned: list[Registration] = []

    def refuse(*_: object) -> list[str]:
        planned.extend(render.planned(settings, values, "dev"))
        return []

    monkeypatch.setattr(preflight, "refuse", refuse)
    registered = run_main("dev")
    assert len(registered) == len(planned) == len(recorded["dev"])


@pytest.mark.parametrize(("dry_run", "loaded"), [("True", False), ("False", True)])
def test_only_an_update_loads_what_reads_a_cluster(
    tmp_path: Path, server: str, dry_run: str, *, loaded: bool
) -> None:
    write_kubeconfig(tmp_path / "config", {"dubbing-dev": server})
    code = (
        "import contextlib, sys, pulumi\n"
        "from tests.stacks.conftest import run_main\n"
        f"pulumi.runtime.is_dry_run = lambda: {dry_run}\n"
        "with contextlib.suppress(SystemExit):\n"
        "    run_main('dev')\n"
        "print([name in sys.modules for name in ('kubernetes', 'stacks.preflight')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": str(tmp_path / "config")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.splitlines()[-1] == str([loaded, loaded])
