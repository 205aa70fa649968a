"""A machine where nothing was installed by hand: no Go, no built tool, no cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.images import IMAGES
from stacks.stack_file import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_a_tool_is_built_where_neither_go_nor_a_cache_is(tmp_path: Path) -> None:
    system = [folder for folder in ("/usr/bin", "/bin") if not (Path(folder) / "go").exists()]
    run = subprocess.run(
        [sys.executable, "-c", "from local.toolchain import binary; print(binary('amtool'))"],
        cwd=ROOT,
        env={**os.environ, "PATH": os.pathsep.join(system), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    built = Path(run.stdout.splitlines()[-1])
    assert built.is_relative_to(tmp_path)
    version = subprocess.run([built, "--version"], check=True, capture_output=True, text=True).stdout
    assert IMAGES["alertmanager"].version in version
