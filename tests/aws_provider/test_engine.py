"""The stand-in under the real engine, started as the embedded platform starts it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pulumi
import pulumi_aws as aws_sdk
import pytest
from pulumi import automation

from local import aws as embedded
from local.processes import end
from local.toolchain import binaries
from tests.aws_provider.conftest import REGION, Clients, open_clients
from tests.aws_provider.test_types import document, key_policy, trust

ACCOUNT = "210987654321"
PROJECT = "aws-provider-tests"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # The engine that ends under an operation leaves its coroutines to the collector (pulumi 3.272).
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.AwsApi]:
    server = embedded.AwsApi(state=tmp_path_factory.mktemp("aws"), account=ACCOUNT)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def clients(api: embedded.AwsApi) -> Iterator[Clients]:
    yield from open_clients(api.start())


@pytest.fixture(scope="module")
def environment(api: embedded.AwsApi) -> Iterator[dict[str, str]]:
    process = embedded.provider(api.state, api.start())
    process.ensure()

    def port() -> str:
        return next((line for line in process.log.read_text().splitlines() if line.isdigit()), "")

    process.wait_until(lambda: bool(port()), 30)
    engine = binaries("pulumi")["pulumi"]
    (api.state / "state").mkdir()
    variables = {
        "PATH": f"{engine.parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": (api.state / "state").as_uri(),
        "PULUMI_HOME": str(api.state / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "the tests' own",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port()}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for (
            key,
            value,
        ) in variables.items():  # the Automation API looks for its engine with this process's own
            patch.setenv(key, value)
        yield variables
    end(process.pid_file)


def program(*, limit: str = "100", account: str = ACCOUNT) -> Callable[[], None]:
    """All that a stack may have in AWS, each of it with what it hangs on."""

    def run() -> None:
        provider = aws_sdk.Provider(
            "aws",
            region=REGION,
            allowed_account_ids=[account],
            default_tags={"tags": {"managed-by": "pulumi"}},
        )
        opts = pulumi.ResourceOptions(provider=provider)
        workspace = aws_sdk.amp.Workspace("metrics", alias="metrics", tags={"team": "platform"}, opts=opts)
        aws_sdk.amp.WorkspaceConfiguration(
            "metrics", workspace_id=workspace.id, retention_period_in_days=150, opts=opts
        )
        role = aws_sdk.iam.Role(
            "write", name="write", assume_role_policy=trust("sts:AssumeRole", "sts:TagSession"), opts=opts
        )
        aws_sdk.iam.RolePolicy(
            "write",
            name="write",
            role=role.name,
            policy=workspace.arn.apply(lambda arn: document("aps:RemoteWrite", Resource=arn)),
            opts=opts,
        )
        aws_sdk.eks.PodIdentityAssociation(
            "write",
            cluster_name="cluster",
            namespace="monitoring",
            service_account="prometheus",
            role_arn=role.arn,
            opts=opts,
        )
        key = aws_sdk.kms.Key(
            "alerts",
            description="alerts",
            enable_key_rotation=True,
            policy=key_policy("kms:*").replace("123456789012", ACCOUNT),
            opts=opts,
        )
        aws_sdk.kms.Alias("alerts", name="alias/alerts", target_key_id=key.key_id, opts=opts)
        topic = aws_sdk.sns.Topic("alerts", name="alerts", kms_master_key_id=key.id, opts=opts)
        aws_sdk.sns.TopicPolicy(
            "alerts",
            arn=topic.arn,
            policy=topic.arn.apply(
                lambda arn: document(
                    "sns:Publish", Principal={"Service": "budgets.amazonaws.com"}, Resource=arn
                )
            ),
            opts=opts,
        )
        aws_sdk.budgets.Budget(
            "spending",
            name="spending",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=limit,
            limit_unit="USD",
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": "FORECASTED",
                    "threshold": 100,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [topic.arn],
                }
            ],
            opts=opts,
        )
        pulumi.export("endpoint", workspace.prometheus_endpoint)

    return run


def changes(
    result: automation.UpResult | automation.RefreshResult | automation.DestroyResult,
) -> dict[str, int]:
    found = result.summary.resource_changes or {}
    return {str(change): count for change, count in found.items() if change != "same"}


def planned(stack: automation.Stack) -> dict[str, int]:
    found = stack.preview().change_summary
    return {
        str(getattr(change, "value", change)): count for change, count in found.items() if change != "same"
    }


def test_all_types_from_up_to_destroy(environment: dict[str, str], clients: Clients) -> None:
    options = automation.LocalWorkspaceOptions(env_vars=environment)
    stack = automation.create_or_select_stack("all", PROJECT, program=program(), opts=options)
    assert planned(stack) == {"create": 12}  # the stack and its provider, too
    said: list[str] = []
    made = stack.up(on_output=said.append)
    assert changes(made) == {"create": 12}
    assert any("not applied: moto has no amp UpdateWorkspaceConfiguration" in line for line in said)
    assert any("not applied: moto has no eks CreatePodIdentityAssociation" in line for line in said)
    [workspace] = clients("amp").list_workspaces()["workspaces"]
    assert made.outputs["endpoint"].value == (
        f"https://aps-workspaces.{REGION}.amazonaws.com/workspaces/{workspace['workspaceId']}/"
    )
    assert workspace["tags"] == {"managed-by": "pulumi", "team": "platform"}
    assert clients("sts").get_caller_identity()["Account"] == ACCOUNT
    [topic] = clients("sns").list_topics()["Topics"]
    assert f":{ACCOUNT}:" in topic["TopicArn"]
    assert planned(stack) == {}

    stack.refresh()
    assert planned(stack) == {}

    stack.workspace.program = program(limit="200")
    assert planned(stack) == {"update": 1}
    assert changes(stack.up()) == {"update": 1}
    [budget] = clients("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
    assert budget["BudgetLimit"]["Amount"] == "200"
    assert planned(stack) == {}

    clients("iam").delete_role_policy(RoleName="write", PolicyName="write")
    stack.refresh()
    assert planned(stack) == {"create": 1}
    assert changes(stack.up()) == {"create": 1}

    assert changes(stack.destroy()) == {"delete": 12}
    assert clients("amp").list_workspaces()["workspaces"] == []
    assert clients("iam").list_roles()["Roles"] == []
    assert clients("sns").list_topics()["Topics"] == []
    assert clients("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"] == []
    assert not [
        alias for alias in clients("kms").list_aliases()["Aliases"] if alias["AliasName"] == "alias/alerts"
    ]
    keys = [
        clients("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        for key in clients("kms").list_keys()["Keys"]
    ]
    assert [key["KeyState"] for key in keys if key["Description"] == "alerts"] == ["PendingDeletion"]


def test_the_server_runs_on_and_another_account_gets_another(tmp_path: Path) -> None:
    first = embedded.AwsApi(state=tmp_path)
    endpoint = first.start()
    pid = (tmp_path / "aws.pid").read_text()
    assert first.start() == endpoint
    assert (tmp_path / "aws.pid").read_text() == pid
    other = embedded.AwsApi(state=tmp_path, account=ACCOUNT)
    assert other.start() == endpoint
    assert (tmp_path / "aws.pid").read_text() != pid
    other.stop()
    assert not (tmp_path / "aws.pid").exists()


def test_another_account_stops_the_preview(environment: dict[str, str]) -> None:
    options = automation.LocalWorkspaceOptions(env_vars=environment)
    stack = automation.create_or_select_stack(
        "other", PROJECT, program=program(account="123456789012"), opts=options
    )
    with pytest.raises(automation.CommandError, match=f"AWS account ID not allowed: {ACCOUNT}"):
        stack.preview()
