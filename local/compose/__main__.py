"""`python -m local.compose`: write what docker-compose.yml mounts."""

import argparse
import sys
from pathlib import Path

from local.compose.files import STACK, write
from local.errors import PlatformError
from stacks import program
from stacks.stack_file import ROOT

FOLDER = Path("rendered", "compose")


def main() -> int:
    """Write the files: 0 when all were, 1 with what to mend otherwise."""
    try:
        write(ROOT / FOLDER)
    except (*program.REFUSALS, PlatformError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Stack {STACK} for containers in {FOLDER}. Next: docker compose up prometheus grafana")
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    sys.exit(main())
