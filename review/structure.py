"""What differs between two documents, by path: items of lists are found again by what names them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import cast

_NAMES = ("name", "alert", "record", "title", "refId", "uid", "job_name", "key", "url")
"""What names an item of a list, the best first."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that differs; None is one that is not there."""

    path: str
    old: object
    new: object


def compare(old: object, new: object, path: str = "") -> list[Difference]:
    """Return what differs, in the order of the paths; a value that appears or goes is told as a whole."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before, after = cast("Mapping[str, object]", old), cast("Mapping[str, object]", new)
        return [
            one
            for key in sorted({*before, *after}, key=str)
            for one in compare(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
        ]
    if isinstance(old, list) and isinstance(new, list):
        return _lists(cast("list[object]", old), cast("list[object]", new), path)
    # In Python True is 1, which no document means.
    same = old == new and isinstance(old, bool) == isinstance(new, bool)
    return [] if same else [Difference(path=path, old=old, new=new)]


def _lists(old: list[object], new: list[object], path: str) -> list[Difference]:
    before, after = _named(old, new)
    if before is not None and after is not None:
        order = [name for name in before if name in after], [name for name in after if name in before]
        found = [
            one
            for name in {**before, **after}
            for one in compare(before.get(name), after.get(name), f"{path}[{name}]")
        ]
        moved = [Difference(path=f"{path} (order)", old=order[0], new=order[1])]
        return [*found, *moved] if order[0] != order[1] else found
    return _sequences(old, new, path)


def _named(
    old: list[object], new: list[object]
) -> tuple[Mapping[str, object] | None, Mapping[str, object] | None]:
    """Both lists by what names their items, where something does."""
    for name in _NAMES:
        lists: list[dict[str, object]] = []
        for items in (old, new):
            named: dict[str, object] = {
                str(cast("Mapping[str, object]", one)[name]): one
                for one in items
                if isinstance(one, Mapping) and name in one
            }
            if len(named) == len(items):
                lists.append(named)
        if len(lists) == len((old, new)) and (old or new):
            return lists[0], lists[1]
    return None, None


def _sequences(old: list[object], new: list[object], path: str) -> list[Difference]:
    texts = [[json.dumps(one, sort_keys=True, default=str) for one in items] for items in (old, new)]
    found: list[Difference] = []
    for tag, i, i_end, j, j_end in SequenceMatcher(a=texts[0], b=texts[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pairs = min(i_end - i, j_end - j)
        for at in range(pairs):
            found += compare(old[i + at], new[j + at], f"{path}[{j + at}]")
        found += [Difference(path=f"{path}[{at}]", old=old[at], new=None) for at in range(i + pairs, i_end)]
        found += [Difference(path=f"{path}[{at}]", old=None, new=new[at]) for at in range(j + pairs, j_end)]
    return found
