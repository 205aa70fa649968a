"""What there is in the embedded cluster, as the node agent last saw it; the simulator answers for it.

The agent writes it whenever something changed; who reads it needs no access to the cluster.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from local.processes import write


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Container(_Model):
    """A container of a pod: its name, its image's reference, its named ports."""

    name: str
    image: str
    ports: dict[str, int] = {}


class Pod(_Model):
    """A running pod.

    Attributes:
        claims: Names of the volume claims that it mounts.
        gpus: How many GPUs its containers ask for.
    """

    namespace: str
    name: str
    node: str
    address: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    containers: tuple[Container, ...] = ()
    claims: tuple[str, ...] = ()
    gpus: int = 0


class Node(_Model):
    """A node: its internal address, its labels, how many GPUs it has."""

    name: str
    address: str
    labels: dict[str, str] = {}
    gpus: int = 0


class Volume(_Model):
    """A bound volume claim and the persistent volume behind it."""

    namespace: str
    claim: str
    name: str
    size: int
    """In bytes."""


class Inventory(_Model):
    """All of it.

    Attributes:
        processes: Where a pod's program really runs: `pod address:port` to `127.0.0.1:port`.
    """

    pods: tuple[Pod, ...] = ()
    nodes: tuple[Node, ...] = ()
    volumes: tuple[Volume, ...] = ()
    processes: dict[str, str] = {}

    def at(self, address: str) -> "Pod | Node | None":
        """Return the pod or node with this address, without a port."""
        found: Iterator[Pod | Node] = (one for one in (*self.pods, *self.nodes) if one.address == address)
        return next(found, None)

    @staticmethod
    def read(path: Path) -> "Inventory":
        """Read it from its file; empty where there is none yet."""
        return Inventory.model_validate_json(path.read_text()) if path.exists() else Inventory()

    def write(self, path: Path) -> None:
        """Write it in one step."""
        write(path, self.model_dump_json(indent=1) + "\n")
