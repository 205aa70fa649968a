"""The one error of the embedded platform that a person is meant to read."""


class PlatformError(Exception):
    """Says what failed, where, and how to mend it; the command line prints it without a traceback."""
