"""The settings in docs/operations.md are settings: with each example, prod is a sound stack."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from stacks.settings_base import PROJECT
from stacks.stack_file import ROOT
from tests.stacks.conftest import run_main, write_kubeconfig
from tests.stacks.setting_changes import Document, document
from tests.stacks.test_grafana_access import ways_in
from tests.stacks.test_program import objects
from tests.stacks.test_switches import secrets, unsound

TEXT = (ROOT / "docs" / "operations.md").read_text()
EXAMPLES: list[Document] = [
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]


def configuration(example: Document) -> dict[str, str]:
    """The example's settings on top of prod's, as the engine hands them to a program."""
    prod = {f"{PROJECT}:{key}": value for key, value in document("prod").items()}
    merged = {
        key: {**prod[key], **cast("dict[str, Any]", value)} if isinstance(value, dict) else value
        for key, value in example.items()
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in merged.items()}


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Prod's context leads to a server that answers."""
    write_kubeconfig(tmp_path / "config", {"dubbing-prod": server})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_is_a_sound_stack(example: Document) -> None:
    values = configuration(example)
    resources = run_main("prod", values, secrets("prod", values))
    assert unsound(resources) == []
    grafana = example.get(f"{PROJECT}:grafana", {})
    assert bool(list(ways_in(resources))) is ("ingress" in grafana)
    made = objects(resources, "Deployment").popitem()[1]["metadata"]["namespace"]
    assert made == example.get(f"{PROJECT}:kubernetes", {}).get("namespace", "monitoring")


def test_the_examples_are_found_and_a_wrong_one_would_be_seen() -> None:
    assert [next(iter(example)) for example in EXAMPLES].count(f"{PROJECT}:grafana") == 3
    (wrong,) = [one for one in EXAMPLES if "database" in one.get(f"{PROJECT}:grafana", {})]
    values = configuration({f"{PROJECT}:grafana": {**wrong[f"{PROJECT}:grafana"], "database": None}})
    with pytest.raises(SystemExit):
        run_main("prod", values)
