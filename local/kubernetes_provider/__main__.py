"""`python -m local.kubernetes_provider`: serve until told to stop; the first line on stdout is the port.

The engine attaches by `PULUMI_DEBUG_PROVIDERS=kubernetes:PORT`.
"""

import logging

from local.kubernetes_provider.provider import VERSION, KubernetesProvider
from local.provider_protocol import serve

# Every operation of a run may wait for its object at the same time.
PARALLEL_OPERATIONS = 128

_WHAT = (
    f"a stand-in for the official pulumi-kubernetes provider {VERSION}, "
    "for machines that have no plugin of it"
)


def main() -> None:
    """Serve on a free port of the loopback interface until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    serve(KubernetesProvider(), logging.getLogger("kubernetes-provider"), _WHAT, parallel=PARALLEL_OPERATIONS)


if __name__ == "__main__":
    main()
