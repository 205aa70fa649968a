"""What the engine says while it works, as lines for a person."""

from collections import Counter
from typing import Any

from pulumi.automation import EngineEvent
from pulumi.automation.events import StepEventMetadata

from local.progress import step

_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "replacement created",
    "delete-replaced": "replaced one deleted",
    "import": "imported",
}
_COUNTED = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


class EngineEvents:
    """Prints a line for each resource that changes, and keeps what is needed for the summary.

    Attributes:
        planning: Whether this is a preview, which prints its own plan.
        errors: The engine's and the program's error messages, in order.
        changes: How many resources got which operation.
        steps: What a preview would do, in the form of `pulumi preview --json`.
    """

    def __init__(self, *, planning: bool = False) -> None:
        self.planning = planning
        self.errors: list[str] = []
        self.changes: Counter[str] = Counter()
        self.steps: list[dict[str, Any]] = []

    def __call__(self, event: EngineEvent) -> None:
        """Take one event."""
        if event.resource_pre_event is not None and self.planning:
            self.steps.append(_planned(event.resource_pre_event.metadata))
        if event.res_outputs_event is not None and not self.planning:
            done = event.res_outputs_event.metadata
            if done.op.value in _DONE and not _is_frame(done):
                step(f"  {_DONE[done.op.value]} {_label(done)}")
        elif event.res_op_failed_event is not None:
            step(f"  failed  {_label(event.res_op_failed_event.metadata)}")
        elif event.diagnostic_event is not None:
            self._diagnose(event.diagnostic_event.severity, event.diagnostic_event.message.strip())
        elif event.summary_event is not None:
            changes = event.summary_event.resource_changes
            self.changes = Counter({str(getattr(op, "value", op)): count for op, count in changes.items()})

    def _diagnose(self, severity: str, message: str) -> None:
        if severity == "error" and message not in self.errors:
            self.errors.append(message)
        elif severity == "warning":
            step(f"  warning: {message}")

    def summary(self) -> str:
        """Return the counts, or that nothing changed."""
        counts = [f"{self.changes[op]} {text}" for op, text in _COUNTED.items() if self.changes[op]]
        if not counts:
            return "Nothing changed."
        return ", ".join([*counts, f"{self.changes['same']} unchanged"])


def _planned(one: StepEventMetadata) -> dict[str, Any]:
    old, new = (
        state and {"custom": state.custom, "inputs": state.inputs, "retainOnDelete": state.retain_on_delete}
        for state in (one.old, one.new)
    )
    return {
        "op": one.op.value,
        "urn": one.urn,
        "oldState": old,
        "newState": new,
        "replaceReasons": one.keys,
    }


def _is_frame(done: StepEventMetadata) -> bool:
    """Tell whether this is the stack, a component or a provider: a frame around what is deployed."""
    return not done.type.startswith("kubernetes:")


def _label(done: StepEventMetadata) -> str:
    kind = done.type.rpartition(":")[2]
    return f"{kind} {done.urn.rpartition('::')[2]}"
