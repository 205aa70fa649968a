"""The forward proxy on loopback, over the sample inventory, and somebody who asks it."""

import http.client
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from local.simulator.incidents import Happening, Schedule
from local.simulator.server import Network, Proxy
from tests.simulator.sample import inventory


@contextmanager
def running(server: ThreadingHTTPServer) -> Generator[str]:
    """Serve in a thread; yield host and port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Client:
    """Asks the proxy, over one connection that is kept."""

    def __init__(self, proxy: str, folder: Path) -> None:
        self.inventory, self.incidents = folder / "inventory.json", folder / "incidents.json"
        self.authority = folder / "authority.pem"
        self.connection = http.client.HTTPConnection(proxy, timeout=10)

    def get(self, url: str, **headers: str) -> tuple[int, str]:
        self.connection.request("GET", url, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def post(self, url: str, body: bytes) -> tuple[int, str]:
        self.connection.request("POST", url, body=body, headers={"Content-Encoding": "snappy"})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def happens(self, *names: str) -> None:
        Schedule(happenings=tuple(Happening(name=name, begins=0) for name in names)).write(self.incidents)


@contextmanager
def asked(folder: Path, receiver: str | None = None) -> Generator[Client]:
    """The proxy over what the folder has, with a receiver of what is written to remote stores."""
    network = Network(folder / "inventory.json", folder / "incidents.json")
    proxy = Proxy(("127.0.0.1", 0), network, receiver)
    with running(proxy) as host:
        client = Client(host, folder)
        proxy.authority.write(client.authority)
        yield client
        client.connection.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    inventory().write(tmp_path / "inventory.json")
    with asked(tmp_path) as client:
        yield client
