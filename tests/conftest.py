"""Fixtures that several folders of tests share."""

from pathlib import Path

import hypothesis
import pytest

from local.toolchain import binary

# How long an example takes says nothing of the code on a machine that does other things, too.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The promtool of the Prometheus version that is deployed."""
    return binary("promtool")
