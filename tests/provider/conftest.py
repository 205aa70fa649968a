"""The stand-in as the engine meets it: a server of its protocol, beside a real engine and cluster."""

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from kubernetes.client import ApiClient
from kubernetes.config import new_client_from_config
from pulumi import automation
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.cluster import Cluster
from local.kubernetes_provider.provider import KubernetesProvider
from local.toolchain import binaries

CONTEXT = "provider-tests"
PROJECT = "provider-tests"


class _ApiServer(BaseHTTPRequestHandler):
    """Answers the one question that opens a cluster; no row without a real cluster asks another."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/v1" else 501)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


@pytest.fixture(scope="session")
def kubeconfig_text() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _ApiServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield kubeconfig(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def kubeconfig(server: str, context: str = CONTEXT) -> str:
    return json.dumps(
        {
            "current-context": context,
            "clusters": [{"name": context, "cluster": {"server": server}}],
            "users": [{"name": context, "user": {"token": "a"}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
    )


Connect = Callable[..., provider_pb2_grpc.ResourceProviderStub]


@pytest.fixture(scope="session")
def connect(kubeconfig_text: str) -> Iterator[Connect]:
    """Opens one provider resource, as an engine does: a connection of its own, configured by options."""
    server = grpc.server(ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(KubernetesProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channels: list[grpc.Channel] = []

    def open_one(**options: str) -> provider_pb2_grpc.ResourceProviderStub:
        # A pool of connections is shared by default; each provider resource of an engine has its own.
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
        channels.append(channel)
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        options = {"kubeconfig": kubeconfig_text} | options
        variables = {f"kubernetes:config:{key}": value for key, value in options.items()}
        stub.Configure(provider_pb2.ConfigureRequest(variables=variables, acceptSecrets=True))
        return stub

    yield open_one
    for channel in channels:
        channel.close()
    server.stop(None).wait()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    embedded = Cluster(tmp_path_factory.mktemp("platform"), CONTEXT)
    embedded.start()
    yield embedded
    embedded.remove()
    gc.collect()


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[ApiClient]:
    """The cluster as others see it, not through the stand-in."""
    with new_client_from_config(str(cluster.kubeconfig), CONTEXT) as client:
        yield client


@dataclass(frozen=True)
class Engine:
    """A real engine that drives the stand-in."""

    environment: dict[str, str]
    folder: Path

    def stack(self, name: str, program: Callable[[], None]) -> automation.Stack:
        options = automation.LocalWorkspaceOptions(env_vars=self.environment)
        return automation.create_or_select_stack(name, PROJECT, program=program, opts=options)

    def stored(self, name: str) -> str:
        """The state of a stack as it lies on disk."""
        return (self.folder / "state" / ".pulumi" / "stacks" / PROJECT / f"{name}.json").read_text("utf-8")


@pytest.fixture(scope="module")
def engine(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "state").mkdir()
    pulumi = binaries("pulumi")["pulumi"]
    environment = {
        "PATH": f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(cluster.kubeconfig),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "the tests' own",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    with (
        (folder / "provider.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "local.kubernetes_provider"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert process.stdout is not None
        environment["PULUMI_DEBUG_PROVIDERS"] = f"kubernetes:{int(process.stdout.readline())}"
        for (
            key,
            value,
        ) in environment.items():  # the Automation API looks for its engine with this process's own
            patch.setenv(key, value)
        yield Engine(environment, folder)
        process.terminate()
        assert process.wait(10) == 0


def planned(result: automation.PreviewResult) -> dict[str, int]:
    """What a preview plans, unchanged resources left out."""
    return {str(change): count for change, count in result.change_summary.items() if change != "same"}


def done(result: automation.UpResult | automation.RefreshResult | automation.DestroyResult) -> dict[str, int]:
    """What an operation did, unchanged resources left out."""
    changes = result.summary.resource_changes or {}
    return {str(change): count for change, count in changes.items() if change != "same"}
