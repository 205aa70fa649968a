"""Roles of AWS for the service accounts of a cluster."""

import secrets
from typing import Final

from local.aws_provider.api import Aws
from local.aws_provider.kind import ALL_TAGS, Kind, changed, tag_changes
from local.provider_wire import JsonObject

_GIVEN: Final = ("clusterName", "namespace", "serviceAccount", "roleArn")


def _create(aws: Aws, inputs: JsonObject) -> str:
    given = {key: inputs[key] for key in _GIVEN}
    made = aws.call("eks", "CreatePodIdentityAssociation", **given, tags=inputs[ALL_TAGS])
    return made["association"]["associationId"]


def _read(aws: Aws, identity: str, state: JsonObject) -> JsonObject:
    found = aws.call(
        "eks",
        "DescribePodIdentityAssociation",
        clusterName=state.get("clusterName", ""),
        associationId=identity,
    )["association"]
    return {key: found[key] for key in (*_GIVEN, "associationArn", "associationId")} | {
        ALL_TAGS: found.get("tags") or {}
    }


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    if changed(olds, news, "roleArn"):
        aws.call(
            "eks",
            "UpdatePodIdentityAssociation",
            clusterName=olds["clusterName"],
            associationId=identity,
            roleArn=news["roleArn"],
        )
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.call("eks", "TagResource", resourceArn=olds["associationArn"], tags=wanted)
    if unwanted:
        aws.call("eks", "UntagResource", resourceArn=olds["associationArn"], tagKeys=unwanted)


def _delete(aws: Aws, identity: str, state: JsonObject) -> None:
    aws.call("eks", "DeletePodIdentityAssociation", clusterName=state["clusterName"], associationId=identity)


def _alone(aws: Aws, inputs: JsonObject) -> tuple[str, JsonObject]:
    identity = f"a-{secrets.token_hex(9)[:17]}"
    place = f"arn:aws:eks:{aws.region}:{aws.account()}:podidentityassociation"
    arn = f"{place}/{inputs['clusterName']}/{identity}"
    return identity, {"associationId": identity, "associationArn": arn}


POD_IDENTITY_ASSOCIATION: Final = Kind(
    required=frozenset(_GIVEN),
    computed=frozenset({"associationArn", "associationId"}),
    replaces=frozenset({"clusterName", "namespace", "serviceAccount"}),
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    alone=_alone,
)
