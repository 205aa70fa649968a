"""The table of docs/changes.md: what changing each setting does to dev. One row a setting, none left out."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from stacks import stack_file
from stacks.grafana_settings import AskingPods, Auth, Database, Ingress
from stacks.notification_settings import Smtp, WorkingHours
from stacks.recording import Registration
from stacks.settings import PodSelector, Settings
from stacks.settings_base import PROJECT, Resources
from tests.stacks.conftest import PLANTED

#: Settings inside a list are tried in its first entry.
FIRST = "[0]"

#: Groups that are set whole.
WHOLE = (Resources, PodSelector, Smtp, WorkingHours, Database, Auth, Ingress, AskingPods)

Document = dict[str, Any]
ByName = Mapping[str, Registration]


def leaves(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The path of every setting, as a stack file spells it; both levels of a threshold are one."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        kinds = get_args(field.annotation) or (field.annotation,)
        groups = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not groups or groups[0] in WHOLE or path == ("thresholds",):
            yield ".".join((*path, key))
            continue
        is_list = getattr(field.annotation, "__origin__", None) is tuple
        for group in groups:
            yield from leaves(group, (*path, key + FIRST if is_list else key))


def document(stack: str = "dev") -> Document:
    """The committed settings of a stack, with their values as they are in the file."""
    values = stack_file.raw_values(stack_file.stack_file(stack))
    settings = {key.removeprefix(f"{PROJECT}:"): value for key, value in values.items() if PROJECT in key}
    return {
        key: json.loads(value) if value.startswith(("{", "[")) else value for key, value in settings.items()
    }


def changed(settings: Document, changes: Mapping[str, object]) -> Document:
    """The settings with these changes; groups that are not there are made."""
    result: Document = json.loads(json.dumps(settings))
    for path, value in changes.items():
        place: Any = result
        *groups, last = path.split(".")
        for group in groups:
            name = group.removesuffix(FIRST)
            place = place.setdefault(name, [{}] if group.endswith(FIRST) else {})
            place = place[0] if group.endswith(FIRST) else place
        place[last] = value
    return result


def configuration(settings: Document) -> dict[str, str]:
    """The settings as the engine hands them to a program."""
    return {
        f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }


@dataclass(frozen=True)
class Row:
    """A setting, what is tried, and what becomes of the stack's objects, each as `Kind name`."""

    setting: str
    changes: Document
    in_place: frozenset[str]
    rolled: frozenset[str]
    created: frozenset[str]
    deleted: frozenset[str]

    def __str__(self) -> str:
        """The row as the table has it."""
        objects = (self.in_place, self.rolled, self.created, self.deleted)
        cells = [", ".join(sorted(names)) for names in objects]
        return " | ".join([f"| `{self.setting}`", f"`{json.dumps(self.changes)}`", *cells]) + " |"


def table(text: str) -> dict[str, Row]:
    """The rows of the table in a Markdown text, by setting."""
    rows: dict[str, Row] = {}
    for line in text.splitlines():
        if not line.startswith("| `"):
            continue
        setting, changes, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
        names = [
            frozenset(name.strip() for name in cell.rstrip("|").split(",") if name.strip()) for cell in cells
        ]
        rows[setting.strip("`")] = Row(setting.strip("`"), json.loads(changes.strip("`")), *names)
    return rows


def plan(setting: str, changes: Document, before: ByName, after: ByName) -> Row:
    """What the program would register otherwise than before, component resources left out."""
    both = before.keys() & after.keys()
    different = {name for name in both if before[name].inputs != after[name].inputs}
    rolled = {name for name in different if _template(before[name]) != _template(after[name])}
    return Row(
        setting,
        changes,
        in_place=frozenset(different - rolled),
        rolled=frozenset(rolled),
        created=frozenset(after.keys() - both),
        deleted=frozenset(before.keys() - both),
    )


def _template(one: Registration) -> object:
    return one.inputs.get("spec", {}).get("template")


def by_name(registrations: Iterable[Registration]) -> ByName:
    """The objects of the cluster, each by its kind and its resource's name."""
    return {f"{one.inputs['kind']} {one.name}": one for one in registrations if one.is_kubernetes_object}


def secrets(values: Mapping[str, str]) -> dict[str, str]:
    """A planted value of each secret that dev needs with these settings."""
    committed = stack_file.raw_values(stack_file.stack_file("dev"))
    needed = stack_file.parse({**committed, **values}, [], stack="dev").secrets_needed()
    return {
        f"{PROJECT}:{secret.key}": ("https://" if secret.is_url else "") + PLANTED + secret.key
        for secret in needed
    }
