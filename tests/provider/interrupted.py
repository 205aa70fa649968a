"""`python -m tests.provider.interrupted STACK`: an up that a test ends from outside.

An interrupt is left to the engine, as a command does that wants it to end in order: if this process died of
it, the engine would die of its closed output, in the middle of what it does.
"""

import signal
import sys

from pulumi import automation

from tests.provider.conftest import PROJECT
from tests.provider.test_engine import workload

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    name = sys.argv[1]
    automation.select_stack(name, PROJECT, program=workload(name)).up()
