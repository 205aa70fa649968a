"""Differences as the lines of a diff."""

import difflib
import re
from collections.abc import Iterable, Iterator

import yaml

from review.structure import Difference

_WIDTH = 160
_AROUND = 20
_MOST = 800
_WORDS = re.compile(r"\w+|\W")


def lines_of(differences: Iterable[Difference]) -> list[str]:
    """Each difference by its path: `- path: old`, `+ path: new`, and long texts line by line."""
    return [line for one in differences for line in _lines(one)]


def _lines(one: Difference) -> Iterator[str]:
    old, new = _text(one.old), _text(one.new)
    path = " ".join(one.path.split())
    if all(len(text.splitlines()) <= 1 for text in (old, new)):
        shown = excerpt(old, new)
        if one.old is not None:
            yield f"- {_at(path, shown[0])}"
        if one.new is not None:
            yield f"+ {_at(path, shown[1])}"
        return
    if path:
        yield f"@@ {path} @@"
    compared = difflib.unified_diff(old.splitlines(), new.splitlines(), n=2, lineterm="")
    for number, line in enumerate(compared):
        if number > 1:  # The two names of files, which this has none of.
            yield line if len(line) <= _WIDTH else line[:_WIDTH] + " …"


def _at(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return yaml.safe_dump(value, sort_keys=False, width=_WIDTH).rstrip()
    return "true" if value is True else "false" if value is False else str(value)


def excerpt(old: str, new: str, width: int = _WIDTH) -> tuple[str, str]:
    """Both texts whole where they are short, else the words of each that differ with a little around them."""
    if max(len(old), len(new)) <= width:
        return old, new
    words = [_WORDS.findall(text) for text in (old, new)]
    kept: tuple[list[str], list[str]] = ([], [])
    for tag, i, i_end, j, j_end in difflib.SequenceMatcher(
        a=words[0], b=words[1], autojunk=False
    ).get_opcodes():
        for side, start, end in ((0, i, i_end), (1, j, j_end)):
            bit = "".join(words[side][start:end])
            kept[side].append(bit if tag != "equal" else _shortened(bit))
    return _within("".join(kept[0])), _within("".join(kept[1]))


def _shortened(text: str) -> str:
    """What is the same on both sides, without its middle."""
    return text if len(text) <= 2 * _AROUND + 3 else f"{text[:_AROUND]} … {text[-_AROUND:]}"


def _within(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]} … and {len(text) - _MOST} characters more"
