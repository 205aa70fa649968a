"""The viewer: values, figures, pages in a real browser on a real Prometheus."""
