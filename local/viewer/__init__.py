"""A viewer for a machine without Grafana: the deployed dashboards, the alerts that fire, the messages sent.

Not Grafana, and no part of what is deployed: one local page that reads the same dashboard JSON and asks the
same Prometheus. It changes nothing; all that it takes in are the notifications of the local Alertmanager.
"""
