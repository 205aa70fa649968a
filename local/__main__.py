"""`python -m local up|down|preview|pictures`: the command line of the embedded platform."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from local.engine_command import Interrupted
from local.errors import PlatformError
from local.platform import Platform
from local.progress import step
from local.viewer.pictures import take as take_pictures
from local.viewer.pictures import viewer_address
from stacks.stack_file import ROOT, SettingsError

# The shell's status of a program that SIGINT ended.
_INTERRUPTED = 130

Stack = Annotated[str, typer.Option(help="the stack: dev or prod")]
Context = Annotated[
    str,
    typer.Option(envvar="CONTEXT", help="a kube context of your own to use; empty is the embedded cluster"),
]

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
def preview(stack: Stack = "dev", context: Context = "") -> None:
    """Show what `up` would change."""
    _run(Platform(stack=stack, own_context=context or None).preview)


@application.command()
def down(stack: Stack = "dev", context: Context = "") -> None:
    """Remove the embedded platform; on a cluster of your own, print how to delete the stack."""
    _run(Platform(stack=stack, own_context=context or None).down)


@application.command()
def pictures(out: Annotated[Path, typer.Option(help="where they go")] = Path("docs/pictures")) -> None:
    """Take a picture of each dashboard, as the viewer of the running platform shows it."""

    def take() -> None:
        for picture in take_pictures(viewer_address(ROOT / ".local"), out):
            step(f"Picture: {picture}")

    _run(take)


def _run(command: Callable[[], None]) -> None:
    # gRPC would send even loopback connections through a proxy.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
        filter(None, ["127.0.0.1,localhost", os.environ.get("NO_PROXY") or os.environ.get("no_proxy")])
    )
    try:
        command()
    except (PlatformError, SettingsError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except (Interrupted, KeyboardInterrupt):
        step("Interrupted: `make up` continues from here")
        raise typer.Exit(_INTERRUPTED) from None


if __name__ == "__main__":
    application()
