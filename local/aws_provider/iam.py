"""Roles and their policies."""

import json
from typing import Final

from local.aws_provider.api import Aws
from local.aws_provider.kind import ALL_TAGS, Kind, changed, pairs, tag_changes, unpaired
from local.provider_wire import JsonObject


def _create(aws: Aws, inputs: JsonObject) -> str:
    aws.call(
        "iam",
        "CreateRole",
        RoleName=inputs["name"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Description=inputs.get("description", ""),
        MaxSessionDuration=inputs["maxSessionDuration"],
        Path=inputs["path"],
        Tags=pairs(inputs[ALL_TAGS]),
    )
    return inputs["name"]


def _read(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("iam", "GetRole", RoleName=identity)["Role"]
    return {
        "name": found["RoleName"],
        "assumeRolePolicy": json.dumps(found["AssumeRolePolicyDocument"]),
        "description": found.get("Description") or None,
        "maxSessionDuration": found["MaxSessionDuration"],
        "path": found["Path"],
        "arn": found["Arn"],
        "uniqueId": found["RoleId"],
        "createDate": found["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        ALL_TAGS: unpaired(found.get("Tags") or []),
    }


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    if changed(olds, news, "assumeRolePolicy"):
        aws.call("iam", "UpdateAssumeRolePolicy", RoleName=identity, PolicyDocument=news["assumeRolePolicy"])
    if changed(olds, news, "description", "maxSessionDuration"):
        aws.call(
            "iam",
            "UpdateRole",
            RoleName=identity,
            Description=news.get("description", ""),
            MaxSessionDuration=news["maxSessionDuration"],
        )
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.call("iam", "TagRole", RoleName=identity, Tags=pairs(wanted))
    if unwanted:
        aws.call("iam", "UntagRole", RoleName=identity, TagKeys=unwanted)


def _delete(aws: Aws, identity: str, _: JsonObject) -> None:
    aws.call("iam", "DeleteRole", RoleName=identity)


def _put_policy(aws: Aws, inputs: JsonObject) -> str:
    role, name = inputs["role"], inputs["name"]
    aws.call("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=inputs["policy"])
    return f"{role}:{name}"


def _policy(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    role, _colon, name = identity.partition(":")
    found = aws.call("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": json.dumps(found["PolicyDocument"])}


def _update_policy(aws: Aws, _: str, __: JsonObject, news: JsonObject) -> None:
    _put_policy(aws, news)


def _delete_policy(aws: Aws, identity: str, _: JsonObject) -> None:
    role, _colon, name = identity.partition(":")
    aws.call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)


ROLE: Final = Kind(
    required=frozenset({"assumeRolePolicy"}),
    optional=frozenset({"name", "description", "maxSessionDuration", "path", "forceDetachPolicies"}),
    computed=frozenset({"arn", "createDate", "uniqueId"}),
    replaces=frozenset({"name", "path"}),
    defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
    documents=frozenset({"assumeRolePolicy"}),
    name="name",
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
ROLE_POLICY: Final = Kind(
    required=frozenset({"role", "policy"}),
    optional=frozenset({"name"}),
    replaces=frozenset({"name", "role"}),
    documents=frozenset({"policy"}),
    name="name",
    create=_put_policy,
    read=_policy,
    update=_update_policy,
    delete=_delete_policy,
)
