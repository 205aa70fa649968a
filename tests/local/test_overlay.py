"""The overlay changes only what its table lists."""

from dataclasses import replace
from pathlib import Path

import yaml

from local.mirror import mirror
from local.overlay import PROGRAMS, Surroundings, arguments, file, program_of, relocate
from stacks.images import IMAGES

HERE = Surroundings(
    folders={
        "/etc/prometheus/rules": Path("/here/rules"),
        "/prometheus": Path("/here/data"),
        "/host": Path("/"),
    },
    kubeconfig=Path("/here/kubeconfig"),
    resolve={"alertmanager-0.alertmanager-headless:9093": "127.0.0.1:2"}.get,
    proxy="http://127.0.0.1:9",
    authority=Path("/here/authority.pem"),
    receivers="http://127.0.0.1:8/receive",
)


def changed(program: str, name: str, content: object, here: Surroundings = HERE) -> object:
    return yaml.safe_load(file(PROGRAMS[program], name, yaml.safe_dump(content).encode(), here))


def test_paths_under_a_mount_move_and_others_stay() -> None:
    moved = relocate(
        {"rule_files": ["/etc/prometheus/rules/*.yaml"], "path": "/prometheus2/x", "text": "a /prometheus/b"},
        HERE.folders,
    )
    assert moved == {
        "rule_files": ["/here/rules/*.yaml"],
        "path": "/prometheus2/x",
        "text": "a /prometheus/b",
    }


def test_a_folder_of_this_machine_stays_itself() -> None:
    assert relocate(["/host/proc", "/host"], HERE.folders) == ["/proc", "/"]


def test_arguments_keep_everything_but_folders_addresses_and_the_start_delay() -> None:
    deployed = (
        "--config.auto-reload",
        "--storage.tsdb.path=/prometheus",
        "--web.listen-address=:9090",
        "--dispatch.start-delay=1m",
        "--cluster.listen-address=",
        "--cluster.peer=alertmanager-0.alertmanager-headless:9093",
    )
    assert arguments(PROGRAMS["alertmanager"], deployed, {"web": ("127.0.0.1", 1)}, HERE) == (
        "--config.auto-reload",
        "--storage.tsdb.path=/here/data",
        "--cluster.listen-address=",
        "--cluster.peer=127.0.0.1:2",
        "--web.listen-address=127.0.0.1:1",
    )


def test_an_argument_that_nobody_knows_stays() -> None:
    # So that the program itself refuses it, as it would in its container.
    assert "--unknown" in arguments(PROGRAMS["node-exporter"], ("--unknown",), {}, HERE)


def test_a_scrape_job_keeps_its_deployed_discovery_and_labels() -> None:
    job = {
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": ["monitoring"]}}],
        "relabel_configs": [{"target_label": "cluster", "replacement": "dev"}],
    }
    alertmanagers = [{"static_configs": [{"targets": ["alertmanager-0.alertmanager-headless:9093"]}]}]
    config = changed(
        "prometheus",
        "prometheus.yml",
        {"scrape_configs": [job], "alerting": {"alertmanagers": alertmanagers}},
    )
    assert isinstance(config, dict)
    local = config["scrape_configs"][0]
    assert local.pop("proxy_url") == "http://127.0.0.1:9"
    assert local["kubernetes_sd_configs"][0].pop("kubeconfig_file") == "/here/kubeconfig"
    assert local == job
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:2"]}]}]


def test_what_is_written_to_the_workspace_stays_on_this_machine() -> None:
    stores = [
        {"name": "amazon-managed-prometheus", "url": "https://aps/workspaces/ws-1", "sigv4": {"region": "r"}},
        {"name": "mimir", "url": "https://mimir.example.com/api/v1/push"},
    ]
    config = changed("prometheus", "prometheus.yml", {"remote_write": stores})
    assert config == {
        "remote_write": [
            {
                "name": "amazon-managed-prometheus",
                "url": "http://aps/workspaces/ws-1",
                "sigv4": {"region": "r"},
                "proxy_url": HERE.proxy,
            },
            {
                "name": "mimir",
                "url": "https://mimir.example.com/api/v1/push",
                "proxy_url": HERE.proxy,
            },
        ]
    }


def test_topics_are_those_of_this_machine_or_nobodys() -> None:
    topic = {"topic_arn": "arn", "sigv4": {"region": "r"}}
    config = {"receivers": [{"name": "x", "sns_configs": [topic]}]}
    for aws in ("http://127.0.0.1:7", "http://127.0.0.1:9"):
        here = HERE if aws == HERE.aws else replace(HERE, aws=aws)
        local = changed("alertmanager", "alertmanager.yml", config, here)
        assert local == {"receivers": [{"name": "x", "sns_configs": [{**topic, "api_url": aws}]}]}


def test_a_kubelet_is_scraped_without_its_keys() -> None:
    job = {
        "job_name": "kubelet",
        "scheme": "https",
        "authorization": {},
        "tls_config": {},
        "honor_labels": True,
    }
    config = changed("prometheus", "prometheus.yml", {"scrape_configs": [job]})
    assert config == {
        "scrape_configs": [
            {"job_name": "kubelet", "honor_labels": True, "proxy_url": "http://127.0.0.1:9"},
        ]
    }


def test_probes_go_through_the_proxy_which_they_trust_and_ask_no_name_server() -> None:
    config = {"modules": {"http_2xx": {"prober": "http", "http": {"follow_redirects": True}}}}
    assert changed("blackbox-exporter", "blackbox.yml", config) == {
        "modules": {
            "http_2xx": {
                "prober": "http",
                "http": {
                    "follow_redirects": True,
                    "proxy_url": "http://127.0.0.1:9",
                    "skip_resolve_phase_with_proxy": True,
                    "tls_config": {"ca_file": "/here/authority.pem"},
                },
            }
        }
    }


def test_messages_stay_on_this_machine() -> None:
    config = {
        "receivers": [{"name": "x", "pagerduty_configs": [{"routing_key_file": "/s/pagerdutyRoutingKey-x"}]}]
    }
    local = changed("alertmanager", "alertmanager.yml", config)
    assert isinstance(local, dict)
    (pager,) = local["receivers"][0]["pagerduty_configs"]
    assert pager["url"] == "http://127.0.0.1:8/receive/pagerdutyRoutingKey-x"
    assert changed("alertmanager", "slackWebhookUrl-slack", "https://example.com") == (
        "http://127.0.0.1:8/receive/slackWebhookUrl-slack"
    )
    assert changed("alertmanager", "pagerdutyRoutingKey-x", "key") == "key"


def test_a_time_scale_hurries_alerts_and_nothing_else() -> None:
    rules = {
        "groups": [{"interval": "1m", "rules": [{"expr": "a > 1", "for": "5m", "keep_firing_for": "0s"}]}]
    }
    assert changed("prometheus", "alerts-x.yaml", rules) == rules
    hurried = changed("prometheus", "alerts-x.yaml", rules, replace(HERE, time_scale=60))
    assert hurried == {
        "groups": [
            {
                "interval": "1000ms",
                "rules": [{"expr": "a > 1", "for": "5000ms", "keep_firing_for": "0s"}],
            }
        ]
    }
    assert changed("prometheus", "jobs.yaml", rules, replace(HERE, time_scale=60)) == rules


def test_a_program_is_known_by_its_image_from_any_registry() -> None:
    assert all(program_of(IMAGES[key].reference()) == key for key in PROGRAMS)
    assert all(program_of(IMAGES[key].reference("mirror.example.com:5000")) == key for key in PROGRAMS)
    assert program_of(IMAGES["grafana"].reference()) is None


def test_a_mirrored_folder_holds_exactly_what_is_deployed(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    assert mirror(folder, {"a.yaml": b"1", "b.yaml": b"2"})
    assert not mirror(folder, {"a.yaml": b"1", "b.yaml": b"2"})
    assert mirror(folder, {"a.yaml": b"3"})
    assert [path.name for path in folder.iterdir()] == ["a.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]
