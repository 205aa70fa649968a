"""Which programs the embedded platform and the tests run, and how each of them is recognised and built."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Unoptimised code builds 27 % sooner (measured on kwok); the speed of these programs does not matter on
# one machine. Prometheus and Alertmanager are measured, so they are built as released.
_SOON = "-gcflags=all=-N -l"
_PROMETHEUS_TAGS = "-tags=netgo,remove_all_sd,enable_kubernetes_sd"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """How one program is recognised and built.

    Attributes:
        family: Folder under `local/tools` whose `go.mod` pins it.
        package: The Go package of its `main`.
        module: The Go module whose version is the program's.
        version_variables: Linker variables that carry the version; `{version}`, `{major}` and `{minor}`
            are filled in. Without them the program reports none, and clients see v0.0.0.
        flags: Further `go build` flags.
        version_command: Arguments that make it print its version.
        image: Key in `stacks.images` when the same program is deployed as an image.
        placeholder: A file that the module's published source lacks and its `go:embed` needs.
        skew: How many minor versions a binary on PATH may differ; None asks for the very version.
    """

    family: str
    package: str
    module: str
    version_variables: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: tuple[str, ...] = (_SOON,)
    version_command: tuple[str, ...] = ("--version",)
    image: str | None = None
    placeholder: str | None = None
    skew: int | None = None


def _kubernetes(
    program: str, version_command: tuple[str, ...] = ("--version",), skew: int | None = None
) -> Tool:
    component = "k8s.io/component-base/version."
    return Tool(
        family="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{program}",
        module="k8s.io/kubernetes",
        version_variables={
            f"{component}gitVersion": "v{version}",
            f"{component}gitMajor": "{major}",
            f"{component}gitMinor": "{minor}",
        },
        version_command=version_command,
        skew=skew,
    )


def _prometheus(program: str) -> Tool:
    return Tool(
        family="prometheus",
        package=f"github.com/prometheus/prometheus/cmd/{program}",
        module="github.com/prometheus/prometheus",
        version_variables={"github.com/prometheus/common/version.Version": "{version}"},
        flags=(_PROMETHEUS_TAGS,),
        image="prometheus",
    )


def _alertmanager(program: str) -> Tool:
    return Tool(
        family="alertmanager",
        package=f"github.com/prometheus/alertmanager/cmd/{program}",
        module="github.com/prometheus/alertmanager",
        version_variables={"github.com/prometheus/common/version.Version": "{version}"},
        flags=(),
        image="alertmanager",
        # Releases after 0.31 embed the built web page, which the published module leaves out.
        placeholder="ui/app/dist/index.html",
    )


def _exporter(name: str, module: str, version_command: tuple[str, ...] = ("--version",)) -> Tool:
    return Tool(
        family=name,
        package=module,
        module=module,
        version_variables={"github.com/prometheus/common/version.Version": "{version}"},
        version_command=version_command,
        image=name,
    )


TOOLS: Mapping[str, Tool] = {
    "etcd": Tool(family="etcd", package="go.etcd.io/etcd/server/v3", module="go.etcd.io/etcd/server/v3"),
    "kube-apiserver": _kubernetes("kube-apiserver"),
    "kube-controller-manager": _kubernetes("kube-controller-manager"),
    "kube-scheduler": _kubernetes("kube-scheduler"),
    # https://kubernetes.io/releases/version-skew-policy/#kubectl: within one minor version of the API server.
    "kubectl": _kubernetes("kubectl", version_command=("version", "--client"), skew=1),
    "kwok": Tool(
        family="kubernetes",
        package="sigs.k8s.io/kwok/cmd/kwok",
        module="sigs.k8s.io/kwok",
        version_variables={"sigs.k8s.io/kwok/pkg/consts.Version": "{version}"},
    ),
    "pulumi": Tool(
        family="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        module="github.com/pulumi/pulumi/pkg/v3",
        version_variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v{version}"},
        version_command=("version",),
    ),
    "kube-state-metrics": _exporter("kube-state-metrics", "k8s.io/kube-state-metrics/v2", ("version",)),
    "blackbox-exporter": _exporter("blackbox-exporter", "github.com/prometheus/blackbox_exporter"),
    "node-exporter": _exporter("node-exporter", "github.com/prometheus/node_exporter"),
    # Only judges the workflows, in tests.
    "actionlint": Tool(
        family="actionlint",
        package="github.com/rhysd/actionlint/cmd/actionlint",
        module="github.com/rhysd/actionlint",
        version_variables={"github.com/rhysd/actionlint.version": "{version}"},
    ),
    # Only judges manifests, in tests.
    "kube-score": Tool(
        family="kube-score",
        package="github.com/zegl/kube-score/cmd/kube-score",
        module="github.com/zegl/kube-score",
        version_variables={"main.version": "{version}"},
        version_command=("version",),
    ),
    "prometheus": _prometheus("prometheus"),
    "promtool": _prometheus("promtool"),
    "alertmanager": _alertmanager("alertmanager"),
    "amtool": _alertmanager("amtool"),
}
