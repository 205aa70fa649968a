"""Makes this folder's test data from the packages that Grafana publishes; needs node and npm.

`python -m tests.dashboards.grafana_types` writes `types.json` (JSON Schemas of the classic dashboard and of
each panel type's options and field options, unknown fields refused) and `units.json` (the ids of all units).
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from stacks.images import IMAGES

HERE = Path(__file__).parent
GENERATOR = "ts-json-schema-generator@2.9.0"
RAW = "node_modules/@grafana/schema/dist/types/raw"

DASHBOARD = "dashboard"
PANELS = {
    "stat": ("Options",),
    "bargauge": ("Options",),
    "timeseries": ("Options", "FieldConfig"),
    "piechart": ("Options", "FieldConfig"),
    "table": ("Options",),
    "heatmap": ("Options", "FieldConfig"),
}
"""Panel types that the dashboards use, with the types that Grafana publishes for each."""


def main() -> None:
    """Write the files."""
    version = IMAGES["grafana"].tag.removeprefix("v")
    with tempfile.TemporaryDirectory() as folder:
        packages = [f"@grafana/schema@{version}", f"@grafana/data@{version}", GENERATOR]
        _run(["npm", "init", "--yes"], folder)
        _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", *packages], folder)
        schemas = {DASHBOARD: _schema(folder, f"{RAW}/dashboard/x/types.gen.d.ts", "Dashboard")}
        for panel, types in PANELS.items():
            for name in types:
                path = f"{RAW}/composable/{panel}/panelcfg/x/types.gen.d.ts"
                schemas[f"{panel} {name}"] = _schema(folder, path, name)
        categories = Path(folder, "node_modules/@grafana/data/dist/esm/valueFormats/categories.mjs")
        units = re.findall(r'\bid: "([^"]+)"', categories.read_text(encoding="utf-8"))
    _write("types.json", {"@grafana/schema": version, "schemas": schemas})
    _write("units.json", {"@grafana/data": version, "units": sorted(set(units))})


def _run(command: list[str], folder: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _schema(folder: str, path: str, name: str) -> dict[str, Any]:
    text = _run(
        ["npx", "ts-json-schema-generator", "--path", path, "--type", name, "--no-type-check"], folder
    )
    return _without_texts(json.loads(text))


def _without_texts(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {
            key: _without_texts(child)
            for key, child in value.items()
            if not (key in {"description", "deprecated", "default"} and not isinstance(child, dict))
        }
    return [_without_texts(child) for child in value] if isinstance(value, list) else value


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
