"""What the SDK's operations leave behind in the process of a test."""

import asyncio
import gc
import time
from collections.abc import Generator
from contextlib import contextmanager

#: The longest that the threads of an operation that failed were seen to outlive it, and more, in seconds.
PATIENCE_SECONDS = 30


@contextmanager
def collected() -> Generator[None]:
    """Collect the event loops that were opened meanwhile and closed by nobody, while the filters hold.

    The SDK leaves the loop of an operation that failed open (automation/_server.py of pulumi 3.272), and its
    threads hold it for a while yet: collected later, it would be another test's failure.
    """
    before = _open_loops()
    yield
    deadline = time.monotonic() + PATIENCE_SECONDS
    gc.collect()
    while _open_loops() > before and time.monotonic() < deadline:
        time.sleep(0.1)
        gc.collect()


def _open_loops() -> int:
    return sum(
        issubclass(type(one), asyncio.BaseEventLoop) and not one.is_closed() for one in gc.get_objects()
    )
