"""What the program exports, for people after `pulumi up` and for programs of other stacks.

It imports nothing of this project, so that another program can copy it; docs/operations.md shows how.
"""

from typing import NotRequired, TypedDict


class PortForward(TypedDict):
    """For each server the command that makes it reachable on the caller's own machine."""

    grafana: NotRequired[str]
    """Where the stack deploys a Grafana of its own."""
    prometheus: str
    alertmanager: str


class Outputs(TypedDict):
    """The stack's outputs, by the names that `pulumi stack output` takes; none of them is a secret."""

    namespace: str
    """The namespace of the servers and exporters."""
    nodeNamespace: str
    """The namespace of the agents on each node."""
    grafanaUrl: str
    """Where people reach Grafana in their browser."""
    prometheusUrl: str
    """Prometheus inside the cluster; network policies let in what the stack runs, and the debug label."""
    alertmanagerUrl: str
    """Alertmanager inside the cluster; network policies let in what the stack runs, and the debug label."""
    portForward: PortForward
    grafanaPassword: NotRequired[str]
    """The command that prints the password of admin, where the stack deploys a Grafana of its own."""
    dashboardUids: dict[str, str]
    """The uid of each dashboard, by its file's name: `/d/UID` of Grafana leads to it."""
    workspaceId: NotRequired[str]
    """The workspace of Amazon Managed Prometheus, where the stack has one."""
    workspaceUrl: NotRequired[str]
    """Where that workspace is asked, signed: what a Prometheus data source is given."""
    alertTopicArn: NotRequired[str]
    """The topic of SNS that critical alerts are published to, where the stack has one."""
