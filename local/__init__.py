"""The embedded platform: a real control plane and engine on loopback; it never ships to a cluster."""
