"""Who reaches Grafana, and how they log in; nobody reaches anything else."""

import json
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from stacks.grafana_options import role_attribute_path
from stacks.grafana_settings import OAuth
from stacks.recording import Registration
from stacks.settings_base import PROJECT
from tests.stacks.conftest import PLANTED, run_main
from tests.stacks.setting_changes import secrets
from tests.stacks.test_manifests import KUBERNETES
from tests.stacks.test_program import objects, pods
from tests.stacks.test_traps import environment

POSTGRES = {"type": "postgres", "host": "db.example.com"}
OAUTH: dict[str, Any] = {
    "clientId": "grafana",
    "authUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "apiUrl": "https://login.example.com/userinfo",
    "scopes": ["openid", "email", "groups"],
    "roles": {"admin": ["platform"], "editor": ["product", "finance"], "viewer": ["everybody"]},
    "allowedDomains": ["example.com"],
}
NGINX = {
    "className": "nginx",
    "tlsSecret": "grafana-tls",
    "controller": {"namespace": "ingress-nginx", "labels": {"app.kubernetes.io/name": "ingress-nginx"}},
}
ALB = {
    "className": "alb",
    "annotations": {
        "alb.ingress.kubernetes.io/certificate-arn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
        "alb.ingress.kubernetes.io/target-type": "ip",
    },
    "cidrs": ["10.0.0.0/16"],
}
WAY_IN: dict[str, Any] = {"rootUrl": "https://grafana.example.com/", "ingress": NGINX}

pytestmark = pytest.mark.usefixtures("dev_cluster")


def run(grafana: dict[str, Any], changed: dict[str, str] | None = None) -> list[Registration]:
    """What dev registers with these settings of Grafana, and these secrets."""
    values = {f"{PROJECT}:grafana": json.dumps(grafana)}
    return run_main("dev", values, {**secrets(values), **(changed or {})})


def ways_in(resources: list[Registration]) -> Iterator[str]:
    """Whatever leads into the cluster from outside: of each Ingress every Service that it leads to."""
    for service in objects(resources, "Service").values():
        spec = service["spec"]
        if spec.get("type", "ClusterIP") != "ClusterIP" or spec.get("externalIPs"):
            yield f"Service {service['metadata']['name']}"
    for ingress in objects(resources, "Ingress").values():
        backends = [path["backend"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        if default := ingress["spec"].get("defaultBackend"):
            backends.append(default)
        for backend in backends:
            yield f"Ingress {ingress['metadata']['name']} to {backend['service']['name']}"


def test_no_committed_stack_leads_outside(resources: list[Registration]) -> None:
    assert list(ways_in(resources)) == []


def test_a_way_outside_would_be_seen(resources: list[Registration]) -> None:
    (service,) = [r for r in resources if r.name == "prometheus-service"]
    spec = service.inputs["spec"]
    for change in ({"type": "NodePort"}, {"type": "LoadBalancer"}, {"externalIPs": ["203.0.113.1"]}):
        spec.update(change)
        assert list(ways_in(resources)) == ["Service prometheus"]
        for key in change:
            del spec[key]
    assert list(ways_in(resources)) == []


@pytest.mark.parametrize("ingress", [NGINX, ALB], ids=["nginx", "alb"])
def test_an_ingress_leads_to_grafana_alone_over_tls(ingress: dict[str, Any]) -> None:
    resources = run({**WAY_IN, "ingress": ingress, "auth": {"loginForm": True}})
    assert list(ways_in(resources)) == ["Ingress grafana to grafana"]
    made = objects(resources, "Ingress")["monitoring/grafana"]
    assert made["spec"]["ingressClassName"] == ingress["className"]
    assert made["metadata"]["annotations"] == ingress.get("annotations", {})
    (tls,), (rule,) = made["spec"]["tls"], made["spec"]["rules"]
    assert tls["hosts"] == [rule["host"]] == ["grafana.example.com"]
    assert tls.get("secretName") == ingress.get("tlsSecret")
    (path,) = rule["http"]["paths"]
    names = [port["name"] for port in objects(resources, "Service")["monitoring/grafana"]["spec"]["ports"]]
    assert path["backend"]["service"] == {"name": "grafana", "port": {"name": names[0]}}
    kubernetes_validate.validate(made, KUBERNETES, strict=True)
    assert environment(resources, "grafana")["GF_SECURITY_COOKIE_SECURE"] == "true"


def test_an_ingress_to_prometheus_would_be_seen() -> None:
    resources = run({**WAY_IN, "auth": {"loginForm": True}})
    spec = objects(resources, "Ingress")["monitoring/grafana"]["spec"]
    spec["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "prometheus"
    spec["defaultBackend"] = {"service": {"name": "alertmanager"}}
    assert list(ways_in(resources)) == ["Ingress grafana to prometheus", "Ingress grafana to alertmanager"]


def test_a_provider_lets_in_who_has_a_role_and_nobody_else() -> None:
    options = environment(run({"auth": {"loginForm": True, "oauth": OAUTH}}), "grafana")
    name = "GF_AUTH_GENERIC_OAUTH_"
    expected = {
        f"{name}ENABLED": "true",
        f"{name}CLIENT_ID": "grafana",
        f"{name}CLIENT_SECRET": "$__file{/etc/grafana/secrets/oauth-client-secret}",
        f"{name}AUTH_URL": OAUTH["authUrl"],
        f"{name}TOKEN_URL": OAUTH["tokenUrl"],
        f"{name}API_URL": OAUTH["apiUrl"],
        f"{name}SCOPES": "openid email groups",
        f"{name}ALLOWED_DOMAINS": "example.com",
        f"{name}USE_PKCE": "true",
        f"{name}ROLE_ATTRIBUTE_STRICT": "true",
        f"{name}ALLOW_ASSIGN_GRAFANA_ADMIN": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "false",
    }
    assert expected.items() <= options.items()


def test_without_the_form_no_password_leads_in() -> None:
    options = environment(run({"auth": {"loginForm": False, "oauth": OAUTH}}), "grafana")
    assert options["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert options["GF_AUTH_BASIC_ENABLED"] == "false"


@pytest.mark.parametrize(("claim", "written"), [("groups", "groups"), ("cognito:groups", '"cognito:groups"')])
def test_the_highest_role_of_a_persons_groups_comes_first(claim: str, written: str) -> None:
    assert role_attribute_path(OAuth.model_validate({**OAUTH, "groupsClaim": claim})).split(" || ") == [
        f"contains({written}[*], 'platform') && 'Admin'",
        f"contains({written}[*], 'product') && 'Editor'",
        f"contains({written}[*], 'finance') && 'Editor'",
        f"contains({written}[*], 'everybody') && 'Viewer'",
    ]


def test_the_client_secret_is_a_file_of_the_secret_and_a_changed_one_restarts_grafana_alone() -> None:
    key, grafana = "grafanaOauthClientSecret", {"auth": {"loginForm": True, "oauth": OAUTH}}
    resources = run(grafana)
    holders = [r.name for r in resources if f"{PLANTED}{key}" in repr(r.inputs)]
    assert holders == ["grafana-secret"]
    secret = objects(resources, "Secret")["monitoring/grafana"]["stringData"]
    assert secret["oauth-client-secret"] == f"{PLANTED}{key}"
    before, after = pods(resources), pods(run(grafana, {f"{PROJECT}:{key}": "another"}))
    assert {name for name in before if before[name] != after[name]} == {"grafana"}
