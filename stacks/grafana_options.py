"""Grafana's options: what is in its configuration file elsewhere is its environment here."""

from stacks.grafana_settings import Grafana as GrafanaSettings

DATA_PATH = "/var/lib/grafana"
SECRETS_PATH = "/etc/grafana/secrets"
PROVISIONING_PATH = "/etc/grafana/provisioning"


def grafana_options(settings: GrafanaSettings) -> dict[str, str]:
    """Grafana's options as its environment states them; secrets are named by path."""
    return {
        "GF_PATHS_DATA": DATA_PATH,
        "GF_PATHS_PROVISIONING": PROVISIONING_PATH,
        "GF_SERVER_ROOT_URL": settings.root_url,
        "GF_LOG_MODE": "console",
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{SECRETS_PATH}/admin-password}}",
        "GF_SECURITY_SECRET_KEY": f"$__file{{{SECRETS_PATH}/secret-key}}",
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
        "GF_DATABASE_WAL": "true",
    }
