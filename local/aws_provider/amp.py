"""Workspaces of the managed Prometheus, and how long they keep what they are sent."""

from typing import Final

from local.aws_provider.api import Aws
from local.aws_provider.kind import ALL_TAGS, Kind, changed, tag_changes
from local.provider_wire import JsonObject


def _create(aws: Aws, inputs: JsonObject) -> str:
    given = {key: inputs[key] for key in ("alias", "kmsKeyArn") if key in inputs}
    return aws.call("amp", "CreateWorkspace", **given, tags=inputs[ALL_TAGS])["workspaceId"]


def _read(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("amp", "DescribeWorkspace", workspaceId=identity)["workspace"]
    given = {key: found[key] for key in ("alias", "kmsKeyArn") if found.get(key)}
    return given | {
        "arn": found["arn"],
        "prometheusEndpoint": found["prometheusEndpoint"],
        ALL_TAGS: found.get("tags") or {},
    }


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    if changed(olds, news, "alias"):
        given = {"alias": news["alias"]} if news.get("alias") else {}
        aws.call("amp", "UpdateWorkspaceAlias", workspaceId=identity, **given)
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.call("amp", "TagResource", resourceArn=olds["arn"], tags=wanted)
    if unwanted:
        aws.call("amp", "UntagResource", resourceArn=olds["arn"], tagKeys=unwanted)


def _delete(aws: Aws, identity: str, _: JsonObject) -> None:
    aws.call("amp", "DeleteWorkspace", workspaceId=identity)


def _configure(aws: Aws, inputs: JsonObject) -> str:
    _reconfigure(aws, inputs["workspaceId"], {}, inputs)
    return inputs["workspaceId"]


def _reconfigure(aws: Aws, identity: str, _: JsonObject, news: JsonObject) -> None:
    given = {key: news[key] for key in ("retentionPeriodInDays",) if key in news}
    if "limitsPerLabelSets" in news:
        given["limitsPerLabelSet"] = news["limitsPerLabelSets"]
    aws.call("amp", "UpdateWorkspaceConfiguration", workspaceId=identity, **given)


def _configuration(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("amp", "DescribeWorkspaceConfiguration", workspaceId=identity)["workspaceConfiguration"]
    return {
        "workspaceId": identity,
        "retentionPeriodInDays": found.get("retentionPeriodInDays"),
        "limitsPerLabelSets": found.get("limitsPerLabelSet") or None,
    }


def _forget(aws: Aws, identity: str, state: JsonObject) -> None:
    """Leave the configuration: AWS has no call to delete it, it ends with its workspace."""


def _configured_alone(_: Aws, inputs: JsonObject) -> tuple[str, JsonObject]:
    return inputs["workspaceId"], {}


WORKSPACE: Final = Kind(
    required=frozenset(),
    optional=frozenset({"alias", "kmsKeyArn"}),
    computed=frozenset({"arn", "prometheusEndpoint"}),
    replaces=frozenset({"kmsKeyArn"}),
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
CONFIGURATION: Final = Kind(
    required=frozenset({"workspaceId"}),
    optional=frozenset({"limitsPerLabelSets", "retentionPeriodInDays"}),
    replaces=frozenset({"workspaceId"}),
    create=_configure,
    read=_configuration,
    update=_reconfigure,
    delete=_forget,
    alone=_configured_alone,
)
