"""Two real Alertmanagers, run as two are deployed: people hear of an alert once, whichever is killed."""

import subprocess
import time
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stacks.alertmanager import CLUSTER_PORT, DATA_PATH, NAME, START_DELAY, alertmanager_workload
from stacks.alertmanager_config import CONFIG_PATH
from stacks.quantities import duration_seconds
from stacks.settings import PEER_TIMEOUT, Alertmanager
from stacks.stateful import replica_names
from tests.stacks.notified import (
    QUICK,
    Json,
    alertmanager,
    an_alert,
    free_address,
    http_receiver,
    running,
    send,
    write_configuration,
)

SETTINGS = {"criticalRequired": False, "slack": {}, "grouping": QUICK}
SLACK = "slackWebhookUrl-slack"
TWO = Alertmanager.model_validate({"replicas": 2})
#: How long the second waits for the first one's word before it sends by itself, with what it takes to send.
PATIENCE = duration_seconds(PEER_TIMEOUT) + 5
SILENT_AT_FIRST = duration_seconds(START_DELAY)


@dataclass(kw_only=True)
class Replica:
    """A process that stands for one of the pods."""

    web: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def started(self) -> Generator[None]:
        """It runs, and is ready."""
        with running(self.arguments, self.web, self.log) as self.process:
            yield

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def sent(self) -> float:
        """How many notifications it tried to send to Slack since it started."""
        with urllib.request.urlopen(f"http://{self.web}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        (line,) = (
            one for one in lines if one.startswith('alertmanager_notifications_total{integration="slack"')
        )
        return float(line.rpartition(" ")[2])


def two(folder: Path, url: str) -> list[Replica]:
    """Two replicas with the deployed arguments; only addresses and folders are those of this machine."""
    peers = {name: free_address() for name in replica_names(NAME, TWO.replicas, CLUSTER_PORT)}
    replicas: list[Replica] = []
    for number, own in enumerate(peers.values()):
        mine = folder / str(number)
        folders = write_configuration(mine, SETTINGS, url)
        here = {
            CONFIG_PATH: str(folders[CONFIG_PATH]),
            DATA_PATH: str(mine / "data"),
            f"[$(POD_IP)]:{CLUSTER_PORT}": own,
            **peers,
        }
        deployed = alertmanager_workload(TWO, "dubbing-test", checksum="").args
        web = free_address()
        arguments = [*(moved(str(text), here) for text in deployed), f"--web.listen-address={web}"]
        assert not here, f"no argument has {list(here)}"
        replicas.append(Replica(web=web, arguments=arguments, log=mine / "log"))
    return replicas


def moved(argument: str, here: dict[str, str]) -> str:
    """The argument with what it means on this machine; what was used of `here` is taken out of it."""
    flag, _, value = argument.partition("=")
    for there in list(here):
        if value == there or value.startswith(f"{there}/"):
            return f"{flag}={here.pop(there)}{value.removeprefix(there)}"
    return argument


def send_to_all(replicas: list[Replica], *alerts: Json) -> None:
    """Tell every replica, as Prometheus does."""
    for replica in replicas:
        send(f"http://{replica.web}", *alerts)


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_people_hear_once_of_an_alert_though_the_one_that_told_them_is_killed_and_comes_back(
    tmp_path: Path,
) -> None:
    with http_receiver() as (url, messages), ExitStack() as stack:
        replicas = two(tmp_path, url)
        for replica in replicas:
            stack.enter_context(replica.started())
        first = an_alert("First", "warning")
        send_to_all(replicas, first)
        messages.wait(SLACK, 1, seconds=SILENT_AT_FIRST + PATIENCE)
        time.sleep(PATIENCE)
        assert [said["attachments"][0]["title"] for said in messages.of(SLACK)] == ["WARNING: First in dev"]

        (teller,) = (replica for replica in replicas if replica.sent())
        (other,) = (replica for replica in replicas if replica is not teller)
        teller.kill()
        second = an_alert("Second", "warning")
        send_to_all([other], first, second)
        messages.wait(SLACK, 2, seconds=2 * PATIENCE)
        time.sleep(PATIENCE)
        assert messages.of(SLACK)[1]["attachments"][0]["title"] == "WARNING: Second in dev"
        assert len(messages.of(SLACK)) == 2

        stack.enter_context(teller.started())
        send_to_all(replicas, first, second)
        time.sleep(SILENT_AT_FIRST + PATIENCE)
        assert len(messages.of(SLACK)) == 2, "one that comes back has heard what was told"


def test_two_that_do_not_gossip_would_both_tell(tmp_path: Path) -> None:
    with (
        http_receiver() as (url, messages),
        alertmanager(tmp_path / "a", SETTINGS, url) as one,
        alertmanager(tmp_path / "b", SETTINGS, url) as another,
    ):
        for address in (one, another):
            send(address, an_alert("First", "warning"))
        messages.wait(SLACK, 2)
