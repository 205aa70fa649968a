"""What is deployed is valid: against Kubernetes' schemas, promtool and amtool."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from local.toolchain import binary
from local.toolchain import version as version_of
from stacks import render, stack_file
from stacks.grafana_settings import TOKEN
from stacks.preflight_checks import KUBERNETES_VERSIONS
from stacks.recording import Registration
from stacks.render import placeholder
from tests.spec import SECTIONS
from tests.stacks.conftest import STACKS

#: The newest version that the stack is for.
KUBERNETES = KUBERNETES_VERSIONS[-1]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a stack's rendering, made once."""
    made: dict[str, Path] = {}

    def folder(stack: str) -> Path:
        if stack not in made:
            made[stack] = tmp_path_factory.mktemp(stack)
            render.render(stack, made[stack])
        return made[stack]

    return folder


def identity(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace')}/{metadata['name']}"


def manifests(folder: Path) -> list[Path]:
    return sorted((folder / "manifests").glob("*.yaml"))


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_every_manifest_passes_the_strict_schema_of_every_version(
    rendered: Callable[[str], Path], stack: str, version: str
) -> None:
    files = manifests(rendered(stack))
    assert len(files) > 40
    for file in files:
        kubernetes_validate.validate(yaml.safe_load(file.read_text()), version, strict=True)


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_an_unknown_field_fails_the_strict_schema(rendered: Callable[[str], Path], version: str) -> None:
    manifest = yaml.safe_load((rendered("dev") / "manifests" / "monitoring-service-grafana.yaml").read_text())
    manifest["spec"]["portz"] = manifest["spec"].pop("ports")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_each_version_is_judged_by_its_own_schema() -> None:
    """A field that Kubernetes got in 1.30, in a schema of before and in the oldest that is supported."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": {
            "containers": [{"name": "main", "image": "main"}],
            "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}},
        },
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.29", strict=True)
    kubernetes_validate.validate(pod, KUBERNETES_VERSIONS[0], strict=True)


def test_the_embedded_platform_runs_a_version_that_is_supported() -> None:
    assert version_of("kube-apiserver").rpartition(".")[0] in KUBERNETES_VERSIONS


def test_a_rendering_holds_every_object_that_main_registers(
    rendered: Callable[[str], Path], stack: str, resources: list[Registration]
) -> None:
    written = [yaml.safe_load(file.read_text()) for file in manifests(rendered(stack))]
    registered = [r.inputs for r in resources if r.is_kubernetes_object]
    assert sorted(map(identity, written)) == sorted(map(identity, registered))


def test_a_rendering_is_the_same_each_time_and_replaces_an_older_one(
    rendered: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "of-yesterday.yaml").write_text("{}")
    render.render("dev", tmp_path)
    first = {p.relative_to(rendered("dev")): p.read_text() for p in rendered("dev").rglob("*.*")}
    second = {p.relative_to(tmp_path): p.read_text() for p in tmp_path.rglob("*.*")}
    assert first == second


def test_rendered_secrets_are_marked_placeholders(rendered: Callable[[str], Path], stack: str) -> None:
    settings = stack_file.read_stack_file(stack_file.stack_file(stack))
    text = "".join(file.read_text() for file in manifests(rendered(stack)))
    written = {secret.key: placeholder(secret) in text for secret in settings.secrets_needed()}
    # The token is the provider's, which is no object of the cluster.
    assert [key for key, found in written.items() if not found] == ([] if stack in STACKS else [TOKEN])


def test_the_dashboards_are_written_whichever_way_they_are_delivered(
    rendered: Callable[[str], Path], stack: str
) -> None:
    names = {file.name for file in (rendered(stack) / "dashboards").iterdir()}
    assert names == {f"{section.uid}.json" for section in SECTIONS}


def test_promtool_accepts_the_configuration_and_the_rules(
    rendered: Callable[[str], Path], stack: str
) -> None:
    folder = rendered(stack)
    promtool = str(binary("promtool"))
    config = [promtool, "check", "config", "--syntax-only", str(folder / "prometheus.yml")]
    subprocess.run(config, check=True, capture_output=True)
    rules = [
        promtool,
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        *map(str, (folder / "rules").glob("*")),
    ]
    subprocess.run(rules, check=True, capture_output=True)


def test_promtool_refuses_a_misspelt_configuration(rendered: Callable[[str], Path], tmp_path: Path) -> None:
    broken = tmp_path / "prometheus.yml"
    broken.write_text(
        (rendered("dev") / "prometheus.yml").read_text().replace("honor_labels", "honour_labels")
    )
    run = subprocess.run(
        [str(binary("promtool")), "check", "config", "--syntax-only", str(broken)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert "honour_labels" in run.stderr


def test_amtool_accepts_the_configuration(
    rendered: Callable[[str], Path], stack: str, tmp_path: Path
) -> None:
    amtool = str(binary("amtool"))
    file = rendered(stack) / "alertmanager.yml"
    subprocess.run([amtool, "check-config", str(file)], check=True, capture_output=True)
    broken = tmp_path / "alertmanager.yml"
    broken.write_text(file.read_text().replace("receiver: slack", "receiver: misspelt"))
    assert subprocess.run([amtool, "check-config", str(broken)], check=False, capture_output=True).returncode
