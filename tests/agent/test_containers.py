"""What a container runs with is read off its Pod."""

import base64
from typing import Any

import pytest

from local.agent.containers import Mountable, NotYetError, container, expanded

POD: dict[str, Any] = {
    "metadata": {"namespace": "monitoring", "name": "alertmanager-1", "uid": "u-1"},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "alertmanager",
        "containers": [
            {
                "image": "quay.io/prometheus/alertmanager:v0.34.1",
                "env": [
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "ADDRESS", "value": "$(POD_IP):9094"},
                ],
                "args": ["--cluster.advertise-address=$(ADDRESS)", "--path=$(NOBODY)", "--dollar=$$(POD_IP)"],
                "ports": [{"name": "web", "containerPort": 9093}],
                "volumeMounts": [{"name": "config", "mountPath": "/etc/alertmanager"}],
                "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "web"}},
                "livenessProbe": {"exec": {"command": ["true"]}},
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "alertmanager-config"}}],
    },
    "status": {"podIP": "10.244.1.7"},
}


def test_arguments_are_filled_in_as_kubernetes_does() -> None:
    found = container(POD)
    assert found.arguments == (
        "--cluster.advertise-address=10.244.1.7:9094",
        "--path=$(NOBODY)",
        "--dollar=$(POD_IP)",
    )
    assert expanded("$(A)$$", {"A": "1"}) == "1$"


def test_probes_mounts_and_ports_are_the_pods_own() -> None:
    found = container(POD)
    assert found.mounts == {"/etc/alertmanager": POD["spec"]["volumes"][0]}
    assert {kind: (found.port(one.port), one.path) for kind, one in found.probes.items()} == {
        "readiness": (9093, "/-/ready")
    }


def test_every_kind_of_mounted_files_is_read() -> None:
    of = container(POD)
    mountable = Mountable(
        config_maps={
            ("monitoring", "a"): {"data": {"x": "1", "y": "2"}},
            ("monitoring", "ca"): {"data": {"ca.crt": "c"}},
        },
        secrets={("monitoring", "s"): {"data": {"key": base64.b64encode(b"v").decode()}}},
        tokens={("monitoring", "alertmanager"): b"token"},
    )
    assert mountable.files(of, {"configMap": {"name": "a"}}) == {"x": b"1", "y": b"2"}
    assert mountable.files(of, {"configMap": {"name": "a", "items": [{"key": "x", "path": "z"}]}}) == {
        "z": b"1"
    }
    assert mountable.files(of, {"secret": {"secretName": "s"}}) == {"key": b"v"}
    projected = {
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token"}},
                {"configMap": {"name": "ca"}},
                {"secret": {"name": "s"}},
                {
                    "downwardAPI": {
                        "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                    }
                },
            ]
        }
    }
    assert mountable.files(of, projected) == {
        "token": b"token",
        "ca.crt": b"c",
        "key": b"v",
        "namespace": b"monitoring",
    }
    assert mountable.files(of, {"emptyDir": {}}) is None


def test_what_does_not_exist_is_waited_for_unless_it_is_optional() -> None:
    of, nothing = container(POD), Mountable()
    with pytest.raises(NotYetError, match="ConfigMap alertmanager-config does not exist"):
        nothing.files(of, of.mounts["/etc/alertmanager"])
    with pytest.raises(NotYetError, match="Secret s does not exist"):
        nothing.files(of, {"secret": {"secretName": "s"}})
    assert nothing.files(of, {"configMap": {"name": "a", "optional": True}}) == {}
