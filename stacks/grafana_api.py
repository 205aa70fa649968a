"""Content of a Grafana that exists: folders, data sources, dashboards and the contact point, by its API.

Importing it imports the provider's SDK, which a stack that provisions from files does without.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumiverse_grafana as grafana

from stacks.grafana_provisioning import CONTACT_POINT, FOLDERS, GROUP_BY, SENDER, folder_uid
from stacks.notification_settings import ROOT, Slack

#: The folder that editors may change; all else they read.
EDITORS_FOLDER = "sandbox"


@dataclass(frozen=True, kw_only=True)
class GrafanaApiArgs:
    """What an existing Grafana is told."""

    url: str
    token: pulumi.Output[str]
    """Of a service account that is an Admin."""
    data_sources: Sequence[Mapping[str, Any]]
    """As `grafana_provisioning.data_sources` gives them."""
    dashboards: Mapping[str, str]
    """The project's dashboards: file name to JSON."""
    custom_dashboards: Mapping[str, str]
    """Dashboards that people dropped in: file name to JSON."""
    slack: Slack | None
    """The channel of the contact point for alerts that people build in Grafana."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets, by key."""


class GrafanaApi(pulumi.ComponentResource):
    """What is provisioned from files otherwise, in a Grafana that somebody else runs."""

    def __init__(self, name: str, args: GrafanaApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dubbing:monitoring:GrafanaApi", name, None, opts)
        provider = grafana.Provider(
            f"{name}-provider",
            url=args.url,
            auth=pulumi.Output.secret(args.token),
            opts=pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        folders = {folder: _folder(name, folder, title, child) for folder, title in FOLDERS.items()}
        sources = [_data_source(name, source, child) for source in args.data_sources]
        # A dashboard that comes before its data source would show errors meanwhile.
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=sources))
        for folder, files in (("platform", args.dashboards), ("custom", args.custom_dashboards)):
            for file, text in files.items():
                grafana.oss.Dashboard(
                    f"{name}-{folder}-{file.removesuffix('.json')}",
                    config_json=text,
                    folder=folders[folder].uid,
                    overwrite=True,
                    opts=after,
                )
        if args.slack:
            _contact_point(name, args.slack, args.secrets[f"slackWebhookUrl-{ROOT}"], child)
        self.register_outputs({})


def _folder(name: str, folder: str, title: str, opts: pulumi.ResourceOptions) -> grafana.oss.Folder:
    """A folder that all may read, and editors change where it is theirs."""
    made = grafana.oss.Folder(f"{name}-{folder}", title=title, uid=folder_uid(folder), opts=opts)
    grafana.oss.FolderPermission(
        f"{name}-{folder}-permissions",
        folder_uid=made.uid,
        permissions=[
            {"role": "Viewer", "permission": "View"},
            {"role": "Editor", "permission": "Edit" if folder == EDITORS_FOLDER else "View"},
        ],
        opts=opts,
    )
    return made


def _data_source(
    name: str, source: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> grafana.oss.DataSource:
    return grafana.oss.DataSource(
        f"{name}-{source['uid']}",
        name=source["name"],
        type=source["type"],
        uid=source["uid"],
        access_mode=source["access"],
        url=source["url"],
        is_default=source.get("isDefault", False),
        json_data_encoded=json.dumps(source["jsonData"], sort_keys=True),
        opts=opts,
    )


def _contact_point(name: str, slack: Slack, url: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """The contact point, and the policy that sends everything there."""
    point = grafana.alerting.ContactPoint(
        f"{name}-contact-point",
        name=CONTACT_POINT,
        slacks=[{"url": pulumi.Output.secret(url), "recipient": slack.channel, "username": SENDER}],
        opts=opts,
    )
    grafana.alerting.NotificationPolicy(
        f"{name}-notification-policy", contact_point=point.name, group_bies=list(GROUP_BY), opts=opts
    )
