"""The whole program on the real engine and API server, through the README's commands."""
