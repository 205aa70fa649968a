"""What `pulumi up` runs."""

import sys

import pulumi

from stacks.program import REFUSALS, main

try:
    main()
except REFUSALS as error:
    # The text says what to mend; a traceback would bury it.
    pulumi.log.error(str(error))
    sys.exit(1)
