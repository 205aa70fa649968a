"""Two renderings of dev, of which the second is edited."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from local.change.rendered import Change, Rendered
from stacks import render

BOARD = "job-processing"


def twice(folder: Path) -> tuple[Path, Path]:
    """Render dev two times."""
    before, after = folder / "rendered-before", folder / "rendered-after"
    for out in (before, after):
        render.render("dev", out)
    return before, after


def edit_board(rendering: Path, uid: str, edit: Callable[[Any], object]) -> None:
    """Change a dashboard of a rendering."""
    file = rendering / "dashboards" / f"{uid}.json"
    board = json.loads(file.read_text())
    edit(board)
    file.write_text(json.dumps(board))


def add_rules(rendering: Path, *rules: dict[str, str]) -> None:
    """Add a group of rules to a rendering."""
    group = {"name": "added", "interval": "30s", "rules": list(rules)}
    (rendering / "rules" / "added.yaml").write_text(yaml.safe_dump({"groups": [group]}))


def change(before: Path, after: Path) -> Change:
    """What differs between them."""
    return Change(before=Rendered(before), after=Rendered(after))
