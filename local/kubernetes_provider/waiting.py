"""Waiting for objects to become ready or to be gone, until time is up or the engine cancels."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final, TypeAlias

from local.kubernetes_provider.api import ApiError, Cluster, UnreachableError
from local.kubernetes_provider.kinds import Kind
from local.kubernetes_provider.objects import SKIP_AWAIT, TIMEOUT_SECONDS, annotation, name_of, namespace_of
from local.kubernetes_provider.readiness import WAITS, Related, State
from local.provider_wire import JsonObject

# How long endpoints may not change before they count: serviceInitAwaiter.processEndpointEvent of service.go.
SETTLE_SECONDS: Final = 10
POLL_SECONDS: Final = 0.5
DELETION_SECONDS: Final = {"Deployment": 600, "StatefulSet": 600, "DaemonSet": 600}
DELETION_SECONDS_ELSE: Final = 300
# For these kinds skipAwait covers deletion too: allowsSkipAwaitWithDelete of metadata/overrides.go.
_SKIP_COVERS_DELETION: Final = frozenset({"Namespace", "DaemonSet", "Deployment", "StatefulSet"})

Report: TypeAlias = Callable[[str], None]


class UnfinishedError(Exception):
    """An object exists, but the wait for it ended without success.

    Attributes:
        live: the object as it was last seen.
        problems: why it is not ready.
    """

    def __init__(self, message: str, live: JsonObject, problems: list[str]) -> None:
        super().__init__(message)
        self.live = live
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What every wait for an object needs.

    Attributes:
        cluster: where the object lives.
        kind: the object's kind.
        cancelled: set once the engine cancels.
        report: shows a person one line of progress.
        timeout: seconds that the program allows; 0 for the kind's default.
    """

    cluster: Cluster
    kind: Kind
    cancelled: Event
    report: Report
    timeout: float = 0


def timeout_seconds(asked: float, inputs: JsonObject, default: int) -> float:
    """The program's timeout, by resource option or annotation, else the kind's default."""
    if asked:
        return asked
    text = annotation(inputs, TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else default


def judge(cluster: Cluster, kind: Kind, live: JsonObject, previous: JsonObject | None) -> State:
    """The state of an object now.

    Raises:
        ApiError: the server refused to list what belongs to the object.
    """
    wait = WAITS[kind.name]
    related: Related = {
        plural: _related(cluster, api_version, plural, namespace_of(live))
        for api_version, plural in wait.related
    }
    return wait.judge(live, previous, related)


def _related(cluster: Cluster, api_version: str, plural: str, namespace: str) -> list[JsonObject]:
    if plural == "storageclasses":
        return cluster.request("GET", f"/apis/{api_version}/{plural}")["items"]
    return cluster.items(api_version, plural, namespace)


def until_ready(
    waiting: Waiting, inputs: JsonObject, live: JsonObject, previous: JsonObject | None
) -> JsonObject:
    """Wait for an object that has been written, and return it as it is then.

    Raises:
        UnfinishedError: time is up or the engine cancels.
    """
    wait = WAITS.get(waiting.kind.name)
    if wait is None or annotation(inputs, SKIP_AWAIT) == "true":
        return live
    seconds = wait.seconds if wait.fixed else timeout_seconds(waiting.timeout, inputs, wait.seconds)
    deadline = time.monotonic() + seconds
    quiet_since, seen = time.monotonic(), ""
    while True:
        state = _try_to_judge(waiting, live, previous)
        now = time.monotonic()
        if state.settling != seen:
            quiet_since, seen = now, state.settling
        settled = not state.settling or now - quiet_since >= SETTLE_SECONDS
        stopped = waiting.cancelled.is_set() or now >= deadline
        if state.ready and (settled or stopped):
            waiting.report("")
            return live
        if waiting.cancelled.is_set():
            raise UnfinishedError(
                f'Resource operation was cancelled for "{name_of(live)}"', live, state.problems
            )
        if stopped:
            raise UnfinishedError(f"'{name_of(live)}' timed out waiting to be Ready", live, state.problems)
        waiting.report(state.progress)
        waiting.cancelled.wait(POLL_SECONDS)
        live = _try_to_get(waiting, live)


def _try_to_judge(waiting: Waiting, live: JsonObject, previous: JsonObject | None) -> State:
    """The state of an object; a server that fails for a moment does not end the wait."""
    try:
        return judge(waiting.cluster, waiting.kind, live, previous)
    except (ApiError, UnreachableError) as error:
        return State(ready=False, progress=str(error), problems=[str(error)])


def _try_to_get(waiting: Waiting, last: JsonObject) -> JsonObject:
    try:
        return waiting.cluster.get(waiting.kind, namespace_of(last), name_of(last)) or last
    except (ApiError, UnreachableError):
        return last


def until_gone(waiting: Waiting, namespace: str, name: str, inputs: JsonObject) -> None:
    """Wait until an object that has been deleted is gone.

    Raises:
        UnfinishedError: time is up or the engine cancels.
        ApiError: the server refuses to show the object.
    """
    kind = waiting.kind
    if annotation(inputs, SKIP_AWAIT) == "true" and kind.name in _SKIP_COVERS_DELETION:
        return
    default = DELETION_SECONDS.get(kind.name, DELETION_SECONDS_ELSE)
    deadline = time.monotonic() + timeout_seconds(waiting.timeout, inputs, default)
    while (live := waiting.cluster.get(kind, namespace, name)) is not None:
        if waiting.cancelled.is_set():
            raise UnfinishedError(f'Resource operation was cancelled for "{name}"', live, [])
        if time.monotonic() >= deadline:
            problem = f'Timed out waiting for deletion of {kind.api_version}/{kind.name} "{name}"'
            raise UnfinishedError(f"'{name}' timed out waiting to be Ready", live, [problem])
        waiting.report(f'{kind.name} "{name}" still exists')
        waiting.cancelled.wait(POLL_SECONDS)
