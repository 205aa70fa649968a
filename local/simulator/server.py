"""A forward proxy that stands for the network of pods, nodes and services.

Prometheus scrapes through it, and so does whoever else asks an address of the embedded cluster. Where a pod's
program really runs, the request goes on to that process; elsewhere the simulated platform answers. Behind
HTTPS is the API, whatever its host: it ends here, with a certificate of an authority of this process. What
Prometheus writes to a remote store goes on to the receiver of this machine, if there is one.

One machine stands for all nodes: node-exporter's own page passes through, except for the disks, which are
those of the simulated node.
"""

import http.client
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Generic, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import numpy as np

from dashboards.metrics import exporters
from local import long_term
from local.inventory import Inventory, Pod
from local.simulator import catalogue, certificates, exposition
from local.simulator.certificates import Authority
from local.simulator.hands_on import STORE_AWAY
from local.simulator.incidents import Schedule
from local.simulator.series import Simulated
from local.simulator.services import API, NAME_LABEL, NAMESPACE
from local.simulator.targets import Failure, exposed, failure

READY_PATH, HEALTH_PATH = "/-/ready", "/health"
_REMOTE_WRITE = "/api/v1/remote_write"
API_HOSTS = frozenset(f"{API.name}.{NAMESPACE}{domain}" for domain in ("", ".svc", ".svc.cluster.local"))

_FORWARD_SECONDS = 30
_HANG_SECONDS = 120
_CHUNK = 64 * 1024
_PLAIN = "text/plain; charset=utf-8"
_OF_THE_CONNECTION = frozenset({"connection", "proxy-connection", "keep-alive", "transfer-encoding"})

T = TypeVar("T")


class Watched(Generic[T]):
    """What a file holds, read again when the file was written."""

    def __init__(self, path: Path, read: Callable[[Path], T]) -> None:
        """Watch a file that may not be there yet."""
        self._path, self._read = path, read
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._value: T | None = None

    def get(self) -> T:
        """Return it; the same object as long as the file is the same."""
        with self._lock:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_ino)
            except FileNotFoundError:
                seen = (0, 0)
            if self._value is None or seen != self._seen:
                self._value, self._seen = self._read(self._path), seen
            return self._value


class Network:
    """What answers at the addresses of the cluster."""

    def __init__(self, inventory: Path, incidents: Path) -> None:
        """Answer for what the inventory's file has, in the state that the incidents' file tells."""
        self._inventory = Watched(inventory, Inventory.read)
        self._schedule = Watched(incidents, Schedule.read)
        self._known: tuple[Inventory, Schedule] | None = None
        self._pages = dict[tuple[str, str], list[Simulated] | None]()
        self._lock = threading.Lock()

    @property
    def schedule(self) -> Schedule:
        """What goes wrong."""
        return self._schedule.get()

    def process(self, address: str) -> str | None:
        """Return where the program of a pod's address and port really runs, if it does."""
        return self._inventory.get().processes.get(address)

    def failure(self, address: str) -> Failure | None:
        """Return how the target at an address fails now."""
        return failure(self._inventory.get(), address, self.schedule, time.time())

    def node_exporter(self, address: str) -> bool:
        """Tell whether it is node-exporter that answers at an address."""
        host, _, _ = address.rpartition(":")
        pod = self._inventory.get().at(host)
        return isinstance(pod, Pod) and pod.labels.get(NAME_LABEL) == exporters.NODE_EXPORTER.name

    def series(self, address: str, path: str) -> list[Simulated] | None:
        """Return what the target at an address exposes on a path; made anew when a file was written."""
        known = (self._inventory.get(), self.schedule)
        with self._lock:
            if self._known is None or any(
                old is not new for old, new in zip(self._known, known, strict=True)
            ):
                self._known, self._pages = known, {}
            if (address, path) not in self._pages:
                inventory, schedule = known
                self._pages[address, path] = exposed(inventory, address, path, schedule)
            return self._pages[address, path]


class Proxy(ThreadingHTTPServer):
    """The proxy; each connection has a thread."""

    daemon_threads = True
    # Prometheus asks every target within the same seconds.
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], network: Network, receiver: str | None = None) -> None:
        """Listen on a host and port; 0 takes a free one. What is written goes to the receiver, host:port."""
        self.network = network
        self.receiver = receiver
        self.authority = Authority()
        super().__init__(listen, _Handler)


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def proxy(self) -> Proxy:
        return cast("Proxy", self.server)

    @property
    def network(self) -> Network:
        return self.proxy.network

    def _health(self) -> None:
        if self.network.schedule.lasts(catalogue.API_OUTAGE.name, time.time()):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"unavailable\n")
        else:
            self._answer(HTTPStatus.OK, b"ok\n")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str = _PLAIN) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Keep silent: a line for each scrape would fill the log within a day."""


class _Api(_Answering):
    """The API behind a connection that HTTPS came through."""

    timeout = _FORWARD_SECONDS

    def do_GET(self) -> None:
        if urlsplit(self.path).path == HEALTH_PATH:
            self._health()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"not found\n")


class _Handler(_Answering):
    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if port != str(http.client.HTTPS_PORT) or not _is_name(host):
            self._answer(HTTPStatus.BAD_GATEWAY, f"nothing answers at {self.path} by HTTPS\n".encode())
            return
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        self.close_connection = True
        self.connection.settimeout(_FORWARD_SECONDS)
        try:
            with self._served(host).wrap_socket(self.connection, server_side=True) as connection:
                _Api(connection, self.client_address, self.proxy)
        except OSError:
            # The client does not trust the certificate, or is gone.
            return

    def _served(self, host: str) -> ssl.SSLContext:
        (end,) = certificates.ends(self.network.schedule)(np.array([time.time()]))
        return self.proxy.authority.server(host, end)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if not url.netloc:
            self._itself(url.path)
        elif _is_name(url.hostname or ""):
            self._service(url)
        else:
            self._pod(url)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = urlsplit(self.path)
        receiver = self.proxy.receiver
        if receiver is None or not url.path.endswith(_REMOTE_WRITE):
            self._answer(HTTPStatus.BAD_GATEWAY, f"nothing is taken at {url.geturl()}\n".encode())
        elif self.network.schedule.lasts(STORE_AWAY.name, time.time()):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"unavailable\n")
        else:
            self._forward(receiver, url.netloc, long_term.WRITE_PATH, body)

    def _itself(self, path: str) -> None:
        if path == READY_PATH:
            self._answer(HTTPStatus.OK, b"ready\n")
        else:
            self._answer(
                HTTPStatus.NOT_FOUND, b"This is a forward proxy: ask it for http://ADDRESS:PORT/PATH\n"
            )

    def _service(self, url: SplitResult) -> None:
        if url.hostname not in API_HOSTS or url.path != HEALTH_PATH:
            self._answer(HTTPStatus.BAD_GATEWAY, f"nothing answers at {url.geturl()}\n".encode())
        else:
            self._health()

    def _pod(self, url: SplitResult) -> None:
        network = self.network
        address = f"{url.hostname}:{url.port or http.client.HTTP_PORT}"
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        failing = network.failure(address)
        if failing is Failure.REFUSES:
            self._answer(HTTPStatus.BAD_GATEWAY, f"{address} refuses connections\n".encode())
        elif failing is Failure.HANGS:
            self._hang()
        elif failing is Failure.FLOODS:
            self._answer(HTTPStatus.OK, _flood(), exposition.CONTENT_TYPE)
        elif process := network.process(address):
            self._forward(process, address, path)
        elif (series := network.series(address, path)) is not None:
            self._answer(HTTPStatus.OK, exposition.text(series), exposition.CONTENT_TYPE)
        else:
            self._answer(HTTPStatus.BAD_GATEWAY, f"nothing listens at {address}{path}\n".encode())

    def _hang(self) -> None:
        """Say nothing until the client gives up."""
        self.close_connection = True
        self.connection.settimeout(_HANG_SECONDS)
        try:
            self.rfile.read(1)
        except OSError:
            return

    def _forward(self, process: str, address: str, path: str, body: bytes | None = None) -> None:
        network = self.network
        disks = network.series(address, path) if network.node_exporter(address) else None
        headers = {
            name: value
            for name, value in self.headers.items()
            # A page that is changed here has to be readable.
            if name.lower() not in _OF_THE_CONNECTION and not (disks and name.lower() == "accept-encoding")
        }
        connection = http.client.HTTPConnection(process, timeout=_FORWARD_SECONDS)
        try:
            connection.request(self.command, path, body=body, headers=headers)
            answer = connection.getresponse()
            page = _without_disks(answer.read()) + exposition.text(disks) if disks else None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            why = f"{address} runs at {process}, which does not answer: {error}\n"
            self._answer(HTTPStatus.BAD_GATEWAY, why.encode())
            return
        with closing(connection):
            if page is None:
                self._stream(answer)
            else:
                self._answer(HTTPStatus(answer.status), page, exposition.CONTENT_TYPE)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_CONNECTION | {"date", "server"}:
                self.send_header(name, value)
        if answer.length is None:
            # The end of an answer without a length is the end of its connection.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        try:
            while chunk := answer.read(_CHUNK):
                self.wfile.write(chunk)
        except (OSError, http.client.HTTPException):
            # Half of an answer is sent: only the connection's end can tell.
            self.close_connection = True


@cache
def _flood() -> bytes:
    return exposition.flood()


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _without_disks(page: bytes) -> bytes:
    """A page of node-exporter without the disks' metrics that are simulated, their help and type included."""
    names = (exporters.NODE_FILESYSTEM_AVAILABLE.name, exporters.NODE_FILESYSTEM_SIZE.name)
    begins = tuple(
        start.encode() for name in names for start in (f"{name}{{", f"# HELP {name} ", f"# TYPE {name} ")
    )
    return b"".join(line for line in page.splitlines(keepends=True) if not line.startswith(begins))
