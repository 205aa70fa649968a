"""What a program may set on the provider resource, and what a change of it means."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from local.kubernetes_provider.changes import Mutable
from local.provider_wire import UNKNOWN, Json, JsonObject

SUPPORTED: Final = frozenset(
    {
        "cluster",
        "clusterIdentifier",
        "context",
        "enableConfigMapMutable",
        "enablePatchForce",
        "enableSecretMutable",
        "enableServerSideApply",
        "kubeconfig",
        "namespace",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
        "upsertExistingObjects",
        "version",
    }
)
_ENVIRONMENT: Final = {
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
_ACTIVE_CLUSTER: Final = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One provider resource's settings.

    Attributes:
        kubeconfig: a path or the contents; empty for the ambient KUBECONFIG.
        context: a context of the kubeconfig; empty for its current one.
        namespace: for namespaced objects that name none; empty for the context's own.
        mutable: which data is changed in place.
        force: whether an apply overwrites the fields of other managers.
        upsert: whether creating an object that exists applies to it.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    mutable: Mutable = field(default_factory=Mutable)
    force: bool = False
    upsert: bool = False

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Settings":
        """Read a Configure request's variables; flags fall back to the official environment variables."""

        def text(key: str) -> str:
            return variables.get(f"kubernetes:config:{key}", "")

        def flag(key: str) -> bool:
            return (text(key) or os.environ.get(_ENVIRONMENT[key], "")) == "true"

        return cls(
            kubeconfig=text("kubeconfig"),
            context=text("context"),
            namespace=text("namespace"),
            mutable=Mutable(config_maps=flag("enableConfigMapMutable"), secrets=flag("enableSecretMutable")),
            force=flag("enablePatchForce"),
            upsert=flag("upsertExistingObjects"),
        )


def failures(inputs: JsonObject) -> list[tuple[str, str]]:
    """What the stand-in cannot do of what the program sets, as pairs of property and reason."""
    found = [
        (
            key,
            f"the provider stand-in does not support the option {key}; use the official provider plugin",
        )
        for key, value in inputs.items()
        if value is not UNKNOWN and _is_set(value) and key not in SUPPORTED
    ]
    if "enableServerSideApply" in inputs and not _is_set(inputs["enableServerSideApply"]):
        found.append(("enableServerSideApply", "the provider stand-in supports server-side apply only"))
    if _is_set(inputs.get("cluster")):
        found.append(("cluster", "the provider stand-in takes the cluster from the context only"))
    return found


def _is_set(value: Json) -> bool:
    """Whether an option is on; the engine sends flags as text."""
    return value not in (None, False, "", "false")


def changed(old: JsonObject, new: JsonObject) -> tuple[list[str], list[str]]:
    """Which provider options differ, and which of them replace every object of the provider.

    Follows DiffConfig of provider.go: objects are replaced only where a kubeconfig of the program's own names
    another active cluster than before, or the cluster identifier changes.
    """
    differing = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    identifier = "clusterIdentifier"
    if not differing:
        return [], []
    if any(new.get(key) is UNKNOWN for key in _ACTIVE_CLUSTER):
        unknown = next(key for key in _ACTIVE_CLUSTER if new.get(key) is UNKNOWN)
        replaces = [unknown]
    else:
        before, after = _active_cluster(old), _active_cluster(new)
        moved = before is not None and after is not None and before != after
        replaces = [key for key in _ACTIVE_CLUSTER if moved and key in differing]
    if identifier in old and identifier in new:
        replaces = [identifier, *replaces] if old[identifier] != new[identifier] else []
    return differing, replaces


def _active_cluster(options: JsonObject) -> JsonObject | None:
    """The server that a kubeconfig of the program's own points at; None if it is ambient or names none."""
    kubeconfig = options.get("kubeconfig")
    if not kubeconfig:
        return None
    if isinstance(kubeconfig, dict):
        contents = kubeconfig
    else:
        text = str(kubeconfig)
        is_path = "\n" not in text and not text.lstrip().startswith("{")
        contents = yaml.safe_load(Path(text).read_text("utf-8") if is_path else text)
    chosen = options.get("context") or contents.get("current-context")
    contexts = {item["name"]: item["context"] for item in contents.get("contexts") or []}
    clusters = {item["name"]: item["cluster"] for item in contents.get("clusters") or []}
    return clusters.get((contexts.get(chosen) or {}).get("cluster"))
