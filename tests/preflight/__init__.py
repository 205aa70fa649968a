"""What stands in the way of an `up`, found on a real API server."""
