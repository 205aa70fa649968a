"""Grafana's options: what elsewhere is its configuration file is its environment here.

Their names are those of Grafana's `conf/defaults.ini`, as `GF_SECTION_KEY`; secrets are named by path.
"""

from collections.abc import Sequence

import pulumi_kubernetes as k8s

from stacks.grafana_settings import ADMIN_PASSWORD, DATABASE_PASSWORD, SECRET_KEY, Database
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
        "GF_DATABASE_HOST": f"{database.host}:{database.number}",
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
