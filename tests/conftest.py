"""Fixtures that several folders of tests share."""

import importlib
import importlib.util
import shutil
from pathlib import Path
from typing import cast

import pytest


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The promtool of the Prometheus version that is deployed, or PATH's without `local.toolchain`."""
    if importlib.util.find_spec("local.toolchain"):
        return cast("Path", importlib.import_module("local.toolchain").binary("promtool"))
    found = shutil.which("promtool")
    assert found, "promtool is not on PATH"
    return Path(found)
