"""What only a machine with a container engine can try: the official provider, and real Grafana."""
