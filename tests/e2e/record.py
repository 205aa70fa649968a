"""`python -m tests.e2e.record COMMIT STACK`: bring a release up on the embedded platform, keep what it left.

What is kept is what a person's machine and cluster would have: the engine's backend and stack file as the
engine wrote them, and every object as the API server stored it, with its uid and its field managers. So an
upgrade begins from the very bytes that the release left, and not from what today's code would make of it.

Left out: what has its own end (events, leases), and the samples in the volumes, which begin anew. All of the
stack's secrets are one text that is of no use anywhere, and the passphrase that encrypts them is another.
"""

import base64
import io
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from local.cluster import Cluster
from local.processes import Ports, end
from local.toolchain import binary
from stacks.stack_file import ROOT
from tests.e2e.checkout import Checkout

PLACE = b"@CHECKOUT@"
"""In the place of the checkout's path, which the provider's input has."""
FOLDER = Path(__file__).with_name("recorded")
SECRET = "https://127.0.0.1:9/recorded"  # noqa: S105 - nobody listens there; it does for a URL and a password
PASSPHRASE = "recorded"  # noqa: S105 - it encrypts that one text

_OBJECTS = "etcd"
_PASSING = (
    "/registry/events/",
    "/registry/leases/",
    "/registry/masterleases/",
    "/registry/peerserverleases/",
)
_EVERY_KEY = {"key": base64.b64encode(b"\0").decode(), "range_end": base64.b64encode(b"\0").decode()}
_START_SECONDS = 30.0


def record(commit: str, stack: str) -> Path:
    """Bring the stack of a commit up, and keep what it left; return the file.

    Raises:
        AssertionError: a command failed, or what it left names this machine.
    """
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        checkout = _checkout_of(commit, Path(folder) / "project", stack)
        try:
            _plant_secrets(checkout)
            checkout.succeed("up")
            kept = {**_engine_files(checkout), **_objects(checkout)}
        finally:
            checkout.make("down")
    machine = [
        name for name, content in kept.items() if folder.encode() in content or str(ROOT).encode() in content
    ]
    assert machine == [], "these name this machine"
    return _write(FOLDER / f"{stack}-{commit}.tar.xz", kept)


def recorded(file: Path) -> dict[str, bytes]:
    """What was recorded: the files of the checkout's state by their paths, and the objects by their keys."""
    with tarfile.open(file) as archive:
        return {
            member.name: content.read()
            for member in archive.getmembers()
            if (content := archive.extractfile(member)) is not None
        }


def restore(file: Path, checkout: Checkout) -> None:
    """Put what was recorded into a checkout whose platform was never up: its `make up` goes on from there."""
    objects: dict[str, bytes] = {}
    for name, content in recorded(file).items():
        folder, _, rest = name.partition("/")
        if folder == _OBJECTS:
            objects[rest] = content
        else:
            path = checkout.state / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.replace(PLACE, str(checkout.folder).encode()))
    checkout.skip_history()
    with _etcd(checkout) as url:
        for key, value in objects.items():
            _ask(url, "put", {"key": _coded(f"/{key}".encode()), "value": _coded(value)})


def _checkout_of(commit: str, folder: Path, stack: str) -> Checkout:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Checkout(folder, stack)


def _plant_secrets(checkout: Checkout) -> None:
    """Run the lines that the release prints for its secrets, on the copy of the project that it will use."""
    state, stack = checkout.state, checkout.stack
    copy = state / stack / "project"
    for folder in (copy, state / "state"):
        folder.mkdir(parents=True)
    (state / stack / "passphrase").write_text(PASSPHRASE)
    (copy / "Pulumi.yaml").write_bytes((checkout.folder / "Pulumi.yaml").read_bytes())
    lines = subprocess.run(
        [sys.executable, "-m", "stacks.settings", "secrets", stack],
        cwd=checkout.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    pulumi = str(binary("pulumi"))
    variables = {
        "PATH": "/usr/bin:/bin",
        "PULUMI_HOME": str(state / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{state / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for command in (["stack", "init", stack], *(shlex.split(line, comments=True)[1:] for line in lines)):
        value = [SECRET] if "--secret" in command else []
        subprocess.run(
            [pulumi, *command, *value], cwd=copy, env=variables, check=True, stdout=subprocess.DEVNULL
        )


def _engine_files(checkout: Checkout) -> dict[str, bytes]:
    """The backend without its backups, and what the engine needs to read it."""
    state, stack = checkout.state, checkout.stack
    backend = state / "state" / ".pulumi"
    files = [
        state / "stack",
        state / stack / "passphrase",
        state / stack / "project" / f"Pulumi.{stack}.yaml",
        backend / "meta.yaml",
        *backend.glob(f"stacks/*/{stack}.json"),
    ]
    here = str(checkout.folder).encode()
    return {str(file.relative_to(state)): file.read_bytes().replace(here, PLACE) for file in files}


def _objects(checkout: Checkout) -> dict[str, bytes]:
    reply = _ask(_url(checkout), "range", _EVERY_KEY)
    found = {
        base64.b64decode(one["key"]).decode(): base64.b64decode(one.get("value", "")) for one in reply["kvs"]
    }
    return {
        f"{_OBJECTS}{key}": value
        for key, value in found.items()
        if key.startswith("/registry/") and not key.startswith(_PASSING)
    }


def _write(path: Path, kept: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for name in sorted(kept):
            member = tarfile.TarInfo(name)
            member.size = len(kept[name])
            archive.addfile(member, io.BytesIO(kept[name]))
    return path


@contextmanager
def _etcd(checkout: Checkout) -> Generator[str]:
    """Run etcd alone: the API server must not have begun to cache what it has yet to get."""
    process = Cluster(checkout.state, checkout.stack).etcd(binary("etcd"))
    process.ensure()
    try:
        url = _url(checkout)
        process.wait_until(lambda: _healthy(url), _START_SECONDS)
        yield url
    finally:
        end(process.pid_file)


def _url(checkout: Checkout) -> str:
    port = Ports(checkout.state / "cluster" / "ports.json").port("etcd serve", in_use=True)
    return f"http://127.0.0.1:{port}"


def _healthy(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/health", retries=False, timeout=2).json()["health"] == "true"
    except urllib3.exceptions.HTTPError:
        return False


def _ask(url: str, operation: str, body: Mapping[str, str]) -> dict[str, Any]:
    reply = urllib3.request("POST", f"{url}/v3/kv/{operation}", json=dict(body), retries=False, timeout=60)
    assert reply.status == 200, reply.data
    return reply.json()


def _coded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


if __name__ == "__main__":
    written = record(*sys.argv[1:])
    sys.stdout.write(f"{written}: {written.stat().st_size / 1000:.0f} kB\n")
