"""Remote write: what Prometheus copies to another store, and how it copes while that is away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from stacks.remote_write_settings import MANAGED, REPLICA, RemoteWriteStore

SECRETS_PATH = "/etc/prometheus/secrets"

#: The external label that tells a replica's samples apart where both arrive, such as in a remote store.
#: Alerts go out without it: with it, Alertmanager would take each twice.
REPLICA_LABEL = "prometheus_replica"

#: Each sample waits in its series' shard. Twenty shards of a thousand samples a request carry 20,000 samples
#: a second at one second a request, and hold 200,000 samples at most; the defaults, fifty shards, could take
#: a Prometheus' memory limit while a store is slow. A store that says "too many" (429) is asked again:
#: unasked, Prometheus drops what it refused.
QUEUE = {
    "capacity": 10_000,
    "max_shards": 20,
    "max_samples_per_send": 1_000,
    "min_backoff": "30ms",
    "max_backoff": "10s",
    "retry_on_http_429": True,
}


@dataclass(frozen=True, kw_only=True)
class RemoteStore:
    """A store as Prometheus is told of it."""

    name: str
    url: pulumi.Input[str]
    series: Sequence[str]
    """Patterns of the names of the series that it gets; all of them where there is none."""
    replica_label: str = REPLICA
    sigv4_region: str | None = None
    """The AWS region that requests are signed for."""
    username: str | None = None
    secret: str | None = None
    """The key, and the file, of the password of `username`, or of a token."""
    tenant: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A workspace of Amazon Managed Prometheus: where samples are sent to, and asked for."""

    id: pulumi.Output[str]
    arn: pulumi.Output[str]
    region: str
    write_url: pulumi.Output[str]
    query_url: pulumi.Output[str]
    """What a Prometheus data source is given, without a slash at the end."""


def managed_store(workspace: Workspace, worth_keeping: Sequence[str]) -> RemoteStore:
    """The workspace as a store; what it costs goes by the sample, so it gets what dashboards read."""
    return RemoteStore(
        name=MANAGED, url=workspace.write_url, series=worth_keeping, sigv4_region=workspace.region
    )


def stores(settings: Sequence[RemoteWriteStore], worth_keeping: Sequence[str]) -> list[RemoteStore]:
    """The stores of the settings.

    Args:
        settings: the stores.
        worth_keeping: patterns of the names of the series that dashboards read.
    """
    return [
        RemoteStore(
            name=store.name,
            url=store.url,
            series=() if store.series == "all" else (*worth_keeping, *store.also),
            replica_label=store.replica_label,
            sigv4_region=store.auth.sigv4_region if store.auth else None,
            username=store.auth.username if store.auth else None,
            secret=store.secret.key if store.secret else None,
            tenant=store.tenant,
        )
        for store in settings
    ]


def remote_write_config(store: RemoteStore, url: str) -> dict[str, Any]:
    """One entry of `remote_write`; `url` is the store's, known by now."""
    return {
        "name": store.name,
        "url": url,
        **({"headers": {"X-Scope-OrgID": store.tenant}} if store.tenant else {}),
        **_authentication(store),
        "queue_config": dict(QUEUE),
        "write_relabel_configs": [
            *([_keep(store.series)] if store.series else []),
            *(_replica(store.replica_label) if store.replica_label != REPLICA_LABEL else []),
        ],
    }


def _keep(series: Sequence[str]) -> dict[str, Any]:
    return {"source_labels": ["__name__"], "regex": "|".join(series), "action": "keep"}


def _replica(label: str) -> list[dict[str, Any]]:
    return [
        {"source_labels": [REPLICA_LABEL], "target_label": label},
        {"regex": REPLICA_LABEL, "action": "labeldrop"},
    ]


def _authentication(store: RemoteStore) -> dict[str, Any]:
    if store.sigv4_region:
        return {"sigv4": {"region": store.sigv4_region}}
    file = f"{SECRETS_PATH}/{store.secret}"
    if store.username:
        return {"basic_auth": {"username": store.username, "password_file": file}}
    if store.secret:
        return {"authorization": {"credentials_file": file}}
    return {}
