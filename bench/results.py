"""What every benchmark does with its ratios: writes them down, or judges them by what was written."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

from local.toolchain import version
from stacks.stack_file import ROOT

#: How far above the written ratio one may be.
TOLERANCE = 1.25
Ratios = Mapping[str, Mapping[str, float]]
"""By what was measured, then by the name of the figure; the lower the better."""

_MEMORY = Path("/proc/meminfo")


def machine() -> dict[str, object]:
    """Where and when, and of what, the figures are."""
    total = re.search(r"MemTotal:\s+(\d+)", _MEMORY.read_text())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(total[1]) / 1024**2, 1) if total else None,
        "architecture": platform.machine(),
        "prometheus": version("prometheus"),
    }


def commit() -> str:
    """What was measured."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def regressions(found: Ratios, written: Ratios) -> list[str]:
    """A line for each ratio that is more than the tolerance above the written one."""
    return [
        f"{subject}, {name}: {ratio}, and {written[subject][name]} when it was written down"
        for subject, ratios in found.items()
        for name, ratio in ratios.items()
        if ratio > written[subject][name] * TOLERANCE
    ]


def finish(file: Path, ratios: Ratios, figures: Mapping[str, object], *, check: bool) -> None:
    """Write the figures down; or with `check` only say which ratios got worse.

    Raises:
        typer.Exit: with status 1 where one did, with 0 where none did.
    """
    if check:
        lines = regressions(ratios, json.loads(file.read_text())["ratios"])
        print("\n".join(lines) or "No ratio is worse than it was.")
        raise typer.Exit(1 if lines else 0)
    document = {"machine": machine(), "commit": commit(), "ratios": ratios, **figures}
    file.write_text(json.dumps(document, indent=1) + "\n")
