"""What public checkers of Kubernetes manifests say of the rendered stacks."""
