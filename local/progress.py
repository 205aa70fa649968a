"""Progress for a person at a terminal: one line a step, with the time since the command began."""

import time

_BEGAN = time.monotonic()


def step(text: str) -> None:
    """Print one line of progress: elapsed seconds, then `text`."""
    print(f"[{time.monotonic() - _BEGAN:6.1f} s] {text}", flush=True)
