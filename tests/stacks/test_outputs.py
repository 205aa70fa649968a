"""What the program exports is what other programs are told that it exports."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints, is_typeddict

import pulumi
import pytest

from stacks import monitoring, stack_file
from stacks.outputs import Outputs
from stacks.stack_file import ROOT
from tests.stacks.conftest import run_main, write_kubeconfig

pytestmark = pytest.mark.usefixtures("dev_cluster")

_, SECTION = (ROOT / "docs" / "operations.md").read_text().split("## Using what the stack exports")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
#: Runs a program that refers to a stack with these outputs, and prints what it exports.
RUN = """
import json, sys
import pulumi
from pulumi.runtime import mocks

class Stacks(mocks.Mocks):
    def new_resource(self, args):
        assert args.typ == "pulumi:pulumi:StackReference", args.typ
        assert args.name == "ORGANIZATION/dubbing-monitoring/prod", args.name
        return args.name, {**args.inputs, "outputs": json.loads(sys.argv[1])}

    def call(self, args):
        raise ValueError(args.token)

def program():
    pulumi.export = lambda name, value: value.apply(lambda text: print(name, text))
    import program

mocks.set_mocks(Stacks())
mocks.test(program)()
"""


def mismatches(value: object, kind: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any type
    """Where a value is not of a type made of TypedDicts, dictionaries of texts, and texts."""
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        optional: frozenset[str] = kind.__optional_keys__
        items = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        for key in hints.keys() - optional | items.keys():
            if key not in items or key not in hints:
                yield f"{path}.{key}"
            else:
                yield from mismatches(items[key], hints[key], f"{path}.{key}")
    elif get_args(kind) == (str, str):
        entries = cast("dict[object, object]", value) if isinstance(value, dict) else {None: None}
        yield from (
            f"{path}[{key}]"
            for key, item in entries.items()
            if not (isinstance(key, str) and isinstance(item, str))
        )
    elif not isinstance(value, kind):
        yield path


def exports(stack: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the program exports for a stack."""
    found: dict[str, object] = {}

    def export(name: str, value: object) -> None:
        pulumi.Output.from_input(value).apply(lambda known: found.__setitem__(name, known))

    monkeypatch.setattr(pulumi, "export", export)
    run_main(stack)
    return found


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the program exports for dev."""
    return exports("dev", monkeypatch)


def test_the_exported_names_and_types_are_the_declared_ones(exported: dict[str, object]) -> None:
    assert sorted(mismatches(exported, Outputs)) == []
    assert exported.keys() == Outputs.__required_keys__ | {"grafanaPassword"}


def test_what_is_in_aws_is_exported_where_a_stack_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str
) -> None:
    write_kubeconfig(tmp_path / "config", {"dubbing-prod": server})
    found = exports("prod", monkeypatch)
    assert sorted(mismatches(found, Outputs)) == []
    assert found.keys() == Outputs.__required_keys__ | Outputs.__optional_keys__
    assert str(found["workspaceUrl"]).endswith(f"/workspaces/{found['workspaceId']}")
    topic = "arn:aws:sns:eu-central-1:123456789012:dubbing-prod_monitoring_eu-central-1_critical"
    assert found["alertTopicArn"] == topic


def test_without_a_grafana_of_its_own_a_stack_says_only_where_the_other_one_is() -> None:
    outputs = monitoring.outputs(stack_file.read_stack_file(stack_file.stack_file("managed")))
    assert sorted(mismatches(outputs, Outputs)) == []
    assert outputs["portForward"].keys() == {"prometheus", "alertmanager"}
    assert "grafanaPassword" not in outputs
    assert outputs["grafanaUrl"].startswith("https://g-")


def test_one_too_many_one_too_few_and_another_type_would_be_seen(exported: dict[str, object]) -> None:
    wrong: dict[str, object] = {
        **exported,
        "extra": "",
        "portForward": {"grafana": 1},
        "dashboardUids": {"a": 1},
    }
    del wrong["namespace"]
    assert sorted(mismatches(wrong, Outputs)) == [
        ".dashboardUids[a]",
        ".extra",
        ".namespace",
        ".portForward.alertmanager",
        ".portForward.grafana",
        ".portForward.prometheus",
    ]


def test_the_documented_program_uses_them_with_a_copy_of_the_module(
    exported: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(EXAMPLE)
    shutil.copy(ROOT / "stacks" / "outputs.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(exported)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["dashboard http://localhost:3000/d/system-health"], done.stderr
