"""`python -m local.viewer`: serve the viewer until it is ended."""

import ipaddress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from local.viewer.server import Viewer


def main(
    *,
    prometheus: Annotated[str, typer.Option(help="Prometheus' address")],
    alertmanager: Annotated[str, typer.Option(help="Alertmanager's address")],
    dashboards: Annotated[Path, typer.Option(help="the folder of the dashboards' JSON")],
    messages: Annotated[Path, typer.Option(help="the file that the messages are kept in")],
    incidents: Annotated[Path, typer.Option(help="the file of the schedule of incidents")],
    listen: Annotated[str, typer.Option(help="where to listen: an address of loopback and a port")],
    container: Annotated[
        str, typer.Option(help="the name of the container that it is alone in: there it may listen anywhere")
    ] = "",
) -> None:
    """Serve the dashboards, alerts and messages on loopback."""
    host, _, port = listen.rpartition(":")
    if not container and not ipaddress.ip_address(host).is_loopback:
        raise typer.BadParameter(f"{host} is not loopback: whoever reaches the viewer can read everything")
    viewer = Viewer(
        prometheus=prometheus,
        alertmanager=alertmanager,
        dashboards=dashboards,
        messages=messages,
        incidents=incidents,
    )
    names = (container,) if container else ()
    uvicorn.run(
        viewer.application(names), host=host, port=int(port), log_level="warning", server_header=False
    )


if __name__ == "__main__":
    typer.run(main)
