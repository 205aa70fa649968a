"""What the checks of `stacks.preflight_checks` look at, and what one of them finds."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stacks.deployer_role import Manifest
from stacks.live_cluster import Json, LiveCluster, RefusedError
from stacks.recording import Registration
from stacks.settings import Exporter, Settings


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one look at the cluster came to."""

    level: Literal["error", "warning", "note"]
    text: str
    """What, and where."""
    mend: str = ""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A stack that is to be deployed, and the cluster that it goes to."""

    stack: str
    """The stack's name."""
    settings: Settings
    registrations: tuple[Registration, ...]
    cluster: LiveCluster
    pods: tuple[Json, ...] | None
    """Every pod of the cluster; None where the user may not list them."""
    nodes: tuple[Json, ...] | None

    @property
    def objects(self) -> list[Manifest]:
        """The stack's objects."""
        return [item.inputs for item in self.registrations if item.is_kubernetes_object]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """The stack's objects of some kinds."""
        return [item for item in self.objects if item["kind"] in kinds]

    def setting(self, registration: Registration) -> str:
        """The exporter's group of settings that an object comes from; empty for all other objects."""
        component = registration.parent.rpartition("::")[0].rpartition(":")[2].lower()
        exporters = [
            field.alias or name
            for name, field in Settings.model_fields.items()
            if isinstance(getattr(self.settings, name), Exporter)
        ]
        return next((name for name in exporters if component.startswith(name.lower())), "")

    @property
    def kubectl(self) -> str:
        """The command that asks the stack's cluster."""
        return f"kubectl --context {shlex.quote(self.settings.kubernetes.context)}"

    def are_there(self, manifests: Sequence[Manifest]) -> bool:
        """Whether all of some objects exist already, as they do once the stack was deployed."""
        try:
            return None not in self.cluster.existing(manifests)
        except RefusedError:
            return False  # Who may not look has not deployed the stack.


Check = Callable[[Situation], Iterator[Finding]]


def identity(item: Manifest) -> str:
    """An object's namespace, if it has one, and name, as people write them."""
    metadata = item["metadata"]
    return "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)


def lives(pod: Json) -> bool:
    """Whether a pod has not ended for good."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
