"""Writes what docker-compose.yml mounts: the files of the deployed Pods, at the paths where those see them.

| Deployed                         | In containers                           | Why                         |
| -------------------------------- | --------------------------------------- | --------------------------- |
| discovery through the API server | files with the same targets and labels  | no cluster                  |
| scrapes by address               | the same through the simulator's proxy  | no pod network              |
| scrapes kubelets by HTTPS        | by HTTP, through the same proxy         | the simulator is no kubelet |
| sends to the receivers' URLs     | sends to the viewer's page of messages  | nothing leaves this machine |
| the admin password is a secret   | it is `admin`                           | for local use only          |

Everything else is what is deployed: images, arguments, environment, configuration, rules, dashboards.
"""

from collections.abc import Mapping
from pathlib import Path

from local import overlay
from local.agent import containers
from local.agent.cluster_view import Json, View, inventory
from local.agent.containers import Files, Mountable
from local.compose.discovery import by_files
from local.compose.pods import made_up
from local.errors import PlatformError
from local.inventory import Inventory
from local.mirror import mirror
from local.simulator.platform import manifests
from local.simulator.services import NAME_LABEL
from stacks import render
from stacks.prometheus import CONFIG_PATH

STACK = "dev"
SERVICES = ("prometheus", "alertmanager", "grafana")
"""The deployed programs that run in containers, each in a service of its own name."""

PROXY = "http://simulator:8000"
RECEIVERS = "http://viewer:3001/receive"
ADMIN_PASSWORD, PASSWORD = "admin-password", "admin"
ENVIRONMENT, TARGETS, INVENTORY = "environment", "targets", "inventory.json"

_HERE = overlay.Surroundings(
    # A container sees files and names as its Pod does.
    folders={},
    resolve=lambda _: None,
    kubeconfig=Path("none"),
    authority=Path("none"),
    proxy=PROXY,
    receivers=RECEIVERS,
)


def write(out: Path) -> None:
    """Write them below `out`, in place of what was written before.

    A folder that is there stays the same one: a container may have it mounted.

    Raises:
        SettingsError: The stack file has mistakes.
        PlatformError: Something that is deployed is not known here.
    """
    deployed = [dict(one.inputs) for one in render.registrations(STACK) if one.is_kubernetes_object]
    view = made_up([*map(_with_local_secrets, deployed), *manifests()])
    pods = {name: _pod(view, name) for name in SERVICES}
    seen = inventory(view, _running(pods))
    for name, pod in pods.items():
        _write_pod(out / name, name, pod, view, seen)
    mirror(out / "simulator", {INVENTORY: (seen.model_dump_json(indent=1) + "\n").encode()})
    _let_all_read(out)


def _with_local_secrets(manifest: Json) -> Json:
    if manifest["kind"] != "Secret":
        return manifest
    texts: Mapping[str, str] = manifest["stringData"]
    local = {key: text.replace(render.SECRET_URL, RECEIVERS) for key, text in texts.items()}
    if ADMIN_PASSWORD in local:
        local[ADMIN_PASSWORD] = PASSWORD
    return {**manifest, "stringData": local}


def _pod(view: View, name: str) -> Json:
    (found,) = [pod for pod in view.pods if pod["metadata"]["labels"][NAME_LABEL] == name]
    return found


def _running(pods: Mapping[str, Json]) -> dict[str, str]:
    """Tell the simulator where the programs run that it does not stand for."""
    read = {name: containers.container(pod) for name, pod in pods.items()}
    return {
        f"{one.address}:{port}": f"{name}:{port}" for name, one in read.items() for port in one.ports.values()
    }


def _write_pod(folder: Path, name: str, pod: Json, view: View, seen: Inventory) -> None:
    one = containers.container(pod)
    mountable = Mountable(config_maps=view.config_maps, secrets=view.secrets)
    for path, volume in one.mounts.items():
        files = mountable.files(one, volume)
        if files is None:
            continue
        mounted = folder / path.strip("/")
        changed = _overlaid(name, files)
        if path == CONFIG_PATH:
            changed, targets = by_files(changed, TARGETS, seen)
            mirror(mounted / TARGETS, targets)
        mirror(mounted, changed)
    if one.environment:
        mirror(folder, {ENVIRONMENT: _environment(one.environment)})


def _overlaid(name: str, files: Files) -> Files:
    program = overlay.PROGRAMS.get(name)
    if program is None:
        return files
    return {file: overlay.file(program, file, text, _HERE) for file, text in files.items()}


def _environment(variables: Mapping[str, str]) -> bytes:
    """Return a file for `env_file`, in whose single quotes nothing is replaced."""
    unfit = [name for name, value in variables.items() if "'" in value or "\n" in value]
    if unfit:
        raise PlatformError(f"{', '.join(unfit)}: docker compose reads no quote or line break from a file.")
    return "".join(f"{name}='{value}'\n" for name, value in variables.items()).encode()


def _let_all_read(out: Path) -> None:
    """Make the files readable for the containers' users, of whom nobody wrote them."""
    for path in (out, *out.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
