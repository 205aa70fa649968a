"""What a stack keeps when it goes, and how a later one takes it back."""

import time
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import ApiClient, CoreV1Api
from pulumi import automation

from tests.provider.conftest import CONTEXT, Engine, done

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    # The engine that ends under an operation leaves its coroutines to the collector (pulumi 3.272).
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Program = Callable[[], None]


def claim(name: str, size: str = "2Gi", *, kept: bool = True) -> Program:
    """A volume claim that outlives its stack, with the provider that takes it back or an ordinary one."""

    def program() -> None:
        provider = k8s.Provider(
            "kept",
            context=CONTEXT,
            upsert_existing_objects=True if kept else None,
            enable_patch_force=True if kept else None,
        )
        k8s.core.v1.PersistentVolumeClaim(
            "claim",
            metadata={"name": name, "labels": {"size": size}},
            spec={
                "access_modes": ["ReadWriteOnce"],
                "storage_class_name": "gp3",
                "resources": {"requests": {"storage": size}},
            },
            opts=pulumi.ResourceOptions(provider=provider, retain_on_delete=True),
        )

    return program


def live(api: ApiClient, name: str) -> Any:  # noqa: ANN401 - the client's objects are untyped
    return CoreV1Api(api).read_namespaced_persistent_volume_claim(name, "default")


def bind(api: ApiClient, name: str) -> None:
    """Use a claim, since only one that is bound to a volume can grow."""
    core = CoreV1Api(api)
    container = {"name": "user", "image": "user:1"}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    pod: Any = {"metadata": {"name": name}, "spec": {"containers": [container], "volumes": [volume]}}
    core.create_namespaced_pod("default", pod)
    deadline = time.monotonic() + 30
    while live(api, name).status.phase != "Bound":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    core.delete_namespaced_pod(name, "default", grace_period_seconds=0)


@pytest.fixture(scope="module")
def left(engine: Engine, api: ApiClient) -> str:
    """The name of a claim that a stack left behind."""
    name = "kept"
    stack = engine.stack(name, claim(name))
    assert done(stack.up())["create"] == 3
    bind(api, name)
    stack.destroy()
    assert live(api, name).metadata.labels == {"size": "2Gi"}
    return name


def test_an_ordinary_provider_refuses_what_exists(engine: Engine, left: str) -> None:
    with pytest.raises(automation.CommandError, match="already exists"):
        engine.stack(f"{left}-refused", claim(left, kept=False)).up()


def test_a_preview_of_taking_it_back_changes_nothing(engine: Engine, api: ApiClient, left: str) -> None:
    before = live(api, left).metadata.resource_version
    engine.stack(f"{left}-preview", claim(left, "3Gi")).preview()
    assert live(api, left).metadata.resource_version == before


def test_a_smaller_size_is_refused_by_name_and_what_was_kept_stays(
    engine: Engine, api: ApiClient, left: str
) -> None:
    with pytest.raises(automation.CommandError, match=f"{left}(.|\n)*can not be less than"):
        engine.stack(f"{left}-smaller", claim(left, "1Gi")).up()
    assert live(api, left).spec.resources.requests == {"storage": "2Gi"}


def test_what_a_stack_kept_is_taken_back_as_it_is_and_goes_on_as_its_own(
    engine: Engine, api: ApiClient, left: str
) -> None:
    before = live(api, left).metadata.uid
    stack = engine.stack(f"{left}-again", claim(left))
    stack.up()
    assert live(api, left).metadata.uid == before
    assert done(stack.up()) == {}
    larger = engine.stack(f"{left}-again", claim(left, "3Gi"))
    assert done(larger.up()) == {"update": 1}
    assert live(api, left).spec.resources.requests == {"storage": "3Gi"}
    assert live(api, left).metadata.labels == {"size": "3Gi"}
    assert done(larger.refresh()) == {}
