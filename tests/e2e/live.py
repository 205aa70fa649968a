"""Questions to a running platform, and hands on it."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from local.agent.runs import Run, Runs
from local.processes import alive, end
from local.simulator.incidents import Happening, Schedule
from tests.e2e.checkout import Checkout

Json = dict[str, Any]
T = TypeVar("T")

FIGURES: list[str] = []
"""What the tests measured, shown when all have run."""


def measured(text: str) -> None:
    """Keep a figure to be shown at the end."""
    FIGURES.append(text)


@dataclass(frozen=True)
class Live:
    """A platform that is up."""

    checkout: Checkout

    @property
    def state(self) -> Path:
        """Where it keeps everything."""
        return self.checkout.state

    def url(self, name: str) -> str:
        """An address that `make up` wrote down."""
        return self.checkout.endpoints[name]

    def runs(self) -> tuple[Run, ...]:
        """What the agent runs."""
        return Runs.read(self.state / "pods.json").runs

    def run(self, pod: str) -> Run:
        """What the agent runs of one Pod."""
        (found,) = [run for run in self.runs() if run.pod == pod]
        return found

    def pid_file(self, pod: str) -> Path:
        """The file that names the process of a Pod."""
        return self.state / "pods" / f"{self.run(pod).namespace}_{pod}.pid"

    def pid(self, pod: str) -> int:
        """The process of a Pod."""
        return json.loads(self.pid_file(pod).read_text())["pid"]

    def kill(self, pod: str, kind: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the process of a Pod."""
        os.kill(self.pid(pod), kind)

    def alive(self, pod: str) -> bool:
        """Whether the process of a Pod runs."""
        return alive(self.pid_file(pod))

    def get(self, path: str, server: str = "prometheus", **arguments: str) -> Any:  # noqa: ANN401 - any JSON
        """Ask one of the servers."""
        reply = urllib3.request(
            "GET", f"{self.url(server)}{path}", fields=arguments or None, retries=False, timeout=60
        )
        assert reply.status < 400, reply.data
        return reply.json()

    def query(self, expression: str, **arguments: str) -> list[Json]:
        """Evaluate an expression now, or at `time`."""
        return self.get("/api/v1/query", query=expression, **arguments)["data"]["result"]

    def value(self, expression: str, **arguments: str) -> float | None:
        """The one value of an expression, or none."""
        found = self.query(expression, **arguments)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def targets(self) -> list[Json]:
        """The targets that Prometheus scrapes."""
        return self.get("/api/v1/targets", state="active")["data"]["activeTargets"]

    def alerts(self, state: str = "firing") -> set[tuple[str, str]]:
        """Name and severity of every alert in a state, but for the one that always fires."""
        return {
            (one["labels"]["alertname"], one["labels"]["severity"])
            for one in self.get("/api/v1/alerts")["data"]["alerts"]
            if one["state"] == state and one["labels"]["alertname"] != "Watchdog"
        }

    def messages(self) -> list[Json]:
        """What the receivers got, the oldest first; without the signs of life."""
        found: list[Json] = self.get("/messages.json", "dashboards")
        return sorted(found, key=lambda one: one["received"])

    def incident(self, *names: str) -> None:
        """Let things go wrong."""
        for name in names:
            self.checkout.succeed("incident", f"NAME={name}")

    def recover(self) -> None:
        """End all that goes wrong."""
        self.checkout.succeed("recover")

    def up(self, time_scale: int = 1) -> str:
        """Bring the platform up to date with its files."""
        return self.checkout.succeed("up", f"TIME_SCALE={time_scale}")

    def travel(self, happenings: Sequence[Happening], time_scale: int) -> None:
        """Fill the past again, with these things in it, as a first start in such a world would find it.

        Prometheus is off meanwhile, so that nothing fires of what has no past yet.
        """
        prometheus = self.run("prometheus-0")
        end(self.state / "agent.pid")
        end(self.pid_file("prometheus-0"))
        Schedule(happenings=tuple(happenings)).write(self.state / "incidents.json")
        (Path(prometheus.folders["/prometheus"]) / "history.json").unlink(missing_ok=True)
        self.up(time_scale)


def until(
    question: Callable[[], T], wanted: Callable[[T], bool], seconds: float, pause: float = 0.5
) -> tuple[T, float]:
    """Ask until the answer is as wanted; return it and how long it took.

    Raises:
        AssertionError: It never was, in that time; the last answer is told.
    """
    began = time.monotonic()
    while not wanted(answer := question()):
        assert time.monotonic() - began < seconds, answer
        time.sleep(pause)
    return answer, time.monotonic() - began


def title_of(message: Json) -> tuple[str, str]:
    """The alert and the word before it in a message's title."""
    found = re.match(r"(\w+): (\w+)", message["title"])
    assert found, message
    return found[2], found[1].lower()


def of(messages: Iterable[Json], alert: str, word: str) -> list[Json]:
    """The messages of an alert with a title that begins with this word."""
    return [one for one in messages if title_of(one) == (alert, word)]
