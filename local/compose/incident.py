"""`docker compose exec simulator python -m local.compose.incident NAME`: let something go wrong there."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from local.errors import PlatformError
from local.simulator import command
from local.simulator.catalogue import INCIDENTS

FILE = Path("/incidents/incidents.json")
RECOVER = "recover"


def main(
    name: Annotated[
        str, typer.Argument(help=f"the incident, or {RECOVER}; without one, all are listed")
    ] = "",
    file: Annotated[Path, typer.Option(help="the file that tells the simulator and the viewer")] = FILE,
) -> None:
    """Begin an incident of the simulated platform, or end all that last."""
    if not name:
        print("\n".join(f"  {one.name}: {one.does}" for one in INCIDENTS.values()))
    elif name == RECOVER:
        print(f"Over: {', '.join(command.end(file)) or 'nothing was wrong'}")
    elif name in INCIDENTS:
        _begin(name, file)
    else:
        raise typer.BadParameter(
            f"there is no {name!r} that needs no cluster; without a name, all are listed"
        )


def _begin(name: str, file: Path) -> None:
    try:
        begun = command.begin(file, name)
    except PlatformError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{begun.does}\nWhat to see: {begun.seen}")


if __name__ == "__main__":
    typer.run(main)
