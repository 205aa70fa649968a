"""What a comment has in common with whoever posts it."""

#: What GitHub takes, in characters; they are counted in bytes here, which are never fewer.
LIMIT = 65_536


def marker(stack: str) -> str:
    """The hidden line by which the comment of a stack is found again."""
    return f"<!-- dubbing-monitoring:preview:{stack} -->"
