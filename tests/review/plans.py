"""Plans of real changes: what the program registers for two stack files, in the engine's own form."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from review.plan import Plan, plan
from stacks import stack_file
from stacks.recording import Registration
from stacks.render import planned
from tests.stacks.setting_changes import Document, by_name, changed, configuration, document

Steps = Sequence[Mapping[str, Any]]


@functools.cache
def before() -> Mapping[str, Registration]:
    """What dev has, by kind and name."""
    return registered({})


def registered(changes: Document) -> Mapping[str, Registration]:
    """What dev would have with these changes of its settings."""
    committed = stack_file.raw_values(stack_file.stack_file("dev"))
    values = {**committed, **configuration(changed(document(), changes))}
    return by_name(planned(stack_file.parse(values, [], stack="dev"), values, "dev"))


def steps(old: Mapping[str, Registration], new: Mapping[str, Registration]) -> list[Mapping[str, Any]]:
    """What the engine would print of this change."""
    found: list[Mapping[str, Any]] = []
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        if was and now:
            operation = "same" if was.inputs == now.inputs else "update"
        else:
            operation = "create" if now else "delete"
        found.append(
            {
                "op": operation,
                "urn": (now or was).urn,  # pyright: ignore[reportOptionalMemberAccess]
                "oldState": was and {"inputs": was.inputs, "retainOnDelete": was.retain_on_delete},
                "newState": now and {"inputs": now.inputs},
            }
        )
    return found


def changing(changes: Document) -> Plan:
    """The plan of a change of dev's settings."""
    return plan(steps(before(), registered(changes)))


def step(operation: str, kind: str, name: str, **more: object) -> Mapping[str, Any]:
    """One step of an object that only has a name."""
    inputs = {"kind": kind, "metadata": {"name": name}, **more}
    return {
        "op": operation,
        "urn": f"urn:pulumi:dev::dubbing-monitoring::kubernetes:core/v1:{kind}::{name}",
        "oldState": None if operation == "create" else {"inputs": inputs},
        "newState": None if operation == "delete" else {"inputs": inputs},
    }
