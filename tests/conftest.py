"""Fixtures that several folders of tests share."""

from pathlib import Path

import pytest

from local.toolchain import binary


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The promtool of the Prometheus version that is deployed."""
    return binary("promtool")
