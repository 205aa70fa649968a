"""What `make compose` writes differs from what is deployed only where its table says so."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.agent.cluster_view import inventory
from local.agent.containers import container
from local.compose.discovery import groups
from local.compose.files import PASSWORD, PROXY, RECEIVERS, write
from local.compose.pods import made_up
from local.errors import PlatformError
from local.inventory import Inventory
from local.nodes import NODES
from local.simulator.platform import manifests
from local.toolchain import binary
from stacks import render
from stacks.prometheus import CONFIG_PATH, RULES_PATH

Json = dict[str, Any]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deployed")
    render.render("dev", out)
    return out


def prometheus(written: Path) -> Path:
    return written / "prometheus" / CONFIG_PATH.strip("/") / "prometheus.yml"


def checked(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([binary(tool), *arguments], check=False, capture_output=True, text=True)


def test_promtool_accepts_it_with_its_rules_and_targets(written: Path, tmp_path: Path) -> None:
    rules = written / "prometheus" / RULES_PATH.strip("/")
    here = tmp_path / "prometheus.yml"
    here.write_text(prometheus(written).read_text().replace(RULES_PATH, str(rules)))
    (tmp_path / "targets").symlink_to(prometheus(written).with_name("targets"))
    done = checked("promtool", "check", "config", "--lint=none", str(here))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("rules found") == len(list(rules.iterdir()))
    (tmp_path / "targets").unlink()
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "kubelet.json").write_text('[{"targets": 1}]')
    assert checked("promtool", "check", "config", "--lint=none", str(here)).returncode != 0


def test_amtool_accepts_its_configuration(written: Path) -> None:
    config = written / "alertmanager/etc/alertmanager/config/alertmanager.yml"
    done = checked("amtool", "check-config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_discovery_proxy_and_the_kubelets_scheme_differ(written: Path, deployed: Path) -> None:
    def plain(config: Json) -> Json:
        for job in config["scrape_configs"]:
            for key in ("kubernetes_sd_configs", "file_sd_configs", "proxy_url"):
                job.pop(key, None)
            if job["job_name"].startswith("kubelet"):
                for key in ("scheme", "authorization", "tls_config"):
                    job.pop(key, None)
        return config

    was, now = (yaml.safe_load(one.read_text()) for one in (deployed / "prometheus.yml", prometheus(written)))
    assert {job["proxy_url"] for job in now["scrape_configs"]} == {PROXY}
    assert plain(now) == plain(was)


def test_all_else_is_what_is_deployed(written: Path, deployed: Path) -> None:
    same = {
        "prometheus/etc/prometheus/rules": deployed / "rules",
        "grafana/etc/grafana/dashboards/platform": deployed / "dashboards",
    }
    for folder, of in same.items():
        assert read(written / folder) == read(of)
        assert read(of)
    alertmanager = read(written / "alertmanager/etc/alertmanager/config")
    config = yaml.safe_load(alertmanager.pop("alertmanager.yml"))
    assert config == yaml.safe_load((deployed / "alertmanager.yml").read_text())
    assert alertmanager == {"messages.tmpl": (deployed / "messages.tmpl").read_text()}


def test_nothing_leads_to_a_receiver_outside(written: Path) -> None:
    secrets = read(written / "alertmanager/etc/alertmanager/secrets")
    assert secrets == {"slackWebhookUrl-slack": f"{RECEIVERS}/slackWebhookUrl-slack"}
    grafana = read(written / "grafana/etc/grafana/secrets")
    assert grafana["admin-password"] == PASSWORD
    assert grafana["slack-webhook-url"].startswith(RECEIVERS)
    everything = (path.read_text() for path in written.rglob("*") if path.is_file())
    assert not any("secret.invalid" in text for text in everything)


def test_the_environment_is_the_pods_and_read_as_it_is_written(written: Path, deployed: Path) -> None:
    manifest = yaml.safe_load((deployed / "manifests/monitoring-deployment-grafana.yaml").read_text())
    (only,) = manifest["spec"]["template"]["spec"]["containers"]
    lines = (written / "grafana/environment").read_text().splitlines()
    assert lines == [f"{one['name']}='{one['value']}'" for one in only["env"]]


def test_writing_again_changes_no_file_and_removes_what_is_no_longer_there(tmp_path: Path) -> None:
    write(tmp_path)
    stale = prometheus(tmp_path).with_name("targets") / "gone.json"
    stale.write_text("[]")
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*") if path != stale}
    write(tmp_path)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def seen() -> Inventory:
    objects = [dict(one.inputs) for one in render.registrations("dev") if one.is_kubernetes_object]
    return inventory(made_up([*objects, *manifests()]), {})


def test_each_pod_has_an_address_of_its_own_unless_it_is_its_nodes(seen: Inventory) -> None:
    on_nodes = {one.address for one in seen.nodes}
    addresses = [one.address for one in seen.pods if one.address not in on_nodes]
    assert len(set(addresses)) == len(addresses) > 20
    assert {one.node for one in seen.pods if one.address in on_nodes} == {one.name for one in seen.nodes}


def test_pods_with_gpus_are_on_nodes_that_have_as_many(seen: Inventory) -> None:
    held = {node.name: sum(pod.gpus for pod in seen.pods if pod.node == node.name) for node in seen.nodes}
    assert sum(held.values()) == 4
    assert all(held[node.name] <= node.gpus for node in seen.nodes)


def test_a_pod_that_selects_or_tolerates_no_node_is_refused() -> None:
    (one, *_) = [one for one in manifests() if one["kind"] == "Deployment"]
    workload = yaml.safe_load(yaml.safe_dump(one))
    workload["spec"]["template"]["spec"]["nodeSelector"] = {"no-such": "label"}
    with pytest.raises(PlatformError, match="No local node takes"):
        made_up([workload])


def test_a_daemon_set_is_on_each_node_that_it_selects_and_tolerates(seen: Inventory) -> None:
    def nodes(name: str) -> list[str]:
        return sorted(pod.node for pod in seen.pods if pod.name.startswith(name))

    names = sorted(node["metadata"]["name"] for node in NODES)
    assert nodes("node-exporter") == names
    assert nodes("dcgm-exporter") == [node.name for node in seen.nodes if node.gpus]


@pytest.mark.parametrize(
    "unknown",
    [
        {"role": "service"},
        {"role": "pod", "selectors": [{"role": "pod", "field": "spec.nodeName=x"}]},
        {"role": "pod", "selectors": [{"role": "pod", "label": "a!=b"}]},
        {"role": "pod", "selectors": [{"role": "pod", "label": "a in (b)"}]},
    ],
)
def test_a_discovery_that_is_not_known_is_refused(unknown: Json, seen: Inventory) -> None:
    with pytest.raises(PlatformError, match="is not known"):
        list(groups(unknown, seen))


def test_the_relabelling_reads_no_label_that_the_files_lack(written: Path) -> None:
    config = yaml.safe_load(prometheus(written).read_text())
    optional = {"__meta_kubernetes_pod_annotation_prometheus_io_path"}
    for job in config["scrape_configs"]:
        (discovery,) = job["file_sd_configs"]
        (file,) = discovery["files"]
        found = json.loads((prometheus(written).parent / file).read_text())
        assert found, job["job_name"]
        labels = {label for group in found for label in group["labels"]}
        relabels = [label for one in job["relabel_configs"] for label in one.get("source_labels", ())]
        assert {one for one in relabels if one.startswith("__meta_")} - optional <= labels, job["job_name"]


def test_a_value_that_docker_compose_would_not_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    objects = [dict(one.inputs) for one in render.registrations("dev") if one.is_kubernetes_object]
    (grafana,) = [pod for pod in made_up(objects).pods if pod["metadata"]["name"].startswith("grafana")]
    assert container(grafana).environment["GF_LOG_MODE"] == "console"

    def quoted(text: str, _: Json) -> str:
        return f"it's {text}" if text == "console" else text

    monkeypatch.setattr("local.agent.containers.expanded", quoted)
    with pytest.raises(PlatformError, match="GF_LOG_MODE"):
        write(tmp_path)
