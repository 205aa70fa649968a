"""Incidents that are no figures of the simulator: hands on the cluster, as somebody in a hurry has them.

What they change is written down first, so that `make recover` puts back exactly what was there.
"""

import http
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from local.kubernetes_provider.api import ApiError, Cluster
from local.processes import write
from local.simulator.incidents import Incident

Json = dict[str, Any]

_MERGE = "application/merge-patch+json"
_CORE = "/api/v1/namespaces"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_RELOADS = 25
_RELOAD_SECONDS = 0.2
#: A file that no program wrote, beside the deployed ones.
_FILE = "by-hand.yaml"
_BROKEN = "groups: [{name: by-hand, rules: ["
_FAILING = yaml.safe_dump(
    {
        "groups": [
            {
                "name": "by-hand",
                "interval": "15s",
                # Many targets on both sides, and nothing to match them by.
                "rules": [{"record": "by_hand:up:product", "expr": "up * on () up"}],
            }
        ]
    }
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where hands are laid on.

    Attributes:
        cluster: The cluster, as its administrator.
        namespace: The namespace of the monitoring stack.
        alertmanager: URL of the running Alertmanager.
    """

    cluster: Cluster
    namespace: str
    alertmanager: str


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """An incident, how it begins, and how it ends with what its beginning returned."""

    incident: Incident
    begin: Callable[[Place], Json]
    end: Callable[[Place, Json], None]


def _config_map(place: Place, name: str) -> str:
    return f"{_CORE}/{place.namespace}/configmaps/{name}"


def _patch(place: Place, path: str, body: Json) -> None:
    place.cluster.request("PATCH", path, body=body, content_type=_MERGE)


def _with_file(content: str) -> Callable[[Place], Json]:
    def begin(place: Place) -> Json:
        _patch(place, _config_map(place, "prometheus-rules"), {"data": {_FILE: content}})
        return {}

    return begin


def _without_file(place: Place, _before: Json) -> None:
    _patch(place, _config_map(place, "prometheus-rules"), {"data": {_FILE: None}})


def _forget_alertmanager(place: Place) -> Json:
    return _edit(place, "prometheus-config", "prometheus.yml", _without_alerting)


def _without_alerting(text: str) -> str:
    config = yaml.safe_load(text)
    config.pop("alerting", None)
    return yaml.safe_dump(config, sort_keys=False)


def _misconfigure_alertmanager(place: Place) -> Json:
    before = _edit(
        place, "alertmanager-config", "alertmanager.yml", lambda text: f"{text}\nreceiver: nobody\n"
    )
    _reload(place, taken=False)
    return before


def _configure_alertmanager(place: Place, before: Json) -> None:
    _put_back(place, before)
    _reload(place, taken=True)


def _reload(place: Place, *, taken: bool) -> None:
    """Ask Alertmanager to read its files again until it answers as to the changed ones."""
    for _ in range(_RELOADS):
        reply = urllib3.request("POST", f"{place.alertmanager}/-/reload", retries=False, timeout=5)
        if (reply.status == http.HTTPStatus.OK) == taken:
            return
        time.sleep(_RELOAD_SECONDS)


def _edit(place: Place, name: str, key: str, change: Callable[[str], str]) -> Json:
    path = _config_map(place, name)
    text: str = place.cluster.request("GET", path)["data"][key]
    _patch(place, path, {"data": {key: change(text)}})
    return {"name": name, "key": key, "text": text}


def _put_back(place: Place, before: Json) -> None:
    _patch(place, _config_map(place, before["name"]), {"data": {before["key"]: before["text"]}})


def _withdraw_rights(place: Place) -> Json:
    path = f"{_BINDINGS}/{place.namespace}-prometheus"
    binding = place.cluster.request("GET", path)
    place.cluster.request("DELETE", path)
    return {key: binding[key] for key in ("apiVersion", "kind", "roleRef", "subjects")} | {
        "metadata": {key: binding["metadata"].get(key) for key in ("name", "labels", "annotations")}
    }


def _give_rights(place: Place, before: Json) -> None:
    try:
        place.cluster.request("POST", _BINDINGS, body=before)
    except ApiError as error:
        # Somebody else, such as `make up`, was sooner.
        if error.reason != "AlreadyExists":
            raise


def _remove_exporter(place: Place) -> Json:
    _scale_exporter(place, 0)
    return {}


def _give_exporter(place: Place, _before: Json) -> None:
    _scale_exporter(place, 1)


def _scale_exporter(place: Place, replicas: int) -> None:
    path = f"/apis/apps/v1/namespaces/{place.namespace}/deployments/redis-exporter-main"
    _patch(place, path, {"spec": {"replicas": replicas}})


def _nothing(_place: Place) -> Json:
    return {}


def _keep(_place: Place, _before: Json) -> None:
    return None


def _incident(name: str, does: str, alert: str, severity: str, seen: str) -> Incident:
    return Incident(name=name, does=does, fires=((alert, severity),), seen=seen)


BY_HAND: tuple[ByHand, ...] = (
    ByHand(
        incident=_incident(
            "rules-broken",
            "Somebody adds a rule file by hand that is no YAML.",
            "ConfigReloadFailed",
            "warning",
            "Prometheus goes on with its old rules; the alert fires after 5 minutes.",
        ),
        begin=_with_file(_BROKEN),
        end=_without_file,
    ),
    ByHand(
        incident=_incident(
            "rules-failing",
            "Somebody adds a rule by hand that fails at each evaluation.",
            "RuleEvaluationFailing",
            "warning",
            "The alert fires within a quarter of an hour; all other rules go on.",
        ),
        begin=_with_file(_FAILING),
        end=_without_file,
    ),
    ByHand(
        incident=_incident(
            "alertmanager-forgotten",
            "Somebody edits Prometheus' configuration by hand and loses the section alerting.",
            "NoAlertmanager",
            "critical",
            "It fires after 10 minutes, in Prometheus only: this very alert has no way out any more.",
        ),
        begin=_forget_alertmanager,
        end=_put_back,
    ),
    ByHand(
        incident=_incident(
            "alertmanager-misconfigured",
            "Somebody edits Alertmanager's configuration by hand and makes it reload.",
            "AlertmanagerConfigReloadFailed",
            "warning",
            "Alertmanager goes on with the old one; the alert fires after 5 minutes.",
        ),
        begin=_misconfigure_alertmanager,
        end=_configure_alertmanager,
    ),
    ByHand(
        incident=_incident(
            "rights-withdrawn",
            "Somebody deletes the ClusterRoleBinding of Prometheus.",
            "DiscoveryFailing",
            "warning",
            "Watches that run go on for up to 10 minutes; it fires 15 minutes after the first failure.",
        ),
        begin=_withdraw_rights,
        end=_give_rights,
    ),
    ByHand(
        incident=_incident(
            "exporter-removed",
            "Somebody scales the Redis exporter to nothing.",
            "SourceAbsent",
            "warning",
            "It fires after 15 minutes; the tile Redis Status has no data.",
        ),
        begin=_remove_exporter,
        end=_give_exporter,
    ),
    ByHand(
        incident=_incident(
            "alertmanager-gone",
            "Alertmanager does not run any more.",
            "AlertsNotDelivered",
            "critical",
            "It fires after 10 minutes in Prometheus, and reaches people when Alertmanager is back.",
        ),
        begin=_nothing,
        end=_keep,
    ),
    ByHand(
        incident=_incident(
            "receiver-down",
            "The receivers' servers answer every message with an error.",
            "NotificationsFailing",
            "critical",
            "Firing in Prometheus after minutes; people get it when the receivers are back.",
        ),
        begin=_nothing,
        end=_keep,
    ),
)


def begin(name: str, place: Place, kept: Path) -> None:
    """Begin an incident and write down what it changed.

    Raises:
        KeyError: There is no such incident.
        ApiError: The API server refused.
    """
    found = {one.incident.name: one for one in BY_HAND}[name]
    before = _kept(kept)
    if name not in before:
        write(kept, json.dumps({**before, name: found.begin(place)}))


def end(place: Place, kept: Path, name: str | None = None) -> list[str]:
    """End an incident, or every one, by what was written down; return the names of those that were ended.

    Raises:
        ApiError: The API server refused.
    """
    ended = list[str]()
    before = dict(_kept(kept))
    for one in BY_HAND:
        if one.incident.name in before and name in {None, one.incident.name}:
            one.end(place, before.pop(one.incident.name))
            write(kept, json.dumps(before))
            ended.append(one.incident.name)
    return ended


def _kept(kept: Path) -> Mapping[str, Json]:
    return json.loads(kept.read_text()) if kept.exists() else {}
