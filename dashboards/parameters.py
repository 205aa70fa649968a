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

    Raises:
        ValueError: A threshold is no share, or critical is better than warning.
    """

    uptime_probe: str = "api"
    uptime_warning: float = 0.99
    uptime_critical: float = 0.95
    disk_warning: float = 0.80
    disk_critical: float = 0.90

    def __post_init__(self) -> None:
        if not 0 < self.uptime_critical < self.uptime_warning <= 1:
            raise ValueError(
                f"uptime: warning {self.uptime_warning:g}, critical {self.uptime_critical:g}: both are "
                "shares from 0 to 1, and uptime gets worse as it falls, so critical must be below warning"
            )
        if not 0 < self.disk_warning < self.disk_critical <= 1:
            raise ValueError(
                f"disk: warning {self.disk_warning:g}, critical {self.disk_critical:g}: both are "
                "shares from 0 to 1, and a disk gets worse as it fills, so critical must be above warning"
            )
