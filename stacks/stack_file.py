"""Reads a stack's configuration into `Settings`, and reports all of its mistakes at once."""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import yaml
from pydantic import BaseModel, HttpUrl, TypeAdapter, UrlConstraints, ValidationError

from stacks.alerting_settings import Teams
from stacks.grafana_settings import SECRET_KEYS as GRAFANA_SECRETS
from stacks.notification_settings import DEAD_MANS_SWITCH, SMTP_PASSWORD
from stacks.remote_write_settings import REMOTE_PASSWORD, REMOTE_TOKEN
from stacks.settings import Settings
from stacks.settings_base import PROJECT, Secret

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
_HTTPS = TypeAdapter(Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])])
#: The user and the password of a URL, which may have a slash in it where it is wrong.
_IN_A_URL = re.compile(r"//[^\s\"]*@")
_SECRET_PREFIXES = (
    *GRAFANA_SECRETS,
    "postgresPassword-",
    "redisPassword-",
    REMOTE_PASSWORD,
    REMOTE_TOKEN,
    "slackWebhookUrl-",
    "pagerdutyRoutingKey-",
    "webhookUrl-",
    SMTP_PASSWORD,
    DEAD_MANS_SWITCH,
)


class SettingsError(Exception):
    """A stack's configuration cannot be used; the text names every mistake and how to mend it."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One wrong setting: its full key, what it got, what it takes and how to set it."""

    key: str
    got: str
    takes: str
    mend: str

    def __str__(self) -> str:
        return f"  {self.key}\n    got:   {self.got}\n    takes: {self.takes}\n    mend:  {self.mend}"


def stack_file(stack: str) -> Path:
    """The committed configuration of a stack; a documented example is one until a copy stands at the top."""
    name = f"Pulumi.{stack}.yaml"
    return EXAMPLES / name if (EXAMPLES / name).exists() and not (ROOT / name).exists() else ROOT / name


def read_stack_file(path: Path) -> Settings:
    """Read a stack file as text; its secrets are not looked at, only that none is in plain text.

    Raises:
        SettingsError: the file is missing, is no YAML, or any setting in it is wrong.
    """
    config = _config(path)
    secret_keys = {key for key, value in config.items() if _is_encrypted(value)}
    return parse(raw_values(path), secret_keys, stack=_stack_of(path))


def raw_values(path: Path) -> dict[str, str]:
    """The file's configuration as the engine hands it to a program: texts, and JSON for all else.

    Raises:
        SettingsError: the file is missing or is no stack file.
    """
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in _config(path).items()
    }


def _stack_of(path: Path) -> str:
    return path.name.split(".")[1]


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and list(cast("dict[str, object]", value)) == ["secure"]


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, as the engine's reader does; PyYAML's takes the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the base class's
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    reason = f"the key {key.value!r} stands there a second time"
                    raise yaml.constructor.ConstructorError(None, None, reason, key.start_mark)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _config(path: Path) -> dict[str, object]:
    try:
        document: object = yaml.load(path.read_text(), _Loader)  # noqa: S506 - it is a safe one
    except FileNotFoundError:
        files = [*ROOT.glob("Pulumi.*.yaml"), *EXAMPLES.glob("Pulumi.*.yaml")]
        stacks = ", ".join(sorted({_stack_of(file) for file in files}))
        msg = f"There is no stack file {path.name} (stacks here: {stacks})."
        raise SettingsError(msg) from None
    except (yaml.YAMLError, ValueError) as error:
        # Python's own words on an impossible date, or on bytes that are no text, come through.
        msg = f"{path.name} is not valid YAML: {error}"
        raise SettingsError(msg) from None
    config = cast("dict[str, object]", document).get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        msg = f"{path.name} must have a mapping named `config` at the top."
        raise SettingsError(msg)
    odd = [
        f"{key!r}" for key, value in cast("dict[object, object]", config).items() if not _is_plain(key, value)
    ]
    if odd:
        msg = (
            f"{path.name}: {', '.join(odd)} must be text, and its value text, numbers, lists and mappings. "
            "YAML reads an unquoted date, for one, as something else. Mend: quote it."
        )
        raise SettingsError(msg)
    return cast("dict[str, object]", config)


def _is_plain(key: object, value: object) -> bool:
    """Whether the engine could hand this to a program: JSON, under a text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return isinstance(key, str)


def parse(values: Mapping[str, object], secret_keys: Iterable[str], *, stack: str) -> Settings:
    """Turn raw configuration (texts and JSON, as the engine hands it to a program) into `Settings`.

    Raises:
        SettingsError: with every mistake of the configuration.
    """
    prefix = f"{PROJECT}:"
    fields = {info.alias or name: info for name, info in Settings.model_fields.items()}
    raw: dict[str, object] = {}
    mistakes: list[Mistake] = []
    for full_key, value in values.items():
        if not full_key.startswith(prefix):
            continue
        key = full_key.removeprefix(prefix)
        if key.startswith(_SECRET_PREFIXES):
            if full_key not in secret_keys:
                mistakes.append(_plain_secret(full_key, stack))
            elif _is_wrong_url(key, value):
                mistakes.append(_wrong_url(full_key, stack))
        elif full_key in secret_keys and key in fields:
            mistakes.append(_secret_setting(full_key, stack))
        elif key in fields and fields[key].annotation is not str:
            raw[key] = _from_json(value)
        else:
            raw[key] = value
    try:
        settings = Settings.model_validate(
            raw, context={"teams": _teams(raw.get("alerts")), "workspace": _has_workspace(raw.get("aws"))}
        )
    except ValidationError as error:
        mistakes += _mistakes(error, stack)
        settings = None
    if settings is None or mistakes:
        raise SettingsError(_report(mistakes, stack))
    return settings


def _teams(alerts: object) -> frozenset[str]:
    """The teams that alerts have, whatever else is wrong in their group; none where they are wrong."""
    teams: object = cast("dict[str, object]", alerts).get("teams", {}) if isinstance(alerts, dict) else {}
    try:
        return frozenset(Teams.model_validate(teams).by_dashboard().values())
    except ValidationError:
        return frozenset()


def _has_workspace(aws: object) -> bool:
    """Whether samples are kept in a workspace, whatever else is wrong in the group."""
    return isinstance(aws, dict) and cast("dict[str, object]", aws).get("managedPrometheus") is not None


def missing_secrets(settings: Settings, present: Iterable[str]) -> tuple[Secret, ...]:
    """The needed secrets whose full keys are not among `present`."""
    given = set(present)
    return tuple(secret for secret in settings.secrets_needed() if f"{PROJECT}:{secret.key}" not in given)


def secret_lines(secrets: Iterable[Secret], stack: str) -> list[str]:
    """The commands that set secrets; each asks for its value, so that it stands in no history."""
    return [
        f"pulumi config set --secret --stack {stack} {PROJECT}:{secret.key}   # {secret.purpose}"
        for secret in secrets
    ]


def _from_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _report(mistakes: list[Mistake], stack: str) -> str:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n".join(
        (f"The configuration of stack {stack} has {count}; nothing was created.", *map(str, mistakes))
    )


def _plain_secret(key: str, stack: str) -> Mistake:
    return Mistake(
        key=key,
        got="plain text",
        takes="a secret, encrypted by the stack's secrets provider",
        mend=f"pulumi config set --secret --stack {stack} {key}",
    )


def _is_wrong_url(key: str, value: object) -> bool:
    """Whether a secret that must be a URL is known here, and is none of https; its text is told to nobody."""
    if "Url" not in key.partition("-")[0] or not isinstance(value, str) or value.startswith('{"secure"'):
        return False
    try:
        _HTTPS.validate_python(value)
    except ValidationError:
        return True
    return False


def _wrong_url(key: str, stack: str) -> Mistake:
    return Mistake(
        key=key,
        got="a secret that is no https URL",
        takes="a URL that starts with https:// and a host, since it is a secret itself",
        mend=f"pulumi config set --secret --stack {stack} {key}",
    )


def _secret_setting(key: str, stack: str) -> Mistake:
    return Mistake(
        key=key,
        got="an encrypted value",
        takes="plain settings: a secret has a key of its own (python -m stacks.settings secrets "
        + stack
        + ")",
        mend=f"pulumi config rm --stack {stack} {key}",
    )


def _mistakes(error: ValidationError, stack: str) -> list[Mistake]:
    return [_mistake(dict(detail), stack) for detail in error.errors(include_url=False)]


def _mistake(detail: dict[str, Any], stack: str) -> Mistake:
    # Where a key itself is wrong, it is followed by this.
    location = _as_written(tuple(part for part in detail["loc"] if part != "[key]"))
    path = _path(location)
    key = f"{PROJECT}:{path}"
    reason = _in_words(detail)
    setting = f"pulumi config set --stack {stack} --path '{key}'"
    known, description, group = _describe(location)
    edit = f"edit Pulumi.{stack}.yaml"
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        return Mistake(
            key=key,
            got="a key that does not exist",
            takes=f"one of {', '.join(known)}",
            mend=(f"did you mean {close[0]}? " if close else "")
            + f"pulumi config rm --stack {stack} --path '{key}'",
        )
    if detail["type"] == "missing":
        return Mistake(
            key=key,
            got="nothing",
            takes=": ".join(part for part in (description, group) if part) or "a value (required)",
            mend=edit if group else f"{setting} VALUE",
        )
    got = detail["input"]
    if isinstance(got, BaseModel):
        got = got.model_dump(mode="json", by_alias=True, exclude_unset=True)
    text = "nothing" if got is None else _IN_A_URL.sub("//…@", json.dumps(got, default=str))
    if "remove it" in reason:
        mend = f"pulumi config rm --stack {stack} --path '{key}'"
    elif group or isinstance(detail["input"], dict):
        mend = edit
    else:
        # Without it the engine writes digits down as a number.
        mend = f"{setting} VALUE" + (" --type string" if detail["type"] == "string_type" else "")
    return Mistake(
        key=key,
        got=text if len(text) <= 200 else text[:200] + " …",  # noqa: PLR2004 - a line or two on a terminal
        takes=": ".join(part for part in (description, reason) if part),
        mend=mend,
    )


_IN_WORDS = {
    "dict_type": "a group of keys",
    "list_type": "a list",
    "tuple_type": "a list",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
}
"""What the reader's library says of Python's types, in words of a stack file."""


def _in_words(detail: Mapping[str, Any]) -> str:
    """Why a value is wrong; nothing where only a regular expression would be named."""
    kind = str(detail["type"])
    if kind == "string_pattern_mismatch":
        return ""
    if kind.startswith("model_"):
        return "a group of keys"
    text = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return _IN_WORDS.get(kind, text)


def _path(location: tuple[str | int, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _as_written(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The location as a stack file spells it; that of a default that is wrong comes with Python's names."""
    model: type[BaseModel] | None = Settings
    parts: list[str | int] = []
    for part in location:
        info = model.model_fields.get(str(part)) if model and isinstance(part, str) else None
        parts.append((info.alias or part) if info else part)
        if model and isinstance(part, str):
            fields = {one.alias or name: one for name, one in model.model_fields.items()}
            found = info or fields.get(part)
            model = _model_of(found.annotation) if found else None
    return tuple(parts)


def _describe(location: tuple[str | int, ...]) -> tuple[list[str], str | None, str]:
    """The keys beside the location's last part, what the last part takes, and its own keys if it has some."""
    model: type[BaseModel] | None = Settings
    known: list[str] = []
    description: str | None = None
    for part in location:
        if isinstance(part, int):
            continue
        if model is None:
            return [], description, ""
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        known = sorted(fields)
        info = fields.get(part)
        if info is None:
            return known, None, ""
        description = info.description
        model = _model_of(info.annotation)
    if model is None or isinstance(location[-1], int):
        return known, description, ""
    needed = [info.alias or name for name, info in model.model_fields.items() if info.is_required()]
    return known, description, f"a group with {', '.join(needed)}" if needed else "a group of keys"


def _model_of(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in cast("tuple[object, ...]", getattr(annotation, "__args__", ())):
        if (found := _model_of(argument)) is not None:
            return found
    return None


def main() -> int:
    """The command line of `python -m stacks.settings`: 0 when the stack file can be used, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m stacks.settings", description="Judge a stack file, or list the secrets that it needs."
    )
    parser.add_argument("command", choices=("check", "secrets"))
    parser.add_argument("stack", help="the stack's name, such as dev")
    arguments = parser.parse_args()
    file = stack_file(arguments.stack)
    try:
        settings = read_stack_file(file)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.command == "secrets":
        print("\n".join(secret_lines(settings.secrets_needed(), arguments.stack)))
    else:
        print(f"{file.relative_to(ROOT)}: no mistake found")
    return 0
