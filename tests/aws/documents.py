"""Judges policies: whether each names whom and what it lets, and whether AWS knows all that it says."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

from policy_sentry.querying.actions import get_action_data, get_actions_for_service

Policy = Mapping[str, Any]

#: What every request may be judged by, whatever its action (IAM's documentation of global condition keys).
GLOBAL_KEYS = {"aws:SourceAccount", "aws:SourceArn"}
#: The one action that is written with a wildcard, as SNS' documentation has it.
KNOWN_PATTERNS = {"kms:GenerateDataKey*"}


def parsed(text: str) -> Policy:
    return cast("Policy", json.loads(text))


def listed(value: object) -> list[str]:
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else [str(value)]


def unnamed(policy: Policy, *, of_a_key: bool = False) -> list[str]:
    """Whatever a policy does not name: subjects, actions or resources; `*` in a key's own is the key."""
    return [problem for statement in policy["Statement"] for problem in _unnamed(statement, of_a_key)]


def _unnamed(statement: Mapping[str, Any], of_a_key: bool) -> Iterator[str]:  # noqa: FBT001 - a helper
    yield from (key for key in ("NotPrincipal", "NotAction", "NotResource") if key in statement)
    principal = statement.get("Principal")
    if principal is not None and not isinstance(principal, dict):
        yield f"principal {principal}"
    for kind, whom in cast("dict[str, object]", principal or {}).items() if principal != "*" else ():
        yield from (f"principal {kind} {one}" for one in listed(whom) if "*" in one)
        conditions = statement.get("Condition", {}).get("StringEquals", {})
        if kind == "Service" and "aws:SourceAccount" not in conditions:
            yield f"service {whom} for anybody's account"
        if kind == "Federated" and not any(key.endswith(":sub") for key in conditions):
            yield f"federated {whom} for any subject"
        if kind == "Federated" and not any(key.endswith(":aud") for key in conditions):
            yield f"federated {whom} for any audience"
    actions = listed(statement["Action"])
    yield from (f"action {one}" for one in actions if "*" in one and one not in KNOWN_PATTERNS)
    for one in listed(statement.get("Resource", [])):
        if "*" in one and not (of_a_key and one == "*"):
            yield f"resource {one}"


def unknown(policy: Policy, *, trusting: bool = False, of_a_key: bool = False) -> list[str]:
    """Whatever of a policy AWS does not know: actions, what they are done to, what conditions ask for."""
    found: list[str] = []
    for statement in policy["Statement"]:
        for action in listed(statement["Action"]):
            rows = _rows(action)
            if not rows:
                found.append(f"action {action}")
                continue
            formats = {str(row["resource_arn_format"]) for row in rows}
            keys = GLOBAL_KEYS | {
                str(key) for row in rows for key in cast("list[str]", row["condition_keys"])
            }
            for test in statement.get("Condition", {}).values():
                found += [f"condition {key} of {action}" for key in test if not _is_of(key, keys)]
            if trusting or of_a_key:
                continue
            found += [
                f"{action} on {arn}"
                for arn in listed(statement["Resource"])
                if not any(_fits(arn, form) for form in formats)
            ]
    return found


def takes_a_resource(action: str) -> bool:
    """Whether an action can be limited to something."""
    return any(row["resource_arn_format"] != "*" for row in _rows(action))


def _rows(action: str) -> list[Mapping[str, object]]:
    service, _, name = action.partition(":")
    known = [
        one
        for one in cast("Iterable[str]", get_actions_for_service(service))
        if fnmatchcase(one.partition(":")[2], name)
    ]
    rows: list[Mapping[str, object]] = []
    for one in known:
        data = get_action_data(service, one.partition(":")[2])
        rows += cast("dict[str, list[Mapping[str, object]]]", data or {}).get(service, [])
    return rows


def _is_of(key: str, known: Iterable[str]) -> bool:
    return any(fnmatchcase(key, re.sub(r"\$\{\w+\}", "*", one)) for one in known)


def _fits(arn: str, form: str) -> bool:
    if "*" in (arn, form):
        return arn == form
    pattern = "".join(
        r"[^:/]*" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", form)
    )
    return re.fullmatch(pattern, arn) is not None
