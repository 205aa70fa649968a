"""Dashboards, recording rules and alerts as declarations: pure Python, no Pulumi."""
