"""Prod's stack file with an account of AWS, and what its program registers, without an engine."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stacks import render, stack_file
from stacks.aws.names import Names
from stacks.aws_settings import Aws
from stacks.recording import Registration
from stacks.settings import Settings
from stacks.settings_base import PROJECT

Group = dict[str, Any]
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
#: Everything that the group has.
WHOLE: Group = {
    "accountId": "012345678901",
    "region": "eu-central-1",
    "eksCluster": "dubbing-prod-eks",
    "managedPrometheus": {"retentionDays": 400},
    "alertTopic": True,
    "budget": True,
    "tags": {"cost-center": "4711"},
}
IRSA: Group = {"identity": "irsa", "oidcIssuer": ISSUER}


def values(aws: Mapping[str, object], **others: object) -> dict[str, str]:
    """The configuration of prod with this group, and with other settings in place of its own."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in others.items()}
    return {
        **stack_file.raw_values(stack_file.stack_file("prod")),
        f"{PROJECT}:aws": json.dumps(aws),
        **{f"{PROJECT}:{key}": text for key, text in texts.items()},
    }


def read(aws: Mapping[str, object], **others: object) -> Settings:
    """The settings of prod with this group."""
    return stack_file.parse(values(aws, **others), [], stack="prod")


def account(settings: Settings) -> Aws:
    """The group, which is there."""
    assert settings.aws is not None
    return settings.aws


def named(settings: Settings) -> Names:
    """The names of what a stack has in AWS."""
    return account(settings).names(settings.cluster, settings.kubernetes.namespace)


def registered(aws: Mapping[str, object], **others: object) -> list[Registration]:
    """What prod registers with this group."""
    return render.planned(read(aws, **others), values(aws, **others), "prod")


def of_type(registrations: list[Registration], kind: str) -> list[Registration]:
    """Those of one type, such as `iam/role:Role`."""
    return [item for item in registrations if item.type == f"aws:{kind}"]


@pytest.fixture(scope="session")
def pod_identity() -> list[Registration]:
    """What a stack with everything registers."""
    return registered(WHOLE)


@pytest.fixture(scope="session")
def irsa() -> list[Registration]:
    """The same, with the other way to be somebody."""
    return registered({**WHOLE, **IRSA})
