"""The embedded platform as a whole: what it is for, and what it says it runs."""

import fcntl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local.agent.runs import Run
from local.errors import PlatformError
from local.platform import Platform, mapping
from local.processes import alive, remember


@pytest.mark.parametrize("command", [Platform.up, Platform.preview])
def test_another_stack_is_refused_before_anything_is_changed(
    tmp_path: Path, command: Callable[[Platform], None]
) -> None:
    (tmp_path / "stack").write_text("dev")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PlatformError, match=r"runs stack dev .*make down STACK=dev, then make up STACK=prod"):
        command(Platform(stack="prod", state=tmp_path))
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "lock"] == before


@pytest.mark.parametrize("command", [Platform.up, Platform.preview, Platform.down])
def test_an_example_is_not_deployed(tmp_path: Path, command: Callable[[Platform], None]) -> None:
    with pytest.raises(PlatformError, match=r"docs/examples/Pulumi\.managed\.yaml\. .*STACK=managed"):
        command(Platform(stack="managed", state=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_going_down_ends_what_a_comparison_left_and_leaves_one_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stack in ("dev", "prod"):
        (tmp_path / "comparisons" / stack / "state").mkdir(parents=True)
    left = tmp_path / "comparisons" / "dev" / "state" / "cluster" / "etcd.pid"
    left.parent.mkdir()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        remember(left, process.pid, ["sleep", "600"])
        with (tmp_path / "comparisons" / "prod" / "state" / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Platform(stack="dev", state=tmp_path).down()
        assert not alive(left)
    assert [path.name for path in (tmp_path / "comparisons").iterdir()] == ["prod"]
    assert "Comparison of prod: Another make up" in capsys.readouterr().out


def test_the_mapping_of_a_pod_names_addresses_process_and_folders(tmp_path: Path) -> None:
    run = Run(
        namespace="monitoring",
        pod="prometheus-0",
        uid="1",
        program="prometheus",
        pid=4242,
        folders={"/prometheus": f"{tmp_path}/volumes/data"},
        addresses={"web": "127.0.0.1:9090"},
    )
    assert mapping(run, tmp_path).splitlines() == [
        "  prometheus-0:                         web on 127.0.0.1:9090, pid 4242",
        "    /prometheus is                               .local/volumes/data",
    ]
