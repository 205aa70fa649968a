"""Grafana's own types as JSON Schema, and the units that it knows; made by `make grafana-types`."""
