"""Kubeconfig files for the embedded cluster."""

import base64
import json


def kubeconfig(*, server: str, certificate: bytes, context: str, user: str, token: str) -> str:
    """Return a kubeconfig with one cluster, one user and one context, as JSON (which is YAML too).

    Args:
        server: The API server's address.
        certificate: The PEM certificate that it is trusted by.
        context: The name of the context, and of its cluster.
        user: The name that the user's entry gets.
        token: The user's bearer token.
    """
    trusted = base64.b64encode(certificate).decode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": context, "cluster": {"server": server, "certificate-authority-data": trusted}}
            ],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
            "current-context": context,
        },
        indent=2,
    )
