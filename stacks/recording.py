"""Runs the program without an engine and records every resource that it registers.

`make render` and the tests stand on it. It refuses what a real engine refuses and Pulumi's own mocks accept.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks, rpc

from stacks.settings_base import PROJECT


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One registered resource, as the engine would have received it."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    """With secrets in the clear: see `secret_inputs`."""
    secret_inputs: frozenset[str]
    """The top-level inputs that are, or hold, a secret."""
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    import_id: str
    """Under which id an existing object is taken over; empty for all others."""
    ignore_changes: tuple[str, ...]
    dependencies: tuple[str, ...]

    @property
    def is_kubernetes_object(self) -> bool:
        """Whether it is an object of the cluster."""
        return self.type.startswith("kubernetes:") and "apiVersion" in self.inputs


class Recorder(mocks.MockMonitor):
    """A resource monitor that records; new resources get their inputs as outputs."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.registrations: list[Registration] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the protocol's name and message
        """Record one registration."""
        if request.type == "pulumi:pulumi:Stack":
            return super().RegisterResource(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        raw = rpc.deserialize_properties(request.object, keep_unknowns=True)
        self.registrations.append(
            Registration(
                urn=urn,
                type=request.type,
                name=request.name,
                inputs=cast("Mapping[str, Any]", _plain(raw)),
                secret_inputs=frozenset(key for key, value in raw.items() if _holds_secret(value)),
                parent=request.parent,
                provider=request.provider or next(iter(request.providers.values()), ""),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                import_id=request.importId,
                ignore_changes=tuple(request.ignoreChanges),
                dependencies=tuple(request.dependencies),
            )
        )
        try:
            return super().RegisterResource(request)
        finally:
            _close_event_loop()  # Each of the SDK's worker threads opens one, and none is ever closed.


#: What AWS makes up for new resources, where others are made of it; each stands for any of its kind.
_MADE_UP: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "aws:amp/workspace:Workspace": (
        "ws-00000000-0000-0000-0000-000000000000",
        {
            "prometheusEndpoint": "https://aps-workspaces.region.amazonaws.com/workspaces/"
            "ws-00000000-0000-0000-0000-000000000000/"
        },
    ),
    "aws:kms/key:Key": ("00000000-0000-0000-0000-000000000000", {}),
}


class _Echo(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ in _MADE_UP:
            made, outputs = _MADE_UP[args.typ]
            return made, {**args.inputs, **outputs}
        metadata = args.inputs.get("metadata", {})
        return f"{metadata.get('namespace', '')}/{metadata.get('name', args.name)}", args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        msg = f"the program called {args.token}, which needs an engine"
        raise ValueError(msg)


def record(
    program: Callable[[], object], *, stack: str, config: Mapping[str, str], secret_keys: list[str]
) -> Recorder:
    """Run `program` as the stack's, with this configuration, and return what it registered.

    Raises:
        ValueError: two resources share a type, a parent and a name, which the mocks alone would accept.
        Exception: whatever the program raises.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder()
    mocks.set_mocks(recorder.mocks, project=PROJECT, stack=stack, preview=True, monitor=recorder)
    pulumi.runtime.set_all_config(dict(config), secret_keys)
    try:
        mocks.test(lambda: (program(), None)[1])()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        _close_event_loop()
    counts = Counter(registration.urn for registration in recorder.registrations)
    if duplicates := [urn for urn, count in counts.items() if count > 1]:
        msg = f"duplicate resource URN: {', '.join(duplicates)}"
        raise ValueError(msg)
    return recorder


def _close_event_loop() -> None:
    """Close the event loop of this thread, if it has one."""
    try:
        asyncio.get_event_loop().close()
    except RuntimeError:
        return
    asyncio.set_event_loop(None)


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and rpc.is_rpc_secret(value)


def _holds_secret(value: object) -> bool:
    if _is_secret(value):
        return True
    if isinstance(value, dict):
        return any(_holds_secret(item) for item in cast("dict[str, object]", value).values())
    if isinstance(value, list):
        return any(_holds_secret(item) for item in cast("list[object]", value))
    return False


def _plain(value: object) -> object:
    if _is_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # The protocol carries every number as a float.
    return value
