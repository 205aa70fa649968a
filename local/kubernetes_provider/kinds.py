"""The kinds of object that the stand-in supports, and which change of a field replaces the object."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the provider knows of a kind before it asks the API server.

    Attributes:
        api_version: as objects write it, such as `apps/v1`.
        name: as objects write it, such as `StatefulSet`.
        plural: as paths of the API write it, such as `statefulsets`.
        namespaced: whether its objects live in a namespace.
        replaced_by: fields whose change replaces the object, as dotted paths.
    """

    api_version: str
    name: str
    plural: str
    namespaced: bool = True
    replaced_by: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """The Pulumi type, such as `kubernetes:apps/v1:StatefulSet`."""
        group_version = self.api_version if "/" in self.api_version else f"core/{self.api_version}"
        return f"kubernetes:{group_version}:{self.name}"

    def path(self, namespace: str, name: str = "") -> str:
        """The API path of one object, or of the collection if there is no name."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{within}/{self.plural}" + (f"/{name}" if name else "")


_RBAC: Final = "rbac.authorization.k8s.io/v1"

# `replaced_by` follows the table forceNew of provider/pkg/provider/diff.go; identity, ConfigMap and Secret
# data are in changes.py, since they hold for every kind or depend on the provider's settings.
KINDS: Final = (
    Kind(api_version="v1", name="Namespace", plural="namespaces", namespaced=False),
    Kind(api_version="v1", name="ServiceAccount", plural="serviceaccounts"),
    Kind(api_version="v1", name="ConfigMap", plural="configmaps"),
    Kind(api_version="v1", name="Secret", plural="secrets", replaced_by=("type",)),
    Kind(api_version="v1", name="Service", plural="services", replaced_by=("spec.clusterIP",)),
    Kind(
        api_version="v1",
        name="PersistentVolumeClaim",
        plural="persistentvolumeclaims",
        replaced_by=("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    ),
    Kind(api_version="apps/v1", name="Deployment", plural="deployments", replaced_by=("spec.selector",)),
    Kind(
        api_version="apps/v1",
        name="StatefulSet",
        plural="statefulsets",
        replaced_by=(
            "spec.podManagementPolicy",
            "spec.revisionHistoryLimit",
            "spec.selector",
            "spec.serviceName",
            "spec.volumeClaimTemplates",
        ),
    ),
    Kind(api_version="apps/v1", name="DaemonSet", plural="daemonsets", replaced_by=("spec.selector",)),
    Kind(api_version=_RBAC, name="ClusterRole", plural="clusterroles", namespaced=False),
    Kind(
        api_version=_RBAC,
        name="ClusterRoleBinding",
        plural="clusterrolebindings",
        namespaced=False,
        replaced_by=("roleRef",),
    ),
    Kind(api_version=_RBAC, name="Role", plural="roles"),
    Kind(api_version=_RBAC, name="RoleBinding", plural="rolebindings", replaced_by=("roleRef",)),
    Kind(api_version="networking.k8s.io/v1", name="NetworkPolicy", plural="networkpolicies"),
    Kind(api_version="networking.k8s.io/v1", name="Ingress", plural="ingresses"),
    Kind(api_version="policy/v1", name="PodDisruptionBudget", plural="poddisruptionbudgets"),
    Kind(
        api_version="scheduling.k8s.io/v1", name="PriorityClass", plural="priorityclasses", namespaced=False
    ),
    Kind(
        api_version="storage.k8s.io/v1",
        name="StorageClass",
        plural="storageclasses",
        namespaced=False,
        replaced_by=("parameters", "provisioner"),
    ),
)

_BY_TOKEN: Final = {kind.token: kind for kind in KINDS}


class UnsupportedKindError(Exception):
    """The program declares a kind that the stand-in does not know."""


def kind_of(urn: str) -> Kind:
    """The kind that a resource's URN names.

    Raises:
        UnsupportedKindError: the stand-in does not support that kind; the message names it.
    """
    token = urn.split("::")[2].rsplit("$", 1)[-1]
    try:
        return _BY_TOKEN[token]
    except KeyError:
        supported = ", ".join(kind.name for kind in KINDS)
        raise UnsupportedKindError(
            f"the provider stand-in does not support {token}. It supports {supported}. Use the official "
            "provider plugin, or add the kind to local/kubernetes_provider/kinds.py and tests/provider"
        ) from None
