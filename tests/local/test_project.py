"""The project copy: committed settings and, on top, this machine's own secrets."""

from pathlib import Path

import pytest
import yaml

from local.errors import PlatformError
from local.project import ProjectCopy, merge, relocate

SECRET = {"secure": "v1:abc"}


def test_committed_settings_win_and_the_copy_keeps_its_secrets() -> None:
    committed = {"config": {"p:volume": "20Gi"}}
    copy = {"encryptionsalt": "v1:salt", "config": {"p:volume": "1Gi", "p:gone": "x", "p:password": SECRET}}
    assert merge(committed, copy, "p", None) == {
        "encryptionsalt": "v1:salt",
        "config": {"p:volume": "20Gi", "p:password": SECRET},
    }


def test_a_context_of_the_users_own_replaces_only_the_context() -> None:
    committed = {"config": {"p:kubernetes": {"context": "dev", "storageClass": "gp3"}}}
    merged = merge(committed, {}, "p", "mine")
    assert merged["config"]["p:kubernetes"] == {"context": "mine", "storageClass": "gp3"}
    assert committed["config"]["p:kubernetes"]["context"] == "dev"


def test_the_copied_project_finds_its_program_and_packages() -> None:
    project = {"name": "p", "runtime": {"name": "python", "options": {"virtualenv": ".venv"}}}
    moved = relocate(project, Path("/source"))
    assert moved["main"] == "/source"
    assert moved["runtime"]["options"]["virtualenv"] == "/source/.venv"


@pytest.fixture
def copy(tmp_path: Path) -> ProjectCopy:
    source = tmp_path / "source"
    source.mkdir()
    (source / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (source / "Pulumi.dev.yaml").write_text("config:\n  p:cluster: c\n")
    return ProjectCopy(source=source, folder=tmp_path / "dev" / "project", stack="dev")


def test_a_refresh_keeps_secrets_passphrase_and_the_committed_file(copy: ProjectCopy) -> None:
    before = (copy.source / "Pulumi.dev.yaml").read_bytes()
    copy.refresh(None)
    passphrase = copy.passphrase_file.read_text()
    written = copy.folder / "Pulumi.dev.yaml"
    assert copy.missing(["password", "key"]) == ["password", "key"]
    content = yaml.safe_load(written.read_text())
    content["config"]["p:password"] = SECRET
    written.write_text(yaml.safe_dump(content))
    copy.refresh(None)
    assert copy.missing(["password", "key"]) == ["key"]
    assert copy.passphrase_file.read_text() == passphrase
    assert copy.passphrase_file.stat().st_mode & 0o077 == 0
    assert (copy.source / "Pulumi.dev.yaml").read_bytes() == before


def test_an_unknown_stack_is_refused_with_the_known_ones(copy: ProjectCopy) -> None:
    with pytest.raises(PlatformError, match=r"Pulumi\.dev\.yaml"):
        ProjectCopy(source=copy.source, folder=copy.folder, stack="staging").refresh(None)
