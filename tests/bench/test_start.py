"""What the benchmark of the program's start compares with."""

import subprocess
import sys

from bench.start import sdk_program
from stacks.render import registrations

OWN = ("stacks", "dashboards", "pydantic")
LOADED = f"import sys; print([one for one in sys.modules if one.split('.')[0] in {OWN}])"


def test_the_floor_of_prod_imports_the_classes_that_it_registers_and_nothing_of_this_project() -> None:
    types = {one.type for one in registrations("prod")}
    program = sdk_program(types)
    assert "pulumi_kubernetes.apps.v1.StatefulSet" in program
    assert "pulumi_kubernetes.rbac.v1.ClusterRole" in program
    assert "pulumi_aws.amp.Workspace" in program
    assert "pulumiverse_grafana" not in program
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{LOADED}"], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
