"""The deployed configuration for `docker compose up prometheus grafana`."""
