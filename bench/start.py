"""What the program costs before the engine does anything: a stack's registrations, beside the bare SDK.

`python -m bench.start` runs each stack under the SDK's mocks as a new process, and beside it one that imports
the classes of the SDK that the stack registers, and nothing else. It writes bench/start.json; with `--check`
it writes nothing, and ends with status 1 where a ratio is more than a quarter above the one that is written
there. Under a minute.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.results import finish
from stacks.render import registrations
from stacks.stack_file import ROOT

RESULTS = Path(__file__).with_suffix(".json")
STACKS = ("dev", "prod")
GOAL = 1.3
RUNS = 7
#: How the SDK's packages are imported, by what a resource's type begins with.
PACKAGES = {"kubernetes": "pulumi_kubernetes", "aws": "pulumi_aws", "grafana": "pulumiverse_grafana"}
#: The program part by part, each timed.
_PARTS = """
import json, sys, time
began = time.process_time()
parts = {}
def part(name):
    global began
    parts[name], began = round(time.process_time() - began, 3), time.process_time()
%(sdk)s
part("the SDK's classes")
from dashboards.render import dashboards, rules
from stacks import monitoring, render, stack_file
part("this project's modules and pydantic")
settings = stack_file.read_stack_file(stack_file.stack_file("%(stack)s"))
part("settings")
parameters = monitoring.dashboard_parameters(settings)
dashboards(parameters)
rules(parameters)
part("dashboards and rules")
render.registrations("%(stack)s")
part("registrations")
# They read the settings and render the dashboards once more.
parts["registrations"] = round(parts["registrations"] - parts["settings"] - parts["dashboards and rules"], 3)
print(json.dumps(parts))
"""


def sdk_program(types: set[str]) -> str:
    """A program that imports the classes of these types of resources, and nothing else.

    Args:
        types: As registered, `kubernetes:core/v1:Secret` or `aws:iam/role:Role`.
    """
    lines = ["import pulumi"]
    for each in sorted(types):
        package, module, name = each.split(":")
        if package not in PACKAGES:
            continue
        group, version = module.split("/")
        # AWS' types name the file in the place of a version.
        path = [group.removesuffix(".k8s.io").split(".")[0]] + ([version] if package == "kubernetes" else [])
        lines.append(f"import {PACKAGES[package]}; {PACKAGES[package]}.{'.'.join(path)}.{name}")
    return "\n".join(lines)


def seconds(*programs: str) -> list[float]:
    """The least CPU time of each of several Python programs as a whole process, in seconds.

    They run in turns, so that what else the machine does meets all of them. A start waits for nothing.
    """
    times = [[_cpu_seconds(program) for program in programs] for _ in range(RUNS)]
    return [round(min(column), 3) for column in zip(*times, strict=True)]


def _cpu_seconds(program: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)
    return usage.ru_utime + usage.ru_stime


def parts(stack: str, sdk: str) -> dict[str, float]:
    """Seconds of each part of one run, in order."""
    program = _PARTS % {"stack": stack, "sdk": sdk}
    done = subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(
    *, check: Annotated[bool, typer.Option(help="compare with bench/start.json, write nothing")] = False
) -> None:
    """Measure the start of each stack's program."""
    ratios, stacks = dict[str, dict[str, float]](), dict[str, object]()
    for stack in STACKS:
        registered = registrations(stack)
        sdk = sdk_program({one.type for one in registered})
        mocks = f"from stacks.render import registrations; registrations('{stack}')"
        bare, mocked = seconds(sdk, mocks)
        ratio = round(mocked / bare, 2)
        ratios[stack] = {"start": ratio}
        print(f"{stack}: {mocked} s, the SDK alone {bare} s: {ratio} times; the goal is {GOAL}")
        stacks[stack] = {
            "registrations": len(registered),
            "SDK, seconds": bare,
            "mocks, seconds": mocked,
            "one run by parts, seconds": parts(stack, sdk),
        }
    finish(RESULTS, ratios, {"stacks": stacks}, check=check)


if __name__ == "__main__":
    typer.run(main)
