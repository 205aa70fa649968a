"""What every workload of the stack shares: names, labels, security, probes, volumes, the pod itself."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from stacks.images import IMAGES
from stacks.settings import Images
from stacks.settings_base import Resources

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
PART_OF = "dubbing-monitoring"

#: The annotation under which a pod template carries the checksum of what its program reads only at start.
CHECKSUM = f"{PART_OF}/checksum"


@dataclass(frozen=True, kw_only=True)
class CloudIdentity:
    """What makes the pods of an account somebody in the cloud, too."""

    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the account."""
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the pods, which get their credentials as they are created."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a component's objects go, and what all of them carry."""

    namespace: pulumi.Input[str]
    cluster: str
    images: Images
    storage_class: str
    protect: bool
    priority_class: str
    """The priority class of what tells people that something is wrong."""
    kept: pulumi.ProviderResource
    """The provider of what `destroy` keeps, which takes it back where it exists already."""
    identities: Mapping[str, CloudIdentity] = field(default_factory=dict[str, CloudIdentity])
    """By the accounts' names."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume and where the container sees it."""

    name: str
    path: str
    source: k8s.core.v1.VolumeArgsDict | None
    """None for a volume that comes from a StatefulSet's claim template."""
    read_only: bool = True


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One container's declaration; Deployments, StatefulSets and DaemonSets are made of it."""

    name: str
    instance: str | None = None
    """Tells apart several workloads of one name, such as an exporter for each database."""
    image: str
    """The key of the image in `stacks.images`."""
    resources: Resources
    user: int
    """The numeric user, and group, that the image's program runs as."""
    ports: Mapping[str, int]
    """Over TCP; the first one is its Service's."""
    udp_ports: Mapping[str, int] = field(default_factory=dict[str, int])
    args: Sequence[pulumi.Input[str]] = ()
    env: Sequence[k8s.core.v1.EnvVarArgsDict] = ()
    mounts: Sequence[Mount] = ()
    probes: Mapping[str, k8s.core.v1.ProbeArgsDict] = field(
        default_factory=dict[str, k8s.core.v1.ProbeArgsDict]
    )
    """Under the keys `startup`, `readiness` and `liveness`."""
    token: bool = False
    """Whether the program talks to the Kubernetes API."""
    priority: bool = False
    """Whether its pods go before others', since without them nobody hears of anything."""
    checksum: pulumi.Input[str] | None = None
    """Of the files that the program reads only at start: a change rolls the pods."""

    @property
    def object_name(self) -> str:
        """The name of the workload's objects."""
        return f"{self.name}-{self.instance}" if self.instance else self.name

    @property
    def selector(self) -> dict[str, str]:
        """The labels that select its pods; they never change."""
        return {NAME: self.name, INSTANCE: self.object_name}

    @property
    def labels(self) -> dict[str, str]:
        """The recommended labels of its objects."""
        return labels(self.name, self.object_name) | {"app.kubernetes.io/version": IMAGES[self.image].version}


def labels(name: str, instance: str | None = None) -> dict[str, str]:
    """Kubernetes' recommended labels for an object of the stack."""
    return {
        NAME: name,
        INSTANCE: instance or name,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def metadata(place: Place, name: str, of: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
    """Metadata of a namespaced object; `of` names the program it belongs to where that differs."""
    return {"name": name, "namespace": place.namespace, "labels": labels(of or name, name)}


def http_probe(
    path: str, port: str, *, period: int = 10, failures: int = 3, delay: int = 0, timeout: int = 3
) -> k8s.core.v1.ProbeArgsDict:
    """A probe over HTTP; times in seconds."""
    return {
        "http_get": {"path": path, "port": port},
        "initial_delay_seconds": delay,
        "period_seconds": period,
        "timeout_seconds": timeout,
        "failure_threshold": failures,
    }


def config_mount(config_map: str, path: str, name: str = "config") -> Mount:
    """A ConfigMap as a folder; never as single files, which the kubelet would not update."""
    return Mount(name=name, path=path, source={"name": name, "config_map": {"name": config_map}})


def secret_mount(secret: str, path: str, name: str = "secrets") -> Mount:
    """A Secret as a folder that only the workload's group can read."""
    source: k8s.core.v1.VolumeArgsDict = {
        "name": name,
        "secret": {"secret_name": secret, "default_mode": 0o440},
    }
    return Mount(name=name, path=path, source=source)


def scratch_mount(path: str, name: str) -> Mount:
    """A writable folder that lives as long as the pod."""
    return Mount(name=name, path=path, source={"name": name, "empty_dir": {}}, read_only=False)


def service_account(workload: Workload, place: Place, parent: pulumi.Resource) -> k8s.core.v1.ServiceAccount:
    """The workload's own account; whether its pods see a token is the pod's word."""
    component = workload.object_name
    identity = place.identities.get(component, CloudIdentity())
    described = metadata(place, component, of=workload.name)
    if identity.annotations:
        described["annotations"] = identity.annotations
    return k8s.core.v1.ServiceAccount(
        f"{component}-account",
        metadata=described,
        automount_service_account_token=False,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(identity.after)),
    )


def container_security() -> k8s.core.v1.SecurityContextArgsDict:
    """What Pod Security's level `restricted` asks of a container, and a read-only root besides."""
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_security(user: int) -> k8s.core.v1.PodSecurityContextArgsDict:
    """What Pod Security's level `restricted` asks of a pod; volumes belong to the program's group."""
    return {
        "run_as_non_root": True,
        "run_as_user": user,
        "run_as_group": user,
        "fs_group": user,
        "fs_group_change_policy": "OnRootMismatch",
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def container(workload: Workload, place: Place) -> k8s.core.v1.ContainerArgsDict:
    """The workload's container."""
    result: k8s.core.v1.ContainerArgsDict = {
        "name": workload.name,
        "image": IMAGES[workload.image].reference(place.images.registry),
        "args": list(workload.args),
        "env": list(workload.env),
        "ports": [
            *({"name": name, "container_port": port} for name, port in workload.ports.items()),
            *(
                {"name": name, "container_port": port, "protocol": "UDP"}
                for name, port in workload.udp_ports.items()
            ),
        ],
        "resources": {
            "requests": workload.resources.requests.as_mapping(),
            "limits": workload.resources.limits.as_mapping(),
        },
        "security_context": container_security(),
        "volume_mounts": [
            {"name": mount.name, "mount_path": mount.path, "read_only": mount.read_only}
            for mount in workload.mounts
        ],
    }
    if startup := workload.probes.get("startup"):
        result["startup_probe"] = startup
    if readiness := workload.probes.get("readiness"):
        result["readiness_probe"] = readiness
    if liveness := workload.probes.get("liveness"):
        result["liveness_probe"] = liveness
    return result


def pod_spec(workload: Workload, place: Place) -> k8s.core.v1.PodSpecArgsDict:
    """The workload's pod, as Pod Security's level `restricted` accepts it."""
    spec: k8s.core.v1.PodSpecArgsDict = {
        "service_account_name": workload.object_name,
        "automount_service_account_token": workload.token,
        # Names of Services in the environment would only be noise, and break on a Service's name.
        "enable_service_links": False,
        "security_context": pod_security(workload.user),
        "containers": [container(workload, place)],
        "volumes": [mount.source for mount in workload.mounts if mount.source is not None],
    }
    if workload.priority:
        spec["priority_class_name"] = place.priority_class
    if place.images.pull_secret:
        spec["image_pull_secrets"] = [{"name": place.images.pull_secret}]
    return spec


def pod_template(
    workload: Workload, place: Place, spec: k8s.core.v1.PodSpecArgsDict | None = None
) -> k8s.core.v1.PodTemplateSpecArgsDict:
    """The template of the workload's pods, of `spec` where one is given."""
    result: k8s.core.v1.PodTemplateSpecArgsDict = {
        "metadata": {"labels": workload.labels},
        "spec": spec or pod_spec(workload, place),
    }
    if workload.checksum is not None:
        result["metadata"] = {"labels": workload.labels, "annotations": {CHECKSUM: workload.checksum}}
    return result


def deployment(
    workload: Workload, place: Place, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource] = ()
) -> k8s.apps.v1.Deployment:
    """A Deployment of one replica, with its own account."""
    account = service_account(workload, place, parent)
    return k8s.apps.v1.Deployment(
        workload.object_name,
        metadata={"name": workload.object_name, "namespace": place.namespace, "labels": workload.labels},
        spec={
            "replicas": 1,
            "selector": {"match_labels": workload.selector},
            "template": pod_template(workload, place),
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[account, *depends_on]),
    )


def service(
    workload: Workload,
    place: Place,
    parent: pulumi.Resource,
    *,
    port: int | None = None,
    sticky: bool = False,
) -> k8s.core.v1.Service:
    """The Service of a workload's first port, on that or on `port`; `sticky` keeps each client on one pod."""
    (port_name, own_port), *_ = workload.ports.items()
    spec: k8s.core.v1.ServiceSpecArgsDict = {
        "selector": workload.selector,
        "ports": [{"name": port_name, "port": port or own_port, "target_port": port_name}],
    }
    if sticky:
        spec["session_affinity"] = "ClientIP"
    return k8s.core.v1.Service(
        f"{workload.object_name}-service",
        metadata=metadata(place, workload.object_name, of=workload.name),
        spec=spec,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def cluster_role(
    name: str,
    place: Place,
    parent: pulumi.Resource,
    rules: Sequence[k8s.rbac.v1.PolicyRuleArgsDict],
    *,
    scope: str,
) -> k8s.rbac.v1.ClusterRoleBinding:
    """A ClusterRole of these rules for the account `name`; `scope` tells its own name apart."""
    physical = f"{scope}-{name}"
    role = k8s.rbac.v1.ClusterRole(
        f"{name}-role",
        metadata={"name": physical, "labels": labels(name)},
        rules=list(rules),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return k8s.rbac.v1.ClusterRoleBinding(
        f"{name}-role-binding",
        metadata={"name": physical, "labels": labels(name)},
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": physical},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": place.namespace}],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[role]),
    )


def volume_claim(
    name: str, place: Place, parent: pulumi.Resource, *, size: str, of: str
) -> k8s.core.v1.PersistentVolumeClaim:
    """A claim that outlives its pods; destroying the stack keeps it, and `protect` refuses even that.

    One that was kept is taken back, with its data. It stays of the storage class that it was made with,
    whatever the settings say later.
    """
    return k8s.core.v1.PersistentVolumeClaim(
        name,
        metadata=metadata(place, name, of=of),
        spec={
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": place.storage_class,
            "resources": {"requests": {"storage": size}},
        },
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=place.kept,
            protect=place.protect,
            retain_on_delete=True,
            # A claim's class cannot change: another one would mean another, empty volume.
            ignore_changes=["spec.storageClassName"],
        ),
    )


def checksum(*texts: str) -> str:
    """A short checksum of files, for `Workload.checksum`."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def secret_checksum(key: pulumi.Output[str], *secrets: pulumi.Output[str]) -> pulumi.Output[str]:
    """A keyed checksum of secrets, fit to stand in plain sight: without the key it tells nothing of them."""

    def digest(values: list[str]) -> str:
        return hmac.new(values[0].encode(), "\0".join(values[1:]).encode(), "sha256").hexdigest()[:16]

    return pulumi.Output.unsecret(pulumi.Output.all(key, *secrets).apply(digest))
