"""A server that keeps data: its StatefulSet, the claim it adopts, and its Services."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w

DATA = "data"


def data_mount(path: str) -> w.Mount:
    """The folder of the server's volume."""
    return w.Mount(name=DATA, path=path, source=None, read_only=False)


def stateful_server(
    workload: w.Workload,
    place: w.Place,
    parent: pulumi.Resource,
    *,
    size: str,
    grace_seconds: int,
    depends_on: Sequence[pulumi.Resource],
) -> k8s.core.v1.Service:
    """A StatefulSet of one replica, its volume of `size`, and the Service under the workload's name.

    The claim is a resource of the stack, which the StatefulSet adopts by its name, so that it can grow.
    """
    name = workload.name
    (port_name, port), *_ = workload.ports.items()
    account = w.service_account(workload, place, parent)
    claim = w.volume_claim(f"{DATA}-{name}-0", place, parent, size=size, of=name)
    governing = k8s.core.v1.Service(
        f"{name}-headless",
        metadata=w.metadata(place, f"{name}-headless", of=name),
        spec={
            "cluster_ip": "None",
            "selector": workload.selector,
            "ports": [{"name": port_name, "port": port}],
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )
    spec: k8s.core.v1.PodSpecArgsDict = {
        **w.pod_spec(workload, place),
        "termination_grace_period_seconds": grace_seconds,
    }
    k8s.apps.v1.StatefulSet(
        name,
        metadata={"name": name, "namespace": place.namespace, "labels": workload.labels},
        spec={
            "replicas": 1,
            "service_name": f"{name}-headless",
            "pod_management_policy": "Parallel",
            "selector": {"match_labels": workload.selector},
            "template": w.pod_template(workload, place, spec),
            "volume_claim_templates": [_claim_template(place)],
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[account, claim, governing, *depends_on]),
    )
    return w.service(workload, place, parent)


def _claim_template(place: w.Place) -> k8s.core.v1.PersistentVolumeClaimArgsDict:
    """The template whose name leads to the declared claim.

    Its size is never used, since the claim exists first, and never changes, since a StatefulSet's templates
    cannot: the claim says the real one.
    """
    return {
        "metadata": {"name": DATA},
        "spec": {
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": place.storage_class,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
