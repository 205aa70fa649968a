"""Every container image of the project, and the command that resolves their digests.

`python -m stacks.images` asks each image's registry for the digest of its tag, where the network allows,
and prints the references to enter here. A digest stands here only where its registry or the project's own
release states it.
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """One pinned image: where it is pulled from, its tag and, where known, its digest."""

    registry: str
    repository: str
    tag: str
    digest: str | None = None

    @property
    def version(self) -> str:
        """The program's version, without the tag's leading `v` or a variant's suffix."""
        return self.tag.removeprefix("v").split("-")[0]

    def reference(self, registry: str | None = None) -> str:
        """The reference to pull, from `registry` (a mirror with the same paths) where one is given."""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{registry or self.registry}/{self.repository}:{self.tag}{digest}"


#: The long-term support line of Prometheus (3.13, until 2027-07-31).
IMAGES: dict[str, Image] = {
    "prometheus": Image(registry="quay.io", repository="prometheus/prometheus", tag="v3.13.3"),
    "alertmanager": Image(registry="quay.io", repository="prometheus/alertmanager", tag="v0.34.1"),
    # Not the distroless variant: the password of every start is applied by a shell (see stacks/grafana.py).
    "grafana": Image(registry="docker.io", repository="grafana/grafana", tag="13.2.2"),
    # The last line before 4.9 renames 23 default fields.
    "dcgm-exporter": Image(
        registry="nvcr.io", repository="nvidia/k8s/dcgm-exporter", tag="4.6.1-4.8.4-distroless"
    ),
    "kube-state-metrics": Image(
        registry="registry.k8s.io", repository="kube-state-metrics/kube-state-metrics", tag="v2.20.0"
    ),
    "node-exporter": Image(registry="quay.io", repository="prometheus/node-exporter", tag="v1.12.1"),
    "postgres-exporter": Image(
        registry="quay.io", repository="prometheuscommunity/postgres-exporter", tag="v0.20.1"
    ),
    "redis-exporter": Image(registry="quay.io", repository="oliver006/redis_exporter", tag="v1.92.0"),
    "blackbox-exporter": Image(registry="quay.io", repository="prometheus/blackbox-exporter", tag="v0.28.0"),
    "aws-sigv4-proxy": Image(
        registry="public.ecr.aws", repository="aws-observability/aws-sigv4-proxy", tag="1.11.1"
    ),
    # The digest is the default of OpenCost's own chart.
    "opencost": Image(
        registry="ghcr.io",
        repository="opencost/opencost",
        tag="1.120.1",
        digest="sha256:b0701f9b54e43c9abee98f5784792a5b469ca8951e87da32b161c1fa539ab0e1",
    ),
}


def without_digest() -> tuple[str, ...]:
    """The names of the images that no digest pins."""
    return tuple(name for name, image in IMAGES.items() if image.digest is None)


def resolve_digest(image: Image, *, scheme: str = "https", timeout: float = 20) -> str:
    """Ask the image's registry for the digest of its tag (OCI distribution API, anonymous pull).

    Raises:
        OSError: the registry does not answer, refuses, or knows no such tag.
    """
    host = "registry-1.docker.io" if image.registry == "docker.io" else image.registry
    url = f"{scheme}://{host}/v2/{image.repository}/manifests/{image.tag}"
    headers = {"Accept": _MANIFEST_TYPES}
    try:
        return _head_digest(url, headers, timeout)
    except urllib.error.HTTPError as refusal:
        challenge = refusal.headers.get("WWW-Authenticate", "")
        if refusal.code != 401 or not challenge.startswith("Bearer "):  # noqa: PLR2004 - HTTP's Unauthorized
            raise
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = urllib.parse.urlencode({k: fields[k] for k in ("service", "scope") if k in fields})
        with urllib.request.urlopen(f"{fields['realm']}?{query}", timeout=timeout) as answer:  # noqa: S310
            token = json.load(answer)["token"]
        return _head_digest(url, {**headers, "Authorization": f"Bearer {token}"}, timeout)


def _head_digest(url: str, headers: dict[str, str], timeout: float) -> str:
    request = urllib.request.Request(url, method="HEAD", headers=headers)  # noqa: S310 - the registries above
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        digest = answer.headers.get("Docker-Content-Digest")
    if not digest:
        msg = f"{url} answers without a Docker-Content-Digest header"
        raise OSError(msg)
    return digest


def main() -> int:
    """Print each image with the digest that its registry states; 1 when any could not be resolved."""
    failures = 0
    for name, image in IMAGES.items():
        try:
            digest = resolve_digest(image)
        except OSError as error:
            failures += 1
            print(f"{name}: {image.reference()}: not resolved: {error}", file=sys.stderr)
        else:
            print(f'{name}: tag="{image.tag}", digest="{digest}"')
    if failures:
        print(f"{failures} of {len(IMAGES)} not resolved: is this machine allowed out?", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    sys.exit(main())
