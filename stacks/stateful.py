"""A server that keeps data: its StatefulSet, its claims and its Services."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w
from stacks.replicas import headless_service, one_at_a_time, spread

DATA = "data"

#: How long a StatefulSet is waited for at least, in seconds: the provider's own default.
LEAST_PATIENCE = 600


def data_mount(path: str) -> w.Mount:
    """The folder of the server's volume."""
    return w.Mount(name=DATA, path=path, source=None, read_only=False)


def replica_pods(name: str, replicas: int) -> tuple[str, ...]:
    """Each replica's pod."""
    return tuple(f"{name}-{number}" for number in range(replicas))


def replica_names(name: str, replicas: int, port: int) -> list[str]:
    """Each replica's own name and port, inside its namespace."""
    return [f"{pod}.{name}-headless:{port}" for pod in replica_pods(name, replicas)]


def stateful_server(
    workload: w.Workload,
    place: w.Place,
    parent: pulumi.Resource,
    *,
    replicas: int,
    size: str,
    grace_seconds: int,
    start_seconds: int = 0,
    min_ready_seconds: int = 0,
    depends_on: Sequence[pulumi.Resource],
) -> k8s.core.v1.Service:
    """A StatefulSet, a volume of `size` for each replica, and the Service under the workload's name.

    The claims are resources of the stack, which the StatefulSet adopts by their names, so that they can grow.
    Several replicas are kept apart, and go one at a time: for a drain, and for a change, which takes the next
    one `min_ready_seconds` after the last became ready; `start_seconds` is the most that one takes for that.
    Each client of the Service stays with one.
    """
    name = workload.name
    several = replicas > 1
    account = w.service_account(workload, place, parent)
    claims = [
        w.volume_claim(f"{DATA}-{pod}", place, parent, size=size, of=name)
        for pod in replica_pods(name, replicas)
    ]
    governing = headless_service(workload, place, parent)
    spec: k8s.core.v1.PodSpecArgsDict = {
        **w.pod_spec(workload, place),
        "termination_grace_period_seconds": grace_seconds,
    }
    if several:
        spec["topology_spread_constraints"] = spread(workload)
        one_at_a_time(workload, place, parent)
    k8s.apps.v1.StatefulSet(
        name,
        metadata={"name": name, "namespace": place.namespace, "labels": workload.labels},
        spec={
            "replicas": replicas,
            "min_ready_seconds": min_ready_seconds,
            "service_name": f"{name}-headless",
            "pod_management_policy": "Parallel",
            "selector": {"match_labels": workload.selector},
            "template": w.pod_template(workload, place, spec),
            "volume_claim_templates": [_claim_template(place)],
        },
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[account, *claims, governing, *depends_on],
            custom_timeouts=_patience(replicas * (grace_seconds + start_seconds + min_ready_seconds)),
            # It names the storage class, and cannot change.
            ignore_changes=["spec.volumeClaimTemplates"],
        ),
    )
    return w.service(workload, place, parent, sticky=several)


def _patience(seconds: int) -> pulumi.CustomTimeouts:
    """As long as a change may take, where that is more than the provider's own limit."""
    limit = f"{max(LEAST_PATIENCE, seconds)}s"
    return pulumi.CustomTimeouts(create=limit, update=limit)


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
