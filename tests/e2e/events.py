"""`python -m tests.e2e.events FILE MODULE ARGUMENT…`: run a module, and write down each event of the engine.

As the engine sent it, a JSON document a line: the Automation API takes events by gRPC and keeps none.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from pulumi.automation import EngineEvent


def main(file: str, module: str, *arguments: str) -> None:
    """Run the module as `python -m` would."""
    parse = EngineEvent.from_json
    with Path(file).open("a") as log:

        def written(event: dict[str, Any]) -> EngineEvent:
            log.write(json.dumps(event) + "\n")
            return parse(event)

        sys.argv = [module, *arguments]
        with mock.patch.object(EngineEvent, "from_json", written):
            runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
