"""Rendered stacks as files, which checkers read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks import render


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """The files of a rendered stack."""

    def rendered(stack: str) -> list[Path]:
        folder = tmp_path_factory.mktemp(stack)
        render.render(stack, folder)
        return sorted((folder / "manifests").glob("*.yaml"))

    return rendered
