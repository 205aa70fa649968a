"""The page docs/settings.md: every setting, made from the models that judge a stack file.

`python -m stacks.settings_table > docs/settings.md` writes it.
"""

import argparse
import inspect
import json
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from stacks.settings import Settings

_HEAD = """# Settings

Every setting of a stack file, `Pulumi.STACK.yaml`, where each first word stands behind `dubbing-monitoring:`.
Made from the models in `stacks/` by `python -m stacks.settings_table > docs/settings.md`: change it there.

*required*: a stack file must have it; within a group that is not set, as soon as the group is there. `[]`
stands for each entry of a list. A group with the same keys as an earlier one has one row.
`python -m stacks.settings check STACK` judges a stack file. [changes.md](changes.md) has what changing each
does, [secrets.md](secrets.md) the secrets, which are not among these.
"""

_TABLE = "| setting | takes | default | what it is |\n|---|---|---|---|"
_IN_WORDS: dict[object, str] = {tuple: "a list", dict: "a mapping", bool: "`true` or `false`"}
_LIMITS = (("ge", "from {:g}"), ("gt", "above {:g}")), (("le", "to {:g}"), ("lt", "below {:g}"))
_UNDEFINED = "*required*"


def page() -> str:
    """The page's text."""
    described = dict[type[BaseModel], str]()
    sections = [_HEAD]
    single = [(key, info) for key, info in _fields(Settings) if _model(info.annotation) is None]
    sections.append(
        "\n".join(
            ("## The stack", "", _TABLE, *(_row(key, info, _default(info)) for key, info in single), "")
        )
    )
    for key, info in _fields(Settings):
        model = _model(info.annotation)
        if model is None:
            continue
        about = (inspect.getdoc(model) or "").replace("\n\n", "\n").strip()
        rows = _rows(key, info, described, given=PydanticUndefined)
        sections.append("\n".join((f"## `{key}`", "", about, "", _TABLE, *rows, "")))
    return "\n".join(sections)


def _rows(key: str, info: FieldInfo, described: dict[type[BaseModel], str], given: object) -> Iterator[str]:
    """A row for the field, or, of a group, for each field in it.

    Args:
        key: Where it stands.
        info: What is declared of it.
        described: The groups that have had their rows, with the key of each; it grows.
        given: Its value in the default of the group around it, where that has one.
    """
    model = _model(info.annotation)
    default = _default(info) if given is PydanticUndefined else given
    if model is None:
        yield _row(key, info, default)
        return
    if model in described:
        yield _row(key, info, default, like=described[model])
        return
    key_of_fields = key + _step(info.annotation)
    described[model] = key_of_fields
    if default is None or key_of_fields != key:
        yield _row(key, info, default)
    for name, field in _fields(model):
        inner = (
            getattr(default, _python_name(model, name)) if isinstance(default, model) else PydanticUndefined
        )
        yield from _rows(f"{key_of_fields}.{name}", field, described, inner)


def _row(key: str, info: FieldInfo, default: object, like: str = "") -> str:
    shown = _UNDEFINED if default is PydanticUndefined else "not set" if default is None else _json(default)
    takes = _takes(info.annotation, info.metadata)
    if like:
        takes = f"{takes} as `{like}`" if takes == "a group" else f"{takes} of groups as `{like}`"
    cells = (f"`{key}`", takes, shown, info.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, info


def _python_name(model: type[BaseModel], key: str) -> str:
    return next(name for name, info in model.model_fields.items() if (info.alias or name) == key)


def _default(info: FieldInfo) -> object:
    return info.get_default(call_default_factory=True, validated_data={})


def _json(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return f"`{value if isinstance(value, str) else json.dumps(_plain(to_jsonable_python(value)))}`"


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value as people write it: 15000, not 15000.0."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, Any]", value).items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _model(annotation: object) -> type[BaseModel] | None:
    """The group that a field is, or is a list or a mapping of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model(one)) is not None), None)


def _step(annotation: object) -> str:
    """How one gets from a list or mapping to a group in it."""
    origin = get_origin(annotation)
    if origin is tuple:
        return "[]"
    if origin is dict:
        return ".NAME"
    return next((found for one in get_args(annotation) if (found := _step(one))), "")


def _takes(annotation: Any, metadata: list[Any]) -> str:  # noqa: ANN401 - any annotation
    """What a field takes, in words of a stack file."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _takes(arguments[0], [*metadata, *arguments[1:]])
    if origin in (Union, types.UnionType):
        (given,) = [one for one in arguments if one is not type(None)]
        return _takes(given, metadata)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if annotation in (int, float):
        return " ".join(("a number", *_limits(metadata)))
    return _IN_WORDS.get(origin or annotation, "a group" if _model(annotation) else "text")


def _limits(metadata: list[Any]) -> Iterator[str]:
    """The lower and the upper limit, where there are."""
    carriers = [carrier for one in metadata for carrier in (one, *getattr(one, "metadata", ()))]
    for side in _LIMITS:
        found = [
            words.format(limit)
            for name, words in side
            for carrier in carriers
            if (limit := getattr(carrier, name, None)) is not None
        ]
        yield from found[:1]


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    sys.stdout.write(page())
