"""A volume claim that changes its size, where the storage class expands and where it does not."""

import time
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import ApiClient, CoreV1Api, StorageV1Api
from pulumi import automation

from tests.provider.conftest import CONTEXT, Engine, done, planned

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    # The engine that ends under an operation leaves its coroutines to the collector (pulumi 3.272).
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Program = Callable[[], None]


def claim(name: str, size: str) -> Program:
    """A claim of the class that has the claim's name."""

    def program() -> None:
        provider = k8s.Provider("cluster", context=CONTEXT)
        k8s.core.v1.PersistentVolumeClaim(
            "claim",
            metadata={"name": name},
            spec={
                "access_modes": ["ReadWriteOnce"],
                "storage_class_name": name,
                "resources": {"requests": {"storage": size}},
            },
            opts=pulumi.ResourceOptions(provider=provider),
        )

    return program


def size_of(api: ApiClient, name: str) -> str:
    found: Any = CoreV1Api(api).read_namespaced_persistent_volume_claim(name, "default")
    return found.spec.resources.requests["storage"]


@pytest.fixture(scope="module", params=["growing", "fixed"])
def bound(request: pytest.FixtureRequest, engine: Engine, api: ApiClient) -> str:
    """The name of a class that expands, or of one that does not, and of a claim of it with a volume."""
    name = str(request.param)
    storage: Any = {
        "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner",
        "allowVolumeExpansion": name == "growing",
    }
    StorageV1Api(api).create_storage_class(storage)
    volume: Any = {
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "2Gi"},
            "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
        },
    }
    core = CoreV1Api(api)
    core.create_persistent_volume(volume)
    engine.stack(name, claim(name, "2Gi")).up()
    deadline = time.monotonic() + 30
    while (found := _phase(core, name)) != "Bound":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return name


def _phase(core: CoreV1Api, name: str) -> str:
    found: Any = core.read_namespaced_persistent_volume_claim(name, "default")
    return found.status.phase


def test_smaller_is_refused_by_name_whatever_the_class(engine: Engine, api: ApiClient, bound: str) -> None:
    with pytest.raises(automation.CommandError, match=f'"{bound}"(.|\n)*can not be less than'):
        engine.stack(bound, claim(bound, "1Gi")).up()
    assert size_of(api, bound) == "2Gi"


def test_larger_is_one_update_where_the_class_expands_and_refused_by_name_where_it_does_not(
    engine: Engine, api: ApiClient, bound: str
) -> None:
    stack = engine.stack(bound, claim(bound, "3Gi"))
    if bound == "growing":
        assert planned(stack.preview()) == {"update": 1}
        assert done(stack.up()) == {"update": 1}
        assert size_of(api, bound) == "3Gi"
    else:
        with pytest.raises(automation.CommandError, match=f'"{bound}"(.|\n)*must support resize'):
            stack.up()
        assert size_of(api, bound) == "2Gi"
