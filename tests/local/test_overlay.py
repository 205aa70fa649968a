"""The overlay changes only what its table lists."""

from pathlib import Path

from local.deployed import mirror
from local.overlay import arguments, prometheus_config, relocate

FOLDERS = {"/etc/prometheus/rules": Path("/here/rules"), "/prometheus": Path("/here/data")}


def test_paths_under_a_mount_move_and_others_stay() -> None:
    moved = relocate(
        {"rule_files": ["/etc/prometheus/rules/*.yaml"], "path": "/prometheus2/x", "text": "a /prometheus/b"},
        FOLDERS,
    )
    assert moved == {
        "rule_files": ["/here/rules/*.yaml"],
        "path": "/prometheus2/x",
        "text": "a /prometheus/b",
    }


def test_arguments_keep_everything_but_folders_address_and_start_delay() -> None:
    deployed = (
        "--config.auto-reload",
        "--storage.tsdb.path=/prometheus",
        "--web.listen-address=:9090",
        "--dispatch.start-delay=1m",
        "--cluster.listen-address=",
    )
    assert arguments(deployed, folders=FOLDERS, listen="127.0.0.1:1") == (
        "--config.auto-reload",
        "--storage.tsdb.path=/here/data",
        "--cluster.listen-address=",
        "--web.listen-address=127.0.0.1:1",
    )


def test_a_scrape_job_keeps_its_deployed_discovery_and_labels() -> None:
    job = {
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": ["monitoring"]}}],
        "relabel_configs": [{"target_label": "cluster", "replacement": "dev"}],
    }
    deployed = {
        "scrape_configs": [job],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager-0:9093"]}]}]},
    }
    config = prometheus_config(
        deployed,
        folders=FOLDERS,
        kubeconfig=Path("/here/kubeconfig"),
        alertmanager="127.0.0.1:2",
        proxy="http://127.0.0.1:9",
    )
    local = config["scrape_configs"][0]
    assert local.pop("proxy_url") == "http://127.0.0.1:9"
    assert local["kubernetes_sd_configs"][0].pop("kubeconfig_file") == "/here/kubeconfig"
    assert local == job
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:2"]}]}]


def test_a_mirrored_folder_holds_exactly_what_is_deployed(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    assert mirror(folder, {"a.yaml": b"1", "b.yaml": b"2"})
    assert not mirror(folder, {"a.yaml": b"1", "b.yaml": b"2"})
    assert mirror(folder, {"a.yaml": b"3"})
    assert [path.name for path in folder.iterdir()] == ["a.yaml"]
