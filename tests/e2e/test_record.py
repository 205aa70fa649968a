"""What is recorded of a release is small, belongs to no machine, and has no secret but the planted one."""

import json
from pathlib import Path

import pytest

from tests.e2e.record import FOLDER, PLACE, SECRET, recorded


@pytest.fixture(params=sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_recorded_release_is_small_and_belongs_to_no_machine(file: Path) -> None:
    assert file.stat().st_size < 300_000
    (state,) = [
        content for name, content in recorded(file).items() if name.startswith("state/.pulumi/stacks/")
    ]
    providers = [
        one["inputs"]
        for one in json.loads(state)["checkpoint"]["latest"]["resources"]
        if one["type"] == "pulumi:providers:kubernetes"
    ]
    assert providers
    assert all(one["kubeconfig"].startswith(f"{PLACE.decode()}/") for one in providers)
    assert state.count(b"/kubeconfig") == state.count(PLACE)


def test_every_secret_of_a_recorded_release_is_the_planted_one(file: Path) -> None:
    secrets = [one for name, one in recorded(file).items() if "/registry/secrets/" in name]
    assert len(secrets) == 4
    assert all(SECRET.encode() in one for one in secrets)
