"""Tests of the agent: values first, then the real programs, started from the rendered manifests."""
