"""A stack file is judged whole: every mistake, its key, what it got, what it takes, how to mend it."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from stacks import stack_file
from stacks.settings import Settings
from stacks.settings_base import PROJECT
from stacks.stack_file import ROOT, SettingsError
from tests.stacks.test_grafana_access import OAUTH

KEYS = st.sampled_from(sorted(info.alias or name for name, info in Settings.model_fields.items()))


HTTPS = {"rootUrl": "https://grafana.example.com/"}
INGRESS: dict[str, Any] = {"className": "nginx", "tlsSecret": "grafana-tls", "cidrs": ["10.0.0.0/16"]}


def judge(changes: dict[str, Any], *, secret_keys: list[str] | None = None) -> str:
    """The report on dev's configuration with these changes; fails when there is none."""
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    for key, value in changes.items():
        values[f"{PROJECT}:{key}"] = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(SettingsError) as raised:
        stack_file.parse(values, secret_keys or [], stack="dev")
    return str(raised.value)


@pytest.mark.parametrize("stack", ["dev", "prod", "managed"])
def test_the_committed_stack_files_have_no_mistake_and_hold_no_secret(stack: str) -> None:
    path = stack_file.stack_file(stack)
    assert isinstance(stack_file.read_stack_file(path), Settings)
    assert "secure:" not in path.read_text()
    assert "encryptionsalt" not in path.read_text()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"promethues": {}}, ["dubbing-monitoring:promethues", "did you mean prometheus?"]),
        (
            {"prometheus": {"retention": {"time": "15d", "size": "1GB"}, "volume": "9Gi", "volum": "1Gi"}},
            ["dubbing-monitoring:prometheus.volum\n", "did you mean volume?", "pulumi config rm --stack dev"],
        ),
        (
            {"prometheus": {"retention": {"time": "15 days", "size": "1GB"}, "volume": "9Gi"}},
            ["prometheus.retention.time", '"15 days"', "30s, 5m, 1h30m or 35d", "pulumi config set"],
        ),
        (
            {"prometheus": {"retention": {"time": "15d", "size": "17GB"}, "volume": "20Gi"}},
            ["retention.size 17GB does not fit the volume of 20Gi", "at most 16384MB"],
        ),
        (
            {"prometheus": {"replicas": 3, "retention": {"time": "15d", "size": "1GB"}, "volume": "9Gi"}},
            ["prometheus.replicas", "got:   3", "1 or 2"],
        ),
        ({"alertmanager": {"replicas": True}}, ["alertmanager.replicas", "true and false are no numbers"]),
        ({"alertmanager": {"replicas": 0}}, ["alertmanager.replicas", "got:   0", "a number from 1 to 3"]),
        ({"alertmanager": {"replicas": 4}}, ["alertmanager.replicas", "got:   4", "a number from 1 to 3"]),
        (
            {"grafana": {"replicas": 2}},
            ["grafana.database", "got:   nothing", "2 replicas cannot share", "set grafana.replicas: 1"],
        ),
        ({"grafana": {"replicas": 0}}, ["grafana.replicas", "got:   0", "a number from 1"]),
        (
            {"grafana": {"database": {"type": "sqlite3", "host": "db.example.com"}}},
            ["grafana.database.type", "'postgres' or 'mysql'"],
        ),
        (
            {"grafana": {"database": {"type": "mysql", "host": "db.example.com", "user": "a b"}}},
            ["grafana.database.user", '"a b"'],
        ),
        (
            {"grafana": {"ingress": INGRESS, "auth": {"loginForm": True}}},
            ["grafana.ingress", "grafana.rootUrl must start with https://"],
        ),
        (
            {"grafana": {**HTTPS, "ingress": INGRESS}},
            ["grafana.ingress", "say in grafana.auth how people log in"],
        ),
        (
            {
                "grafana": {
                    "rootUrl": "https://example.com/grafana/",
                    "ingress": INGRESS,
                    "auth": {"loginForm": True},
                }
            },
            ["grafana.ingress", "a host's name without a path"],
        ),
        (
            {"grafana": {"rootUrl": "https://10.0.0.7/", "ingress": INGRESS, "auth": {"loginForm": True}}},
            ["grafana.ingress", "a host's name without a path"],
        ),
        (
            {"grafana": {**HTTPS, "auth": {"loginForm": True}, "ingress": {**INGRESS, "tlsSecret": None}}},
            ["grafana.ingress.tlsSecret", "got:   nothing", "alb.ingress.kubernetes.io/certificate-arn"],
        ),
        (
            {"grafana": {**HTTPS, "auth": {"loginForm": True}, "ingress": {**INGRESS, "cidrs": []}}},
            ["grafana.ingress.cidrs", "say who asks, in controller or cidrs"],
        ),
        ({"grafana": {"auth": {"loginForm": False}}}, ["grafana.auth.oauth", "nobody could log in"]),
        ({"grafana": {"auth": {}}}, ["grafana.auth.loginForm", "got:   nothing"]),
        (
            {"grafana": {"auth": {"loginForm": True, "oauth": {**OAUTH, "roles": {}}}}},
            ["grafana.auth.oauth.roles.viewer", "nobody would be let in"],
        ),
        (
            {
                "grafana": {
                    "auth": {"loginForm": True, "oauth": {**OAUTH, "authUrl": "http://login.dubbing/"}}
                }
            },
            ["grafana.auth.oauth.authUrl", "must start with https://"],
        ),
        (
            {
                "grafana": {
                    "auth": {"loginForm": True, "oauth": {**OAUTH, "tokenUrl": "http://login.example.com/"}}
                }
            },
            ["grafana.auth.oauth.tokenUrl", "must start with https://"],
        ),
        (
            {"grafana": {"auth": {"loginForm": True, "oauth": {**OAUTH, "roles": {"admin": ["a' || 'b"]}}}}},
            ["grafana.auth.oauth.roles.admin[0]", "without quotes"],
        ),
        (
            {"alertmanager": {"replicas": 2}},
            ["notifications", "grouping.interval 10s must be above 15s", "the last of 2 Alertmanagers"],
        ),
        (
            {"prometheus": {"retention": {"time": "15d", "size": "9GB"}, "volume": 20}},
            ["prometheus.volume", "got:   20", "the size of each replica's volume, such as 50Gi"],
        ),
        (
            {"blackbox": {"mode": "deploy", "probes": [{"name": "api", "url": "api/health"}]}},
            ["probes[0].url"],
        ),
        ({"gpuMetrics": {"mode": "yes"}}, ["gpuMetrics.mode", "'deploy', 'external' or 'off'"]),
        ({"nodeExporter": {"mode": "external"}}, ["must say which pods to scrape"]),
        ({"cluster": "Dubbing Dev"}, ["dubbing-monitoring:cluster", '"Dubbing Dev"']),
        ({"kubernetes": {"context": "dubbing-dev"}}, ["kubernetes.storageClass", "got:   nothing", "gp3"]),
        (
            {"network": {"internetCidrs": ["10.0.0.1/8"]}},
            ["network.internetCidrs", '"10.0.0.1/8"', "is no CIDR such as 203.0.113.0/24", "host bits"],
        ),
        ({"images": {"requireDigest": True}}, ["no digest for prometheus", "python -m stacks.images"]),
        (
            {
                "prometheus": {
                    "scrapeInterval": "10m",
                    "retention": {"time": "15d", "size": "9GB"},
                    "volume": "20Gi",
                }
            },
            ["prometheus.scrapeInterval", "5s to 2m"],
        ),
        (
            {"alertmanager": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}},
            ["the memory request 2Gi is above the limit 1Gi"],
        ),
        (
            {"kubernetes": {"context": "dubbing-dev", "storageClass": "gp3", "namespace": "kube-system"}},
            ["kubernetes.namespace", "is the cluster's own"],
        ),
        (
            {"kubernetes": {"context": "dubbing-dev", "storageClass": "gp3", "namespace": "monitoring-node"}},
            ["kubernetes.nodeNamespace", "must differ from namespace"],
        ),
        (
            {"kubernetes": {"context": "dubbing-dev", "storageClass": "GP3 fast"}},
            ["kubernetes.storageClass", '"GP3 fast"', "such as gp3"],
        ),
        (
            {"blackbox": {"mode": "deploy", "probes": [{"name": "api", "url": "http://api.dubbing/"}] * 2}},
            ["blackbox.probes", "api stands there more than once"],
        ),
        (
            {"postgres": {"mode": "deploy", "servers": [{"name": "main", "host": "a"}] * 2}},
            ["postgres.servers", "main stands there more than once"],
        ),
        (
            {"redis": {"mode": "deploy", "servers": [{"name": "main", "host": "a"}] * 2}},
            ["redis.servers", "main stands there more than once"],
        ),
        (
            {"redis": {"mode": "deploy", "servers": [{"name": "m" * 41, "host": "a"}]}},
            ["redis.servers[0].name", "40 characters at most"],
        ),
        (
            {"network": {"internetCidrs": ["169.254.169.254/32"]}},
            ["network.internetCidrs", "is within 169.254.0.0/16", "credentials"],
        ),
        (
            {"gpuMetrics": {"mode": "deploy", "nodeSelector": {"a bad label!": "yes"}}},
            ["gpuMetrics.nodeSelector.a bad label!"],
        ),
        (
            {"grafana": {"replicas": 2}},
            ["grafana.database", "say which database they share", "mend:  edit Pulumi.dev.yaml"],
        ),
        (
            {
                "grafana": {
                    "rootUrl": "https://grafana.example.com/",
                    "auth": {"loginForm": True},
                    "ingress": {
                        "className": "nginx",
                        "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
                        "cidrs": ["10.0.0.0/8"],
                    },
                }
            },
            ["dubbing-monitoring:grafana.ingress.tlsSecret\n", "name the Secret of the certificate"],
        ),
        (
            {
                "grafana": {
                    "rootUrl": "http://grafana.example.com/path",
                    "ingress": {"className": "nginx", "tlsSecret": "tls", "cidrs": ["10.0.0.0/8"]},
                }
            },
            ["grafana.ingress", "must start with https://", "without a path", "say in grafana.auth how"],
        ),
        ({"prometheus": "big"}, ["dubbing-monitoring:prometheus", '"big"']),
        ({"grafanaAdminPassword": "in-plain-sight"}, ["plain text", "--secret --stack dev"]),
    ],
)
def test_a_mistake_names_its_key_what_it_got_and_what_it_takes(
    changes: dict[str, Any], expected: list[str]
) -> None:
    report = judge(changes)
    assert "has 1 mistake; nothing was created" in report
    for text in expected:
        assert text in report


def test_all_mistakes_are_reported_at_once() -> None:
    report = judge(
        {
            "cluster": "X",
            "gpuMetrics": {"mode": "on"},
            "kubelet": {"mode": "deploy"},
            "nonsense": 1,
            "redisPassword-main": "plain",
            "prometheus": {"retention": {"time": "x", "size": "y"}, "volume": "z"},
        }
    )
    assert "has 8 mistakes; nothing was created" in report
    assert report.count("got:") == report.count("takes:") == report.count("mend:") == 8


def test_no_error_speaks_the_readers_own_language() -> None:
    report = judge(
        {
            "cluster": 3,
            "blackbox": {"mode": "deploy", "probes": "api"},
            "notifications": {
                "slack": {"channel": "alerts"},
                "critical": 3,
                "owners": [],
                "deadMansSwitch": "perhaps",
            },
            "monthlyBudget": {"services": 1},
        }
    )
    assert "7 mistakes" in report
    for word in ("Input should", "String", "instance of", "dictionary", "tuple", "pattern", "valid bool"):
        assert word not in report


def test_a_secret_in_plain_text_is_never_repeated() -> None:
    assert "in-plain-sight" not in judge({"grafanaAdminPassword": "in-plain-sight"})


def test_an_encrypted_setting_is_refused() -> None:
    assert "an encrypted value" in judge({}, secret_keys=[f"{PROJECT}:prometheus"])


def test_an_encrypted_secret_is_accepted() -> None:
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    key = f"{PROJECT}:grafanaAdminPassword"
    settings = stack_file.parse(values | {key: "x"}, [key], stack="dev")
    missing = stack_file.missing_secrets(settings, [key])
    assert "grafanaAdminPassword" not in [secret.key for secret in missing]
    assert "grafanaSecretKey" in [secret.key for secret in missing]


def test_an_exporter_that_is_off_needs_no_secret() -> None:
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    values[f"{PROJECT}:postgres"] = json.dumps({"mode": "off", "servers": [{"name": "main", "host": "db"}]})
    keys = [secret.key for secret in stack_file.parse(values, [], stack="dev").secrets_needed()]
    assert not [key for key in keys if key.startswith("postgres")]
    assert "redisPassword-main" in keys


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config: [", "is not valid YAML"),
        ("a: 1", "must have a mapping named `config`"),
        ("config: 3", "must have a mapping named `config`"),
    ],
)
def test_a_file_that_is_no_stack_file_says_so(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=expected):
        stack_file.read_stack_file(path)


def test_a_stack_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(SettingsError, match=r"Pulumi\.staging\.yaml \(stacks here: dev, managed, prod\)"):
        stack_file.read_stack_file(stack_file.stack_file("staging"))


def test_the_command_prints_the_lines_that_set_the_secrets() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "stacks.settings", "secrets", "prod"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = run.stdout.splitlines()
    assert len(lines) == 8
    assert all(
        line.startswith("pulumi config set --secret --stack prod dubbing-monitoring:") for line in lines
    )


@pytest.mark.parametrize("key", ["slackWebhookUrl-slack", "webhookUrl-critical", "deadMansSwitchUrl"])
@pytest.mark.parametrize("url", ["http://hooks.example.com/planted", "https://", "https:// planted"])
def test_a_secret_that_is_no_https_url_is_a_mistake_among_the_others_and_is_not_told(
    key: str, url: str
) -> None:
    report = judge(
        {key: url, "cluster": "Dubbing Dev"},
        secret_keys=[f"{PROJECT}:{key}"],
    )
    assert "2 mistakes" in report
    assert f"{PROJECT}:{key}" in report
    assert "a URL that starts with https:// and a host" in report
    assert "planted" not in report


@pytest.mark.parametrize(
    "changes",
    [
        {"grafana": {"rootUrl": "https://user:planted@grafana.example.com/"}},
        {"prometheus": {"remoteWrite": [{"name": "a", "url": "https://planted@example.com/write"}]}},
        {"alerts": {"runbookUrl": "https://:planted@example.com/"}},
    ],
)
def test_a_url_with_a_password_is_refused_and_its_password_is_not_told(changes: dict[str, Any]) -> None:
    report = judge(changes)
    assert "must have no user and no password" in report
    assert "planted" not in report


def test_a_password_is_not_told_where_the_url_is_wrong_besides() -> None:
    assert "planted" not in judge({"grafana": {"rootUrl": "https://user:plan/planted@grafana.example.com/"}})


def test_what_is_to_be_removed_is_mended_by_removing_it() -> None:
    report = judge(
        {"grafana": {"delivery": "api", "rootUrl": "https://grafana.example.com/", "volume": "1Gi"}}
    )
    assert "pulumi config rm --stack dev --path 'dubbing-monitoring:grafana.volume'" in report
    assert "grafana.volume' VALUE" not in report


def test_digits_that_must_be_text_are_mended_by_a_command_that_writes_text() -> None:
    report = judge({"aws": {"accountId": 123456789012, "region": "eu-central-1", "eksCluster": "a"}})
    assert "--path 'dubbing-monitoring:aws.accountId' VALUE --type string" in report


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@hypothesis.given(key=KEYS | st.text(max_size=8), value=ANY_JSON)
def test_any_value_of_any_key_is_accepted_or_reported_never_a_traceback(key: str, value: object) -> None:
    values = stack_file.raw_values(stack_file.stack_file("dev"))
    values[f"{PROJECT}:{key}"] = value if isinstance(value, str) else json.dumps(value)
    with contextlib.suppress(SettingsError):
        stack_file.parse(values, [], stack="dev")


def test_a_key_that_stands_twice_is_refused_where_the_last_would_win(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text((ROOT / "Pulumi.dev.yaml").read_text() + "  dubbing-monitoring:opencost: {mode: 'off'}\n")
    with pytest.raises(
        SettingsError, match="'dubbing-monitoring:opencost' stands there a second time"
    ) as seen:
        stack_file.read_stack_file(path)
    assert "line" in str(seen.value)
