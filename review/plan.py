"""The engine's plan: what would happen to which resource, with its inputs before and after."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Inputs = Mapping[str, object]

_DONE = {"create": "create", "import": "create", "update": "update", "replace": "replace", "delete": "delete"}
"""The operations that a person counts. A replacement's own two halves are not among them."""

_FRAMES = ("pulumi:pulumi:Stack", "pulumi:providers:")
_HIDDEN = "[secret]"
_SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"  # noqa: S105 - how the engine marks a value, no secret
_SECRET_FIELDS = ("data", "stringData")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What would happen to one resource.

    Attributes:
        operation: `create`, `update`, `replace` or `delete`.
        urn: The resource's URN.
        old: Its inputs before, without secrets.
        new: Its inputs after, without secrets.
        reasons: The inputs that force a replacement.
        kept: Whether the object itself stays where the resource is deleted.
    """

    operation: str
    urn: str
    old: Inputs = field(default_factory=dict[str, object])
    new: Inputs = field(default_factory=dict[str, object])
    reasons: tuple[str, ...] = ()
    kept: bool = False

    @property
    def kind(self) -> str:
        """Such as `ConfigMap`."""
        return self.urn.split("::")[2].rpartition("$")[2].rpartition(":")[2]

    @property
    def name(self) -> str:
        """The object's name, that of the one that goes where it is replaced, or else the resource's."""
        for inputs in (self.old, self.new) if self.operation == "replace" else (self.new, self.old):
            metadata = inputs.get("metadata")
            if isinstance(metadata, Mapping) and "name" in metadata:
                return str(cast("Inputs", metadata)["name"])
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would happen to a stack."""

    steps: tuple[Step, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources would get which operation."""
        return Counter(step.operation for step in self.steps)

    def of(self, operation: str) -> tuple[Step, ...]:
        """The steps of one operation."""
        return tuple(step for step in self.steps if step.operation == operation)


def plan(steps: Iterable[Mapping[str, Any]]) -> Plan:
    """Return the plan of the steps that `pulumi preview --json` prints.

    Components, providers and the stack itself are left out, and every secret is: what the engine marks as
    one, and whatever a Kubernetes Secret holds.

    Args:
        steps: each with `op`, `urn`, `oldState` and `newState`.
    """
    return Plan(steps=tuple(_step(one) for one in steps if one["op"] in _DONE and _is_object(one)))


def _step(one: Mapping[str, Any]) -> Step:
    old, new = one.get("oldState") or {}, one.get("newState") or {}
    return Step(
        operation=_DONE[one["op"]],
        urn=one["urn"],
        old=_shown(old.get("inputs")),
        new=_shown(new.get("inputs")),
        reasons=tuple(one.get("replaceReasons") or ()),
        kept=bool(old.get("retainOnDelete")),
    )


def _is_object(one: Mapping[str, Any]) -> bool:
    kind = str(one["urn"]).split("::")[2].rpartition("$")[2]
    state = one.get("newState") or one.get("oldState") or {}
    return not kind.startswith(_FRAMES) and bool(state.get("custom", True))


def _shown(inputs: Inputs | None) -> Inputs:
    hidden = {key: _without_secrets(value) for key, value in (inputs or {}).items() if key != "__defaults"}
    if hidden.get("kind") == "Secret":
        for field_name in _SECRET_FIELDS:
            values = hidden.get(field_name)
            if isinstance(values, Mapping):
                hidden[field_name] = dict.fromkeys(cast("Inputs", values), _HIDDEN)
            elif values is not None:
                hidden[field_name] = _HIDDEN
    return hidden


def _without_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Inputs", value)
        if _SECRET_SIGNATURE in items:
            return _HIDDEN
        return {key: _without_secrets(one) for key, one in items.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in cast("list[object]", value)]
    return value
