"""What differs between two renderings of a stack, and the series that it takes to show it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from dashboards.metrics.exporters import UP

Json = dict[str, Any]

# Whatever might be a name in a query; a few too many do no harm.
_NAME = re.compile(r"[A-Za-z_:][\w:]*")


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
        sides = (self.before, self.after)
        shown = [side.boards[uid] for side in sides for uid in self.boards if uid in side.boards]
        names = frozenset(_names([shown, self.removed, self.added]))
        rules = [rule for side in sides for rule in side.rules if "record" in rule]
        while True:
            more = names.union(_names([rule["expr"] for rule in rules if rule["record"] in names]))
            if more == names:
                return names | {UP.name}
            names = more


def _names(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Whatever might be a name in the texts of a document."""
    if isinstance(value, str):
        yield from _NAME.findall(value)
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(one)
