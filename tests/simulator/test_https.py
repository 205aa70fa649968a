"""What is asked by HTTPS through the proxy: the API, and its certificate."""

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3
import yaml
from prometheus_client.parser import text_string_to_metric_families

from local.overlay import PROGRAMS, Surroundings, file
from local.processes import Ports, Process, end
from local.simulator.certificates import Authority
from local.simulator.rhythm import DAY
from local.toolchain import binary
from stacks.exporters.blackbox import MODULE, blackbox_config
from tests.simulator.conftest import Client

HOST = "api.example.com"
#: Days for which a certificate is good when it is issued at midnight.
DAYS = {"": 60, "certificate-expires-soon": 10, "certificate-expires": 2}


def connected(
    client: Client, host: str = HOST, port: int = 443, trusting: ssl.SSLContext | None = None
) -> http.client.HTTPSConnection:
    """A connection through the proxy to a host that has to prove who it is."""
    context = trusting or ssl.create_default_context(cafile=client.authority)
    proxy = client.connection
    connection = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=10, context=context)
    connection.set_tunnel(host, port)
    connection.connect()
    return connection


def ask(connection: http.client.HTTPSConnection, path: str = "/health") -> tuple[int, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def days_left(client: Client) -> float:
    """How long the certificate is good that a new connection is shown."""
    with closing(connected(client)) as connection:
        certificate = connection.sock.getpeercert()
    assert certificate
    return (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / DAY


@pytest.mark.parametrize("host", [HOST, "www.example.org"])
def test_whatever_is_asked_by_https_is_the_api_with_a_certificate_of_that_host(
    client: Client, host: str
) -> None:
    with closing(connected(client, host)) as connection:
        assert ask(connection) == (200, "ok\n")
        assert ask(connection, "/other")[0] == 404
        client.happens("api-outage")
        assert ask(connection) == (503, "unavailable\n")
        client.happens()
        assert ask(connection) == (200, "ok\n")


def test_nobody_trusts_it_who_was_not_told_to(client: Client) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(client, trusting=ssl.create_default_context())
    with closing(connected(client)) as connection:
        assert ask(connection)[0] == 200


@pytest.mark.parametrize(("host", "port"), [(HOST, 8443), ("10.244.1.2", 443)])
def test_nothing_else_answers_by_https(client: Client, host: str, port: int) -> None:
    with pytest.raises(OSError, match="502 Bad Gateway"):
        connected(client, host, port)


def test_the_certificate_that_is_served_changes_with_an_incident_and_back(client: Client) -> None:
    for incident in ("", "certificate-expires-soon", "certificate-expires", ""):
        client.happens(*filter(None, [incident]))
        assert DAYS[incident] - 1 < days_left(client) <= DAYS[incident]
    client.happens("certificate-expires", "certificate-expires-soon")
    assert days_left(client) <= DAYS["certificate-expires"]


@pytest.fixture
def blackbox(client: Client, tmp_path: Path) -> Iterator[str]:
    """The real exporter: its module as it runs here, and one called `deployed` as it is deployed."""
    proxy = client.connection
    here = Surroundings(
        folders={},
        kubeconfig=tmp_path,
        resolve=lambda _: None,
        proxy=f"http://{proxy.host}:{proxy.port}",
        authority=client.authority,
        receivers="",
    )
    name, deployed = "blackbox.yml", blackbox_config()["modules"][MODULE]
    config = yaml.safe_load(
        file(PROGRAMS["blackbox-exporter"], name, yaml.safe_dump(blackbox_config()).encode(), here)
    )
    config["modules"]["deployed"] = deployed
    (tmp_path / name).write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{Ports(tmp_path / 'ports.json').port('blackbox', in_use=False)}"
    process = Process(
        name="blackbox",
        command=(
            str(binary("blackbox-exporter")),
            f"--config.file={tmp_path / name}",
            f"--web.listen-address={address}",
        ),
        folder=tmp_path,
        log=tmp_path / "blackbox.log",
    )
    process.ensure()
    try:
        process.wait_until(lambda: "Listening on" in process.log.read_text(), 10)
        yield address
    finally:
        end(process.pid_file)


def probed(blackbox: str, target: str, module: str = MODULE) -> dict[str, float]:
    """What the exporter says of an address, by name; without labels."""
    query = urlencode({"module": module, "target": target})
    page = urllib3.request("GET", f"http://{blackbox}/probe?{query}", retries=False, timeout=10).data.decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if not sample.labels
    }


@pytest.mark.slow
def test_the_real_exporter_finds_the_api_well_and_its_certificate_good_and_asks_no_name_server(
    client: Client, blackbox: str
) -> None:
    # A name that no name server knows, by RFC 6761.
    target = "https://api.invalid/health"
    for incident in ("", "certificate-expires-soon", "certificate-expires", ""):
        client.happens(*filter(None, [incident]))
        found = probed(blackbox, target)
        assert (found["probe_success"], found["probe_http_status_code"]) == (1, 200)
        left = (found["probe_ssl_earliest_cert_expiry"] - time.time()) / DAY
        assert DAYS[incident] - 1 < left <= DAYS[incident]
        assert "probe_dns_lookup_time_seconds" not in found
    client.happens("api-outage")
    found = probed(blackbox, target)
    assert (found["probe_success"], found["probe_http_status_code"]) == (0, 503)
    # As deployed, it does resolve what it asks, be it an address.
    directly = f"http://{client.connection.host}:{client.connection.port}/-/ready"
    found = probed(blackbox, directly, "deployed")
    assert found["probe_success"] == 1
    assert "probe_dns_lookup_time_seconds" in found


@pytest.mark.slow
def test_the_real_exporter_trusts_nobody_else(client: Client, blackbox: str) -> None:
    assert probed(blackbox, "https://api.invalid/health")["probe_success"] == 1
    Authority().write(client.authority)
    assert probed(blackbox, "https://api.invalid/health")["probe_success"] == 0
