"""A Kubernetes control plane with simulated nodes, for the tests of the provider stand-in."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

TOKEN = "the-tests-own-token"
CONTEXT = "provider-tests"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
START_SECONDS = 60


def missing_programs(path: str) -> list[str]:
    """The programs of the control plane that are not on a search path."""
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


@contextlib.contextmanager
def control_plane(folder: Path, path: str) -> Iterator[Path]:
    """Run a control plane on loopback and yield its kubeconfig.

    Args:
        folder: where its data, keys and logs go.
        path: a search path that holds `PROGRAMS`.

    Raises:
        TimeoutError: it was not ready within `START_SECONDS`.
    """
    ports = _free_ports(5)
    etcd, peer, server, controllers, scheduler = ports
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n', "utf-8")
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(f"https://127.0.0.1:{server}")), "utf-8")
    commands = {
        "etcd": [
            f"--data-dir={folder}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
        ],
        "kube-apiserver": [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={server}",
            f"--cert-dir={folder}/certificates",
            f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--service-account-issuer=https://provider-tests",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
        ],
        "kube-controller-manager": [
            f"--kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={controllers}",
            f"--service-account-private-key-file={key}",
            "--use-service-account-credentials",
            "--leader-elect=false",
        ],
        "kube-scheduler": [
            f"--kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={scheduler}",
            "--leader-elect=false",
        ],
        "kwok": [f"--kubeconfig={kubeconfig}", "--manage-all-nodes=true", "--cidr=10.244.0.1/16"],
    }
    with contextlib.ExitStack() as running:
        for name in ("etcd", "kube-apiserver"):
            running.enter_context(_process(name, commands[name], folder, path))
        _wait_for_server(server)
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            running.enter_context(_process(name, commands[name], folder, path))
        for number in (1, 2):
            request(server, "POST", "/api/v1/nodes", _node(f"node-{number}"))
        yield kubeconfig


def request(port: int, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    """Ask the API server directly, so that a test does not see the cluster through what it tests."""
    asked = urllib.request.Request(
        f"https://127.0.0.1:{port}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    insecure = ssl._create_unverified_context()  # noqa: S323, SLF001 # pyright: ignore[reportPrivateUsage] - loopback
    with urllib.request.urlopen(asked, context=insecure, timeout=10) as answer:  # noqa: S310 - as above
        return json.load(answer)


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": CONTEXT, "user": {"token": TOKEN}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
    }


def _node(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
        },
    }


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@contextlib.contextmanager
def _process(name: str, arguments: list[str], folder: Path, path: str) -> Iterator[None]:
    program = shutil.which(name, path=path)
    assert program is not None, f"{name} is not on {path}"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments], stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)}
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_server(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            request(port, "GET", "/api/v1/namespaces/default")
            return
        time.sleep(0.2)
    raise TimeoutError(f"the API server on port {port} was not ready within {START_SECONDS} s")
