"""The numbers of an environment that dashboards, rules and alerts share."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Thresholds and names; the defaults are the specification's.

    Attributes:
        uptime_probe: Name of the probe whose success is the API's uptime.
        uptime_warning: Share of the last 24 h, 0 to 1, below which uptime is a warning.
        uptime_critical: Share below which it is critical.
        disk_warning: Used share of a disk, 0 to 1, above which it is a warning.
        disk_critical: Used share above which it is critical.
    """

    uptime_probe: str = "api"
    uptime_warning: float = 0.99
    uptime_critical: float = 0.95
    disk_warning: float = 0.80
    disk_critical: float = 0.90
