"""The workspace of Amazon Managed Service for Prometheus, which outlives the stack as its volumes do."""

import pulumi
import pulumi_aws as aws

from stacks.aws.names import Names
from stacks.aws_settings import ManagedPrometheus
from stacks.remote_write import Workspace


def workspace(
    names: Names, settings: ManagedPrometheus, parent: pulumi.Resource, *, protect: bool
) -> Workspace:
    """A workspace under the cluster's name; `destroy` keeps it, and `protect` refuses even that."""
    created = aws.amp.Workspace(
        "workspace",
        alias=names.cluster,
        opts=pulumi.ResourceOptions(parent=parent, protect=protect, retain_on_delete=True),
    )
    aws.amp.WorkspaceConfiguration(
        "workspace-configuration",
        workspace_id=created.id,
        retention_period_in_days=settings.retention_days,
        # What is kept must not be kept for a shorter time, either.
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )
    return Workspace(
        id=created.id,
        arn=created.id.apply(names.workspace_arn),
        region=names.region,
        write_url=created.prometheus_endpoint.apply(lambda url: f"{url}api/v1/remote_write"),
        query_url=created.prometheus_endpoint.apply(lambda url: url.rstrip("/")),
    )
