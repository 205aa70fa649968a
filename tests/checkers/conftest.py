"""Rendered stacks as files, which checkers read."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stacks import render, stack_file
from stacks.settings_base import PROJECT
from tests.stacks.test_switches import SEVERAL

#: Prod, where people reach two Grafanas through an Ingress.
REACHED = "prod that people reach"


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """The files of a rendered stack."""

    def rendered(stack: str) -> list[Path]:
        folder = tmp_path_factory.mktemp("rendered")
        if stack == REACHED:
            document = yaml.safe_load(stack_file.stack_file("prod").read_text())
            document["config"][f"{PROJECT}:grafana"] = SEVERAL
            path = tmp_path_factory.mktemp("changed") / "Pulumi.prod.yaml"
            path.write_text(yaml.safe_dump(document))
            render.render("prod", folder, path)
        else:
            render.render(stack, folder)
        return sorted((folder / "manifests").glob("*.yaml"))

    return rendered
