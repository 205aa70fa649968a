"""The specification's dashboards in our own form: what must be there, by name and number."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """One alert of the specification: its text, and what it is here.

    Attributes:
        text: As the specification has it.
        alerts: Names of the alerts; several where what is measured differs.
        severity: Its severity.
        threshold: The default threshold in the unit of the rule; None of a state.
    """

    text: str
    alerts: tuple[str, ...]
    severity: str
    threshold: float | None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One dashboard of the specification."""

    heading: str
    uid: str
    purpose: str
    key_metrics: tuple[str, ...]
    panels: tuple[str, ...]
    use_cases: tuple[str, ...]
    alerts: tuple[Condition, ...]


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
        alerts=(
            Condition("API uptime < 99% (warning)", ("ApiUptimeLow",), "warning", 0.99),
            Condition("API uptime < 95% (critical)", ("ApiUptimeLow",), "critical", 0.95),
            Condition("Database connection failure (critical)", ("DatabaseDown",), "critical", None),
            Condition("Redis connection failure (critical)", ("RedisDown",), "critical", None),
            Condition("Disk usage > 80% (warning)", ("NodeDiskUsageHigh", "VolumeUsageHigh"), "warning", 0.8),
            Condition(
                "Disk usage > 90% (critical)", ("NodeDiskUsageHigh", "VolumeUsageHigh"), "critical", 0.9
            ),
        ),
    ),
    Section(
        heading="2. Job Processing Dashboard",
        uid="job-processing",
        purpose="Monitor job queue depth, processing times, and worker utilization.",
        key_metrics=(
            "Jobs Processed (24h)",
            "Jobs Failed (24h)",
            "Success Rate",
            "Average Processing Time",
            "Total Queue Depth",
        ),
        panels=(
            "Jobs Processed per Hour by Stage",
            "Queue Depth by Stage",
            "Processing Time by Stage",
            "Job Failure Rate by Stage",
            "Worker Utilization",
            "Job Throughput",
            "Failed Jobs by Error Type",
            "Job Duration Distribution",
        ),
        use_cases=("Capacity Planning", "Performance Tuning", "Error Analysis"),
        alerts=(
            Condition("Queue depth > 100 jobs (warning)", ("QueueDepthHigh",), "warning", 100),
            Condition("Queue depth > 200 jobs (critical)", ("QueueDepthHigh",), "critical", 200),
            Condition("Job failure rate > 5% (warning)", ("JobFailureRateHigh",), "warning", 0.05),
            Condition("Job failure rate > 10% (critical)", ("JobFailureRateHigh",), "critical", 0.1),
            Condition("Processing time > 2x average (warning)", ("ProcessingTimeHigh",), "warning", 2),
        ),
    ),
    Section(
        heading="3. Model Performance Dashboard",
        uid="model-performance",
        purpose="Monitor AI model inference performance, GPU utilization, and errors.",
        key_metrics=(
            "Total Inferences (24h)",
            "Average GPU Utilization",
            "Model Error Rate",
            "Average Inference Time",
            "Total GPU Memory Used",
        ),
        panels=(
            "Inference Latency by Model (p95)",
            "GPU Utilization by Model",
            "Inference Rate by Model",
            "Model Memory Usage",
            "Model Error Rate",
            "Input Size Distribution",
            "GPU Temperature",
            "GPU Power Usage",
            "Batch Size by Model",
            "Throughput",
        ),
        use_cases=("Performance Optimization", "Resource Planning", "Quality Monitoring"),
        alerts=(
            Condition(
                "GPU utilization > 90% for 5 minutes (warning)", ("GpuUtilizationHigh",), "warning", 0.9
            ),
            Condition("GPU temperature > 80°C (warning)", ("GpuTemperatureHigh",), "warning", 80),
            Condition("GPU temperature > 85°C (critical)", ("GpuTemperatureHigh",), "critical", 85),
            Condition("Model error rate > 1% (warning)", ("ModelErrorRateHigh",), "warning", 0.01),
            Condition("Model error rate > 5% (critical)", ("ModelErrorRateHigh",), "critical", 0.05),
            Condition("Inference latency > 10 seconds (warning)", ("InferenceLatencyHigh",), "warning", 10),
        ),
    ),
    Section(
        heading="4. User Activity & Subscription Dashboard",
        uid="user-activity",
        purpose="Monitor user engagement, subscription metrics, and business KPIs.",
        key_metrics=(
            "Active Users (24h)",
            "New Projects (24h)",
            "Videos Processed (24h)",
            "Processing Minutes Used (24h)",
            "New Subscriptions (24h)",
        ),
        panels=(
            "Daily Active Users",
            "Projects Created per Day",
            "Users by Subscription Tier",
            "Processing Minutes by Tier",
            "Subscription Conversions",
            "Subscription Cancellations",
            "Voice Clones Created",
            "API Usage by Endpoint",
            "User Retention (7-day)",
            "Average Project Completion Time",
        ),
        use_cases=("Business Metrics", "User Engagement", "Revenue Optimization"),
        alerts=(
            Condition(
                "DAU decrease > 20% week-over-week (warning)", ("DailyActiveUsersFalling",), "warning", 0.2
            ),
            Condition(
                "Subscription cancellation rate > 10% (warning)",
                ("SubscriptionCancellationRateHigh",),
                "warning",
                0.1,
            ),
            Condition("New subscriptions < 5 per day (warning)", ("NewSubscriptionsLow",), "warning", 5),
        ),
    ),
    Section(
        heading="5. Cost & Performance Dashboard",
        uid="cost-performance",
        purpose="Monitor infrastructure costs, GPU efficiency, and cost optimization opportunities.",
        key_metrics=(
            "Total Monthly Cost Projection",
            "Cost by Service",
            "GPU Utilization by Service",
            "Cost per Processing Minute",
            "Budget Utilization",
        ),
        panels=(
            "Cost by Service",
            "GPU Utilization by Service",
            "Cost per Processing Minute",
            "Budget Utilization",
            "Queue Depth by Service",
            "Jobs Processed per Hour",
            "Cost per Job",
            "GPU Memory Usage",
            "Processing Time by Stage",
            "Node Count by Type",
            "Total GPU Hours (24h)",
        ),
        use_cases=("Cost Optimization", "Budget Management", "Efficiency Analysis"),
        alerts=(
            Condition(
                "Monthly cost projection > $20,000 (critical)",
                ("MonthlyCostProjectionHigh",),
                "critical",
                20000,
            ),
            Condition(
                "Monthly cost projection > $15,000 (warning)",
                ("MonthlyCostProjectionHigh",),
                "warning",
                15000,
            ),
            Condition("Budget utilization > 90% (warning)", ("BudgetUtilizationHigh",), "warning", 0.9),
            Condition(
                "GPU utilization < 50% for 1 hour (warning - underutilization)",
                ("GpuUnderutilized",),
                "warning",
                0.5,
            ),
            Condition("Cost per job > 2x average (warning)", ("CostPerJobHigh",), "warning", 2),
        ),
    ),
)
