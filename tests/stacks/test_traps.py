"""The known traps of each component, each designed out."""

import json
from typing import Any

import pytest
import yaml

from dashboards.parameters import Parameters
from stacks import monitoring, stack_file, workload
from stacks.capacity import RETENTION_SHARE
from stacks.quantities import duration_seconds, kubernetes_quantity, prometheus_bytes
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import own_grafana, run_main
from tests.stacks.test_program import objects, pods


def environment(resources: list[Registration], workload: str) -> dict[str, Any]:
    """The environment of a workload's first container."""
    container = pods(resources)[workload]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def prometheus_config(resources: list[Registration]) -> dict[str, Any]:
    """The deployed prometheus.yml."""
    return yaml.safe_load(
        objects(resources, "ConfigMap")["monitoring/prometheus-config"]["data"]["prometheus.yml"]
    )


@own_grafana
def test_no_workload_changes_when_rules_dashboards_or_scrape_jobs_do(resources: list[Registration]) -> None:
    hot = {"prometheus-config", "prometheus-rules", "grafana-dashboards"}
    data = {name: objects(resources, "ConfigMap")[f"monitoring/{name}"]["data"] for name in hot}
    texts = json.dumps(pods(resources))
    for files in data.values():
        for text in files.values():
            assert workload.checksum(text) not in texts
    arguments = pods(resources)["prometheus"]["spec"]["containers"][0]["args"]
    assert "--config.auto-reload" in arguments
    assert not [flag for flag in arguments if "enable-lifecycle" in flag or "enable-admin-api" in flag]


def test_no_file_is_mounted_by_subpath_which_would_never_be_updated(resources: list[Registration]) -> None:
    assert "subPath" not in json.dumps(pods(resources))


@own_grafana
def test_grafana_installs_no_plugins_on_its_read_only_root(resources: list[Registration]) -> None:
    options = environment(resources, "grafana")
    assert options["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert options["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


@own_grafana
def test_grafana_lets_nobody_in_unasked_and_tells_nobody_anything(resources: list[Registration]) -> None:
    options = environment(resources, "grafana")
    assert options["GF_AUTH_ANONYMOUS_ENABLED"] == options["GF_USERS_ALLOW_SIGN_UP"] == "false"
    reporting = [value for key, value in options.items() if key.startswith("GF_ANALYTICS_")]
    assert reporting == ["false"] * 4


@own_grafana
def test_grafanas_admin_password_is_applied_at_every_start(resources: list[Registration]) -> None:
    (first,) = pods(resources)["grafana"]["spec"]["initContainers"]
    command = " ".join(first["command"])
    assert "reset-admin-password --password-from-stdin < /etc/grafana/secrets/admin-password" in command
    main = pods(resources)["grafana"]["spec"]["containers"][0]
    assert first["image"] == main["image"]
    assert first["volumeMounts"] == main["volumeMounts"]
    assert "distroless" not in first["image"]


@own_grafana
def test_grafanas_database_is_on_a_retained_volume_of_one_writer(resources: list[Registration]) -> None:
    deployment = objects(resources, "Deployment")["monitoring/grafana"]["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"]["claimName"] == "grafana"


@own_grafana
def test_the_datasource_is_the_specifications(resources: list[Registration]) -> None:
    files = objects(resources, "ConfigMap")["monitoring/grafana-provisioning"]["data"]
    found = {one["name"]: one for one in yaml.safe_load(files["datasources.yaml"])["datasources"]}
    prometheus = found["Prometheus"]
    expected = {
        "name": "Prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": "http://prometheus:9090",
        "isDefault": True,
        "uid": "prometheus",
    }
    assert expected.items() <= prometheus.items()
    assert found["Alertmanager"]["url"] == "http://alertmanager:9093"


def contact_points(resources: list[Registration]) -> dict[str, Any]:
    """Grafana's own contact points and policies, as provisioned."""
    files = objects(resources, "ConfigMap")["monitoring/grafana-provisioning"]["data"]
    return yaml.safe_load(files["alerting.yaml"])


@own_grafana
def test_the_contact_point_is_the_specifications(resources: list[Registration]) -> None:
    provisioned = contact_points(resources)
    (point,) = provisioned["contactPoints"]
    (slack,) = point["receivers"]
    assert (point["name"], slack["uid"], slack["type"]) == ("slack-alerts", "slack1", "slack")
    assert slack["settings"]["recipient"] == "#alerts"
    assert slack["settings"]["username"] == "Grafana"
    assert [policy["receiver"] for policy in provisioned["policies"]] == ["slack-alerts"]


@pytest.mark.usefixtures("dev_cluster")
def test_an_environment_whose_alerts_reach_nobody_needs_no_receiver_and_no_secret_for_one() -> None:
    none = {f"{PROJECT}:notifications": json.dumps({"criticalRequired": False})}
    resources = run_main("dev", none)
    assert contact_points(resources) == {"apiVersion": 1}
    config = yaml.safe_load(
        objects(resources, "ConfigMap")["monitoring/alertmanager-config"]["data"]["alertmanager.yml"]
    )
    assert config["receivers"] == [{"name": "slack"}, {"name": "nobody"}]
    assert not objects(resources, "Secret")["monitoring/alertmanager"].get("stringData")


def test_dcgm_and_kube_state_metrics_keep_the_workloads_labels(
    recorded: dict[str, list[Registration]],
) -> None:
    jobs = {job["job_name"]: job for job in prometheus_config(recorded["dev"])["scrape_configs"]}
    for name in ("dcgm-exporter", "kube-state-metrics", "opencost"):
        targets = {rule.get("target_label") for rule in jobs[name]["relabel_configs"]}
        assert jobs[name]["honor_labels"] is True
        assert not targets & {"pod", "namespace", "container"}, name
    applications = {rule.get("target_label") for rule in jobs["applications"]["relabel_configs"]}
    assert {"pod", "namespace", "container", "job"} <= applications


def test_no_query_needs_dcgms_host_label(recorded: dict[str, list[Registration]]) -> None:
    jobs = {job["job_name"]: job for job in prometheus_config(recorded["dev"])["scrape_configs"]}
    assert {"node"} <= {rule.get("target_label") for rule in jobs["dcgm-exporter"]["relabel_configs"]}
    dashboards = objects(recorded["dev"], "ConfigMap")["monitoring/grafana-dashboards"]["data"]
    assert not [name for name, text in dashboards.items() if "Hostname" in text]


def test_dcgm_collects_what_this_platform_reads_from_a_list_of_its_own(
    recorded: dict[str, list[Registration]],
) -> None:
    text = objects(recorded["dev"], "ConfigMap")["monitoring-node/dcgm-exporter-counters"]["data"]
    lines = text["counters.csv"].splitlines()
    assert all(len(line.split(", ", 2)) == 3 for line in lines)
    fields = {line.split(",")[0] for line in lines}
    assert {"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_ENC_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"} <= fields
    pod = pods(recorded["dev"])["dcgm-exporter"]["spec"]
    assert pod["containers"][0]["securityContext"]["capabilities"]["add"] == ["SYS_ADMIN"]
    assert "nvidia.com/gpu" not in json.dumps(pod["containers"][0]["resources"])


def test_kube_state_metrics_lists_no_secret_and_what_it_lists_it_may(resources: list[Registration]) -> None:
    (arguments,) = (pods(resources)["kube-state-metrics"]["spec"]["containers"][0]["args"],)
    (listed,) = (flag.split("=", 1)[1].split(",") for flag in arguments if flag.startswith("--resources="))
    role = objects(resources, "ClusterRole")["/monitoring-kube-state-metrics"]
    allowed = [name for rule in role["rules"] for name in rule["resources"]]
    assert sorted(allowed) == sorted(listed)
    assert not {"secrets", "configmaps"} & set(listed)


def test_nobody_reads_secrets_and_no_right_is_a_wildcard(resources: list[Registration]) -> None:
    for role in objects(resources, "ClusterRole", "Role").values():
        for rule in role["rules"]:
            assert "*" not in (*rule["verbs"], *rule.get("resources", ()), *rule.get("apiGroups", ()))
            assert not {"secrets", "nodes/proxy"} & set(rule.get("resources", ()))
            assert set(rule["verbs"]) <= {"get", "list", "watch"}


def test_every_target_carries_the_cluster_label_of_the_external_labels(
    resources: list[Registration],
) -> None:
    config = prometheus_config(resources)
    cluster = config["global"]["external_labels"]["cluster"]
    assert cluster.startswith("dubbing-")
    for job in config["scrape_configs"]:
        assert job["relabel_configs"][-1] == {"target_label": "cluster", "replacement": cluster}
        assert job["sample_limit"] > 0


def test_retention_fits_the_volume_and_is_long_enough_in_prod(
    recorded: dict[str, list[Registration]],
) -> None:
    for stack, days in (("dev", 15), ("prod", 35), ("managed", 35)):
        retention = prometheus_config(recorded[stack])["storage"]["tsdb"]["retention"]
        claims = objects(recorded[stack], "PersistentVolumeClaim")
        size = claims["monitoring/data-prometheus-0"]["spec"]["resources"]["requests"]["storage"]
        assert prometheus_bytes(retention["size"]) <= kubernetes_quantity(size) * RETENTION_SHARE
        assert duration_seconds(retention["time"]) == days * 86400


def test_every_claim_names_a_storage_class(resources: list[Registration]) -> None:
    claims = objects(resources, "PersistentVolumeClaim")
    assert {claim["spec"]["storageClassName"] for claim in claims.values()} == {"gp3"}


@pytest.mark.usefixtures("dev_cluster")
@pytest.mark.parametrize(
    "exporter", ["kubeStateMetrics", "nodeExporter", "gpuMetrics", "opencost", "blackbox"]
)
def test_an_exporter_that_is_off_takes_its_objects_and_its_job_along(exporter: str) -> None:
    path = stack_file.stack_file("dev")
    key = f"{PROJECT}:{exporter}"
    mode = json.loads(stack_file.raw_values(path)[key]) | {"mode": "off"}
    resources = run_main("dev", {key: json.dumps(mode)})
    name = {
        "kubeStateMetrics": "kube-state-metrics",
        "nodeExporter": "node-exporter",
        "gpuMetrics": "dcgm-exporter",
        "opencost": "opencost",
        "blackbox": "blackbox-exporter",
    }[exporter]
    assert name not in pods(resources)
    assert name not in json.dumps(prometheus_config(resources))
    assert not [r.urn for r in resources if name in r.name]


@pytest.mark.usefixtures("dev_cluster")
def test_an_external_exporter_is_scraped_and_not_deployed() -> None:
    external = {"namespace": "kube-system", "labels": {"app": "ksm"}, "port": "http"}
    setting = json.dumps({"mode": "external", "external": external})
    resources = run_main("dev", {f"{PROJECT}:kubeStateMetrics": setting})
    assert "kube-state-metrics" not in pods(resources)
    jobs = {job["job_name"]: job for job in prometheus_config(resources)["scrape_configs"]}
    discovery = jobs["kube-state-metrics"]["kubernetes_sd_configs"][0]
    assert discovery["namespaces"] == {"names": ["kube-system"]}
    assert discovery["selectors"] == [{"role": "pod", "label": "app=ksm"}]


@pytest.mark.usefixtures("dev_cluster")
def test_a_registry_mirror_and_a_pull_secret_reach_every_workload() -> None:
    setting = json.dumps({"registry": "mirror.example.com", "pullSecret": "mirror"})
    for name, pod in pods(run_main("dev", {f"{PROJECT}:images": setting})).items():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "mirror"}], name
        assert all(c["image"].startswith("mirror.example.com/") for c in pod["spec"]["containers"]), name


@pytest.mark.usefixtures("dev_cluster")
def test_dashboards_over_a_config_maps_limit_register_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def huge(_: Parameters) -> dict[str, str]:
        return {"huge.json": '"' + "x" * 2**20 + '"'}

    monkeypatch.setattr(monitoring.render, "dashboards", huge)
    with pytest.raises(SystemExit):
        run_main("dev")
    assert "grafana-dashboards" in caplog.text
    assert "huge.json" in caplog.text
