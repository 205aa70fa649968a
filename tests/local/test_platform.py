"""The embedded platform as a whole: what it is for, and what it says it runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.agent.runs import Run
from local.errors import PlatformError
from local.platform import Platform, mapping


@pytest.mark.parametrize("command", [Platform.up, Platform.preview])
def test_another_stack_is_refused_before_anything_is_changed(
    tmp_path: Path, command: Callable[[Platform], None]
) -> None:
    (tmp_path / "stack").write_text("dev")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PlatformError, match=r"runs stack dev .*make down STACK=dev, then make up STACK=prod"):
        command(Platform(stack="prod", state=tmp_path))
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "lock"] == before


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
