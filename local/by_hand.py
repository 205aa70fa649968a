"""Lays hands on the cluster, as somebody in a hurry does: the incidents of `local.simulator.hands_on`.

What they change is written down first, so that `make recover` puts back exactly what was there.
"""

import http
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from local.kubernetes_provider.api import ApiError, Cluster
from local.processes import write
from local.simulator import hands_on

Json = dict[str, Any]

_MERGE = "application/merge-patch+json"
# The field manager of what is changed by hand; a conflict with it names it.
_MANAGER = "by-hand"
_CORE = "/api/v1/namespaces"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_RELOADS = 25
_RELOAD_SECONDS = 0.2
# Prometheus looks so often whether its files have changed.
_AUTO_RELOAD_SECONDS = 30.0
#: A file that no program wrote, beside the deployed ones.
_FILE = "by-hand.yaml"
_EMPTY = "groups: []\n"
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
        prometheus: URL of the running Prometheus.
        alertmanager: URL of the running Alertmanager.
    """

    cluster: Cluster
    namespace: str
    prometheus: str
    alertmanager: str


@dataclass(frozen=True)
class Hand:
    """How an incident begins, and how it ends with what its beginning returned."""

    begin: Callable[[Place], Json]
    end: Callable[[Place, Json], None]


def _config_map(place: Place, name: str) -> str:
    return f"{_CORE}/{place.namespace}/configmaps/{name}"


def _patch(place: Place, path: str, body: Json) -> None:
    query = {"fieldManager": _MANAGER}
    place.cluster.request("PATCH", path, query=query, body=body, content_type=_MERGE)


def _managers(place: Place, path: str) -> list[Json]:
    return place.cluster.request("GET", path)["metadata"]["managedFields"]


def _disown(place: Place, path: str, managers: list[Json]) -> None:
    # Who changes a field owns it, though it has its old content again: the next `make up` that changes it
    # would be a conflict.
    _patch(place, path, {"metadata": {"managedFields": managers}})


def _with_file(content: str) -> Callable[[Place], Json]:
    def begin(place: Place) -> Json:
        _patch(place, _config_map(place, "prometheus-rules"), {"data": {_FILE: content}})
        return {}

    return begin


def _without_file(place: Place, _before: Json) -> None:
    # Files that are as they were before a failure are not read again, so there is another change first.
    _patch(place, _config_map(place, "prometheus-rules"), {"data": {_FILE: _EMPTY}})
    for _ in range(_RELOADS):
        status = urllib3.request("GET", f"{place.prometheus}/api/v1/status/runtimeinfo", timeout=5).json()
        if status["data"]["reloadConfigSuccess"]:
            break
        time.sleep(_AUTO_RELOAD_SECONDS / _RELOADS * 2)
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
    managers = _managers(place, path)
    text: str = place.cluster.request("GET", path)["data"][key]
    _patch(place, path, {"data": {key: change(text)}})
    return {"name": name, "key": key, "text": text, "managers": managers}


def _put_back(place: Place, before: Json) -> None:
    path = _config_map(place, before["name"])
    _patch(place, path, {"data": {before["key"]: before["text"]}})
    _disown(place, path, before["managers"])


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


def _exporter(place: Place) -> str:
    return f"/apis/apps/v1/namespaces/{place.namespace}/deployments/redis-exporter-main"


def _remove_exporter(place: Place) -> Json:
    managers = _managers(place, _exporter(place))
    _patch(place, _exporter(place), {"spec": {"replicas": 0}})
    return {"managers": managers}


def _give_exporter(place: Place, before: Json) -> None:
    _patch(place, _exporter(place), {"spec": {"replicas": 1}})
    _disown(place, _exporter(place), before["managers"])


HANDS: Mapping[str, Hand] = {
    hands_on.RULES_BROKEN.name: Hand(_with_file(_BROKEN), _without_file),
    hands_on.RULES_FAILING.name: Hand(_with_file(_FAILING), _without_file),
    hands_on.ALERTMANAGER_FORGOTTEN.name: Hand(_forget_alertmanager, _put_back),
    hands_on.ALERTMANAGER_MISCONFIGURED.name: Hand(_misconfigure_alertmanager, _configure_alertmanager),
    hands_on.RIGHTS_WITHDRAWN.name: Hand(_withdraw_rights, _give_rights),
    hands_on.EXPORTER_REMOVED.name: Hand(_remove_exporter, _give_exporter),
}


def begin(name: str, place: Place, kept: Path) -> None:
    """Lay hands on the cluster where the incident `name` is of that kind, and write down what it changed.

    Raises:
        ApiError: The API server refused.
    """
    before = _kept(kept)
    if name in HANDS and name not in before:
        write(kept, json.dumps({**before, name: HANDS[name].begin(place)}))


def end(names: Iterable[str], place: Place, kept: Path) -> None:
    """Put back what the incidents `names` changed, by what was written down.

    Raises:
        ApiError: The API server refused.
    """
    before = dict(_kept(kept))
    for name in names:
        if name in before:
            HANDS[name].end(place, before.pop(name))
            write(kept, json.dumps(before))


def _kept(kept: Path) -> Mapping[str, Json]:
    return json.loads(kept.read_text()) if kept.exists() else {}
