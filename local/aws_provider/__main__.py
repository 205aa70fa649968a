"""`python -m local.aws_provider`: serve until told to stop; the first line on stdout is the port.

The engine attaches by `PULUMI_DEBUG_PROVIDERS=aws:PORT`. The API is the one at AWS_ENDPOINT_URL.
"""

import logging
import os
import sys

from local.aws_provider.api import EndpointError
from local.aws_provider.provider import VERSION, AwsProvider
from local.provider_protocol import serve

_PARALLEL_OPERATIONS = 32


def main() -> None:
    """Serve on a free port of the loopback interface until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        provider = AwsProvider(endpoint)
    except EndpointError as error:
        sys.exit(str(error))
    what = f"a stand-in for the official pulumi-aws provider {VERSION}, which applies to {endpoint}"
    serve(provider, logging.getLogger("aws-provider"), what, parallel=_PARALLEL_OPERATIONS)
    provider.close()


if __name__ == "__main__":
    main()
