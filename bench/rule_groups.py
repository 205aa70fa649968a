"""How much of its interval each group of the deployed rules takes."""

import statistics
import time
from dataclasses import dataclass

import yaml

from bench.grafana_requests import moment_of, seconds
from bench.server import Server
from dashboards.parameters import Parameters
from dashboards.render import rules

#: A group is first evaluated within its interval, at a moment that its name decides.
_WAITED = 330
_LONGEST_INTERVAL = 300
_POLL_SECONDS = 5
_ASKED = 3


@dataclass(frozen=True, kw_only=True)
class Group:
    """A rule group.

    Attributes:
        interval: Seconds between two evaluations.
        evaluations: Seconds that each one took.
        asked: Whether its expressions were asked instead, for its interval is too long to wait for.
        rules: How many rules it has.
    """

    interval: int
    evaluations: list[float]
    asked: bool
    rules: int

    @property
    def share(self) -> float:
        """The share of its interval that an evaluation takes, at the median."""
        return statistics.median(self.evaluations) / self.interval


def measured_groups(one: Server, parameters: Parameters) -> dict[str, Group]:
    """Load the deployed rules, and wait until each group was evaluated; ask those of an hour instead.

    Raises:
        TimeoutError: A group was not evaluated within its interval.
    """
    files = rules(parameters)
    declared = {group["name"]: group for text in files.values() for group in yaml.safe_load(text)["groups"]}
    one.load_rules(files)
    began = time.time()
    seen = dict[tuple[str, str], float]()
    while time.time() - began < _WAITED:
        time.sleep(_POLL_SECONDS)
        for group in one.get("rules")["groups"]:
            if not group["lastEvaluation"].startswith("0001-"):
                seen[group["name"], group["lastEvaluation"]] = group["evaluationTime"]
    found = dict[str, Group]()
    for name, group in declared.items():
        interval = seconds(group["interval"])
        took = [passed for (whose, _), passed in seen.items() if whose == name]
        if asked := interval > _LONGEST_INTERVAL:
            now = int(time.time())
            took = [
                sum(one.ask(moment_of(rule["expr"]), now).seconds for rule in group["rules"])
                for _ in range(_ASKED)
            ]
        if not took:
            raise TimeoutError(f"the group {name} was not evaluated within {_WAITED} s")
        found[name] = Group(interval=interval, evaluations=took, asked=asked, rules=len(group["rules"]))
    return found
