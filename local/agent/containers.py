"""What a Pod's container runs with, as the API server has it."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Files = dict[str, bytes]

_REFERENCE = re.compile(r"\$\$|\$\((\w+)\)")


class NotYetError(Exception):
    """A Pod mounts what does not exist; a kubelet would wait for it as well."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An HTTP probe: a named or numbered port, and a path."""

    port: str | int
    path: str


@dataclass(frozen=True, kw_only=True)
class Container:
    """The first container of a Pod.

    Attributes:
        uid: What tells the Pod from a later one of the same name.
        arguments: Its arguments, with references to its environment filled in.
        ports: Its named TCP ports.
        mounts: The Pod's volume, as the API server has it, by the path where the container sees it.
        probes: Its HTTP probes by kind, such as `readiness`.
    """

    namespace: str
    pod: str
    uid: str
    node: str
    address: str
    image: str
    account: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[str, int]
    mounts: Mapping[str, Json]
    probes: Mapping[str, Probe]

    @property
    def key(self) -> str:
        """Its name in files: the Pod's namespace and name."""
        return f"{self.namespace}_{self.pod}"

    def port(self, named: str | int) -> int:
        """Return the number of a port that a probe names."""
        return named if isinstance(named, int) else self.ports[named]


def container(pod: Json) -> Container:
    """Read the first container of a Pod."""
    spec, status = pod["spec"], pod["status"]
    first = spec["containers"][0]
    environment: dict[str, str] = {}
    for variable in first.get("env", ()):
        value = variable.get("value", "") if "valueFrom" not in variable else _field(pod, variable)
        environment[variable["name"]] = expanded(value, environment)
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    return Container(
        namespace=pod["metadata"]["namespace"],
        pod=pod["metadata"]["name"],
        uid=pod["metadata"]["uid"],
        node=spec["nodeName"],
        address=status["podIP"],
        image=first["image"],
        account=spec.get("serviceAccountName", "default"),
        arguments=tuple(expanded(argument, environment) for argument in first.get("args", ())),
        environment=environment,
        # What listens on a number by UDP as well has one address here, too: the one of its TCP port.
        ports={
            port["name"]: port["containerPort"]
            for port in first.get("ports", ())
            if "name" in port and port.get("protocol", "TCP") == "TCP"
        },
        mounts={mount["mountPath"]: volumes[mount["name"]] for mount in first.get("volumeMounts", ())},
        probes={
            kind: Probe(port=get["port"], path=get.get("path", "/"))
            for kind in ("startup", "readiness", "liveness")
            if (get := first.get(f"{kind}Probe", {}).get("httpGet"))
        },
    )


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Fill in `$(NAME)` as Kubernetes does: `$$` is a dollar, an unknown name stays as it is."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] is None else environment.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def _field(pod: Json, variable: Json) -> str:
    path: str = variable["valueFrom"]["fieldRef"]["fieldPath"]
    return _at(pod, path)


def _at(pod: Json, path: str) -> str:
    found: Any = pod
    for part in path.split("."):
        found = found[part]
    return str(found)


@dataclass(frozen=True, kw_only=True)
class Mountable:
    """The ConfigMaps and Secrets of the cluster, by namespace and name, and tokens of accounts."""

    config_maps: Mapping[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    secrets: Mapping[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    tokens: Mapping[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])

    def files(self, of: Container, volume: Json) -> Files | None:
        """Return the files of a mounted volume; None of one that holds what the program writes.

        Raises:
            NotYetError: It is of an object that does not exist.
        """
        if "configMap" in volume:
            return self._config_map(of, volume["configMap"])
        if "secret" in volume:
            return self._secret(of, volume["secret"], "secretName")
        if "projected" in volume:
            found: Files = {}
            for source in volume["projected"].get("sources") or ():
                found |= self._projected(of, source)
            return found
        return None

    def _projected(self, of: Container, source: Json) -> Files:
        if "configMap" in source:
            return self._config_map(of, source["configMap"])
        if "secret" in source:
            return self._secret(of, source["secret"], "name")
        if "serviceAccountToken" in source:
            return {source["serviceAccountToken"]["path"]: self.tokens[of.namespace, of.account]}
        return {item["path"]: of.namespace.encode() for item in source["downwardAPI"]["items"]}

    def _config_map(self, of: Container, source: Json) -> Files:
        found = self.config_maps.get((of.namespace, source["name"]))
        data: dict[str, str] = _required(found, "ConfigMap", source).get("data") or {}
        return _chosen({key: text.encode() for key, text in data.items()}, source)

    def _secret(self, of: Container, source: Json, key: str) -> Files:
        found = self.secrets.get((of.namespace, source[key]))
        data: dict[str, str] = _required(found, "Secret", {**source, "name": source[key]}).get("data") or {}
        return _chosen({key: base64.b64decode(text) for key, text in data.items()}, source)


def _required(found: Json | None, kind: str, source: Json) -> Json:
    if found is None and not source.get("optional"):
        raise NotYetError(f"{kind} {source['name']} does not exist")
    return found or {}


def _chosen(files: Files, source: Json) -> Files:
    if "items" not in source:
        return files
    return {item["path"]: files[item["key"]] for item in source["items"]}


def host_path(volume: Json) -> Path | None:
    """Return the folder of this machine that a volume shows, if it shows one."""
    return Path(volume["hostPath"]["path"]) if "hostPath" in volume else None


def claim(volume: Json) -> str | None:
    """Return the name of the volume claim behind a volume, if there is one."""
    return volume["persistentVolumeClaim"]["claimName"] if "persistentVolumeClaim" in volume else None
