"""The budget of the account's bill: what the dashboards estimate, as AWS invoices it."""

import pulumi
import pulumi_aws as aws

from stacks.alerting_settings import HighIsBad, MonthlyBudget
from stacks.aws.names import Names


def budget(
    names: Names,
    settings: MonthlyBudget,
    thresholds: HighIsBad[float],
    topic_arn: str,
    parent: pulumi.Resource,
    *,
    after: pulumi.Resource,
) -> aws.budgets.Budget:
    """A monthly budget of the whole account: everything that AWS bills, whoever in the account it is for.

    It tells the topic what the tile Monthly Cost shows by its color: the bill above the same two figures; and
    before that, that the month is forecast to end above its budget. `after` lets its messages in.
    """
    return aws.budgets.Budget(
        "budget",
        name=names.budget,
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=f"{settings.total:.2f}",
        limit_unit="USD",
        notifications=[
            _notification("ACTUAL", "ABSOLUTE_VALUE", thresholds.warning, topic_arn),
            _notification("ACTUAL", "ABSOLUTE_VALUE", thresholds.critical, topic_arn),
            _notification("FORECASTED", "PERCENTAGE", 100, topic_arn),
        ],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[after]),
    )


def _notification(
    kind: str, threshold_type: str, threshold: float, topic_arn: str
) -> aws.budgets.BudgetNotificationArgsDict:
    return {
        "notification_type": kind,
        "comparison_operator": "GREATER_THAN",
        "threshold": threshold,
        "threshold_type": threshold_type,
        "subscriber_sns_topic_arns": [topic_arn],
    }
