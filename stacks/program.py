"""The program: the stack's configuration, its explicit providers, the stack, its outputs."""

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult
from urllib.request import getproxies, proxy_bypass

import pulumi
import pulumi_kubernetes as k8s
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

from dashboards.custom_files import CustomDashboardError
from dashboards.render import TooLargeError
from stacks import kubeconfig, monitoring, stack_file
from stacks.remote_write import Workspace
from stacks.settings import Settings
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError
from stacks.workload import CloudIdentity

#: What ends the program with a text that says what to mend.
REFUSALS = (SettingsError, CustomDashboardError, TooLargeError)

#: How long a cluster may take to accept a connection, and to answer, in seconds.
ANSWER_SECONDS = 5


def main() -> None:
    """Deploy the stack that the engine's configuration describes.

    Raises:
        SettingsError: anything in the configuration is wrong, a needed secret is missing, the cluster or
            the Grafana that exists cannot be used, or an update begins and something stands in its way (see
            `stacks.preflight`).
        CustomDashboardError: a dropped-in dashboard cannot be deployed.
        TooLargeError: dashboards do not fit their ConfigMap.

    Nothing of the cluster was registered then.
    """
    settings, secrets = read_configuration()
    refuse_unreachable(settings.kubernetes.context)
    if not settings.grafana.is_deployed:
        # A stack with a Grafana of its own asks none.
        from stacks import grafana_reach  # noqa: PLC0415

        grafana_reach.refuse_unusable(settings.grafana.root_url, _values()[grafana_reach.TOKEN_KEY])
    if not pulumi.runtime.is_dry_run():
        _look_first(settings)
    deploy(settings, secrets)


def _look_first(settings: Settings) -> None:
    """Refuse a cluster that is not ready, and log what would not work there."""
    # A preview must start fast and needs none of this: it is imported when an update begins.
    from stacks import preflight  # noqa: PLC0415

    # What it plans has placeholders for secrets; one that is set and not needed would be a stray text there.
    values = _values()
    secret_keys = _secret_keys(values)
    plain = {key: value for key, value in values.items() if key not in secret_keys}
    for warning in preflight.refuse(settings, plain, pulumi.get_stack()):
        pulumi.log.warn(warning)


def deploy(settings: Settings, secrets: Mapping[str, pulumi.Output[str]]) -> None:
    """Register the providers and the stack, and export what a person wants to know."""
    provider = k8s.Provider(
        "cluster",
        context=settings.kubernetes.context,
        # Without these an edited ConfigMap or Secret is replaced, and what mounts it with it.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
    # Creating what exists is an error, which protects others' objects; what an earlier stack kept is ours.
    kept = k8s.Provider(
        "kept",
        context=settings.kubernetes.context,
        upsert_existing_objects=True,
        # The stack that kept it wrote its fields under another name.
        enable_patch_force=True,
    )
    identities: Mapping[str, CloudIdentity] = {}
    workspace: Workspace | None = None
    topic_arn: pulumi.Output[str] | None = None
    if settings.aws is not None:
        # A stack without an account there need not load AWS' provider.
        from stacks.aws.component import AwsStack, AwsStackArgs  # noqa: PLC0415

        cloud = AwsStack("aws", AwsStackArgs(settings=settings, aws=settings.aws))
        identities, workspace, topic_arn = cloud.identities, cloud.workspace, cloud.topic_arn
    monitoring.MonitoringStack(
        "monitoring",
        monitoring.MonitoringArgs(
            settings=settings, secrets=secrets, kept=kept, identities=identities, workspace=workspace
        ),
        pulumi.ResourceOptions(providers=[provider]),
    )
    for name, value in monitoring.outputs(settings).items():
        pulumi.export(name, value)
    if workspace is not None:
        pulumi.export("workspaceId", workspace.id)
        pulumi.export("workspaceUrl", workspace.query_url)
    if topic_arn is not None:
        pulumi.export("alertTopicArn", topic_arn)


def read_configuration() -> tuple[Settings, dict[str, pulumi.Output[str]]]:
    """The settings, and the secrets as Outputs, out of the engine's configuration.

    Raises:
        SettingsError: with every mistake, or with every needed secret that is missing.
    """
    values = _values()
    secret_keys = _secret_keys(values)
    stack = pulumi.get_stack()
    settings = stack_file.parse(values, secret_keys, stack=stack)
    missing = stack_file.missing_secrets(settings, values)
    if missing:
        lines = "\n".join(f"  {line}" for line in stack_file.secret_lines(missing, stack))
        msg = f"Stack {stack} needs secrets that are not set; nothing was created. Set them:\n{lines}"
        raise SettingsError(msg)
    config = pulumi.Config(PROJECT)
    return settings, {secret.key: config.require_secret(secret.key) for secret in settings.secrets_needed()}


def _values() -> dict[str, Any]:
    """The configuration as the engine hands it over: texts, and JSON for all else."""
    return {**get_config_env(), **CONFIG.get()}


def _secret_keys(values: Mapping[str, Any]) -> set[str]:
    return {key for key in values if is_config_secret(key)} | set(get_config_secret_keys_env())


def refuse_unreachable(context: str) -> None:
    """Refuse a kubeconfig context that does not exist, or whose cluster does not answer in time.

    Raises:
        SettingsError: naming the context, where it was looked for, and how to mend it; or what is wrong
            with the kubeconfig.
    """
    known = kubeconfig.read()
    key = f"{PROJECT}:kubernetes.context"
    if context not in known.contexts:
        where = ", ".join(map(str, kubeconfig.paths()))
        names = ", ".join(sorted(known.contexts)) or "none"
        msg = (
            f"{key}: there is no kubeconfig context {context!r} in {where} (contexts there: {names}). "
            f"Nothing was created. Mend: pulumi config set --path '{key}' CONTEXT, or set KUBECONFIG."
        )
        raise SettingsError(msg)
    server = known.server(context)
    if server.behind_proxy or not server.url.hostname or _is_behind_proxy(server.url):
        return  # A proxy or an unusual server is the provider's to judge.
    try:
        _ask(server.url)
    except (OSError, HTTPException, UnicodeError) as error:
        msg = (
            f"{key}: the cluster of context {context!r}, {server.url.geturl()}, does not answer: {error}. "
            f"Nothing was created. Mend: is it running, and reachable from here (VPN)? "
            f"`kubectl --context {context} version` tells."
        )
        raise SettingsError(msg) from None


def _is_behind_proxy(server: SplitResult) -> bool:
    """Whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY lead to a server through a proxy, as with kubectl."""
    host = server.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return False  # Go's programs reach their own machine directly, whatever the variables say.
    return server.scheme in getproxies() and not proxy_bypass(host)


def _ask(server: SplitResult) -> None:
    """Ask an API server anything, without credentials; whatever it answers, it is there."""
    host = server.hostname or ""
    if server.scheme == "http":
        connection = HTTPConnection(host, server.port, timeout=ANSWER_SECONDS)
    else:
        # Nothing secret is sent and nothing of the answer is used: who answers is the provider's to verify.
        unverified = ssl.create_default_context()
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        connection = HTTPSConnection(host, server.port, timeout=ANSWER_SECONDS, context=unverified)
    try:
        connection.request("GET", f"{server.path.rstrip('/')}/version")
        connection.getresponse()
    finally:
        connection.close()
