"""The live platform that most end-to-end tests share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.workermanage import WorkerController

from tests.e2e.checkout import Checkout
from tests.e2e.live import FIGURES, Live, until


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A checkout of its own with the platform up; taken down whatever happens.

    With E2E_CHECKOUT=FOLDER that checkout is made, or used again as it is, and its platform stays up: for
    working on these tests. Whatever is not committed in it is lost.
    """
    if kept := os.environ.get("E2E_CHECKOUT"):
        folder = Path(kept)
        checkout = Checkout(folder) if folder.exists() else Checkout.make_at(folder)
        if not (folder / ".local" / "endpoints.json").exists():
            checkout.succeed("up")
        yield Live(checkout)
        return
    checkout = Checkout.make_at(tmp_path_factory.mktemp("live") / "project")
    try:
        checkout.succeed("up")
        yield Live(checkout)
    finally:
        checkout.restore()
        checkout.make("down")


@pytest.fixture(scope="module")
def live(platform: Live) -> Live:
    """The platform, with all well on it, whatever other tests did."""
    platform.checkout.restore()
    platform.recover()
    platform.up()
    if platform.alerts():
        # What looks back on a day would see for a day what went wrong.
        platform.travel([], 1)
    until(platform.alerts, lambda firing: not firing, 60)
    return platform


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that started this one what was measured here."""
    # Only a process that another one started has it.
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = FIGURES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Take over what another process measured."""
    FIGURES.extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests measured."""
    if FIGURES:
        terminalreporter.section("measured")
        for line in FIGURES:
            terminalreporter.write_line(line)
