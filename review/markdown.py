"""Text of others as Markdown that can mean nothing but itself: no link, no mention, no HTML."""

import re
from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """One line of code, whatever the text has in it; for a table's cell, too."""
    line = " ".join(text.split()).replace("|", "\\|")
    ticks = "`" * (_longest(line) + 1)
    return f"{ticks} {line} {ticks}" if "`" in line else f"{ticks}{line or ' '}{ticks}"


def block(lines: Iterable[str], language: str = "diff") -> str:
    """A block of code that no line of it can end."""
    text = "\n".join(lines)
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def details(summary: str, body: str) -> str:
    """What stays closed until somebody opens it; the summary is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def html(text: str) -> str:
    """A text in HTML, as code."""
    line = " ".join(text.split())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "&#96;")):
        line = line.replace(character, entity)
    return f"<code>{line}</code>"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
