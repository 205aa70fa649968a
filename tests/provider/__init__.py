"""The stand-in for the official Kubernetes provider, held against what the official one does."""
