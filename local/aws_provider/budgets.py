"""Budgets, and who is told when one is used up."""

from datetime import datetime
from typing import Any, Final

from local.aws_provider.api import Aws, LackingError
from local.aws_provider.kind import ALL_TAGS, Kind, pairs, tag_changes, unpaired
from local.provider_wire import JsonObject

_NOTIFICATION: Final = {
    "comparisonOperator": "ComparisonOperator",
    "notificationType": "NotificationType",
    "threshold": "Threshold",
    "thresholdType": "ThresholdType",
}
_SUBSCRIBERS: Final = {"subscriberSnsTopicArns": "SNS", "subscriberEmailAddresses": "EMAIL"}


def _notification(inputs: JsonObject) -> JsonObject:
    return {name: inputs[key] for key, name in _NOTIFICATION.items()}


def _with_subscribers(inputs: JsonObject) -> JsonObject:
    subscribers = [
        {"SubscriptionType": kind, "Address": address}
        for key, kind in _SUBSCRIBERS.items()
        for address in inputs.get(key) or []
    ]
    return {"Notification": _notification(inputs), "Subscribers": subscribers}


def _budget(inputs: JsonObject) -> JsonObject:
    return {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
    }


def _create(aws: Aws, inputs: JsonObject) -> str:
    account = inputs.get("accountId") or aws.account()
    _make(aws, account, inputs)
    return f"{account}:{inputs['name']}"


def _make(aws: Aws, account: str, inputs: JsonObject) -> None:
    tags = {"ResourceTags": pairs(inputs[ALL_TAGS])} if inputs[ALL_TAGS] else {}
    aws.call(
        "budgets",
        "CreateBudget",
        AccountId=account,
        Budget=_budget(inputs),
        NotificationsWithSubscribers=[_with_subscribers(each) for each in inputs.get("notifications") or []],
        **tags,
    )


def _place(identity: str) -> dict[str, str]:
    account, _colon, name = identity.partition(":")
    return {"AccountId": account, "BudgetName": name}


def _arn(identity: str) -> str:
    account, _colon, name = identity.partition(":")
    return f"arn:aws:budgets::{account}:budget/{name}"


def _read(aws: Aws, identity: str, state: JsonObject) -> JsonObject:
    found = aws.call("budgets", "DescribeBudget", **_place(identity))["Budget"]
    notifications = aws.call("budgets", "DescribeNotificationsForBudget", **_place(identity))["Notifications"]
    return {
        "name": found["BudgetName"],
        "accountId": identity.partition(":")[0],
        "arn": _arn(identity),
        "budgetType": found["BudgetType"],
        "timeUnit": found["TimeUnit"],
        "limitAmount": found["BudgetLimit"]["Amount"],
        "limitUnit": found["BudgetLimit"]["Unit"],
        "timePeriodStart": _time(found["TimePeriod"]["Start"]),
        "timePeriodEnd": _time(found["TimePeriod"]["End"]),
        "notifications": [_told(aws, identity, each, state) for each in notifications] or None,
        ALL_TAGS: _tags(aws, identity, state),
    }


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%d_%H:%M")


def _told(aws: Aws, identity: str, notification: JsonObject, state: JsonObject) -> JsonObject:
    kept = {key: notification[name] for key, name in _NOTIFICATION.items()}
    try:
        subscribers = aws.call(
            "budgets", "DescribeSubscribersForNotification", **_place(identity), Notification=notification
        )["Subscribers"]
    except LackingError:
        given = state.get("notifications") or []
        return next((each for each in given if _notification(each) == notification), kept)
    for key, kind in _SUBSCRIBERS.items():
        if addresses := [each["Address"] for each in subscribers if each["SubscriptionType"] == kind]:
            kept[key] = addresses
    return kept


def _tags(aws: Aws, identity: str, state: JsonObject) -> dict[str, Any]:
    try:
        return unpaired(
            aws.call("budgets", "ListTagsForResource", ResourceARN=_arn(identity)).get("ResourceTags") or []
        )
    except LackingError:
        return state.get(ALL_TAGS) or {}


def _update(aws: Aws, identity: str, olds: JsonObject, news: JsonObject) -> None:
    account = identity.partition(":")[0]
    try:
        aws.call("budgets", "UpdateBudget", AccountId=account, NewBudget=_budget(news))
    except LackingError as lacking:
        aws.warn(f"{lacking}: the budget {news['name']} is deleted and made again")
        aws.call("budgets", "DeleteBudget", **_place(identity))
        _make(aws, account, news)
        return
    before = [_with_subscribers(each) for each in olds.get("notifications") or []]
    after = [_with_subscribers(each) for each in news.get("notifications") or []]
    for each in before:
        if each not in after:
            aws.call("budgets", "DeleteNotification", **_place(identity), Notification=each["Notification"])
    for each in after:
        if each not in before:
            aws.call("budgets", "CreateNotification", **_place(identity), **each)
    wanted, unwanted = tag_changes(olds, news)
    if wanted:
        aws.has("budgets", "TagResource", ResourceARN=_arn(identity), ResourceTags=pairs(wanted))
    if unwanted:
        aws.has("budgets", "UntagResource", ResourceARN=_arn(identity), ResourceTagKeys=unwanted)


def _delete(aws: Aws, identity: str, _: JsonObject) -> None:
    aws.call("budgets", "DeleteBudget", **_place(identity))


BUDGET: Final = Kind(
    required=frozenset({"budgetType", "limitAmount", "timeUnit"}),
    optional=frozenset({"accountId", "limitUnit", "name", "notifications"}),
    computed=frozenset({"arn", "timePeriodStart", "timePeriodEnd"}),
    replaces=frozenset({"accountId", "name"}),
    defaults={"limitUnit": "USD"},
    amounts=frozenset({"limitAmount"}),
    sets=frozenset({"notifications"}),
    name="name",
    tagged=True,
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
)
