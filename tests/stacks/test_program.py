"""The real `__main__.py` under a recording monitor, for each committed stack."""

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from dashboards.render import CONFIG_MAP_BYTES
from stacks import monitoring, program, recording, stack_file
from stacks.images import IMAGES
from stacks.notification_settings import Notifications
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.spec import SECTIONS
from tests.stacks.conftest import (
    EVERY_STACK,
    PLANTED,
    STACKS,
    own_grafana,
    run_main,
    write_kubeconfig,
)

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
SECRET_INPUTS = {
    "kubernetes:core/v1:Secret": {"stringData"},
    "pulumi:providers:grafana": {"auth"},
    "grafana:alerting/contactPoint:ContactPoint": {"slacks"},
}
TALKS_TO_THE_API = {"prometheus", "kube-state-metrics", "opencost"}


def objects(resources: list[Registration], *kinds: str) -> dict[str, Any]:
    """The stack's objects of these kinds, by namespace and name."""
    found = [r.inputs for r in resources if r.is_kubernetes_object and r.inputs["kind"] in kinds]
    return {f"{o['metadata'].get('namespace', '')}/{o['metadata']['name']}": o for o in found}


def pods(resources: list[Registration]) -> dict[str, dict[str, Any]]:
    """The pod template of each workload, by the workload's name."""
    return {
        name.split("/")[1]: workload["spec"]["template"]
        for name, workload in objects(resources, *WORKLOADS).items()
    }


def containers(resources: list[Registration]) -> list[tuple[str, dict[str, Any]]]:
    """Every container of every workload, with the workload's name."""
    return [
        (name, container)
        for name, pod in pods(resources).items()
        for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    ]


@own_grafana
def test_the_names_that_the_specification_fixes_exist(resources: list[Registration]) -> None:
    services = objects(resources, "Service")
    grafana = services["monitoring/grafana"]["spec"]["ports"]
    assert [(port["port"], port["targetPort"]) for port in grafana] == [(80, "http")]
    assert services["monitoring/prometheus"]["spec"]["ports"][0]["port"] == 9090
    assert services["monitoring/alertmanager"]["spec"]["ports"][0]["port"] == 9093
    assert "monitoring/grafana" in objects(resources, "Deployment")
    dashboards = objects(resources, "ConfigMap")["monitoring/grafana-dashboards"]["data"]
    assert "system-health.json" in dashboards
    assert sum(len(text.encode()) for text in dashboards.values()) < CONFIG_MAP_BYTES
    ports = {
        p["name"]: p["containerPort"] for p in pods(resources)["grafana"]["spec"]["containers"][0]["ports"]
    }
    assert ports == {"http": 3000}


def test_every_thing_a_person_would_name_is_a_component(resources: list[Registration]) -> None:
    components = {
        r.type.removeprefix("dubbing:monitoring:") for r in resources if r.type.startswith("dubbing:")
    }
    expected = {
        "MonitoringStack",
        "Prometheus",
        "Alertmanager",
        "KubeStateMetrics",
        "NodeExporter",
    }
    assert expected <= components
    assert len({"Grafana", "GrafanaApi"} & components) == 1
    assert {"PostgresExporter", "RedisExporter", "BlackboxExporter", "OpenCost"} <= components


def test_the_gpu_exporter_runs_in_dev_and_is_the_gpu_operators_in_prod(
    recorded: dict[str, list[Registration]],
) -> None:
    assert "monitoring-node/dcgm-exporter" in objects(recorded["dev"], "DaemonSet")
    assert "monitoring-node/dcgm-exporter" not in objects(recorded["prod"], "DaemonSet")
    config = objects(recorded["prod"], "ConfigMap")["monitoring/prometheus-config"]["data"]["prometheus.yml"]
    assert "app=nvidia-dcgm-exporter" in config


def test_every_object_has_a_parent_and_the_explicit_provider_that_fits_it(
    resources: list[Registration],
) -> None:
    providers = {r.name: r for r in resources if r.type == "pulumi:providers:kubernetes"}
    assert providers.keys() == {"cluster", "kept"}
    assert {"enableConfigMapMutable", "enableSecretMutable", "context"} <= set(providers["cluster"].inputs)
    assert {"enablePatchForce", "upsertExistingObjects", "context"} <= set(providers["kept"].inputs)
    for resource in resources:
        if resource.is_kubernetes_object:
            # What outlives a stack is taken back; anything else that exists already is somebody else's.
            provider = providers["kept" if resource.retain_on_delete else "cluster"]
            assert resource.provider.startswith(provider.urn), resource.urn
            assert "dubbing:monitoring:" in resource.parent, resource.urn


def test_an_object_without_the_explicit_provider_would_be_seen() -> None:
    def stray() -> None:
        k8s.core.v1.Namespace("stray", metadata={"name": "stray"})

    (namespace,) = recording.record(stray, stack="dev", config={}, secret_keys=[]).registrations
    assert not namespace.provider


def test_two_resources_of_one_name_are_refused() -> None:
    def twice() -> None:
        for _ in range(2):
            k8s.core.v1.Namespace("same", metadata={"name": "same"})

    with pytest.raises(ValueError, match="duplicate resource URN"):
        recording.record(twice, stack="dev", config={}, secret_keys=[])


def test_no_two_objects_share_kind_namespace_and_name(resources: list[Registration]) -> None:
    identities = [
        (r.inputs["kind"], r.inputs["metadata"].get("namespace"), r.inputs["metadata"]["name"])
        for r in resources
        if r.is_kubernetes_object
    ]
    assert len(identities) == len(set(identities))


def test_every_container_is_pinned_bounded_and_locked_down(resources: list[Registration]) -> None:
    references = {image.reference() for image in IMAGES.values()}
    for name, container in containers(resources):
        assert container["image"] in references, name
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"]["drop"] == ["ALL"], name
        if name != "dcgm-exporter":
            assert "add" not in security["capabilities"], name


def test_every_workload_has_probes_its_own_account_and_the_recommended_labels(
    resources: list[Registration],
) -> None:
    accounts = objects(resources, "ServiceAccount")
    recommended = {
        f"app.kubernetes.io/{key}" for key in ("name", "instance", "version", "part-of", "managed-by")
    }
    for key, workload in objects(resources, *WORKLOADS).items():
        pod = workload["spec"]["template"]
        for container in pod["spec"]["containers"]:
            assert {"readinessProbe", "livenessProbe"} <= set(container), key
        assert pod["spec"]["serviceAccountName"] == key.split("/")[1]
        assert key in accounts
        assert recommended <= set(workload["metadata"]["labels"])
        assert recommended <= set(pod["metadata"]["labels"])
        selector = workload["spec"]["selector"]["matchLabels"]
        assert selector.items() <= pod["metadata"]["labels"].items()
        assert "app.kubernetes.io/version" not in selector


def test_a_token_is_mounted_only_where_it_is_used(resources: list[Registration]) -> None:
    for account in objects(resources, "ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False
    with_token = {
        name for name, pod in pods(resources).items() if pod["spec"]["automountServiceAccountToken"]
    }
    assert with_token == TALKS_TO_THE_API


def test_namespaces_enforce_pod_security_and_volumes_are_protected_as_settings_say(
    recorded: dict[str, list[Registration]],
) -> None:
    for stack, protected, volumes in (("dev", False, 3), ("prod", True, 5)):
        namespaces = objects(recorded[stack], "Namespace")
        levels = {
            key: o["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            for key, o in namespaces.items()
        }
        assert levels == {"/monitoring": "restricted", "/monitoring-node": "privileged"}
        data = [r for r in recorded[stack] if r.inputs.get("kind") in ("Namespace", "PersistentVolumeClaim")]
        assert len(data) == len(namespaces) + volumes
        assert all(r.protect is protected for r in data)
        in_cluster = {r.urn for r in recorded[stack] if r.is_kubernetes_object and r.retain_on_delete}
        assert {r.urn for r in data} == in_cluster


def test_secrets_are_inputs_of_secrets_only_and_marked(resources: list[Registration], stack: str) -> None:
    coded = base64.b64encode(PLANTED.encode()).decode()[:20]
    holders = {
        r.inputs.get("metadata", {}).get("name", r.name)
        for r in resources
        if PLANTED in repr(r.inputs) or coded in repr(r.inputs)
    }
    grafana = {"grafana"} if stack in STACKS else {"grafana-provider", "grafana-contact-point"}
    assert holders == {"alertmanager", "postgres-exporter-main", "redis-exporter-main"} | grafana
    for resource in resources:
        assert resource.secret_inputs == SECRET_INPUTS.get(resource.type, frozenset()), resource.urn


@pytest.mark.usefixtures("dev_cluster")
def test_no_receivers_secret_is_anywhere_but_in_secrets(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    notifications = {
        "slack": {"channel": "#alerts"},
        "critical": {"pagerduty": {}, "webhook": {}, "email": {"to": ["team@example.com"]}},
        "smtp": {"host": "mail.example.com", "sender": "watch@example.com", "username": "watch"},
        "deadMansSwitch": True,
    }
    needed = Notifications.model_validate(notifications).secrets_needed()
    planted = {
        f"{PROJECT}:{secret.key}": ("https://" if secret.is_url else "") + PLANTED + secret.key
        for secret in needed
    }
    assert len(needed) == 5
    registered = run_main(
        "dev", changes={f"{PROJECT}:notifications": json.dumps(notifications)}, secrets=planted
    )
    forms = {form for text in planted.values() for form in (text, base64.b64encode(text.encode()).decode())}
    holders = {
        r.inputs["metadata"]["name"] for r in registered if any(form in repr(r.inputs) for form in forms)
    }
    assert holders == {"alertmanager", "grafana"}
    (secret,) = [
        r for r in registered if r.inputs.get("kind") == "Secret" and "smtpPassword" in repr(r.inputs)
    ]
    assert secret.inputs["stringData"].keys() == {one.key for one in needed}
    assert secret.secret_inputs == {"stringData"}
    said = caplog.text + "".join(capfd.readouterr())
    assert PLANTED not in said


@pytest.mark.usefixtures("dev_cluster")
def test_a_changed_password_rolls_only_its_readers(recorded: dict[str, list[Registration]]) -> None:
    changed = run_main("dev", secrets={f"{PROJECT}:redisPassword-main": "another-password"})
    before, after = pods(recorded["dev"]), pods(changed)
    assert {name for name in before if before[name] != after[name]} == {"redis-exporter-main"}


@pytest.mark.parametrize("stack", EVERY_STACK)
def test_missing_secrets_are_named_with_the_lines_that_set_them(
    stack: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run_main(stack, secrets={})
    key = "grafanaAdminPassword" if stack in STACKS else "grafanaToken"
    assert f"pulumi config set --secret --stack {stack} {PROJECT}:{key}" in caplog.text


def test_a_bad_setting_ends_the_program_before_anything_is_registered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(SystemExit):
        run_main("dev", {f"{PROJECT}:kubelet": '{"mode": "maybe"}'})
    assert "kubelet.mode" in caplog.text
    assert "nothing was created" in caplog.text


def test_a_context_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_kubeconfig(tmp_path / "config", {"somewhere-else": "https://127.0.0.1:1"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(SystemExit):
        run_main("dev")
    assert "there is no kubeconfig context 'dubbing-dev'" in caplog.text
    assert "contexts there: somewhere-else" in caplog.text


def test_a_cluster_that_refuses_connections_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_kubeconfig(tmp_path / "config", {"dubbing-dev": "https://127.0.0.1:1"})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(SystemExit):
        run_main("dev")
    assert "https://127.0.0.1:1, does not answer" in caplog.text
    assert "Connection refused" in caplog.text


def test_a_cluster_that_accepts_but_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(program, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        write_kubeconfig(tmp_path / "config", {"dubbing-dev": url})
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        with pytest.raises(SystemExit):
            run_main("dev")
    assert f"{url}, does not answer: timed out" in caplog.text or "handshake" in caplog.text


def test_the_outputs_are_what_a_person_would_use() -> None:
    outputs = monitoring.outputs(stack_file.read_stack_file(stack_file.stack_file("dev")))
    assert outputs["dashboardUids"] == {f"{section.uid}.json": section.uid for section in SECTIONS}
    assert outputs["namespace"] == "monitoring"
    assert "port-forward svc/grafana 3000:80" in str(outputs["portForward"])
