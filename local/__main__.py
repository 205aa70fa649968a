"""`python -m local COMMAND`: the command line of the embedded platform; `--help` lists the commands."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from local import by_hand
from local.agent.runs import Runs
from local.comparison import Comparison
from local.engine_command import Interrupted
from local.errors import PlatformError
from local.kubernetes_provider.api import ApiError, Cluster, UnreachableError
from local.platform import Platform
from local.progress import step
from local.simulator import command as incidents
from local.tool_recipes import TOOLS
from local.toolchain import binaries
from local.viewer.pictures import take as take_pictures
from local.viewer.pictures import viewer_address
from stacks.stack_file import ROOT, SettingsError

# The shell's status of a program that SIGINT ended.
_INTERRUPTED = 130
_NOTHING_LEFT = "nothing of it is left"

Stack = Annotated[str, typer.Option(help="the stack: dev or prod")]
Context = Annotated[
    str,
    typer.Option(envvar="CONTEXT", help="a kube context of your own to use; empty is the embedded cluster"),
]

Base = Annotated[str, typer.Option(help="a commit, such as origin/main, to deploy first")]

_STATE = ROOT / ".local"
_BY_HAND = "by-hand.json"

application = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@application.command()
def up(
    stack: Stack = "dev",
    context: Context = "",
    time_scale: Annotated[
        float, typer.Option(min=1, help="how many times sooner alerts fire and end; embedded cluster only")
    ] = 1,
) -> None:
    """Bring a stack up: tools, cluster, deployment, and the programs of the deployed Pods."""
    _run(Platform(stack=stack, own_context=context or None, time_scale=time_scale).up)


@application.command()
def preview(stack: Stack = "dev", context: Context = "", base: Base = "") -> None:
    """Show what `up` would change, or what it would after an `up` of another commit."""
    if base:
        _run(lambda: Comparison(stack=stack, base=base).preview(), _NOTHING_LEFT)
    else:
        _run(Platform(stack=stack, own_context=context or None).preview)


@application.command()
def diff(
    base: Base,
    stack: Stack = "dev",
    out: Annotated[Path | None, typer.Option(help="the file to write; by default rendered/STACK.md")] = None,
) -> None:
    """Print the comment for a review: what this checkout changes of a commit's deployment."""

    def compare() -> None:
        text = Comparison(stack=stack, base=base).comment()
        file = out or ROOT / "rendered" / f"{stack}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        print(text)
        step(f"Diff: written to {file}")

    _run(compare, _NOTHING_LEFT)


@application.command()
def look(base: Base, stack: Stack = "dev") -> None:
    """Take pictures of what this checkout changes of a commit's dashboards; `review` is told of them."""

    def write() -> None:
        file = ROOT / "rendered" / f"{stack}.seen.json"
        seen = Comparison(stack=stack, base=base).look()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(seen.write())
        step(f"Change: what was seen is written to {file}")

    _run(write, _NOTHING_LEFT)


@application.command()
def tools() -> None:
    """Build every tool that the embedded platform and the tests run."""
    _run(lambda: print(*binaries(*TOOLS).values(), sep="\n"))


@application.command(hidden=True)
def deploy(state: Path, stack: Stack = "dev") -> None:
    """Deploy this checkout to a platform of its own, and run nothing: what `diff` asks of the base."""
    _run(Platform(stack=stack, state=state).deploy, "the base is not deployed")


@application.command()
def down(stack: Stack = "dev", context: Context = "") -> None:
    """Remove the embedded platform; on a cluster of your own, print how to delete the stack."""
    _run(Platform(stack=stack, own_context=context or None).down)


@application.command()
def incident(
    name: Annotated[str, typer.Argument(help="the incident; without one, all are listed")] = "",
    ago: Annotated[str, typer.Option(help="as if it had begun some time ago, such as 25h")] = "",
) -> None:
    """Let something go wrong in the simulated platform."""

    def begin() -> None:
        if not name:
            print(incidents.known())
            return
        # First what can fail: an incident that is written down has happened.
        by_hand.begin(name, _place(), _STATE / _BY_HAND)
        begun = incidents.begin(_STATE / "incidents.json", name, ago)
        alerts = ", ".join(f"{alert} ({severity})" for alert, severity in begun.fires)
        print(
            f"{begun.does}\nWhat to see: {begun.seen}\nAlerts: {alerts}\nIt ends by: make recover NAME={name}"
        )

    _run(begin)


@application.command()
def recover(
    name: Annotated[str, typer.Argument(help="the incident; without one, every one that lasts")] = "",
) -> None:
    """End what goes wrong in the simulated platform."""

    def end() -> None:
        by_hand.end([name] if name else list(by_hand.HANDS), _place(), _STATE / _BY_HAND)
        ended = incidents.end(_STATE / "incidents.json", name)
        if ended:
            print(
                f"Over: {', '.join(ended)}. Most alerts fire on for about six minutes, some for hours, lest "
                "they flap (keep_firing_for); then a message says that it is over."
            )
        else:
            print(f"{name} is not going on." if name else "Nothing is wrong.")

    _run(end)


def _place() -> by_hand.Place:
    """The running platform, for hands on it."""
    file = _STATE / "endpoints.json"
    if not file.exists():
        raise PlatformError("The platform does not run: `make up` first.")
    endpoints: dict[str, str] = json.loads(file.read_text())
    namespace = Runs.read(_STATE / "pods.json").of("prometheus")[0].namespace
    return by_hand.Place(
        cluster=Cluster.connect(endpoints["kubeconfig"], ""),
        namespace=namespace,
        prometheus=endpoints["prometheus"],
        alertmanager=endpoints["alertmanager"],
    )


@application.command()
def pictures(out: Annotated[Path, typer.Option(help="where they go")] = Path("docs/pictures")) -> None:
    """Take a picture of each dashboard, as the viewer of the running platform shows it."""

    def take() -> None:
        for picture in take_pictures(viewer_address(ROOT / ".local"), out):
            step(f"Picture: {picture}")

    _run(take)


def _run(command: Callable[[], None], interrupted: str = "`make up` continues from here") -> None:
    # gRPC would send even loopback connections through a proxy.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
        filter(None, ["127.0.0.1,localhost", os.environ.get("NO_PROXY") or os.environ.get("no_proxy")])
    )
    # What ends with Ctrl-C in order ends so for a pipeline that cancels, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command()
    except (PlatformError, SettingsError, ApiError, UnreachableError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except (Interrupted, KeyboardInterrupt):
        step(f"Interrupted: {interrupted}")
        raise typer.Exit(_INTERRUPTED) from None


if __name__ == "__main__":
    application()
