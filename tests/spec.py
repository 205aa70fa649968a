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
    ),
)
