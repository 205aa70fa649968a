"""What another monitoring stack takes on the same engine: a chart through `helm.v4.Chart`, beside dev.

`python -m bench.peer CHART` deploys dev, then the chart, kube-prometheus-stack say, to an embedded cluster.
It needs the official engine and provider, since a chart is rendered in that provider. CHART is what Helm
takes: a folder, an archive, or an address of one. About ten minutes; it writes nothing.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.engine import Measured, measured, project_of
from bench.engine_operation import PEER, Work
from local.cluster import Cluster
from local.engine import official
from local.platform import Platform
from stacks.stack_file import ROOT, read_stack_file, stack_file

#: At most what part of the chart's figure dev's may be, by operation.
GOALS = {"preview": 1 / 5, "up": 1 / 5, "preview of no change": 1 / 10, "up of no change": 1 / 10}
STATE_GOAL = 1 / 10
PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
provider = k8s.Provider("cluster", context=config.require_object("kubernetes")["context"])
namespace = k8s.core.v1.Namespace(
    "peer", metadata={"name": "peer"}, opts=pulumi.ResourceOptions(provider=provider)
)
k8s.helm.v4.Chart(
    "peer",
    chart=config.require("chart"),
    namespace=namespace.metadata.name,
    opts=pulumi.ResourceOptions(provider=provider),
)
"""
MISSING = (
    "The chart is rendered in the official Kubernetes provider, which is not here: install pulumi with its "
    "Python language host (https://www.pulumi.com/docs/install/), then "
    "`pulumi plugin install resource kubernetes`."
)


def rows(ours: Measured, peer: Measured) -> list[str]:
    """A line for each figure: dev's, the chart's, and what part of it that is beside its goal."""
    figures = {
        name: (
            f"{ours.operations[name].seconds} s",
            f"{peer.operations[name].seconds} s",
            ours.operations[name].seconds / peer.operations[name].seconds,
            goal,
        )
        for name, goal in GOALS.items()
    }
    figures["state"] = (
        f"{ours.state_bytes} bytes",
        f"{peer.state_bytes} bytes",
        ours.state_bytes / peer.state_bytes,
        STATE_GOAL,
    )
    return [
        f"{name}: {own}, the chart {other}: {part:.2f} of it; the goal is {goal:.2f} at most"
        for name, (own, other, part, goal) in figures.items()
    ]


def main(chart: Annotated[str, typer.Argument(help="the chart, as Helm takes it")]) -> None:
    """Measure a chart beside dev, about ten minutes."""
    if not official():
        typer.echo(MISSING, err=True)
        raise typer.Exit(1)
    with tempfile.TemporaryDirectory(prefix="peer-") as name:
        folder = Path(name).resolve()
        platform = Platform(stack="dev", state=folder)
        context = read_stack_file(stack_file("dev")).kubernetes.context
        try:
            platform.prepare()
            kubeconfig = str(Cluster(folder, context).kubeconfig)
            project = project_of(folder / "peer-project", PEER, PROGRAM, {"chart": chart})
            peer = Work(
                project=str(project),
                stack=PEER,
                state=str(folder / PEER),
                kubeconfig=kubeconfig,
                context=context,
            )
            dev = Work(
                project=str(ROOT), stack="dev", state=str(folder), kubeconfig=kubeconfig, context=context
            )
            print("\n".join(rows(measured(dev), measured(peer))))
        finally:
            platform.down()


if __name__ == "__main__":
    typer.run(main)
