"""Every page of the project: its links lead somewhere, and the commands that it names exist."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stacks import render
from stacks.monitoring import SCRAPED
from stacks.stack_file import ROOT

NOT_OURS = {".git", ".venv", ".local", ".pytest_cache", ".ruff_cache", "rendered"}
PAGES = [page for page in sorted(ROOT.rglob("*.md")) if not NOT_OURS & set(page.relative_to(ROOT).parts)]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: Modules whose first argument is a command, which their --help lists as {one,another}.
WITH_COMMANDS = ("dashboards", "stacks.settings")
#: Programs that reach out to what a test has not.
OUTSIDE = re.compile(r"^\s*(?:[\w./ -]+\| *)?(pulumi|kubectl|aws|docker)\b", re.MULTILINE)
MARKED = re.compile(r"sh needs (a cluster|an account|a container engine)")


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page says: its links, the anchors of its headings, its code, its blocks of shell commands."""

    links: tuple[str, ...]
    anchors: frozenset[str]
    code: tuple[str, ...]
    blocks: tuple[tuple[str, str], ...]


def parsed(text: str) -> Page:
    """Read a page as GitHub does."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    fences = [token for token in tokens if token.type == "fence"]
    sources = [child.attrGet("href") or child.attrGet("src") for child in inline]
    return Page(
        links=tuple(str(link) for link in sources if link),
        anchors=frozenset(anchors(tokens)),
        code=(
            *(child.content for child in inline if child.type == "code_inline"),
            *(fence.content for fence in fences),
        ),
        blocks=tuple((fence.info, fence.content) for fence in fences if fence.info.split(" ")[0] == "sh"),
    )


def anchors(tokens: list[Token]) -> Iterator[str]:
    """The anchor of each heading, as GitHub makes it."""
    seen = Counter[str]()
    for heading, inline in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or ())
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


@cache
def read(page: Path) -> Page:
    """A page of the project."""
    return parsed(page.read_text(encoding="utf-8"))


def broken(page: Path, links: tuple[str, ...]) -> list[str]:
    """The relative links that lead nowhere; those to other sites are not followed."""
    found: list[str] = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in read(target).anchors):
            found.append(link)
    return found


def unknown_commands(code: tuple[str, ...]) -> list[str]:
    """The targets of make and the modules that are named and are not there."""
    text = "\n".join(code)
    targets = set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", text))
    modules = set(re.findall(r"\bpython -m ([\w.]+)(?: ([a-z][\w-]*))?", text))
    return [
        *(f"make {target}" for target in sorted(targets - TARGETS)),
        *(
            f"python -m {name} {command}".strip()
            for name, command in sorted(modules)
            if not runs(name, command)
        ),
    ]


@cache
def runs(module: str, command: str) -> bool:
    """Whether a module is made to be run, and knows the command."""
    path = ROOT.joinpath(*module.split("."))
    files = [one for one in (path / "__main__.py", path.with_suffix(".py")) if one.exists()]
    if not any('__name__ == "__main__"' in one.read_text() for one in files):
        return False
    if module not in WITH_COMMANDS or not command:
        return True
    return command in commands(module)


@cache
def commands(module: str) -> list[str]:
    """The commands that a module knows."""
    run = [sys.executable, "-m", module, "--help"]
    found = re.search(
        r"\{([\w,-]+)\}", subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
    assert found
    return found[1].split(",")


def unmarked(blocks: tuple[tuple[str, str], ...]) -> list[str]:
    """Blocks of commands that reach out, and do not say what they need."""
    return [text for info, text in blocks if OUTSIDE.search(text) and not MARKED.fullmatch(info)]


def test_there_are_pages() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} <= {page.name for page in PAGES}
    assert len(PAGES) > 50


each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


@each_page
def test_its_links_lead_somewhere(page: Path) -> None:
    assert broken(page, read(page).links) == []


@each_page
def test_the_commands_that_it_names_exist(page: Path) -> None:
    assert unknown_commands(read(page).code) == []


@each_page
def test_commands_that_reach_out_say_what_they_need(page: Path) -> None:
    assert unmarked(read(page).blocks) == []


def test_what_is_wrong_on_a_page_is_found() -> None:
    page = parsed(
        """# Page

## A `b`, c: d

[good](docs/metrics.md#http) [here](#a-b-c-d) [far](https://example.com/none) [gone](docs/gone.md)
[anchor](docs/metrics.md#none) [anchor of this](#none) ![picture](docs/pictures/none.png)

`make up`, `make none`, `python -m dashboards check`, `python -m dashboards none`,
`python -m dashboards.none`, `python -m none`, `python -m dashboards.model`, `python -m local.simulator`

```sh
.venv/bin/python -m stacks.deployer_role prod | kubectl apply -f -
```

```sh needs a cluster
kubectl get pods
```
"""
    )
    assert page.anchors == {"page", "a-b-c-d"}
    # An anchor of the page itself is looked up in the file that it stands in for.
    assert broken(ROOT / "README.md", page.links) == [
        "#a-b-c-d",
        "docs/gone.md",
        "docs/metrics.md#none",
        "#none",
        "docs/pictures/none.png",
    ]
    assert unknown_commands(page.code) == [
        "make none",
        "python -m dashboards none",
        "python -m dashboards.model",
        "python -m dashboards.none",
        "python -m none",
    ]
    assert [text.split()[0] for text in unmarked(page.blocks)] == [".venv/bin/python"]


def missing_in_diagram(text: str) -> set[str]:
    """The components that the first diagram of the architecture leaves out."""
    (data, *_) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    # The kubelet is each node's own, and the programs of GPUs and probes go by their exporters' names.
    names = {getattr(module, "POD", module.NAME) for module in SCRAPED}
    return {name for name in names if name not in data}


def test_the_diagram_has_every_component() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert missing_in_diagram(text) == set()
    assert missing_in_diagram(text.replace("redis-exporter", "redis")) == {"redis-exporter"}


def deleted(text: str, place: str) -> set[str]:
    """The kinds that a line of the page deletes in a namespace, or of the whole cluster."""
    (kinds,) = re.findall(rf'^kubectl {place}delete ([\w,]+) -l "\$OURS"$', text, re.MULTILINE)
    return set(kinds.split(","))


def test_where_the_state_is_lost_all_goes_but_what_is_taken_over() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    made = {
        place: {
            one["kind"].lower()
            for stack in ("dev", "prod")
            for registered in render.registrations(stack)
            if registered.is_kubernetes_object
            and (one := registered.inputs)["metadata"].get("namespace") == name
        }
        for place, name in (
            ("-n monitoring ", "monitoring"),
            ("-n monitoring-node ", "monitoring-node"),
            ("", None),
        )
    }
    kept = {"namespace", "persistentvolumeclaim"}
    # No committed stack has an Ingress.
    assert {place: deleted(text, place) - {"ingress"} for place in made} == {
        place: kinds - kept for place, kinds in made.items()
    }
