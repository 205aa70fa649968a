"""What differs between two renderings of a stack, and the series that it takes to show it."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from dashboards.metrics.exporters import UP

Json = dict[str, Any]

# Whatever might be a name in a query; a few too many do no harm.
_NAME = re.compile(r"[A-Za-z_:][\w:]*")
# And whatever might be a time to look back.
_DURATION = re.compile(r"(\d+)([smhdwMy])(?![A-Za-z_])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
# A dashboard of six hours, of what looks back on six hours, stays within the day.
_FAR = 6 * 3600


@dataclass(frozen=True)
class Rendered:
    """A folder that `stacks.render` wrote."""

    folder: Path

    @cached_property
    def boards(self) -> dict[str, Json]:
        """Its dashboards by uid."""
        found = (json.loads(file.read_text()) for file in sorted(self.folder.glob("dashboards/*.json")))
        return {board["uid"]: board for board in found}

    @cached_property
    def groups(self) -> list[Json]:
        """Its groups of rules."""
        files = sorted(self.folder.glob("rules/*.yaml"))
        return [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]

    @cached_property
    def rules(self) -> list[Json]:
        """All rules of the groups."""
        return [rule for group in self.groups for rule in group["rules"]]

    @cached_property
    def objects(self) -> list[Json]:
        """Its manifests."""
        files = sorted(self.folder.glob("manifests/*.yaml"))
        return [yaml.safe_load(file.read_text()) for file in files]

    def recording(self, names: frozenset[str]) -> list[Json]:
        """Its groups with those rules alone that record one of the names."""
        kept = (
            {**one, "rules": [r for r in one["rules"] if r.get("record") in names]} for one in self.groups
        )
        return [group for group in kept if group["rules"]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Two renderings of a stack."""

    before: Rendered
    after: Rendered

    @cached_property
    def boards(self) -> tuple[str, ...]:
        """The uids of the dashboards that differ, appear or go."""
        old, new = self.before.boards, self.after.boards
        return tuple(uid for uid in sorted({*old, *new}) if old.get(uid) != new.get(uid))

    @cached_property
    def removed(self) -> list[Json]:
        """The rules that only the first has: what goes, and what changes as it was."""
        return [rule for rule in self.before.rules if rule not in self.after.rules]

    @cached_property
    def added(self) -> list[Json]:
        """The rules that only the second has."""
        return [rule for rule in self.after.rules if rule not in self.before.rules]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all that the dashboards and rules that differ are made from, or might be."""
        return self._made_from(_names([self._shown, self.removed, self.added]), self._recorded)

    @cached_property
    def shallow(self) -> frozenset[str]:
        """Of the names, those of which nothing reads further back than some hours."""
        reading = [*self._units, *self.removed, *self.added]
        far = [one for one in reading if any(map(_looks_far_back, _texts(one)))]
        reads = [rule["expr"] for rule in self._recorded if rule["record"] in self.names]
        far += [expr for expr in reads if _looks_far_back(expr)]
        return self.names - self._made_from(_names(far), self._recorded)

    @property
    def _shown(self) -> list[Json]:
        sides = (self.before, self.after)
        return [side.boards[uid] for side in sides for uid in self.boards if uid in side.boards]

    @property
    def _units(self) -> Iterator[Json]:
        """The panels, and whole dashboards that show more than some hours."""
        for board in self._shown:
            panels = board.get("panels", [])
            yield from panels
            rest = {key: value for key, value in board.items() if key not in {"panels", "description"}}
            yield board if any(map(_looks_far_back, _texts(rest))) else rest

    @property
    def _recorded(self) -> list[Json]:
        return [rule for side in (self.before, self.after) for rule in side.rules if "record" in rule]

    @staticmethod
    def _made_from(some: Iterable[str], rules: list[Json]) -> frozenset[str]:
        names = frozenset(some) | {UP.name}
        while True:
            more = names.union(_names([rule["expr"] for rule in rules if rule["record"] in names]))
            if more == names:
                return names
            names = more


def _looks_far_back(text: str) -> bool:
    return any(int(number) * _SECONDS[unit] > _FAR for number, unit in _DURATION.findall(text))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """All texts of a document but its keys."""
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)


def _names(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Whatever might be a name in them."""
    for text in _texts(value):
        yield from _NAME.findall(text)
