"""`python -m local.simulator`: the forward proxy behind which the simulated platform answers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from local.simulator.server import Network, Proxy


def serve(
    inventory: Annotated[Path, typer.Option(help="the file with what there is in the cluster")],
    incidents: Annotated[Path, typer.Option(help="the file with what goes wrong, and when")],
    authority: Annotated[Path, typer.Option(help="the file that gets the certificate to trust for HTTPS")],
    listen: Annotated[str, typer.Option(help="where to listen: 127.0.0.1:PORT")],
    receiver: Annotated[
        str | None,
        typer.Option(help="the Prometheus that takes what is written to a remote store: HOST:PORT"),
    ] = None,
) -> None:
    """Answer for the network of the embedded cluster until it is ended."""
    host, _, port = listen.rpartition(":")
    try:
        proxy = Proxy((host, int(port)), Network(inventory, incidents), receiver)
    except (OSError, ValueError) as error:
        print(f"The simulator can't listen on {listen!r}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    proxy.authority.write(authority)
    proxy.serve_forever()


if __name__ == "__main__":
    typer.run(serve)
