"""Grafana's options: what elsewhere is its configuration file is its environment here.

Their names are those of Grafana's `conf/defaults.ini`, as `GF_SECTION_KEY`; secrets are named by path.
"""

from collections.abc import Sequence

import pulumi_kubernetes as k8s

from stacks.grafana_settings import (
    ADMIN_PASSWORD,
    DATABASE_PASSWORD,
    OAUTH_CLIENT_SECRET,
    SECRET_KEY,
    Auth,
    Database,
    OAuth,
)
from stacks.grafana_settings import Grafana as GrafanaSettings
from stacks.notification_settings import ROOT
from stacks.replicas import POD_ADDRESS

NAME = "grafana"
GOSSIP_PORT = 9094
DATA_PATH = "/var/lib/grafana"
SECRETS_PATH = "/etc/grafana/secrets"
PROVISIONING_PATH = "/etc/grafana/provisioning"

#: The file of each secret, by the secret's key, where the stack has it.
SECRET_FILES = {
    ADMIN_PASSWORD: "admin-password",
    SECRET_KEY: "secret-key",
    DATABASE_PASSWORD: "database-password",
    OAUTH_CLIENT_SECRET: "oauth-client-secret",
    f"slackWebhookUrl-{ROOT}": "slack-webhook-url",
}

#: The certificates that the image trusts. For MySQL Grafana asks for a file, and takes no default.
_KNOWN_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_MYSQL_TLS = {"disable": "false", "require": "skip-verify", "verify-full": "true"}


def secret_file(key: str) -> str:
    """An option's value that Grafana reads from the file of a secret."""
    return f"$__file{{{SECRETS_PATH}/{SECRET_FILES[key]}}}"


def grafana_environment(settings: GrafanaSettings, cluster: str) -> Sequence[k8s.core.v1.EnvVarArgsDict]:
    """The environment of the server, and of every command of its image."""
    gossips = settings.replicas > 1
    options = {
        **_general_options(settings),
        **(_database_options(settings.database) if settings.database else {"GF_DATABASE_WAL": "true"}),
        **(_gossip_options(cluster) if gossips else {}),
        **(_auth_options(settings.auth) if settings.auth else {}),
    }
    return [
        *([POD_ADDRESS] if gossips else []),
        *({"name": name, "value": value} for name, value in options.items()),
    ]


def _general_options(settings: GrafanaSettings) -> dict[str, str]:
    return {
        "GF_PATHS_DATA": DATA_PATH,
        "GF_PATHS_PROVISIONING": PROVISIONING_PATH,
        "GF_SERVER_ROOT_URL": settings.root_url,
        "GF_LOG_MODE": "console",
        "GF_SECURITY_ADMIN_PASSWORD": secret_file(ADMIN_PASSWORD),
        "GF_SECURITY_SECRET_KEY": secret_file(SECRET_KEY),
        "GF_SECURITY_COOKIE_SECURE": "true" if settings.root_url.startswith("https://") else "false",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        # Grafana 13 replaces its bundled plugins, the Prometheus data source among them, from the internet at
        # start. On a read-only root that ends with no data source at all.
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
        "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    }


def _database_options(database: Database) -> dict[str, str]:
    options = {
        "GF_DATABASE_TYPE": database.type,
        "GF_DATABASE_HOST": f"{database.host}:{database.port_number}",
        "GF_DATABASE_NAME": database.name,
        "GF_DATABASE_USER": database.user,
        "GF_DATABASE_PASSWORD": secret_file(DATABASE_PASSWORD),
        "GF_DATABASE_SSL_MODE": database.ssl_mode,
        # Of replicas that start together one migrates the database; unasked, the others do not wait for it.
        "GF_DATABASE_LOCKING_ATTEMPT_TIMEOUT_SEC": "300",
    }
    if database.type == "mysql":
        options["GF_DATABASE_SSL_MODE"] = _MYSQL_TLS[database.ssl_mode]
        if database.ssl_mode != "disable":
            options["GF_DATABASE_CA_CERT_PATH"] = _KNOWN_CERTIFICATES
            options["GF_DATABASE_SERVER_CERT_NAME"] = database.host
    return options


def _gossip_options(cluster: str) -> dict[str, str]:
    """Replicas tell each other what was sent and silenced of the alerts that people build in Grafana."""
    own = f"[$(POD_IP)]:{GOSSIP_PORT}"
    return {
        "GF_UNIFIED_ALERTING_HA_LISTEN_ADDRESS": own,
        "GF_UNIFIED_ALERTING_HA_ADVERTISE_ADDRESS": own,
        "GF_UNIFIED_ALERTING_HA_PEERS": f"{NAME}-headless:{GOSSIP_PORT}",
        # Pods' addresses are used again: one that was a peer's may be another environment's by now.
        "GF_UNIFIED_ALERTING_HA_LABEL": cluster,
        # A restarted peer has another address and is found by its name; its old one is given up soon.
        "GF_UNIFIED_ALERTING_HA_RECONNECT_TIMEOUT": "2m",
    }


def _auth_options(auth: Auth) -> dict[str, str]:
    # The form alone would leave the same names and passwords to requests of the API.
    options = {
        "GF_AUTH_DISABLE_LOGIN_FORM": "false" if auth.login_form else "true",
        "GF_AUTH_BASIC_ENABLED": "true" if auth.login_form else "false",
    }
    return options | (_oauth_options(auth.oauth) if auth.oauth else {})


def _oauth_options(oauth: OAuth) -> dict[str, str]:
    options = {
        "ENABLED": "true",
        "CLIENT_ID": oauth.client_id,
        "CLIENT_SECRET": secret_file(OAUTH_CLIENT_SECRET),
        "AUTH_URL": oauth.auth_url,
        "TOKEN_URL": oauth.token_url,
        "API_URL": oauth.api_url,
        "SCOPES": " ".join(oauth.scopes),
        "USE_PKCE": "true",
        # Its people become users by logging in; GF_USERS_ALLOW_SIGN_UP is about the form.
        "ALLOW_SIGN_UP": "true",
        "ROLE_ATTRIBUTE_PATH": role_attribute_path(oauth),
        "ROLE_ATTRIBUTE_STRICT": "true",
        "ALLOW_ASSIGN_GRAFANA_ADMIN": "false",
    }
    if oauth.allowed_domains:
        options["ALLOWED_DOMAINS"] = " ".join(oauth.allowed_domains)
    return {f"GF_AUTH_GENERIC_OAUTH_{name}": value for name, value in options.items()}


def role_attribute_path(oauth: OAuth) -> str:
    """The JMESPath expression of a person's role: the highest that one of the person's groups has.

    It ends without a role for everybody: Grafana asks the ID token first, which has no groups with some
    providers, and would not ask UserInfo any more.
    """
    claim = oauth.groups_claim if oauth.groups_claim.isidentifier() else f'"{oauth.groups_claim}"'
    roles = {"Admin": oauth.roles.admin, "Editor": oauth.roles.editor, "Viewer": oauth.roles.viewer}
    return " || ".join(
        f"contains({claim}[*], '{group}') && '{role}'" for role, groups in roles.items() for group in groups
    )
