"""The README says what is true."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from stacks import stack_file
from stacks.stack_file import ROOT

README = (ROOT / "README.md").read_text()


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every single setting under its key; entries of lists go by their names."""
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in cast("list[dict[str, Any]]", value):
            yield from leaves({k: v for k, v in item.items() if k != "name"}, f"{path}[{item['name']}]")
    else:
        yield path, value


def differences() -> list[str]:
    """A row of the README's table for each setting in which dev and prod differ."""
    dev, prod = (
        dict(
            leaves(
                stack_file.read_stack_file(stack_file.stack_file(s)).model_dump(mode="json", by_alias=True)
            )
        )
        for s in ("dev", "prod")
    )
    return [
        f"| `{key}` | {shown(dev.get(key))} | {shown(prod.get(key))} |"
        for key in dict.fromkeys([*dev, *prod])
        if dev.get(key) != prod.get(key)
    ]


def shown(value: object) -> str:
    """A value as the table writes it; none is a setting that is not set."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)


def test_the_environments_table_has_every_difference_and_nothing_else() -> None:
    section = README.split("## Environments")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == differences()


def test_every_folder_at_the_top_has_its_line() -> None:
    named = set(re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert named == packages | {"docs"}
