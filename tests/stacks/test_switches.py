"""Each two settings of the switches that a stack file has, together in one run of the program at least."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from allpairspy import AllPairs

from stacks import stack_file
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import STACKS, run_main, write_kubeconfig
from tests.stacks.test_grafana_access import OAUTH, POSTGRES, WAY_IN, ways_in
from tests.stacks.test_program import PLANTED, containers, objects, pods

pytestmark = pytest.mark.slow

Json = Mapping[str, Any]
Changes = tuple[tuple[str, Json | None], ...]

ELSEWHERE = {"namespace": "elsewhere", "labels": {"app": "it"}, "port": "metrics"}
ONE_SLACK = {"slack": {"channel": "#alerts"}}
EVERY_CHANNEL = {
    "slack": {},
    "pagerduty": {},
    "email": {"to": ["on-call@example.com"]},
    "webhook": {},
    "sns": {"topicArn": "arn:aws:sns:eu-central-1:123456789012:alerts"},
}
SMTP = {"host": "smtp.example.com", "sender": "alerts@example.com", "username": "alerts"}
SLOWLY = {"interval": "5m"}
MODES: tuple[Json | None, ...] = (None, {"mode": "external", "external": ELSEWHERE}, {"mode": "off"})


def exporter(key: str) -> tuple[tuple[str, Json | None], ...]:
    """As the committed file has it, somebody else's, or none."""
    return tuple((key, mode) for mode in MODES)


SEVERAL = {"replicas": 2, "database": POSTGRES, "auth": {"loginForm": False, "oauth": OAUTH}, **WAY_IN}

#: Each switch: the values of a setting that are tried; None leaves the committed one.
SWITCHES: tuple[tuple[tuple[str, Json | None], ...], ...] = (
    *(exporter(key) for key in ("gpuMetrics", "kubeStateMetrics", "nodeExporter", "postgres", "redis")),
    *(exporter(key) for key in ("blackbox", "opencost")),
    (("kubelet", {"mode": "external"}), ("kubelet", {"mode": "off"})),
    (
        ("images", None),
        ("images", {"registry": "registry.example.com/mirror"}),
        ("images", {"pullSecret": "pull", "registry": "registry.example.com"}),
    ),
    (("alertmanager", {"replicas": 1}), ("alertmanager", {"replicas": 2}), ("alertmanager", {"replicas": 3})),
    (
        ("notifications", {"criticalRequired": False, "grouping": SLOWLY}),
        ("notifications", {**ONE_SLACK, "criticalRequired": False, "grouping": SLOWLY}),
        ("notifications", {"critical": {"pagerduty": {}}, **ONE_SLACK, "grouping": SLOWLY}),
        (
            "notifications",
            {
                "critical": EVERY_CHANNEL,
                "slack": {},
                "owners": {"product": EVERY_CHANNEL},
                "smtp": SMTP,
                "workingHours": {"timeZone": "Europe/Berlin"},
                "deadMansSwitch": True,
                "grouping": SLOWLY,
            },
        ),
    ),
    (
        ("alerts", None),
        ("alerts", {"queueDepthPer": "stage", "gpuBusy": "whileJobsWait"}),
        ("alerts", {"queueDepthPer": "total", "gpuBusy": "always"}),
    ),
    (
        ("grafana", None),
        ("grafana", {"rootUrl": "https://grafana.example.com/"}),
        ("grafana", {"database": {"type": "mysql", "host": "db.dubbing", "sslMode": "disable"}}),
        ("grafana", {"auth": {"loginForm": True}, **WAY_IN}),
        ("grafana", SEVERAL),
    ),
    (("kubernetes.protect", {"protect": True}), ("kubernetes.protect", {"protect": False})),
)
ROWS: list[Changes] = [tuple(row) for row in AllPairs([list(values) for values in SWITCHES])]


def configuration(stack: str, row: Changes) -> dict[str, str]:
    """The row's settings, by full key, as a stack file holds them."""
    values = stack_file.raw_values(stack_file.stack_file(stack))
    kubernetes = json.loads(values[f"{PROJECT}:kubernetes"])
    changes: dict[str, str] = {}
    for key, value in row:
        if value is None:
            continue
        if key == "kubernetes.protect":
            changes[f"{PROJECT}:kubernetes"] = json.dumps({**kubernetes, **value})
        else:
            changes[f"{PROJECT}:{key}"] = json.dumps(value)
    aws = f"{PROJECT}:aws"
    if aws in values and "sns" in (dict(row)["notifications"] or {}).get("critical", {}):
        # Somebody else's topic in the place of the stack's own.
        changes[aws] = json.dumps({**json.loads(values[aws]), "alertTopic": False, "budget": False})
    return changes


def secrets(stack: str, changes: Mapping[str, str]) -> dict[str, str]:
    """A planted value of each secret that these settings need."""
    values = {**stack_file.raw_values(stack_file.stack_file(stack)), **changes}
    needed = stack_file.parse(values, set(), stack=stack).secrets_needed()
    return {
        f"{PROJECT}:{secret.key}": ("https://" if secret.is_url else "") + PLANTED + secret.key
        for secret in needed
    }


def unsound(resources: list[Registration]) -> list[str]:
    """What holds for every stack and does not for this one."""
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in manifests(resources)]
    return [
        *(f"{name} twice" for name in set(names) if names.count(name) > 1),
        *(mistake for one in resources for mistake in _unsound_object(one)),
        *(mistake for name, container in containers(resources) for mistake in _unsound(name, container)),
        *(f"{name} leads outside" for name in ways_in(resources) if name != "Ingress grafana to grafana"),
    ]


def _unsound_object(one: Registration) -> Iterator[str]:
    provider = "kept" if one.retain_on_delete else "cluster"
    if one.is_kubernetes_object and f"::{provider}::" not in one.provider:
        yield f"{one.name} is not of the provider {provider}"
    if one.is_kubernetes_object and "labels" not in one.inputs["metadata"]:
        yield f"{one.name} has no labels"
    if PLANTED in json.dumps(one.inputs):
        if one.inputs.get("kind") != "Secret":
            yield f"{one.name} holds a secret in the clear"
        elif not one.secret_inputs & {"stringData", "data"}:
            yield f"{one.name}'s content is not marked as a secret"


def _unsound(name: str, container: Json) -> Iterator[str]:
    security = container["securityContext"]
    if security["allowPrivilegeEscalation"] or not security["readOnlyRootFilesystem"]:
        yield f"{name} is not locked down"
    if "memory" not in container["resources"]["limits"]:
        yield f"{name} has no memory limit"


def manifests(resources: list[Registration]) -> list[Json]:
    """Every object of the cluster."""
    return [one.inputs for one in resources if one.is_kubernetes_object]


@pytest.fixture(autouse=True)
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Both stacks' contexts lead to a server that answers."""
    write_kubeconfig(tmp_path / "config", {f"dubbing-{stack}": server for stack in STACKS})
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def run(stack: str, row: Changes) -> list[Registration]:
    changes = configuration(stack, row)
    return run_main(stack, changes, secrets(stack, changes))


def test_the_rows_hold_every_pair_of_values() -> None:
    def pairs(rows: list[Changes]) -> set[str]:
        return {
            json.dumps([row[i], row[j]])
            for row in rows
            for i in range(len(SWITCHES))
            for j in range(i + 1, len(SWITCHES))
        }

    wanted = {
        json.dumps([one, other])
        for i, ones in enumerate(SWITCHES)
        for others in SWITCHES[i + 1 :]
        for one in ones
        for other in others
    }
    assert pairs(ROWS) == wanted
    assert pairs(ROWS[1:]) != wanted


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_pair_of_switches_gives_a_sound_stack(stack: str, row: Changes) -> None:
    resources = run(stack, row)
    assert unsound(resources) == []
    switched = dict(row)
    replicas = switched["alertmanager"]
    assert replicas
    assert (
        objects(resources, "StatefulSet")["monitoring/alertmanager"]["spec"]["replicas"]
        == replicas["replicas"]
    )
    protected = [one for one in resources if one.inputs.get("kind") in {"Namespace", "PersistentVolumeClaim"}]
    protect = switched["kubernetes.protect"]
    assert protect
    assert {one.protect for one in protected} == {protect["protect"]}
    if (kube_state_metrics := switched["kubeStateMetrics"]) is not None:
        assert "kube-state-metrics" not in pods(resources), kube_state_metrics


def test_what_is_unsound_is_seen() -> None:
    resources = run("dev", ROWS[0])
    assert unsound(resources) == []
    for one in resources:
        if one.inputs.get("kind") == "ConfigMap":
            one.inputs["data"]["leak"] = f"{PLANTED}key"  # type: ignore[index] - what is recorded is a dict
        if one.inputs.get("kind") == "Service" and one.inputs["metadata"]["name"] == "prometheus":
            one.inputs["spec"]["type"] = "LoadBalancer"
        if one.inputs.get("kind") == "StatefulSet":
            (container, *_) = one.inputs["spec"]["template"]["spec"]["containers"]
            container["securityContext"]["allowPrivilegeEscalation"] = True
            del container["resources"]["limits"]["memory"]
    text = "\n".join(unsound([*resources, resources[-1]]))
    for expected in ("in the clear", "locked down", "no memory limit", "twice", "leads outside"):
        assert expected in text
