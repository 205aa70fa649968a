"""The specification's dashboards in our own form: what must be there, by name and number."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """One dashboard of the specification."""

    heading: str
    uid: str
    purpose: str
    key_metrics: tuple[str, ...]
    panels: tuple[str, ...]
    use_cases: tuple[str, ...]


SECTIONS = (
    Section(
        heading="1. System Health Dashboard",
        uid="system-health",
        purpose="Monitor overall system health, availability, and resource usage.",
        key_metrics=(
            "API Uptime",
            "Database Status",
            "Redis Status",
            "Storage Status",
            "Active WebSocket Connections",
        ),
        panels=(
            "API Request Rate",
            "API Response Time (p95)",
            "Error Rate by Endpoint",
            "Database Connection Pool",
            "Redis Memory Usage",
            "CPU Usage by Service",
            "Memory Usage by Service",
            "Disk Usage",
        ),
        use_cases=("Incident Response", "Capacity Planning", "Performance Optimization"),
    ),
)
