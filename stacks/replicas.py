"""What several replicas need: to find each other, to be kept apart, to be drained one at a time."""

import pulumi
import pulumi_kubernetes as k8s

from stacks import workload as w

#: The pod's own address, which an option later in the same list may name as `$(POD_IP)`.
POD_ADDRESS: k8s.core.v1.EnvVarArgsDict = {
    "name": "POD_IP",
    "value_from": {"field_ref": {"field_path": "status.podIP"}},
}


def headless_service(workload: w.Workload, place: w.Place, parent: pulumi.Resource) -> k8s.core.v1.Service:
    """The Service `NAME-headless`, whose name leads to each pod's own address, ready or not."""
    name = f"{workload.object_name}-headless"
    return k8s.core.v1.Service(
        name,
        metadata=w.metadata(place, name, of=workload.name),
        spec={
            "cluster_ip": "None",
            # It only gives each pod a name, which peers look up before any of them is ready.
            "publish_not_ready_addresses": True,
            "selector": workload.selector,
            "ports": [
                *({"name": port_name, "port": port} for port_name, port in workload.ports.items()),
                *(
                    {"name": port_name, "port": port, "protocol": "UDP"}
                    for port_name, port in workload.udp_ports.items()
                ),
            ],
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )


def spread(workload: w.Workload) -> list[k8s.core.v1.TopologySpreadConstraintArgsDict]:
    """Replicas on zones and nodes of their own where there are enough; a shared one is better than none."""
    return [
        {
            "max_skew": 1,
            "topology_key": key,
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": workload.selector},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def one_at_a_time(workload: w.Workload, place: w.Place, parent: pulumi.Resource) -> None:
    """A disruption budget: a drain takes one replica at a time; a broken one never holds it up."""
    name = workload.name
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=w.metadata(place, name),
        spec={
            "max_unavailable": 1,
            "selector": {"match_labels": workload.selector},
            "unhealthy_pod_eviction_policy": "AlwaysAllow",
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )
