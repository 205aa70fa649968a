"""What a plan means for the monitoring: alerts, recorded series, dashboards, images, restarts."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import yaml

from review.plan import Inputs, Plan, Step
from review.structure import Difference, compare

Document = Mapping[str, object]

#: Where the panels lie and how they are counted says nothing about what they show.
_LAYOUT = ("gridPos", "id")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that appears, goes, or differs.

    Attributes:
        name: The alert's name, or the recorded series'.
        severity: The alert's; empty for a recorded series.
        old: The rule before; None where it is new.
        new: The rule after; None where it goes.
    """

    name: str
    severity: str
    old: Document | None
    new: Document | None

    @property
    def differences(self) -> list[Difference]:
        """What differs within it."""
        return compare(self.old or {}, self.new or {})


@dataclass(frozen=True, kw_only=True)
class Board:
    """A dashboard that appears, goes, or differs.

    Attributes:
        title: Its title.
        change: `added`, `removed` or `changed`.
        panels: The panels that do, each with how.
    """

    title: str
    change: str
    panels: tuple[tuple[str, str], ...]


def files(inputs: Inputs) -> Mapping[str, str]:
    """The files of a ConfigMap; none of anything else."""
    data = inputs.get("data")
    if inputs.get("kind") != "ConfigMap" or not isinstance(data, Mapping):
        return {}
    return {str(name): str(text) for name, text in cast("Document", data).items()}


def document(name: str, text: str) -> object:
    """What a file says; the text itself where it is neither JSON nor YAML."""
    if name.endswith(".json"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if name.endswith((".yaml", ".yml")):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    return text


def alerts(plan: Plan) -> list[Rule]:
    """The alerts that appear, go or differ, wherever they are declared."""
    return _rules(plan, "alert")


def recordings(plan: Plan) -> list[Rule]:
    """The same of recorded series."""
    return _rules(plan, "record")


def _rules(plan: Plan, kind: str) -> list[Rule]:
    old, new = (
        _by_name(rule for step in plan.steps for rule in _rules_of(side(step), kind)) for side in (_old, _new)
    )
    return [
        Rule(name=key[0], severity=key[1], old=before, new=after)
        for key in sorted({*old, *new})
        for before, after in _pairs(old.get(key, []), new.get(key, []))
    ]


def _by_name(rules: Iterable[Document]) -> dict[tuple[str, str], list[Document]]:
    found: dict[tuple[str, str], list[Document]] = {}
    for rule in rules:
        severity = str(cast("Document", rule.get("labels") or {}).get("severity", ""))
        found.setdefault((str(rule.get("alert", rule.get("record"))), severity), []).append(rule)
    return found


def _pairs(
    before: list[Document], after: list[Document]
) -> Iterator[tuple[Document | None, Document | None]]:
    """What differs among rules that share a name: those with the same labels are the same rule."""
    old = [one for one in before if one not in after]
    new = [one for one in after if one not in before]
    for one in old.copy():
        twin = next((other for other in new if other.get("labels") == one.get("labels")), None)
        if twin is not None:
            old.remove(one)
            new.remove(twin)
            yield one, twin
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    yield from ((one, None) for one in old)
    yield from ((None, one) for one in new)


def _old(step: Step) -> Inputs:
    return step.old


def _new(step: Step) -> Inputs:
    return step.new if step.operation != "delete" else {}


def _rules_of(inputs: Inputs, kind: str) -> Iterator[Document]:
    for name, text in files(inputs).items():
        groups = _get(document(name, text), "groups")
        for group in _items(groups):
            for rule in _items(_get(group, "rules")):
                if _get(rule, kind) is not None:
                    yield cast("Document", rule)


def boards(plan: Plan) -> list[Board]:
    """The dashboards that appear, go or differ in more than their layout."""
    old, new = (
        {uid: board for step in plan.steps for uid, board in _boards(side(step))} for side in (_old, _new)
    )
    found: list[Board] = []
    for uid in sorted({*old, *new}):
        before, after = old.get(uid), new.get(uid)
        if before == after:
            continue
        title = str(_get(after or before, "title"))
        change = "removed" if after is None else "added" if before is None else "changed"
        panels = _panel_changes(before, after) if before and after else []
        found.append(Board(title=title, change=change, panels=tuple(panels)))
    return found


def _boards(inputs: Inputs) -> Iterator[tuple[str, Document]]:
    for name, text in files(inputs).items():
        board = document(name, text) if name.endswith(".json") else None
        if _get(board, "uid") is not None and isinstance(_get(board, "panels"), list):
            yield str(_get(board, "uid")), cast("Document", board)


def _panel_changes(old: Document, new: Document) -> list[tuple[str, str]]:
    before, after = panels(old), panels(new)
    changes: list[tuple[str, str]] = []
    for title in {**before, **after}:
        was, now = before.get(title), after.get(title)
        if was is None or now is None:
            changes.append((title, "added" if was is None else "removed"))
        elif differing := compare(was, now):
            layout = all(one.path.split(".")[0] in _LAYOUT for one in differing)
            changes.append((title, "moved" if layout else "changed"))
    return changes


def panels(board: Document) -> dict[str, Document]:
    """The panels by title, those within rows too; a title that stands twice is counted."""
    seen: Counter[str] = Counter()
    found: dict[str, Document] = {}
    waiting = _items(board.get("panels"))
    while waiting:
        panel = cast("Document", waiting.pop(0))
        waiting = _items(panel.get("panels")) + waiting
        title = str(panel.get("title", ""))
        seen[title] += 1
        own = {key: value for key, value in panel.items() if key != "panels"}
        found[title if seen[title] == 1 else f"{title} ({seen[title]})"] = own
    return found


def by_panel(board: object) -> object:
    """A dashboard with its panels by title, so that one that is put in between moves no other."""
    if isinstance(board, Mapping) and isinstance(board.get("panels"), list) and "uid" in board:
        whole = cast("Document", board)
        shown = {
            title: {key: value for key, value in panel.items() if key not in _LAYOUT}
            for title, panel in panels(whole).items()
        }
        return {**whole, "panels": shown}
    return cast("object", board)


def images(plan: Plan) -> list[tuple[str, str, str]]:
    """The images that change: whose, before, after."""
    found: list[tuple[str, str, str]] = []
    for step in plan.of("update") + plan.of("replace"):
        old, new = _images(step.old), _images(step.new)
        found += [
            (f"{step.name}/{name}", old.get(name, "none"), new.get(name, "none"))
            for name in {**old, **new}
            if old.get(name) != new.get(name)
        ]
    return found


def _images(inputs: Inputs) -> dict[str, str]:
    pod = _get(_get(_get(inputs, "spec"), "template"), "spec")
    containers = [one for key in ("initContainers", "containers") for one in _items(_get(pod, key))]
    return {str(_get(one, "name")): str(_get(one, "image")) for one in containers}


def restarts(plan: Plan) -> list[Step]:
    """The workloads whose pods are replaced, since their template differs."""
    return [
        step
        for step in plan.of("update")
        if step.kind in _WORKLOADS
        and any(one.path.startswith("spec.template.") for one in compare(step.old, step.new))
    ]


def moved(plan: Plan) -> list[tuple[str, str, str]]:
    """The ConfigMaps that Pods find in another volume than before, as a dashboard's that is retired."""
    found: list[tuple[str, str, str]] = []
    for step in plan.of("update"):
        old, new = dict(_projected(step.old)), dict(_projected(step.new))
        found += [(name, old[name], new[name]) for name in sorted({*old} & {*new}) if old[name] != new[name]]
    return found


def _projected(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """Each ConfigMap of a workload's projected volumes, with the volume's name."""
    pod = _get(_get(_get(inputs, "spec"), "template"), "spec")
    for volume in _items(_get(pod, "volumes")):
        for source in _items(_get(_get(volume, "projected"), "sources")):
            config_map = _get(_get(source, "configMap"), "name")
            if config_map is not None:
                yield str(config_map), str(_get(volume, "name"))


def _get(value: object, key: str) -> object:
    return cast("Document", value).get(key) if isinstance(value, Mapping) else None


def _items(value: object) -> list[object]:
    return list(cast("list[object]", value)) if isinstance(value, list) else []
