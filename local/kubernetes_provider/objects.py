"""What happens to objects before and after the API server sees them: names, shapes, secrets, state."""

import base64
import copy
import hashlib
import itertools
import secrets
from typing import Final

from pulumi.runtime.proto import provider_pb2

from local.kubernetes_provider.kinds import Kind
from local.provider_wire import (
    UNKNOWN,
    Json,
    JsonObject,
    Secret,
    contains_secret,
    contains_unknown,
    plain,
)

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"
MANAGER_PREFIX: Final = "pulumi-kubernetes"

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
PATCH_FORCE: Final = "pulumi.com/patchForce"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
UNSUPPORTED_ANNOTATIONS: Final = (
    "pulumi.com/patchFieldManager",
    "pulumi.com/replaceUnready",
    "pulumi.com/waitFor",
)

_READ_ONLY_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_IMPORTED_ANNOTATIONS: Final = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)


def metadata(item: JsonObject) -> JsonObject:
    """An object's metadata; empty while it is not known."""
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(item: JsonObject) -> str:
    """An object's name; empty while it has none or it is not known."""
    name = metadata(item).get("name", "")
    return name if isinstance(name, str) else ""


def namespace_of(item: JsonObject) -> str:
    """An object's namespace; empty while it has none or it is not known."""
    namespace = metadata(item).get("namespace", "")
    return namespace if isinstance(namespace, str) else ""


def annotation(item: JsonObject, key: str) -> str:
    """An annotation's text; empty where it is not set."""
    annotations = metadata(item).get("annotations")
    text = annotations.get(key, "") if isinstance(annotations, dict) else ""
    return text if isinstance(text, str) else ""


def identity(item: JsonObject) -> str:
    """The id under which the engine keeps an object: `namespace/name`, or the name alone."""
    namespace = namespace_of(item)
    return f"{namespace}/{name_of(item)}" if namespace else name_of(item)


def parse_identity(text: str) -> tuple[str, str]:
    """The namespace and name of an id."""
    namespace, _, name = text.rpartition("/")
    return namespace, name


def normalise(item: JsonObject) -> JsonObject:
    """A copy without the fields that only the server writes, and with a Secret's base64 on one line."""
    normal = copy.deepcopy(item)
    for key in _READ_ONLY_METADATA:
        metadata(normal).pop(key, None)
    data = normal.get("data")
    if normal.get("kind") == "Secret" and isinstance(data, dict):
        normal["data"] = {
            key: "".join(text.split()) if isinstance(text, str) else text for key, text in data.items()
        }
    return normal


def give_name(
    inputs: JsonObject, old_inputs: JsonObject, request: provider_pb2.CheckRequest, logical_name: str
) -> None:
    """Name an object that the program left without a name, and mark it as named by the provider.

    Raises:
        ValueError: the stack's configuration turns such names off.
    """
    if not isinstance(inputs.get("metadata", {}), dict) or "name" in metadata(inputs):
        return
    if old_inputs:
        if annotation(old_inputs, AUTONAMED) != "true":
            return
        name = name_of(old_inputs)
    elif request.HasField("autonaming"):
        if request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE:
            raise ValueError("autonaming is disabled, resource requires the .metadata.name field to be set")
        name = request.autonaming.proposed_name
    else:
        seed = request.randomSeed
        suffix = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
        name = f"{logical_name}-{suffix}"
    named = inputs.setdefault("metadata", {})
    named["name"] = name
    annotations = named.setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[AUTONAMED] = "true"


def new_field_manager() -> str:
    """A field manager of an object's own, as the official provider makes one."""
    return f"{MANAGER_PREFIX}-{secrets.token_hex(4)}"


def prune(live: JsonObject, shape: JsonObject) -> JsonObject:
    """The part of a live object that has the shape of the inputs it came from."""
    return {
        key: _prune_value(value, shape[key]) if value is not None else value
        for key, value in live.items()
        if key in shape
    }


def _prune_value(value: Json, shape: Json) -> Json:
    if isinstance(value, dict) and isinstance(shape, dict):
        return prune(value, shape)
    if isinstance(value, list) and isinstance(shape, list):
        pruned = [_prune_value(item, wanted) for item, wanted in zip(value, shape, strict=False)]
        return pruned if shape else []
    return value


def restore_written_only(inputs: JsonObject, live: JsonObject, old_inputs: JsonObject) -> JsonObject:
    """Put back a Secret's `stringData`, which the server takes but answers as `data`."""
    if old_inputs.get("kind") != "Secret" or not isinstance(old_inputs.get("stringData"), dict):
        return inputs
    data = live.get("data") or {}
    return inputs | {
        "stringData": {
            key: base64.b64decode(data[key]).decode(errors="replace")
            for key in old_inputs["stringData"]
            if key in data
        }
    }


def refreshed_inputs(live: JsonObject, old_inputs: JsonObject) -> JsonObject:
    """The inputs that would have made the live object, in the shape of the program's own."""
    pruned = _keep_empty(prune(live, old_inputs), old_inputs)
    return restore_written_only(pruned, live, old_inputs)


def _keep_empty(pruned: Json, wanted: Json) -> Json:
    """Put back empty values of the program, which the server does not store."""
    if isinstance(pruned, dict) and isinstance(wanted, dict):
        left_out = {key: value for key, value in wanted.items() if key not in pruned and is_empty(value)}
        return {key: _keep_empty(value, wanted.get(key)) for key, value in pruned.items()} | left_out
    if isinstance(pruned, list) and isinstance(wanted, list):
        return [_keep_empty(*pair) for pair in itertools.zip_longest(pruned, wanted[: len(pruned)])]
    return pruned


def is_empty(value: Json) -> bool:
    """Whether the server may leave a value out, since it says no more than its absence."""
    return value in (False, 0, "", [], {})


def imported_inputs(live: JsonObject) -> JsonObject:
    """The inputs of an object that the engine has never written: all of it but its status."""
    inputs = normalise({key: value for key, value in live.items() if key != "status"})
    annotations = metadata(inputs).get("annotations")
    if isinstance(annotations, dict):
        for key in _IMPORTED_ANNOTATIONS:
            annotations.pop(key, None)
    return inputs


def mark_secrets(values: JsonObject, like: JsonObject) -> JsonObject:
    """Mark as secret what is secret in the program's inputs, and all data of a Secret."""
    marked = dict(values)
    if values.get("kind") == "Secret" and isinstance(values.get("apiVersion"), str):
        for key in ("data", "stringData"):
            if key in marked:
                marked[key] = Secret(marked[key])
        return marked
    for key, wanted in like.items():
        if key not in marked:
            continue
        if isinstance(marked[key], dict) and isinstance(wanted, dict):
            marked[key] = mark_secrets(marked[key], wanted)
        elif contains_secret(wanted):
            marked[key] = Secret(marked[key])
    return marked


def checkpoint(
    inputs: JsonObject, live: JsonObject, like: JsonObject, api_version: str, field_manager: str
) -> JsonObject:
    """The state that the engine keeps of an object: the live object and the inputs that it came from."""
    return mark_secrets(live, like) | {
        INPUTS: mark_secrets(inputs, like),
        INITIAL_API_VERSION: api_version,
        FIELD_MANAGER: field_manager,
    }


def parse_checkpoint(state: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The inputs and the live object of a state, without secret marks."""
    live = plain(state)
    inputs = live.pop(INPUTS, {})
    return inputs, live


def check_failures(kind: Kind, inputs: JsonObject) -> list[tuple[str, str]]:
    """What is wrong with inputs before the server is asked, as pairs of property and reason."""
    failures: list[tuple[str, str]] = []
    for key, wanted in (("apiVersion", kind.api_version), ("kind", kind.name)):
        found = inputs.get(key)
        if found is not UNKNOWN and found != wanted:
            failures.append((key, f"{key} has to be {wanted}, it is {found!r}"))
    if (
        "metadata" in inputs
        and not isinstance(inputs["metadata"], dict)
        and inputs["metadata"] is not UNKNOWN
    ):
        failures.append(("metadata", "metadata has to be an object"))
    if "generateName" in metadata(inputs) and "name" not in metadata(inputs):
        failures.append(
            ("metadata", "the `.metadata.generateName` field is not supported in Server-Side Apply mode")
        )
    failures.extend(
        ("metadata", f"the provider stand-in does not support the annotation {key}; leave it out")
        for key in UNSUPPORTED_ANNOTATIONS
        if annotation(inputs, key)
    )
    return failures


def is_computed(inputs: JsonObject) -> bool:
    """Whether a preview cannot ask the server about inputs, since some are not known yet."""
    return contains_unknown(inputs)
