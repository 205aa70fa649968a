"""`python -m local.kubernetes_provider`: serve until told to stop; the first line on stdout is the port.

The engine attaches by `PULUMI_DEBUG_PROVIDERS=kubernetes:PORT`.
"""

import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local.kubernetes_provider.provider import VERSION, KubernetesProvider

# Every operation of a run may wait for its object at the same time.
PARALLEL_OPERATIONS = 128

_log = logging.getLogger("kubernetes-provider")


def main() -> None:
    """Serve on a free port of the loopback interface until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    server = grpc.server(
        ThreadPoolExecutor(PARALLEL_OPERATIONS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(KubernetesProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    print(port, flush=True)
    _log.info(
        "listening on 127.0.0.1:%d: a stand-in for the official pulumi-kubernetes provider %s, "
        "for machines that have no plugin of it; see docs/embedded.md",
        port,
        VERSION,
    )
    stop.wait()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
