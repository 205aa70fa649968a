"""A stack that is destroyed leaves its volumes, and the next one goes on with them."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from local.engine import Engine
from local.toolchain import binary
from stacks.stack_file import ROOT, read_stack_file, stack_file
from tests.e2e.live import Live, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def destroy(live: Live) -> subprocess.CompletedProcess[str]:
    """Run the command that `make down` prints for a cluster of one's own."""
    kubeconfig = live.state / "cluster" / "kubeconfig"
    context = read_stack_file(stack_file("dev")).kubernetes.context
    engine = Engine(
        project=live.checkout.folder, stack="dev", state=live.state, context=context, kubeconfig=kubeconfig
    )
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubeconfig),
        "PATH": f"{binary('pulumi').parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(live.state / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "local.kubernetes_provider"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as provider:
        assert provider.stdout is not None
        environment["PULUMI_DEBUG_PROVIDERS"] = f"kubernetes:{int(provider.stdout.readline())}"
        try:
            return subprocess.run(
                ["env", *shlex.split(engine.destroy_command()), "--yes", "--non-interactive"],
                env=environment,
                check=False,
                capture_output=True,
                text=True,
                timeout=300,
            )
        finally:
            provider.terminate()
            provider.wait(timeout=10)


def held(live: Live) -> dict[str, str]:
    """The uid of each namespace of the stack and of each volume claim in it."""
    with live.checkout.api() as api:
        namespaces = [api.core.read_namespace(name) for name in ("monitoring", "monitoring-node")]
        claims = api.core.list_namespaced_persistent_volume_claim("monitoring").items
    return {one.metadata.name: one.metadata.uid for one in [*namespaces, *claims]}


def test_a_protected_stack_is_not_destroyed(live: Live) -> None:
    live.checkout.edit("Pulumi.dev.yaml", "protect: false", "protect: true")
    try:
        live.up()
        before = held(live)
        run = destroy(live)
        assert run.returncode != 0
        assert "protected" in run.stdout + run.stderr
        assert held(live) == before
        with live.checkout.api() as api:
            assert {one.metadata.name for one in api.apps.list_namespaced_stateful_set("monitoring").items}
    finally:
        live.checkout.restore()
        live.up()


def test_destroy_keeps_volumes_and_the_next_up_takes_them_back_with_what_is_in_them(live: Live) -> None:
    before = held(live)
    # Another test may have had replicas, whose claims stay.
    assert {"monitoring", "monitoring-node", "data-prometheus-0", "data-alertmanager-0", "grafana"} <= set(
        before
    )
    oldest = live.value("min(prometheus_tsdb_lowest_timestamp_seconds)")
    run = destroy(live)
    assert run.returncode == 0, run.stdout + run.stderr
    assert held(live) == before
    with live.checkout.api() as api:
        for found in (
            api.apps.list_namespaced_stateful_set("monitoring"),
            api.apps.list_namespaced_deployment("monitoring"),
            api.core.list_namespaced_secret("monitoring"),
            api.core.list_namespaced_service("monitoring"),
        ):
            assert found.items == []
    live.up()
    assert held(live) == before
    assert "Nothing changed." in live.up()
    until(
        lambda: live.value("min(prometheus_tsdb_lowest_timestamp_seconds)"), lambda found: found == oldest, 90
    )


def test_a_stack_whose_state_is_lost_comes_back_to_its_volumes_by_the_commands_of_the_page(
    live: Live,
) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (block,) = [one for one in re.findall(r"```sh [\w ]+\n(.*?)```", page, re.DOTALL) if "OURS=" in one]
    deleting = "\n".join(line for line in block.splitlines() if not line.startswith("pulumi"))
    before = held(live)
    shutil.rmtree(live.state / "state")
    # A new stack alone is refused what exists.
    refused = live.checkout.make("up")
    assert refused.returncode != 0
    assert "exists" in refused.stdout
    shutil.rmtree(live.state / "state", ignore_errors=True)
    environment = {
        **os.environ,
        "KUBECONFIG": str(live.state / "cluster" / "kubeconfig"),
        "PATH": f"{binary('kubectl').parent}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(["bash", "-euc", deleting], env=environment, check=True, capture_output=True, timeout=300)
    live.up()
    assert held(live) == before
    assert "Nothing changed." in live.up()


def test_a_replica_that_goes_and_comes_back_finds_its_volume(live: Live) -> None:
    def scale(replicas: int) -> None:
        live.checkout.restore()
        if replicas == 2:
            with (live.checkout.folder / "Pulumi.dev.yaml").open("a") as file:
                file.write(
                    "    grouping: {interval: 20s}\n  dubbing-monitoring:alertmanager: {replicas: 2}\n"
                )
        live.up()

    try:
        scale(2)
        claim = held(live)["data-alertmanager-1"]
        scale(1)
        assert held(live)["data-alertmanager-1"] == claim
        scale(2)
        assert held(live)["data-alertmanager-1"] == claim
    finally:
        live.checkout.restore()
        live.up()


def test_what_is_scaled_to_nothing_and_back_by_hand_is_as_it_was(live: Live) -> None:
    def scale(replicas: int) -> None:
        with live.checkout.api() as api:
            body = {"spec": {"replicas": replicas}}
            api.apps.patch_namespaced_stateful_set_scale("alertmanager", "monitoring", body)

    scale(0)
    until(lambda: [one.pod for one in live.runs()], lambda pods: "alertmanager-0" not in pods, 60)
    scale(1)
    assert "Nothing changed." in live.up()
    assert live.run("alertmanager-0").ready
