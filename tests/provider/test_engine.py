"""The stand-in between the real engine and a real API server; sources are under provider/pkg as of 4.34."""

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes.client import ApiClient, ApiException, CoreV1Api
from pulumi import automation

from local.cluster import Cluster
from local.repair import finder, settle
from tests.provider.conftest import CONTEXT, Engine, done, planned

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    # The engine that ends under an operation leaves its coroutines to the collector (pulumi 3.272).
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Program = Callable[[], None]


def provider(*, context: str = CONTEXT, mutable: bool = True) -> pulumi.ResourceOptions:
    cluster = k8s.Provider(
        "cluster", context=context, enable_config_map_mutable=mutable, enable_secret_mutable=mutable
    )
    return pulumi.ResourceOptions(provider=cluster)


def config_map(name: str, text: str, *, context: str = CONTEXT, mutable: bool = True) -> Program:
    def program() -> None:
        opts = provider(context=context, mutable=mutable)
        k8s.core.v1.ConfigMap("map", metadata={"name": name}, data={"a.yml": text}, opts=opts)

    return program


def workload(name: str, *, seconds: int = 20, node: str = "") -> Program:
    """A Deployment, given up after `seconds`, and its Service; a node that is not there leaves it pending."""
    timeouts = pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")

    def program() -> None:
        opts = provider()
        labels = {"app": name}
        k8s.apps.v1.Deployment(
            "web",
            metadata={"name": name},
            spec={
                "selector": {"match_labels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "containers": [{"name": "web", "image": "web:1", "ports": [{"container_port": 80}]}],
                        "node_selector": {"kubernetes.io/hostname": node} if node else None,
                    },
                },
            },
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=timeouts)),
        )
        k8s.core.v1.Service(
            "web", metadata={"name": name}, spec={"selector": labels, "ports": [{"port": 80}]}, opts=opts
        )

    return program


def rerun(stack: automation.Stack, program: Program) -> dict[str, int]:
    stack.workspace.program = program
    return done(stack.up())


def test_what_exists_already_is_an_error_at_up_and_is_left_alone(engine: Engine, api: ApiClient) -> None:
    """Source: pull request 4278 (4.29), await.Creation; provider.go Create, failedPreview."""
    maps: Any = CoreV1Api(api)
    maps.create_namespaced_config_map(
        "default", {"metadata": {"name": "exists"}, "data": {"a.yml": "theirs"}}
    )
    stack = engine.stack("exists", config_map("exists", "ours"))
    assert planned(stack.preview()) == {"create": 3}
    with pytest.raises(
        automation.CommandError,
        match=r'not successfully created by the Kubernetes API server: configmaps "exists" already exists',
    ):
        stack.up()
    assert maps.read_namespaced_config_map("exists", "default").data == {"a.yml": "theirs"}
    stack.destroy()
    assert maps.read_namespaced_config_map("exists", "default").data == {"a.yml": "theirs"}


def test_a_preview_asks_the_server_and_changes_nothing(engine: Engine, api: ApiClient) -> None:
    """Source: await.Creation and ssaUpdate, metav1.DryRunAll."""
    stack = engine.stack("dry-run", config_map("dry-run", "x"))
    stack.preview()
    with pytest.raises(ApiException, match="Not Found"):
        CoreV1Api(api).read_namespaced_config_map("dry-run", "default")
    stack.workspace.program = config_map("Not A Name", "x")
    with pytest.raises(automation.CommandError, match=r"Invalid value.*lowercase RFC 1123 subdomain"):
        stack.preview()


def test_a_config_map_is_updated_with_the_flag_and_replaced_without(engine: Engine, api: ApiClient) -> None:
    """Source: provider/diff.go forceNewProperties; await.go ssaUpdate, fixCSAFieldManagers."""
    maps: Any = CoreV1Api(api)
    stack = engine.stack("map", config_map("map", "one"))
    assert done(stack.up()) == {"create": 3}
    first = maps.read_namespaced_config_map("map", "default").metadata
    assert done(stack.up()) == {}
    assert rerun(stack, config_map("map", "two")) == {"update": 1}
    second = maps.read_namespaced_config_map("map", "default").metadata
    assert second.uid == first.uid
    managers = [(entry.manager, entry.operation) for entry in second.managed_fields]
    assert managers == [(first.managed_fields[0].manager, "Apply")]
    assert rerun(stack, config_map("map", "three", mutable=False)) == {
        "update": 1,  # the provider resource itself
        "replace": 1,
    }
    third = maps.read_namespaced_config_map("map", "default")
    assert third.metadata.uid != first.uid
    assert third.data == {"a.yml": "three"}
    assert done(stack.destroy()) == {"delete": 3}


def test_a_field_that_another_manager_owns_is_a_conflict(engine: Engine, api: ApiClient) -> None:
    """Source: await.go handleSSAErr, patchForce."""
    stack = engine.stack("conflict", config_map("conflict", "ours"))
    stack.up()
    CoreV1Api(api).patch_namespaced_config_map(
        "conflict", "default", {"data": {"a.yml": "theirs"}}, field_manager="them"
    )
    stack.refresh()
    with pytest.raises(
        automation.CommandError, match=r'Server-Side Apply field conflict.*\n.*conflict with "them"'
    ):
        stack.up()


def test_a_workload_is_awaited_and_one_that_never_gets_ready_stays_in_the_state(
    engine: Engine, api: ApiClient
) -> None:
    """Source: await/deployment.go; await/error.go timeoutError; provider.go partialError."""
    stack = engine.stack("workload", workload("web", seconds=5, node="nowhere"))
    started = time.monotonic()
    with pytest.raises(automation.CommandError) as failure:
        stack.up()
    assert 5 <= time.monotonic() - started < 60
    assert "'web' timed out waiting to be Ready" in str(failure.value)
    assert "Minimum number of live Pods was not attained" in str(failure.value)
    assert "node(s) didn't match Pod's node affinity/selector" in str(failure.value)
    assert "kubernetes:apps/v1:Deployment" in engine.stored("workload")
    assert rerun(stack, workload("web")) == {"update": 1}
    core: Any = CoreV1Api(api)
    pods = core.list_namespaced_pod("default", label_selector="app=web").items
    assert [pod.status.phase for pod in pods] == ["Running"]
    assert rerun(stack, workload("web")) == {}
    assert done(stack.refresh()) == {}
    assert rerun(stack, workload("web")) == {}
    stack.destroy()
    assert core.list_namespaced_pod("default", label_selector="app=web").items == []


def interrupt(engine: Engine, api: ApiClient, stack: str, number: signal.Signals) -> float:
    """Send a signal to an up that waits for its Service's endpoints, and tell how long it took to end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.provider.interrupted", stack],
        env={**os.environ, **engine.environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    services: Any = CoreV1Api(api)
    began = time.monotonic()
    # It is waited for at least ten seconds once it is there.
    while stack not in [one.metadata.name for one in services.list_namespaced_service("default").items]:
        assert time.monotonic() - began < 60
        time.sleep(0.2)
    os.killpg(process.pid, number)
    started = time.monotonic()
    process.wait(60)
    with contextlib.suppress(ProcessLookupError):  # the group is there until its engine has ended too
        while time.monotonic() - started < 60:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    return time.monotonic() - started


def test_a_killed_engine_leaves_pending_creates_that_are_adopted(engine: Engine, api: ApiClient) -> None:
    """Source: pulumi/pulumi pkg/cmd/pulumi/operations/refresh.go, filterMapPendingCreates."""
    stack = engine.stack("killed", workload("killed"))
    interrupt(engine, api, "killed", signal.SIGKILL)
    stack.cancel()
    exported = stack.export_stack()
    version, deployment = exported.version, exported.deployment
    assert version is not None
    assert deployment is not None
    repaired, adopted = settle(dict(deployment), finder(api))
    assert "Service default/killed" in adopted
    with pytest.raises(automation.CommandError, match="already exists"):
        stack.up()
    stack.import_stack(automation.Deployment(version=version, deployment=repaired))
    stack.refresh()
    assert done(stack.up()) == {}
    assert "pending_operations" not in engine.stored("killed")


def test_an_interrupted_engine_ends_its_waits(engine: Engine, api: ApiClient) -> None:
    """Source: provider.go Cancel; await/error.go cancellationError."""
    stack = engine.stack("interrupted", workload("interrupted"))
    assert interrupt(engine, api, "interrupted", signal.SIGINT) < 10
    stack.refresh()
    assert "pending_operations" not in engine.stored("interrupted")
    stack.up()
    assert done(stack.up()) == {}


def test_a_refresh_sees_drift_and_what_is_gone(engine: Engine, api: ApiClient) -> None:
    """Source: provider.go Read, deleteResponse."""
    maps: Any = CoreV1Api(api)
    stack = engine.stack("drift", config_map("drift", "ours"))
    stack.up()
    maps.patch_namespaced_config_map("drift", "default", {"data": {"a.yml": "theirs", "more": "x"}})
    assert done(stack.refresh()) == {"update": 1}
    maps.delete_namespaced_config_map("drift", "default")
    assert done(stack.refresh()) == {"delete": 1}
    assert done(stack.up()) == {"create": 1}
    maps.delete_namespaced_config_map("drift", "default")
    assert done(stack.destroy()) == {"delete": 3}  # gone already is a success


def test_an_object_is_imported_by_namespace_and_name(engine: Engine, api: ApiClient) -> None:
    """Source: provider.go Read, readFromCluster; util.go parseFqName."""
    maps: Any = CoreV1Api(api)
    maps.create_namespaced_config_map("default", {"metadata": {"name": "old"}, "data": {"a": "1"}})

    def program() -> None:
        opts = pulumi.ResourceOptions.merge(provider(), pulumi.ResourceOptions(import_="default/old"))
        k8s.core.v1.ConfigMap(
            "map", metadata={"name": "old", "namespace": "default"}, data={"a": "1"}, opts=opts
        )

    stack = engine.stack("import", program)
    assert done(stack.up()) == {"create": 2, "import": 1}
    assert done(stack.up()) == {}


def test_secrets_reach_the_cluster_and_never_the_state_or_the_log(engine: Engine, api: ApiClient) -> None:
    """Source: provider.go checkpointObject, annotateSecrets."""

    def program() -> None:
        password = pulumi.Output.secret("planted-secret")
        k8s.core.v1.Secret("s", metadata={"name": "s"}, string_data={"password": password}, opts=provider())

    stack = engine.stack("secret", program)
    output: list[str] = []
    stack.up(on_output=output.append)
    coded = base64.b64encode(b"planted-secret").decode()
    assert CoreV1Api(api).read_namespaced_secret("s", "default").data == {"password": coded}
    written = engine.stored("secret") + "".join(output) + (engine.folder / "provider.log").read_text("utf-8")
    assert "kubernetes:core/v1:Secret" in written
    assert not {text for text in ("planted-secret", coded) if text in written}
    assert done(stack.up()) == {}


def test_a_context_that_does_not_exist_stops_the_preview_at_once(engine: Engine, cluster: Cluster) -> None:
    stack = engine.stack("nowhere", config_map("nowhere", "x", context="nowhere"))
    started = time.monotonic()
    with pytest.raises(automation.CommandError, match=f'context "nowhere" does not exist.*{cluster.context}'):
        stack.preview()
    assert time.monotonic() - started < 15
