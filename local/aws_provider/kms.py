"""Keys, and the names that they go by."""

from typing import Final

from local.aws_provider.api import Aws, GoneError
from local.aws_provider.kind import ALL_TAGS, Kind, changed, pairs, tag_changes, unpaired
from local.provider_wire import JsonObject

_POLICY: Final = "default"
_DELETION_DAYS: Final = 30


def _create(aws: Aws, inputs: JsonObject) -> str:
    given = {"Policy": inputs["policy"]} if "policy" in inputs else {}
    identity = aws.call(
        "kms",
        "CreateKey",
        Description=inputs.get("description", ""),
        KeyUsage=inputs["keyUsage"],
        KeySpec=inputs["customerMasterKeySpec"],
        Tags=pairs(inputs[ALL_TAGS], "TagKey", "TagValue"),
        **given,
    )["KeyMetadata"]["KeyId"]
    if inputs["enableKeyRotation"]:
        aws.call("kms", "EnableKeyRotation", KeyId=identity)
    return identity


def _read(aws: Aws, identity: str, _: JsonObject) -> JsonObject:
    found = aws.call("kms", "DescribeKey", KeyId=identity)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        raise GoneError(f"Key {identity} is about to be deleted")
    tags = aws.call("kms", "ListResourceTags", KeyId=identity)["Tags"]
    return {
        "arn": found["Arn"],
        "keyId": found["KeyId"],
        "description": found["Description"],
        "keyUsage": found["KeyUsage"],
        "customerMasterKeySpec": found["KeySpec"],
        "isEnabled": found["Enabled"],
        "enableKeyRotation": aws.call("kms", "GetKeyRotationStatus", KeyId=identity)["KeyRotationEnabled"],
        "policy": aws.call("kms", "GetKeyPolicy", KeyId=identity, PolicyName=_POLICY)["Policy"],
        ALL_TAGS: unpaired(tags, "TagKey", "TagValue"),
    }


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    if changed(olds, news, "description"):
        aws.call("kms", "UpdateKeyDescription", KeyId=identity, Description=news.get("description", ""))
    if "policy" in news and changed(olds, news, "policy"):
        aws.call("kms", "PutKeyPolicy", KeyId=identity, PolicyName=_POLICY, Policy=news["policy"])
    if changed(olds, news, "enableKeyRotation"):
        verb = "Enable" if news["enableKeyRotation"] else "Disable"
        aws.call("kms", f"{verb}KeyRotation", KeyId=identity)
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.call("kms", "TagResource", KeyId=identity, Tags=pairs(wanted, "TagKey", "TagValue"))
    if unwanted:
        aws.call("kms", "UntagResource", KeyId=identity, TagKeys=unwanted)


def _delete(aws: Aws, identity: str, state: JsonObject) -> None:
    days = state.get("deletionWindowInDays", _DELETION_DAYS)
    aws.call("kms", "ScheduleKeyDeletion", KeyId=identity, PendingWindowInDays=days)


def _create_alias(aws: Aws, inputs: JsonObject) -> str:
    aws.call("kms", "CreateAlias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return inputs["name"]


def _alias(aws: Aws, identity: str, state: JsonObject) -> JsonObject:
    aliases = aws.call("kms", "ListAliases")["Aliases"]
    found = next((alias for alias in aliases if alias["AliasName"] == identity), None)
    if found is None:
        raise GoneError(f"Alias {identity} does not exist")
    target = aws.call("kms", "DescribeKey", KeyId=found["TargetKeyId"])["KeyMetadata"]
    # A program may name the key by its id or by its ARN; both are the same key.
    given = state.get("targetKeyId")
    return {
        "name": identity,
        "arn": found["AliasArn"],
        "targetKeyId": given if given == target["Arn"] else target["KeyId"],
        "targetKeyArn": target["Arn"],
    }


def _update_alias(aws: Aws, identity: str, _: JsonObject, news: JsonObject) -> None:
    aws.call("kms", "UpdateAlias", AliasName=identity, TargetKeyId=news["targetKeyId"])


def _delete_alias(aws: Aws, identity: str, _: JsonObject) -> None:
    aws.call("kms", "DeleteAlias", AliasName=identity)


KEY: Final = Kind(
    required=frozenset(),
    optional=frozenset(
        {
            "customerMasterKeySpec",
            "deletionWindowInDays",
            "description",
            "enableKeyRotation",
            "keyUsage",
            "policy",
        }
    ),
    computed=frozenset({"arn", "keyId", "isEnabled"}),
    replaces=frozenset({"customerMasterKeySpec", "keyUsage"}),
    defaults={
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "keyUsage": "ENCRYPT_DECRYPT",
    },
    documents=frozenset({"policy"}),
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
ALIAS: Final = Kind(
    required=frozenset({"targetKeyId"}),
    optional=frozenset({"name"}),
    computed=frozenset({"arn", "targetKeyArn"}),
    replaces=frozenset({"name"}),
    name="name",
    name_begins="alias/",
    create=_create_alias,
    read=_alias,
    update=_update_alias,
    delete=_delete_alias,
)
