"""The Pulumi components of the monitoring stack and the settings that shape them."""
