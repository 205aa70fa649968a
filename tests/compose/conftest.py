"""What `make compose` writes, once for all tests."""

from pathlib import Path

import pytest

from local.compose.files import write


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that stands for `rendered/compose`."""
    out = tmp_path_factory.mktemp("rendered") / "compose"
    write(out)
    return out
