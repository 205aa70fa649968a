"""Ends a run where its machine lacks what it is for: what is skipped would look as if it had passed."""

from collections.abc import Sequence

import pytest

from tests.docker.needs import missing


def require(programs: Sequence[str], questions: Sequence[Sequence[str]]) -> None:
    """End the run, saying what is missing."""
    if lines := missing(programs, questions):
        pytest.exit("Missing on this machine:\n  " + "\n  ".join(lines), returncode=1)
