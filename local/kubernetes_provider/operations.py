"""Creating, reading, updating and deleting objects, as the official provider asks the API server for it."""

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from local.kubernetes_provider.api import ApiError
from local.kubernetes_provider.changes import parse_path
from local.kubernetes_provider.objects import (
    DELETION_PROPAGATION,
    MANAGER_PREFIX,
    PATCH_FORCE,
    SKIP_AWAIT,
    annotation,
    name_of,
    namespace_of,
)
from local.kubernetes_provider.readiness import WAITS
from local.kubernetes_provider.waiting import UnfinishedError, Waiting, judge, until_gone, until_ready
from local.provider_wire import Json, JsonObject

# The pauses between the tries to create in a namespace that is not there yet: await.go, Creation.
RETRY_SECONDS: Final = (1, 2, 4, 8, 16)
CONFLICT_HELP: Final = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)
_DRY_RUN: Final = {"dryRun": "All"}
# Managers whose client-side writes the object's own manager takes over: await.go, fixCSAFieldManagers.
_TAKEN_OVER: Final = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (MANAGER_PREFIX, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


class PreviewUnavailableError(Exception):
    """The server cannot answer a preview, so the inputs stand for the result."""


class ConflictError(Exception):
    """Another manager owns a field that the program sets."""


@dataclass(frozen=True, kw_only=True)
class Operation(Waiting):
    """What every operation on an object needs.

    Attributes:
        field_manager: the name under which the object's fields are owned.
        force: whether an apply overwrites the fields of other managers.
        upsert: whether creating an object that exists applies to it.
    """

    field_manager: str
    force: bool = False
    upsert: bool = False

    def create(self, inputs: JsonObject, *, preview: bool) -> JsonObject:
        """Create an object and wait until it is ready; a preview asks for a dry run.

        Raises:
            ApiError: the server refused; an object of that name is `AlreadyExists`, unless this upserts.
            PreviewUnavailableError: a dry run cannot tell, since the namespace or the right to create is
                missing, or the object to be replaced is still there.
            UnfinishedError: the object was created but did not become ready.
        """
        query = {"fieldManager": self.field_manager} | (_DRY_RUN if preview else {})
        try:
            live = self._create(query, inputs, () if preview else RETRY_SECONDS)
        except ApiError as error:
            if preview and (error.namespace_missing or error.reason in ("AlreadyExists", "Forbidden")):
                raise PreviewUnavailableError from error
            raise
        self.report("")
        if preview:
            live.pop("status", None)
            return live
        return until_ready(self, inputs, live, None)

    def _create(self, query: dict[str, str], inputs: JsonObject, pauses: Sequence[int]) -> JsonObject:
        for number, pause in enumerate(pauses):
            try:
                return self._create_once(query, inputs)
            except ApiError as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
                self.report(f"Retry #{number}; creation failed: {error}")
                if self.cancelled.wait(pause):
                    raise
        return self._create_once(query, inputs)

    def _create_once(self, query: dict[str, str], inputs: JsonObject) -> JsonObject:
        namespace = namespace_of(inputs)
        if not self.upsert:
            return self.cluster.request("POST", self.kind.path(namespace), query, inputs)
        path = self.kind.path(namespace, name_of(inputs))
        return self.cluster.request(
            "PATCH",
            path,
            query | {"force": "true" if self.force else "false"},
            inputs,
            "application/apply-patch+yaml",
        )

    def read(self, namespace: str, name: str, inputs: JsonObject) -> JsonObject | None:
        """The live object, or None if it is gone.

        Args:
            namespace: of the object; empty if its kind has none.
            name: of the object.
            inputs: what the program last wrote; empty for an import, which does not judge readiness.

        Raises:
            UnfinishedError: the object is there but not ready.
        """
        live = self.cluster.get(self.kind, namespace, name)
        wait = WAITS.get(self.kind.name)
        if live is None or not inputs or wait is None or not wait.on_read:
            return live
        if annotation(inputs, SKIP_AWAIT) == "true":
            return live
        state = judge(self.cluster, self.kind, live, live)
        if not state.ready:
            raise UnfinishedError(
                f"Resource '{name}' was created but failed to initialize", live, state.problems
            )
        return live

    def update(
        self, old_live: JsonObject, inputs: JsonObject, ignored: Sequence[str], *, preview: bool
    ) -> JsonObject:
        """Apply inputs to the live object by server-side apply, and wait until it is ready.

        Raises:
            ApiError: the server refused, or the object is gone.
            ConflictError: another manager owns a field; nothing was changed.
            PreviewUnavailableError: this user may not ask for a dry run.
            UnfinishedError: the object was updated but did not become ready.
        """
        path = self.kind.path(namespace_of(old_live), name_of(old_live))
        previous = self.cluster.request("GET", path)
        if not preview:
            previous = self._take_over(path, previous)
        query = {
            "fieldManager": self.field_manager,
            "force": "true" if self._forces(inputs, previous, preview=preview) else "false",
        } | (_DRY_RUN if preview else {})
        wanted = _with_ignored(inputs, previous, ignored, self.field_manager)
        try:
            live = self.cluster.request("PATCH", path, query, wanted, "application/apply-patch+yaml")
        except ApiError as error:
            if error.code == HTTPStatus.CONFLICT:
                raise ConflictError(
                    "Server-Side Apply field conflict detected. "
                    f"See {CONFLICT_HELP} for troubleshooting help.\n"
                    f'The resource managed by field manager "{self.field_manager}" had an apply conflict: '
                    f"{error}"
                ) from error
            if preview and error.reason == "Forbidden":
                raise PreviewUnavailableError from error
            raise
        if preview:
            return live
        return until_ready(self, inputs, live, previous)

    def _forces(self, inputs: JsonObject, previous: JsonObject, *, preview: bool) -> bool:
        """Whether to overwrite fields of other managers: await.go, patchForce."""
        if self.force or annotation(inputs, PATCH_FORCE) == "true":
            return True
        if (asked := os.environ.get("PULUMI_K8S_ENABLE_PATCH_FORCE")) is not None:
            return asked == "true"
        # A real update first takes over what the create wrote; a dry run cannot, so it forces instead.
        return preview and any(
            entry["operation"] == "Update" and entry["manager"].startswith(MANAGER_PREFIX)
            for entry in _managed_fields(previous)
        )

    def _take_over(self, path: str, live: JsonObject) -> JsonObject:
        """Hand the fields that earlier client-side writes own to the object's manager of applies."""
        entries = _managed_fields(live)
        taken = [entry for entry in entries if _is_taken_over(entry, self.field_manager)]
        if not taken:
            return live
        own = [
            entry
            for entry in entries
            if entry["manager"] == self.field_manager and entry["operation"] == "Apply"
        ]
        merged: JsonObject = copy.deepcopy([*own, *taken][0])
        merged |= {"manager": self.field_manager, "operation": "Apply"}
        for entry in taken:
            _merge_fields(merged["fieldsV1"], entry["fieldsV1"])
        kept = [entry for entry in entries if entry not in taken and entry not in own]
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
            {
                "op": "replace",
                "path": "/metadata/resourceVersion",
                "value": live["metadata"]["resourceVersion"],
            },
        ]
        return self.cluster.request("PATCH", path, None, patch, "application/json-patch+json")

    def delete(self, namespace: str, name: str, inputs: JsonObject) -> None:
        """Delete an object and wait until it is gone; one that is gone already is a success.

        Raises:
            ApiError: the server refused.
            UnfinishedError: it was deleted but is still there.
        """
        policy = annotation(inputs, DELETION_PROPAGATION).lower()
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": policy.capitalize() if policy in ("orphan", "background") else "Foreground",
        }
        try:
            self.cluster.request("DELETE", self.kind.path(namespace, name), None, options)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return
            raise
        until_gone(self, namespace, name, inputs)


def _managed_fields(live: JsonObject) -> list[JsonObject]:
    return live["metadata"].get("managedFields") or []


def _is_taken_over(entry: JsonObject, field_manager: str) -> bool:
    if entry.get("subresource") or (entry["manager"], entry["operation"]) == (field_manager, "Apply"):
        return False
    return any(
        entry["manager"].startswith(manager) and entry["operation"] == operation
        for manager, operation in _TAKEN_OVER
    )


def _merge_fields(into: JsonObject, other: JsonObject) -> None:
    for key, value in other.items():
        if key in into:
            _merge_fields(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def _with_ignored(
    inputs: JsonObject, live: JsonObject, ignored: Sequence[str], field_manager: str
) -> JsonObject:
    """Leave ignored fields to their other managers, or as they are: await.go, handleSSAIgnoreFields."""
    wanted = copy.deepcopy(inputs)
    for text in ignored:
        keys = [str(key) for key in parse_path(text)]
        ours = any(_owns(entry, keys) for entry in _managed_fields(live) if entry["manager"] == field_manager)
        theirs = any(
            _owns(entry, keys) for entry in _managed_fields(live) if entry["manager"] != field_manager
        )
        found, value = _find(live, keys)
        if theirs and not ours:
            _set(wanted, keys, None)
        elif found:
            _set(wanted, keys, value)
    return wanted


def _owns(entry: JsonObject, keys: Sequence[str]) -> bool:
    fields = entry.get("fieldsV1") or {}
    for key in keys:
        if f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True


def _find(item: Json, keys: Sequence[str]) -> tuple[bool, Json]:
    for key in keys:
        if not isinstance(item, dict) or key not in item:
            return False, None
        item = item[key]
    return True, item


def _set(item: JsonObject, keys: Sequence[str], value: Json) -> None:
    """Set a field, or remove it if the value is None; a place inside a list is left as it is."""
    *parents, last = keys
    inner: Json = item
    for key in parents:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            return
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value
