"""`python -m local.aws_provider`: serve until told to stop; the first line on stdout is the port.

The engine attaches by `PULUMI_DEBUG_PROVIDERS=aws:PORT`. The API is the one at AWS_ENDPOINT_URL.
"""

import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local.aws_provider.api import EndpointError
from local.aws_provider.provider import VERSION, AwsProvider

_PARALLEL_OPERATIONS = 32

_log = logging.getLogger("aws-provider")


def main() -> None:
    """Serve on a free port of the loopback interface until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        provider = AwsProvider(endpoint)
    except EndpointError as error:
        sys.exit(str(error))
    server = grpc.server(ThreadPoolExecutor(_PARALLEL_OPERATIONS))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    print(port, flush=True)
    _log.info(
        "listening on 127.0.0.1:%d: a stand-in for the official pulumi-aws provider %s, which applies to %s; "
        "see docs/embedded.md",
        port,
        VERSION,
        endpoint,
    )
    stop.wait()
    server.stop(grace=None)
    provider.close()


if __name__ == "__main__":
    main()
