"""The deployed configuration for `docker compose up prometheus grafana`; `python -m local.compose` writes it."""
