"""What the viewer can't show, in words for the person who looks at it."""


class ViewerError(Exception):
    """Shown in the place of what can't be shown."""
