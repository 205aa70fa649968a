"""`python -m tests.provider.interrupted STACK`: an up that a test ends from outside."""

import sys

from pulumi import automation

from tests.provider.conftest import PROJECT
from tests.provider.test_engine import workload

if __name__ == "__main__":
    name = sys.argv[1]
    automation.select_stack(name, PROJECT, program=workload(name)).up()
