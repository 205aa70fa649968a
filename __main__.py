"""What `pulumi up` runs."""

import sys

import pulumi

from stacks.program import main
from stacks.stack_file import SettingsError

try:
    main()
except SettingsError as error:
    # The text says what to mend; a traceback would bury it.
    pulumi.log.error(str(error))
    sys.exit(1)
