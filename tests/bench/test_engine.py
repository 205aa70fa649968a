"""What the benchmark of the engine makes of its figures."""

import json

from bench.engine import COMPARED, OPERATIONS, RESULTS, STACKS, Compared, Figure, Measured


def measured(seconds: float) -> Measured:
    """Every operation takes as long."""
    return Measured(
        state_bytes=1,
        operations={name: Figure(seconds=seconds, peak_bytes=1) for name in OPERATIONS},
    )


def test_a_ratio_is_of_a_stack_to_its_floor() -> None:
    ratios = Compared(objects=1, registrations=1, stack=measured(6), floor=measured(4)).ratios()
    assert ratios == dict.fromkeys(COMPARED, 1.5)


def test_what_is_written_has_every_ratio() -> None:
    written = json.loads(RESULTS.read_text())
    assert {stack: set(row) for stack, row in written["ratios"].items()} == {
        stack: set(COMPARED) for stack in STACKS
    }
