"""A real Kubernetes control plane on loopback, with KWOK in the place of the kubelets.

etcd, the API server (RBAC, NodeRestriction, Pod Security), the controller manager, the scheduler and KWOK
run as ordinary processes that outlive the command. What they store lies in `<state>/cluster`, and a start
after a stop, a crash or a reboot goes on from there.
"""

import fcntl
import http
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from kubernetes.client import ApiClient, CoreV1Api, StorageV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.config import new_client_from_config

from local.errors import PlatformError
from local.kubeconfig import kubeconfig
from local.nodes import DRIVER, NODES, STORAGE, Manifest
from local.processes import Ports, Process, alive, end, write
from local.toolchain import binaries

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
_STAGES = Path(__file__).with_name("kwok.yaml")
_READY_SECONDS = 90.0

# Outside loopback, since the API refuses loopback addresses as endpoints; nothing connects to it.
_ADVERTISED_ADDRESS = "10.0.0.10"
_SERVICE_RANGE = "10.96.0.0/16"
_POD_RANGE = "10.244.0.0/16"
_NOT_READY_TAINT = "node.kubernetes.io/not-ready"

#: Who deploys: without a right until the administrator grants some (local/deployer.py).
DEPLOYER = "deployer"

# The user name and the groups behind each token that the API server knows.
_USERS = {
    "admin": ("admin", "system:masters"),
    "deployer": (DEPLOYER, ""),
    "kwok": ("kwok", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
}


class Cluster:
    """The embedded cluster of one checkout.

    Attributes:
        context: The name of the context in its kubeconfig.
        kubeconfig: Path of the administrator's kubeconfig; the file exists once the cluster was started.
        deployer_kubeconfig: The same of the deployer.
        certificate: Path of the certificate that the API server is trusted by.
    """

    def __init__(self, state: Path, context: str) -> None:
        """Describe the cluster whose files lie under `state`, the checkout's `.local` folder."""
        self.context = context
        self._folder = state.resolve() / "cluster"
        self._logs = state.resolve() / "log"
        self._certificates = self._folder / "certificates"
        self._ports = Ports(self._folder / "ports.json")
        self.kubeconfig = self._folder / "kubeconfig"
        self.deployer_kubeconfig = self._kubeconfig_of("deployer")
        self.certificate = self._certificates / "apiserver.crt"

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._port('kube-apiserver')}"

    def start(self) -> Path:
        """Start what does not run, wait until every node takes pods, and return the kubeconfig's path.

        Raises:
            PlatformError: A program cannot be built or does not become ready; the end of its log is told.
        """
        programs = binaries(*PROGRAMS)
        with self._alone():
            tokens = self._tokens()
            self.etcd(programs["etcd"]).ensure()
            server = self._server(programs["kube-apiserver"])
            server.ensure()
            server.wait_until(self._answers, _READY_SECONDS)
            for user, token in tokens.items():
                write(self._kubeconfig_of(user), self._kubeconfig_text(user, token))
            workers = [self._worker(name, programs[name]) for name in PROGRAMS[2:]]
            for worker in workers:
                worker.ensure()
            with new_client_from_config(str(self.kubeconfig), self.context) as api:
                _furnish(api)
                workers[-1].wait_until(lambda: _nodes_ready(api), _READY_SECONDS)
        return self.kubeconfig

    def stop(self) -> None:
        """End every process of the cluster and wait until all are gone; what is stored stays.

        Raises:
            PlatformError: One does not end.
        """
        if self._folder.is_dir():
            with self._alone():
                for name in reversed(PROGRAMS):
                    end(self._pid_file(name))

    def remove(self) -> None:
        """Stop the cluster and delete all that it stored.

        Raises:
            PlatformError: A process does not end; nothing is deleted then.
        """
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def running(self) -> bool:
        """Tell whether every process runs and the API server is ready."""
        return all(alive(self._pid_file(name)) for name in PROGRAMS) and self._answers()

    def etcd(self, program: Path) -> Process:
        """Return the process of etcd, which keeps what the cluster stores."""
        clients = f"http://127.0.0.1:{self._port('etcd')}"
        peers = f"http://127.0.0.1:{self._port('etcd', 'peers')}"
        return self._process(
            "etcd",
            program,
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        )

    @contextmanager
    def _alone(self) -> Generator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _pid_file(self, name: str) -> Path:
        return self._folder / f"{name}.pid"

    def _port(self, name: str, purpose: str = "serve") -> int:
        return self._ports.port(f"{name} {purpose}", in_use=alive(self._pid_file(name)))

    def _tokens(self) -> dict[str, str]:
        file = self._folder / "tokens.csv"
        rows = file.read_text().splitlines() if file.exists() else []
        known = {key: token for token, _, key, _ in (row.split(",") for row in rows)}
        missing = [key for key in _USERS if key not in known]
        if missing:
            for key in missing:
                user, groups = _USERS[key]
                known[key] = secrets.token_urlsafe(32)
                rows.append(f'{known[key]},{user},{key},"{groups}"')
            write(file, "\n".join(rows) + "\n")
            # It reads the file only as it starts, and may be of a checkout that knew fewer users.
            end(self._pid_file("kube-apiserver"))
        return known

    def _process(self, name: str, program: Path, *flags: str) -> Process:
        log = self._logs / f"{name}.log"
        return Process(name=name, command=(str(program), *flags), folder=self._folder, log=log)

    def _server(self, program: Path) -> Process:
        # The server makes its own certificate when there is none; its key signs ServiceAccount tokens too.
        key = self._certificates / "apiserver.key"
        return self._process(
            "kube-apiserver",
            program,
            f"--etcd-servers=http://127.0.0.1:{self._port('etcd')}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port('kube-apiserver')}",
            f"--advertise-address={_ADVERTISED_ADDRESS}",
            f"--service-cluster-ip-range={_SERVICE_RANGE}",
            f"--cert-dir={self._certificates}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction,PodSecurity",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
        )

    def _worker(self, name: str, program: Path) -> Process:
        flags = {
            "kube-controller-manager": (
                "--secure-port=0",
                "--leader-elect=false",
                "--use-service-account-credentials",
                f"--service-account-private-key-file={self._certificates / 'apiserver.key'}",
                f"--root-ca-file={self.certificate}",
            ),
            "kube-scheduler": ("--secure-port=0", "--leader-elect=false"),
            "kwok": (
                f"--config={_STAGES}",
                "--manage-all-nodes",
                f"--cidr={_POD_RANGE}",
            ),
        }
        return self._process(name, program, f"--kubeconfig={self._kubeconfig_of(name)}", *flags[name])

    def _kubeconfig_of(self, user: str) -> Path:
        return self.kubeconfig if user == "admin" else self._folder / f"{user}.kubeconfig"

    def _kubeconfig_text(self, user: str, token: str) -> str:
        return kubeconfig(
            server=self.server,
            certificate=self.certificate.read_bytes(),
            context=self.context,
            user=user,
            token=token,
        )

    def _answers(self) -> bool:
        if not self.certificate.exists():
            return False
        try:
            with urllib3.PoolManager(ca_certs=str(self.certificate), retries=False, timeout=2) as pool:
                return pool.request("GET", f"{self.server}/readyz").status == http.HTTPStatus.OK
        except (urllib3.exceptions.HTTPError, OSError):
            return False


def _furnish(api: ApiClient) -> None:
    storage = StorageV1Api(api)
    _create(storage.create_storage_class, STORAGE)
    _create(storage.create_csi_driver, DRIVER)
    for node in NODES:
        _create(CoreV1Api(api).create_node, node)


def _create(create: Callable[..., object], manifest: Manifest) -> None:
    try:
        create(manifest)
    except ApiException as error:
        if error.status != http.HTTPStatus.CONFLICT:
            name = manifest["metadata"]["name"]
            raise PlatformError(f"The cluster refuses {manifest['kind']} {name}: {error.body}") from error


def _nodes_ready(api: ApiClient) -> bool:
    """Tell whether every node takes pods: its taint goes a moment after its condition has changed."""
    taking = [
        node
        for node in CoreV1Api(api).list_node().items
        if node.status
        and any((one.type, one.status) == ("Ready", "True") for one in node.status.conditions or ())
        and node.spec
        and not any(taint.key == _NOT_READY_TAINT for taint in node.spec.taints or ())
    ]
    return len(taking) >= len(NODES)
