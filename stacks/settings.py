"""Every setting of an environment, as one typed and validated value.

A stack file (`Pulumi.<stack>.yaml`) is read once, by `stacks.stack_file`, into `Settings`. Keys are written
in camelCase there. Secrets are not settings: the model knows which ones are needed, never what they are.

`python -m stacks.settings check STACK` judges a stack file; `python -m stacks.settings secrets STACK` prints
the lines that set the secrets it needs.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from stacks.alerting_settings import Alerts, MonthlyBudget, Thresholds
from stacks.aws_settings import Aws, ManagedPrometheus
from stacks.grafana_settings import Grafana
from stacks.images import without_digest
from stacks.notification_settings import Notifications, Sns
from stacks.prometheus_settings import Prometheus
from stacks.quantities import (
    Quantity,
    duration_seconds,
)
from stacks.remote_write_settings import MANAGED
from stacks.remote_write_settings import secrets as remote_write_secrets
from stacks.settings_base import (
    Cidr,
    ClassName,
    Count,
    Host,
    InternetCidr,
    Labels,
    Name,
    OwnNamespace,
    Port,
    Resources,
    Secret,
    ServerName,
    SettingsModel,
    Url,
    distinct,
    resources,
)

#: How long an Alertmanager waits for the word of each that is before it (Alertmanager's own default).
PEER_TIMEOUT = "15s"


class Kubernetes(SettingsModel):
    """Where the stack is deployed, and what the cluster offers."""

    context: str = Field(min_length=1, description="the kubeconfig context to deploy to")
    namespace: OwnNamespace = Field(default="monitoring", description="the namespace of the stack")
    node_namespace: OwnNamespace = Field(
        default="monitoring-node",
        validate_default=True,
        description="the namespace of the agents on each node",
    )
    storage_class: ClassName = Field(
        description="a storage class of the cluster for new volumes, such as gp3 (EKS marks none as default)",
    )
    protect: bool = Field(
        default=True, description="refuse to delete namespaces and volumes until they are unprotected"
    )

    @field_validator("node_namespace")
    @classmethod
    def _is_another_one(cls, name: str, info: ValidationInfo) -> str:
        if name == info.data.get("namespace"):
            raise ValueError(
                "must differ from namespace: its pods need the host, and Pod Security refuses that there"
            )
        return name


class Images(SettingsModel):
    """Where images are pulled from."""

    registry: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._/-]+)?$",
        description="a mirror with the same paths, such as registry.example.com/mirror",
    )
    pull_secret: Name | None = Field(
        default=None, description="the name of an image pull secret in both namespaces"
    )
    require_digest: bool = Field(default=False, description="refuse images that no digest pins")

    @model_validator(mode="after")
    def _digests_where_required(self) -> "Images":
        missing = without_digest()
        if self.require_digest and missing:
            msg = (
                f"stacks/images.py has no digest for {', '.join(missing)}: resolve them with "
                "`python -m stacks.images` where the network allows, and enter them there"
            )
            raise ValueError(msg)
        return self


class Alertmanager(SettingsModel):
    """Alertmanager."""

    replicas: Count = Field(
        default=1,
        le=3,
        description="a number from 1 to 3; several agree on who tells people, and any one of them is enough",
    )
    volume: Quantity = Field(default="1Gi", description="the size of each replica's volume, such as 1Gi")
    resources: Resources = resources("10m", "64Mi", "128Mi")


class PodSelector(SettingsModel):
    """The pods of an exporter that someone else runs."""

    namespace: Name = Field(description="the namespace of its pods")
    labels: Labels = Field(min_length=1, description="the labels of its pods")
    port: str = Field(description="the name of its pods' metrics port")


class Exporter(SettingsModel):
    """Who runs an exporter: this stack, someone else (then it is only scraped), or nobody."""

    mode: Literal["deploy", "external", "off"] = Field(
        description="deploy (this stack runs it), external (someone else does: only scrape it) or off"
    )
    external: PodSelector | None = Field(default=None, description="its pods: namespace, labels and port")
    resources: Resources = resources("10m", "32Mi", "128Mi")

    @model_validator(mode="after")
    def _external_says_where(self) -> "Exporter":
        if self.mode == "external" and self.external is None:
            msg = "mode is external, so external must say which pods to scrape: namespace, labels and port"
            raise ValueError(msg)
        return self


class GpuMetrics(Exporter):
    """NVIDIA's DCGM exporter; the GPU Operator brings one of its own, which is the default of `external`."""

    external: PodSelector | None = PodSelector(
        namespace="gpu-operator", labels={"app": "nvidia-dcgm-exporter"}, port="metrics"
    )
    node_selector: Labels = Field(
        default={"nvidia.com/gpu.present": "true"}, description="the labels of nodes that have a GPU"
    )
    resources: Resources = resources("100m", "128Mi", "512Mi")


class KubeStateMetrics(Exporter):
    """kube-state-metrics."""

    resources: Resources = resources("10m", "190Mi", "512Mi")


class OpenCost(Exporter):
    """OpenCost; it loads a price list at start, hence the memory."""

    resources: Resources = resources("10m", "128Mi", "1Gi")


class Kubelet(SettingsModel):
    """The kubelet and cAdvisor of each node."""

    mode: Literal["external", "off"] = Field(description="external (each node's own) or off")


class PostgresServer(SettingsModel):
    """A PostgreSQL server to watch, through a role with `pg_monitor`."""

    name: ServerName = Field(description="its name on dashboards, 40 characters at most")
    host: Host
    port: Port = 5432
    database: str = "postgres"
    user: str = "monitoring"
    ssl_mode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"

    @property
    def secret(self) -> Secret:
        """The password of the monitoring role."""
        return Secret(
            key=f"postgresPassword-{self.name}",
            purpose=f"password of role {self.user} on {self.host}:{self.port}",
        )


class Postgres(Exporter):
    """postgres_exporter, one for each server."""

    servers: Annotated[tuple[PostgresServer, ...], AfterValidator(distinct)] = Field(
        default=(), description="a list of servers"
    )

    @property
    def deployed_servers(self) -> tuple[PostgresServer, ...]:
        """The servers for each of which this stack runs an exporter."""
        return self.servers if self.mode == "deploy" else ()


class RedisServer(SettingsModel):
    """A Redis server to watch."""

    name: ServerName = Field(description="its name on dashboards, 40 characters at most")
    host: Host
    port: Port = 6379
    tls: bool = True

    @property
    def secret(self) -> Secret:
        """The password of the server."""
        return Secret(key=f"redisPassword-{self.name}", purpose=f"password of {self.host}:{self.port}")


class Redis(Exporter):
    """redis_exporter, one for each server."""

    servers: Annotated[tuple[RedisServer, ...], AfterValidator(distinct)] = Field(
        default=(), description="a list of servers"
    )

    @property
    def deployed_servers(self) -> tuple[RedisServer, ...]:
        """The servers for each of which this stack runs an exporter."""
        return self.servers if self.mode == "deploy" else ()


class Probe(SettingsModel):
    """An address that blackbox_exporter asks over HTTP."""

    name: Name = Field(description="its name on dashboards; the one named api feeds the API's uptime")
    url: Url = Field(description="a URL that starts with http:// or https://")


class Blackbox(Exporter):
    """blackbox_exporter and what it probes."""

    probes: Annotated[tuple[Probe, ...], AfterValidator(distinct)] = Field(
        default=(), description="a list of probes"
    )


class Network(SettingsModel):
    """What may be reached outside the cluster.

    Private addresses are not left out by default: proxies, mail relays, a cloud's own endpoints and internal
    receivers have them. Link-local ones always are, and with them the cloud's metadata.
    """

    internet_cidrs: tuple[InternetCidr, ...] = Field(
        default=("0.0.0.0/0",),
        description="a list of CIDRs that may be sent to; ::/0 too where pods have IPv6",
    )
    api_server_cidrs: tuple[Cidr, ...] = Field(
        default=(),
        description="a list of CIDRs of the API server; with none, its ports are open at every address",
    )


class Settings(SettingsModel):
    """A whole environment."""

    cluster: Name = Field(description="the cluster's name, the `cluster` label of every series")
    kubernetes: Kubernetes
    network: Network = Network()
    images: Images = Images()
    prometheus: Prometheus
    alertmanager: Alertmanager = Alertmanager()
    grafana: Grafana = Grafana()
    gpu_metrics: GpuMetrics
    kube_state_metrics: KubeStateMetrics
    node_exporter: Exporter
    kubelet: Kubelet
    postgres: Postgres
    redis: Redis
    blackbox: Blackbox
    opencost: OpenCost
    monthly_budget: MonthlyBudget = MonthlyBudget()
    thresholds: Thresholds = Thresholds()
    alerts: Alerts = Alerts()
    notifications: Notifications
    aws: Aws | None = Field(default=None, description="an account and its cluster of EKS: a group")

    @field_validator("aws")
    @classmethod
    def _one_store_of_a_name(cls, aws: Aws | None, info: ValidationInfo) -> Aws | None:
        prometheus: Prometheus | None = info.data.get("prometheus")
        names = {store.name for store in prometheus.remote_write} if prometheus else set[str]()
        if aws and aws.managed_prometheus and MANAGED in names:
            msg = f"managedPrometheus is the store {MANAGED}, and one of prometheus.remoteWrite is, too"
            raise ValueError(msg)
        return aws

    @field_validator("aws")
    @classmethod
    def _one_topic(cls, aws: Aws | None, info: ValidationInfo) -> Aws | None:
        notifications: Notifications | None = info.data.get("notifications")
        if aws and aws.alert_topic and notifications and notifications.critical.sns:
            raise ValueError(
                "alertTopic gives critical alerts a topic, and notifications.critical.sns names another: "
                "one of them must go"
            )
        return aws

    @field_validator("notifications")
    @classmethod
    def _news_take_longer_than_peers(
        cls, notifications: Notifications, info: ValidationInfo
    ) -> Notifications:
        alertmanager: Alertmanager | None = info.data.get("alertmanager")
        if alertmanager is None:
            return notifications
        waits = (alertmanager.replicas - 1) * duration_seconds(PEER_TIMEOUT)
        if duration_seconds(notifications.grouping.interval) <= waits and waits:
            msg = (
                f"grouping.interval {notifications.grouping.interval} must be above {waits:.0f}s: that long "
                f"the last of {alertmanager.replicas} Alertmanagers waits for the others' word "
                f"({PEER_TIMEOUT} for each), and people are told twice of what changes meanwhile"
            )
            raise ValueError(msg)
        return notifications

    @property
    def managed_prometheus(self) -> ManagedPrometheus | None:
        """The workspace that keeps samples for longer, where there is one."""
        return self.aws.managed_prometheus if self.aws else None

    @property
    def has_signing_proxy(self) -> bool:
        """Whether a Grafana of the stack's own asks the workspace; one that exists signs by itself."""
        return self.managed_prometheus is not None and self.grafana.is_deployed

    @property
    def heard(self) -> Notifications:
        """Who hears of alerts: the receivers of the stack file, and the topic of critical alerts."""
        if self.aws is None or not self.aws.alert_topic:
            return self.notifications
        names = self.aws.names(self.cluster, self.kubernetes.namespace)
        critical = self.notifications.critical.model_copy(
            update={"sns": Sns.model_validate({"topicArn": names.topic_arn})}
        )
        return self.notifications.model_copy(update={"critical": critical})

    def switched_off(self) -> frozenset[str]:
        """The exporters that this environment does without; each by its scrape job's name."""
        exporters = {
            "dcgm-exporter": self.gpu_metrics.mode,
            "kube-state-metrics": self.kube_state_metrics.mode,
            "node-exporter": self.node_exporter.mode,
            "kubelet": self.kubelet.mode,
            "postgres-exporter": self.postgres.mode,
            "redis-exporter": self.redis.mode,
            "blackbox": self.blackbox.mode,
            "opencost": self.opencost.mode,
        }
        return frozenset(name for name, mode in exporters.items() if mode == "off")

    def secrets_needed(self) -> tuple[Secret, ...]:
        """The secrets without which this environment cannot be deployed."""
        servers = (
            *self.postgres.deployed_servers,
            *self.redis.deployed_servers,
        )
        return (
            *remote_write_secrets(self.prometheus.remote_write),
            *self.grafana.secrets_needed(),
            *(server.secret for server in servers),
            *self.notifications.secrets_needed(),
        )


if __name__ == "__main__":
    from stacks.stack_file import main

    raise SystemExit(main())
