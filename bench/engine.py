"""What the engine takes for a stack, beside as many plain ConfigMaps through the same provider and cluster.

`python -m bench.engine` deploys dev and prod, and beside each its floor: a program that registers as many
ConfigMaps as the stack has objects, and does nothing else. Every operation is a process of its own, as
`make up` is, and its time that of the whole process. It writes bench/engine.json. With `--check` it writes
nothing, and ends with status 1 where a ratio is more than a quarter above the one that is written there.
About ten minutes.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
import yaml

from bench.engine_operation import FLOOR, Work
from bench.results import finish
from local.cluster import Cluster
from local.platform import Platform
from stacks.render import registrations
from stacks.stack_file import ROOT, read_stack_file, stack_file

RESULTS = Path(__file__).with_suffix(".json")
STACKS = ("dev", "prod")
#: What is run, in this order, by the name of its figure.
OPERATIONS = {
    "preview": "preview",
    "up": "up",
    "preview of no change": "preview",
    "up of no change": "up",
    "destroy": "destroy",
}
#: Of these the floor is compared with; an up and a destroy wait for the cluster, and ConfigMaps do not.
COMPARED = ("preview", "preview of no change", "up of no change")
GOAL = 1.5
_FLOOR_PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
provider = k8s.Provider("cluster", context=config.require_object("kubernetes")["context"])
for number in range(config.require_int("objects")):
    k8s.core.v1.ConfigMap(
        f"floor-{number}",
        metadata={"name": f"floor-{number}", "namespace": "default"},
        data={"number": str(number)},
        opts=pulumi.ResourceOptions(provider=provider),
    )
"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What an operation took: seconds, and the most bytes that any one of its processes had."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A stack's figures or those of its floor."""

    state_bytes: int
    operations: dict[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A stack beside its floor."""

    objects: int
    registrations: int
    stack: Measured
    floor: Measured

    def ratios(self) -> dict[str, float]:
        """How many times the floor's time the stack took, by operation."""
        return {
            name: round(self.stack.operations[name].seconds / self.floor.operations[name].seconds, 2)
            for name in COMPARED
        }


def compare(stack: str, folder: Path) -> Compared:
    """Deploy a stack and its floor to a cluster in `folder`, and take both away again.

    Raises:
        subprocess.CalledProcessError: An operation failed; its output stands above.
        PlatformError: The cluster does not come up.
    """
    platform = Platform(stack=stack, state=folder)
    context = read_stack_file(stack_file(stack)).kubernetes.context
    registered = registrations(stack)
    objects = sum(one.is_kubernetes_object for one in registered)
    try:
        platform.prepare()
        kubeconfig = str(Cluster(folder, context).kubeconfig)
        floor = Work(
            project=str(project_of(folder / "floor-project", FLOOR, _FLOOR_PROGRAM, {"objects": objects})),
            stack=FLOOR,
            state=str(folder / FLOOR),
            kubeconfig=kubeconfig,
            context=context,
        )
        whole = Work(
            project=str(ROOT), stack=stack, state=str(folder), kubeconfig=kubeconfig, context=context
        )
        return Compared(
            objects=objects, registrations=len(registered), floor=measured(floor), stack=measured(whole)
        )
    finally:
        platform.down()


def project_of(folder: Path, name: str, program: str, settings: Mapping[str, object]) -> Path:
    """A Pulumi project of one program and one stack, both of this name."""
    folder.mkdir()
    (folder / "__main__.py").write_text(program)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python"}))
    values = {f"{name}:{key}": value for key, value in settings.items()}
    config = {**values, "pulumi:disable-default-providers": ["*"]}
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config}))
    return folder


def measured(work: Work) -> Measured:
    """Run every operation.

    Raises:
        subprocess.CalledProcessError: One failed; its output stands above.
    """
    figures = dict[str, Figure]()
    size = 0
    for name, operation in OPERATIONS.items():
        figures[name] = _run(work, operation)
        print(f"{work.stack}, {name}: {figures[name].seconds:.1f} s", flush=True)
        if name == "up":
            (state,) = (Path(work.state) / "state" / ".pulumi" / "stacks").glob(f"*/{work.stack}.json")
            size = state.stat().st_size
    return Measured(state_bytes=size, operations=figures)


def _run(work: Work, operation: str) -> Figure:
    command = [sys.executable, "-m", "bench.engine_operation", work.written(), operation]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT)
        # Of the usage that the kernel adds up, the most memory is that of the largest process.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode())
            raise subprocess.CalledProcessError(process.returncode, operation)
    return Figure(seconds=round(seconds, 2), peak_bytes=usage.ru_maxrss * 1024)


def main(
    *, check: Annotated[bool, typer.Option(help="compare with bench/engine.json, write nothing")] = False
) -> None:
    """Measure the engine on both stacks, about ten minutes."""
    found = dict[str, Compared]()
    for stack in STACKS:
        with tempfile.TemporaryDirectory(prefix="engine-") as folder:
            found[stack] = compare(stack, Path(folder).resolve())
    ratios = {stack: one.ratios() for stack, one in found.items()}
    for stack, row in ratios.items():
        for name, ratio in row.items():
            print(f"{stack}, {name}: {ratio} times the floor; the goal is {GOAL}")
    finish(RESULTS, ratios, {"stacks": {stack: asdict(one) for stack, one in found.items()}}, check=check)


if __name__ == "__main__":
    typer.run(main)
