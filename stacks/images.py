"""Every container image of the project."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One pinned image.

    Attributes:
        version: The program's release, without a leading `v`.
    """

    version: str


IMAGES = {"prometheus": Image("3.13.3"), "alertmanager": Image("0.34.1")}
