"""A real cluster, as its administrator and as a deployer, and a stack that goes to it."""

import gc
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

from local.cluster import Cluster
from stacks import preflight, render, stack_file
from stacks.live_cluster import LiveCluster
from stacks.preflight_situation import Finding
from stacks.recording import Registration
from stacks.settings_base import PROJECT

Json = dict[str, Any]
CONTEXT = "dubbing-dev"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    embedded = Cluster(tmp_path_factory.mktemp("platform"), CONTEXT)
    embedded.start()
    yield embedded
    embedded.remove()
    gc.collect()  # while the last test's filters hold


@dataclass(frozen=True)
class Hands:
    """The administrator's hands on the cluster."""

    dynamic: Any
    """Untyped, as the client is."""

    def apply(self, manifest: Mapping[str, Any]) -> Json:
        resource = self.dynamic.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"])
        metadata = manifest["metadata"]
        return resource.server_side_apply(
            body=dict(manifest),
            name=metadata["name"],
            namespace=metadata.get("namespace"),
            field_manager="by-hand",
            force_conflicts=True,
        ).to_dict()

    def delete(self, manifest: Mapping[str, Any]) -> None:
        resource = self.dynamic.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"])
        metadata = manifest["metadata"]
        try:
            resource.delete(
                name=metadata["name"], namespace=metadata.get("namespace"), body={"gracePeriodSeconds": 0}
            )
        except NotFoundError:
            return

    @contextmanager
    def there(self, *manifests: Mapping[str, Any]) -> Generator[None]:
        """Within this block the objects are there."""
        try:
            for manifest in manifests:
                self.apply(manifest)
            yield
        finally:
            for manifest in reversed(manifests):
                if manifest["kind"] != "Namespace":  # it would take its time, and the next test needs it
                    self.delete(manifest)


@pytest.fixture(scope="session")
def hands(cluster: Cluster) -> Iterator[Hands]:
    client: ApiClient
    with new_client_from_config(
        str(cluster.kubeconfig), CONTEXT, client_configuration=Configuration()
    ) as client:
        yield Hands(DynamicClient(client))


Found = Callable[..., list[Finding]]


@pytest.fixture
def found(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Found:
    """What a preflight finds for a stack with some of its groups of settings changed, key by key."""

    def findings(
        stack: str = "dev", changes: Mapping[str, Json] | None = None, kubeconfig: Path = cluster.kubeconfig
    ) -> list[Finding]:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        document = yaml.safe_load(stack_file.stack_file(stack).read_text())
        for key, values in {"kubernetes": {"context": CONTEXT}, **(changes or {})}.items():
            group = document["config"].setdefault(f"{PROJECT}:{key}", {})
            document["config"][f"{PROJECT}:{key}"] = (
                {**group, "context": CONTEXT, **values} if key == ("kubernetes") else {**group, **values}
            )
        path = tmp_path / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump(document))
        return preflight.findings(stack_file.read_stack_file(path), stack_file.raw_values(path), stack)

    return findings


@pytest.fixture
def planned() -> list[Registration]:
    """What the stack dev registers."""
    return render.registrations("dev")


@pytest.fixture
def as_deployer(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveCluster]:
    """The cluster as its deployer sees it."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.deployer_kubeconfig))
    with LiveCluster.connect(CONTEXT) as connected:
        yield connected


def of_level(found: list[Finding], level: str) -> list[str]:
    """The texts of one level."""
    return [finding.text for finding in found if finding.level == level]
