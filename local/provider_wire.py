"""Property values between the engine's wire format and plain Python.

Secrets and values that are not known yet travel as marked values. `Secret` and `UNKNOWN` stand for them
here, so that everything else works on dictionaries, lists, strings, numbers and booleans.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf.struct_pb2 import NullValue, Struct, Value

# An object is whatever JSON its kind says; its schema lives in the API server.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

# The marks of the protocol: sdk/go/common/resource/sig/sig.go and plugin/rpc.go of pulumi/pulumi.
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, no password
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class WireError(Exception):
    """The engine sent a value that no object can hold."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that has to stay secret in state, logs and diffs."""

    value: Json


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: dict[int, Json]) -> "Unknown":
        return self


UNKNOWN: Final = Unknown()
"""A value that is known only once something else has been created."""


def decode(struct: Struct) -> JsonObject:
    """Read the engine's properties; nulls are left out, whole numbers become integers.

    Raises:
        WireError: a value is an asset, an archive or a resource reference.
    """
    return {
        key: _decode(value)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") != "null_value"
    }


def _decode(value: Value) -> Json:  # noqa: PLR0911 - one for each type
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            members = value.struct_value.fields
            if SIGNATURE not in members:
                return decode(value.struct_value)
            if members[SIGNATURE].string_value != SECRET_SIGNATURE:
                raise WireError("an asset, archive or resource reference cannot be part of an object")
            return Secret(_decode(members["value"]))
        case _:
            return None


def encode(properties: JsonObject) -> Struct:
    """Write properties for the engine, secrets marked as such."""
    return Struct(fields={key: _encode(value) for key, value in properties.items() if value is not None})


def _encode(value: Json) -> Value:  # noqa: PLR0911 - one for each type
    match value:
        case Secret():
            marked = {SIGNATURE: Value(string_value=SECRET_SIGNATURE), "value": _encode(value.value)}
            return Value(struct_value=Struct(fields=marked))
        case Unknown():
            return Value(string_value=UNKNOWN_TEXT)
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case dict():
            return Value(struct_value=encode(value))
        case _:
            encoded = Value()
            encoded.list_value.values.extend(_encode(item) for item in value)
            return encoded


def plain(value: Json) -> Json:
    """A copy of a value without the secret marks."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def contains_secret(value: Json) -> bool:
    """Whether a secret is anywhere in a value."""
    match value:
        case Secret():
            return True
        case dict():
            return any(contains_secret(item) for item in value.values())
        case list():
            return any(contains_secret(item) for item in value)
        case _:
            return False


def contains_unknown(value: Json) -> bool:
    """Whether something in a plain value is not known yet."""
    match value:
        case Unknown():
            return True
        case Secret():
            return contains_unknown(value.value)
        case dict():
            return any(contains_unknown(item) for item in value.values())
        case list():
            return any(contains_unknown(item) for item in value)
        case _:
            return False
