"""Reads out of the cluster what a deployed StatefulSet runs with: arguments, mounted files, account."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api

from local.processes import write

# A token that outlives any session with the embedded cluster; `make down` ends the cluster that made it.
_TOKEN_SECONDS = 365 * 24 * 3600

Files = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What the first container of a StatefulSet runs with.

    Attributes:
        arguments: Its arguments.
        account: The name of its ServiceAccount.
        mounts: The path of each mounted volume, by the volume's name.
        files: The files of each mounted ConfigMap and Secret, by the volume's name.
    """

    arguments: tuple[str, ...]
    account: str
    mounts: Mapping[str, str]
    files: Mapping[str, Files]


def workload(api: ApiClient, namespace: str, name: str) -> Workload:
    """Return what a deployed StatefulSet runs with."""
    found = _plain(api, AppsV1Api(api).read_namespaced_stateful_set(name, namespace))
    pod = found["spec"]["template"]["spec"]
    container = pod["containers"][0]
    volumes = {volume["name"]: _files(api, namespace, volume) for volume in pod.get("volumes", ())}
    return Workload(
        arguments=tuple(container.get("args", ())),
        account=pod.get("serviceAccountName", "default"),
        mounts={mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", ())},
        files={name: files for name, files in volumes.items() if files is not None},
    )


def _files(api: ApiClient, namespace: str, volume: Mapping[str, Any]) -> Files | None:
    core = CoreV1Api(api)
    if "configMap" in volume:
        name = volume["configMap"]["name"]
        data = _plain(api, core.read_namespaced_config_map(name, namespace)).get("data", {})
        return {key: text.encode() for key, text in data.items()}
    if "secret" in volume:
        name = volume["secret"]["secretName"]
        data = _plain(api, core.read_namespaced_secret(name, namespace)).get("data", {})
        return {key: base64.b64decode(text) for key, text in data.items()}
    return None


def token(api: ApiClient, namespace: str, account: str) -> str:
    """Return a fresh token of a ServiceAccount."""
    request: Any = {"spec": {"expirationSeconds": _TOKEN_SECONDS, "audiences": []}}
    made = CoreV1Api(api).create_namespaced_service_account_token(account, namespace, request)
    return _plain(api, made)["status"]["token"]


def account_id(api: ApiClient, namespace: str, account: str) -> str:
    """Return what tells a ServiceAccount from a later one of the same name."""
    return _plain(api, CoreV1Api(api).read_namespaced_service_account(account, namespace))["metadata"]["uid"]


def mirror(folder: Path, files: Files) -> bool:
    """Make `folder` hold exactly `files`, and tell whether that changed anything."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name, content in files.items():
        if before.get(name) != content:
            write(folder / name, content.decode())
    for name in before.keys() - files.keys():
        (folder / name).unlink()
    return before != files


def _plain(api: ApiClient, found: object) -> dict[str, Any]:
    """Return an object as the API writes it."""
    return cast("dict[str, Any]", api.sanitize_for_serialization(found))
