"""The difference between the cluster's object and the program's, and whether it replaces the object."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from kubernetes.utils.quantity import parse_quantity

from local.kubernetes_provider.kinds import Kind
from local.kubernetes_provider.objects import (
    AUTONAMED,
    annotation,
    is_empty,
    metadata,
    name_of,
    namespace_of,
    normalise,
    prune,
    restore_written_only,
)
from local.provider_wire import UNKNOWN, Json, JsonObject

Path: TypeAlias = tuple[str | int, ...]

_DATA: Final = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}
# Under these keys texts are resource quantities, which the server may answer in another notation.
_QUANTITIES: Final = frozenset({"requests", "limits", "capacity", "sizeLimit", "divisor"})


class Change(IntEnum):
    """What happens to a property; the numbers are the protocol's PropertyDiff.Kind."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5


@dataclass(frozen=True, kw_only=True)
class Mutable:
    """Which data the provider may change in place, as the program configures it."""

    config_maps: bool = False
    secrets: bool = False


@dataclass(frozen=True)
class Difference:
    """What an update would do.

    Attributes:
        changes: by property path, as the engine writes paths.
        replaces: the paths that replace the object.
        delete_before_replace: whether the old object has to go first, since the new one takes its name.
    """

    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    replaces: list[str] = field(default_factory=list[str])
    delete_before_replace: bool = False


def difference(
    kind: Kind,
    *,
    live: JsonObject,
    old_inputs: JsonObject,
    new_inputs: JsonObject,
    mutable: Mutable,
    ignored: Sequence[str] = (),
) -> Difference:
    """Compare what the cluster last held, cut to the shape of the old inputs, with the new inputs."""
    before = normalise(old_inputs)
    new = normalise(new_inputs)
    old = restore_written_only(prune(live, before), live, before)
    old["metadata"] = dict(metadata(old))
    new["metadata"] = new.get("metadata", {})
    old["metadata"].pop("resourceVersion", None)
    if isinstance(new["metadata"], dict):
        _settle_identity(kind, live, old["metadata"], new["metadata"])
    forced = _replacing_fields(kind, new, mutable)
    ignored_paths = [parse_path(text) for text in ignored]
    changes: dict[str, Change] = {}
    replaces: list[str] = []
    for path, change, value in _walk((), old, new, before):
        if any(_covers(ignored_path, path) for ignored_path in ignored_paths):
            continue
        replacing = any(_touches(forced_path, path, value) for forced_path in forced)
        text = format_path(path)
        changes[text] = Change(change + 1) if replacing else change
        if replacing or (change is Change.DELETE and path == ("metadata",)):
            replaces.append(text)
    same_place = name_of(new) == name_of(live) and namespace_of(new) == namespace_of(live)
    keeps_name = bool(name_of(new)) and annotation(new, AUTONAMED) != "true" and same_place
    return Difference(changes, replaces, bool(replaces) and keeps_name)


def _settle_identity(kind: Kind, live: JsonObject, old: JsonObject, new: JsonObject) -> None:
    if kind.namespaced:
        old["namespace"] = old.get("namespace") or "default"
        new["namespace"] = new.get("namespace") or "default"
    else:
        old.pop("namespace", None)
        new.pop("namespace", None)
    if new.get("name"):
        old["name"] = name_of(live)


def _replacing_fields(kind: Kind, new: JsonObject, mutable: Mutable) -> list[tuple[str, ...]]:
    fields = ["metadata.name", "metadata.namespace", *kind.replaced_by]
    in_place = {"ConfigMap": mutable.config_maps, "Secret": mutable.secrets}.get(kind.name, True)
    if not in_place or new.get("immutable") is True:
        fields.extend(_DATA.get(kind.name, ()))
    return [tuple(text.split(".")) for text in fields]


def _walk(path: Path, old: Json, new: Json, old_input: Json) -> Iterator[tuple[Path, Change, Json]]:
    """Yield each changed property once, at the place where the two sides part, with its new value."""
    if new is UNKNOWN:
        yield path, Change.UPDATE, new
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _walk_members(path, old, new, old_input if isinstance(old_input, dict) else {})
    elif isinstance(old, list) and isinstance(new, list):
        yield from _walk_items(path, old, new, old_input if isinstance(old_input, list) else [])
    elif old != new and not _same_quantity(path, old, new):
        yield path, Change.UPDATE, new


def _walk_members(
    path: Path, old: JsonObject, new: JsonObject, old_input: JsonObject
) -> Iterator[tuple[Path, Change, Json]]:
    for key in sorted({*old, *new}):
        here, was = (*path, key), old_input.get(key)
        if key not in new:
            yield here, Change.DELETE, None
        elif key in old:
            yield from _walk(here, old[key], new[key], was)
        elif new[key] != was or not is_empty(was):  # the server stores no empty values
            yield here, Change.ADD, new[key]


def _walk_items(
    path: Path, old: list[Json], new: list[Json], old_input: list[Json]
) -> Iterator[tuple[Path, Change, Json]]:
    for index in range(max(len(old), len(new))):
        here = (*path, index)
        if index >= len(new):
            yield here, Change.DELETE, None
        elif index >= len(old):
            yield here, Change.ADD, new[index]
        else:
            was = old_input[index] if index < len(old_input) else None
            yield from _walk(here, old[index], new[index], was)


def _same_quantity(path: Path, old: Json, new: Json) -> bool:
    if not _QUANTITIES.intersection(path):
        return False
    try:
        return parse_quantity(str(old)) == parse_quantity(str(new))
    except ValueError:
        return False


def _touches(forced: tuple[str, ...], path: Path, value: Json) -> bool:
    """Whether a change at `path` changes the field `forced`, inside it or around it."""
    keys = tuple(key for key in path if isinstance(key, str))
    shared = min(len(forced), len(keys))
    if forced[:shared] != keys[:shared]:
        return False
    for key in forced[shared:]:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def _covers(ignored: Path, path: Path) -> bool:
    return len(ignored) <= len(path) and all(
        wanted in ("*", found) for wanted, found in zip(ignored, path, strict=False)
    )


def format_path(path: Path) -> str:
    """Write a property path as the engine does, such as `spec.ports[0].port` or `data["a.yml"]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif any(mark in key for mark in '."[]'):
            escaped = key.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{key}" if text else key
    return text


_STEP: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|\.?([^.\[\]"]+)')


def parse_path(text: str) -> Path:
    """Read a property path as the engine writes it."""
    steps: list[str | int] = []
    for quoted, index, plain_key in _STEP.findall(text):
        if index:
            steps.append(index if index == "*" else int(index))
        else:
            steps.append(plain_key or quoted.replace('\\"', '"'))
    return tuple(steps)
