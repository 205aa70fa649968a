"""An object's inputs and state: completed, compared, and read back without differences that mean nothing."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from local.aws_provider.kind import ALL_TAGS, TAGS, Kind
from local.provider_wire import Json, JsonObject, Secret, contains_secret, contains_unknown


def failures(kind: Kind, inputs: JsonObject) -> list[tuple[str, str]]:
    """Say what is wrong with inputs: each by its name."""
    missing = [
        (key, f"Missing required argument: The argument {key} is required, but no definition was found.")
        for key in sorted(kind.required - set(inputs))
    ]
    unknown = [
        (key, f'the stand-in of the AWS provider does not have the property "{key}"')
        for key in sorted(set(inputs) - kind.inputs)
    ]
    return missing + unknown


def with_all_tags(kind: Kind, inputs: JsonObject, defaults: Mapping[str, str]) -> JsonObject:
    """Inputs, with the tags that the object gets in all."""
    if not kind.tagged:
        return dict(inputs)
    tags = inputs.get(TAGS) or {}
    return {**inputs, ALL_TAGS: {**defaults, **tags} if isinstance(tags, dict) else tags}


def same(kind: Kind, key: str, old: Json, new: Json) -> bool:  # noqa: PLR0911 - one for each sort of property
    """Whether two values of a property mean the same."""
    if contains_unknown(new):
        return False
    if old == new:
        return True
    if old is None or new is None:
        return not old and not new and key == TAGS
    if key in kind.sets:
        return sorted(map(_text, old)) == sorted(map(_text, new))
    try:
        if key in kind.documents:
            return json.loads(old) == json.loads(new)
        if key in kind.amounts:
            return Decimal(old) == Decimal(new)
    except (ValueError, InvalidOperation):
        return False
    return False


def _text(item: Json) -> str:
    return json.dumps(item, sort_keys=True)


def differing(kind: Kind, state: JsonObject, olds: JsonObject, news: JsonObject) -> list[str]:
    """The properties that an update would change.

    Args:
        kind: The resource type.
        state: Of the object.
        olds: The inputs that it was made with, or as it was last read.
        news: The program's, with all tags.
    """
    keys = [key for key in sorted(kind.inputs) if not same(kind, key, olds.get(key), news.get(key))]
    if kind.tagged and (state.get(ALL_TAGS) or {}) != news[ALL_TAGS]:
        keys.append(ALL_TAGS)
    return keys


def settled(kind: Kind, inputs: JsonObject, found: JsonObject, defaults: Mapping[str, str]) -> JsonObject:
    """An object's state: as it was found, in the program's own words where these mean the same."""
    state = {key: value for key, value in inputs.items() if key not in found}
    for key, value in found.items():
        if value is not None:
            state[key] = inputs[key] if key in inputs and same(kind, key, inputs[key], value) else value
    if kind.tagged:
        given = inputs.get(TAGS) or {}
        tags = {
            key: value
            for key, value in (state.get(ALL_TAGS) or {}).items()
            if key in given or defaults.get(key) != value
        }
        state.pop(TAGS, None)
        if tags or TAGS in inputs:
            state[TAGS] = tags
    return state


def refreshed(kind: Kind, inputs: JsonObject, state: JsonObject) -> JsonObject:
    """A program's inputs as it would have written them to get the state; all of them for an import."""
    kept = kind.inputs if not inputs else {*inputs, *({TAGS} if kind.tagged else ())}
    return {key: state[key] for key in sorted(kept) if key in state}


def marked(state: JsonObject, *origins: JsonObject) -> JsonObject:
    """State with those properties secret that were so in an origin."""
    secret = {key for origin in origins for key, value in origin.items() if contains_secret(value)}
    if TAGS in secret:
        secret.add(ALL_TAGS)
    return {key: Secret(value) if key in secret else value for key, value in state.items()}
