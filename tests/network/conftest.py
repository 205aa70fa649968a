"""Rendered stacks, as committed and with changes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks import render, stack_file
from stacks.settings_base import PROJECT
from tests.network.needed import Rendered

Renderer = Callable[[str, Mapping[str, Any]], Rendered]


@pytest.fixture(scope="session")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rendered]:
    """A committed stack, rendered once."""
    made: dict[str, Rendered] = {}

    def rendered(stack: str) -> Rendered:
        if stack not in made:
            folder = tmp_path_factory.mktemp(stack)
            render.render(stack, folder)
            made[stack] = Rendered(folder)
        return made[stack]

    return rendered


@pytest.fixture(params=["dev", "prod", "managed"])
def stack(request: pytest.FixtureRequest, rendering: Callable[[str], Rendered]) -> Rendered:
    """Each stack in turn."""
    return rendering(str(request.param))


@pytest.fixture
def changed(tmp_path: Path) -> Renderer:
    """Renders a committed stack with some of its groups of settings replaced."""

    def rendered(stack: str, changes: Mapping[str, Any]) -> Rendered:
        document = yaml.safe_load(stack_file.stack_file(stack).read_text())
        document["config"] |= {f"{PROJECT}:{key}": value for key, value in changes.items()}
        path = tmp_path / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump(document))
        render.render(stack, tmp_path / "out", path)
        return Rendered(tmp_path / "out")

    return rendered
